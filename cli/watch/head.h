/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The head of a trace.dat, before its data: the events, clock and CPUs of a ring buffer, the names
 * of threads.
 */
#ifndef HVST_CLI_WATCH_HEAD_H
#define HVST_CLI_WATCH_HEAD_H

#include <stdint.h>
#include <stdio.h>

#include "ring.h"

/**
 * struct watch_head - a head to be written
 * @f: where to, from its beginning
 * @nr_cpus: one more than the highest number, watch_ring_cpus()
 * @page: bytes of a sub-buffer, watch_ring_page()
 * @tids: threads whose names are written beside those that the kernel remembers
 * @table: gets the place of the table of CPUs, an offset and a length for each, which are zero
 * @what: gets what was being written, for a message
 */
struct watch_head {
	const struct watch_ring *ring;
	FILE *f;
	unsigned int nr_cpus;
	long page;
	const int32_t *tids;
	size_t nr_tids;
	off_t table;
	const char *what;
};

/* 0 or a negative errno. Errors of @f are left to its caller. */
int watch_head_write(struct watch_head *h);

/* One more than the highest number of a CPU with a buffer. */
unsigned int watch_ring_cpus(const struct watch_ring *r);
long watch_ring_page(const struct watch_ring *r);

#endif
