// SPDX-License-Identifier: GPL-2.0
/*
 * A file holds for each trigger:
 *
 *	# event histogram
 *	#
 *	# trigger info: hist:keys=...
 *	#
 *
 *	{ common_pid:        155, vcpu_id:          0 } hitcount:      14041
 *
 *	Totals:
 *	    Hits: 14041
 *	    Entries: 1
 *	    Dropped: 0
 */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "hist.h"

static void skip_blanks(const char **p)
{
	while (**p == ' ' || **p == '\t')
		(*p)++;
}

static bool take(const char **p, const char *word)
{
	size_t len = strlen(word);

	skip_blanks(p);
	if (strncmp(*p, word, len))
		return false;
	*p += len;
	return true;
}

static bool take_number(const char **p, uint64_t *v)
{
	const char *s;

	skip_blanks(p);
	s = *p;
	for (*v = 0; isdigit((unsigned char)**p); (*p)++)
		if (__builtin_mul_overflow(*v, 10, v) || __builtin_add_overflow(*v, **p - '0', v))
			return false;
	return *p > s;
}

static bool take_end_of_line(const char **p)
{
	skip_blanks(p);
	if (**p != '\n')
		return false;
	(*p)++;
	return true;
}

/* "Hits: 12" */
static bool take_total(const char **p, const char *name, uint64_t *v)
{
	return take(p, name) && take(p, ":") && take_number(p, v) && take_end_of_line(p);
}

static int read_totals(struct hist_reader *r, const char **p)
{
	uint64_t hits, entries, dropped;

	if (!take_end_of_line(p) || !take_total(p, "Hits", &hits) ||
	    !take_total(p, "Entries", &entries) || !take_total(p, "Dropped", &dropped))
		return -EINVAL;
	if (entries > r->entries)
		r->entries = entries;
	r->dropped += dropped;
	return 0;
}

/* After "{". */
static int read_entry(struct hist_reader *r, const char **p, unsigned int trigger)
{
	uint64_t keys[HIST_MAX_KEYS], hits;
	unsigned int i;

	for (i = 0; i < r->nr_keys; i++)
		if ((i && !take(p, ",")) || !take(p, r->keys[i]) || !take(p, ":") ||
		    !take_number(p, &keys[i]))
			return -EINVAL;
	if (!take(p, "}") || !take(p, "hitcount:") || !take_number(p, &hits) ||
	    !take_end_of_line(p))
		return -EINVAL;
	return r->entry(r->arg, trigger, keys, hits);
}

/* After "# event histogram": its number, or an error. */
static int read_head(struct hist_reader *r, const char **p)
{
	size_t len;
	int rc;

	if (!take_end_of_line(p) || !take(p, "#") || !take_end_of_line(p) ||
	    !take(p, "# trigger info:"))
		return -EINVAL;
	len = strcspn(*p, "\n");
	rc = r->begin(r->arg, *p, len);
	*p += len;
	if (rc >= 0 && (!take_end_of_line(p) || !take(p, "#") || !take_end_of_line(p)))
		return -EINVAL;
	r->nr_triggers++;
	return rc;
}

int hist_read(struct hist_reader *r, const char *text)
{
	int trigger = -1, rc = 0; /* -1: between histograms */

	r->nr_triggers = 0;
	r->entries = r->dropped = 0;
	while (rc >= 0 && *text) {
		if (take_end_of_line(&text))
			continue;
		if (trigger < 0) {
			rc = take(&text, "# event histogram") ? read_head(r, &text) : -EINVAL;
			trigger = rc;
		} else if (take(&text, "{")) {
			rc = read_entry(r, &text, trigger);
		} else {
			rc = take(&text, "Totals:") ? read_totals(r, &text) : -EINVAL;
			trigger = -1;
		}
	}
	if (rc < 0)
		return rc;
	return trigger < 0 ? 0 : -EINVAL;
}
