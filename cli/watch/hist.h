/* SPDX-License-Identifier: GPL-2.0 */
/* The text of a "hist" file of tracefs: what histogram triggers counted. */
#ifndef HVST_CLI_WATCH_HIST_H
#define HVST_CLI_WATCH_HIST_H

#include <stddef.h>
#include <stdint.h>

#define HIST_MAX_KEYS 3 /* the kernel's own limit */

/**
 * struct hist_reader - what is expected, and who takes it
 * @keys: names of the keys, in order
 * @begin: a histogram begins: the text of its trigger, which is all that tells the histograms of
 *	one event apart (the kernel lists the newest first); returns its number, or an error
 * @entry: takes one entry of histogram @trigger; an error ends the reading
 * @nr_triggers, @entries, @dropped: found: how many histograms; the entries of the fullest; events
 *	that found no room for an entry, of all
 */
struct hist_reader {
	const char *keys[HIST_MAX_KEYS];
	unsigned int nr_keys;
	int (*begin)(void *arg, const char *trigger, size_t len);
	int (*entry)(void *arg, unsigned int trigger, const uint64_t *keys, uint64_t hits);
	void *arg;
	unsigned int nr_triggers;
	uint64_t entries, dropped;
};

/* 0; -EINVAL when @text is not the whole text of such a file; or the error of @begin or @entry. */
int hist_read(struct hist_reader *r, const char *text);

#endif
