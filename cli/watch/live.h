/* SPDX-License-Identifier: GPL-2.0 */
/* A private ring buffer, read while it is written, for a session. */
#ifndef HVST_CLI_WATCH_LIVE_H
#define HVST_CLI_WATCH_LIVE_H

#include <hvstimer/hvstimer.h>

#include "ring.h"

/**
 * struct watch_live - the ring and its readers
 * @fds: by CPU, trace_pipe_raw; -1: there is no such CPU
 * @head: a file in memory, the head of a trace.dat; -1: none
 */
struct watch_live {
	struct watch_ring ring;
	int *fds;
	unsigned int nr;
	int head;
};

/*
 * Begins to record into @kb KiB a CPU, with @exits also exits and entries. 0, or a negative errno
 * with the reason in @err; call watch_live_stop() in either case.
 */
int watch_live_start(struct watch_live *l, const struct record_host *h, unsigned long kb,
		     bool exits, char *err, size_t errlen);
/* The next sub-buffer of @cpu: its length, 0 when there is none at present, a negative errno. */
int watch_live_read(struct watch_live *l, unsigned int cpu, void *buf, size_t len);
/*
 * Write what @s has of it in memory to @path, as watch_ring_save() does with a ring, with the
 * names of the threads @tids. 0, or a negative errno with the reason in @err.
 */
int watch_live_save(const struct watch_live *l, const struct hvst_session *s, const int32_t *tids,
		    size_t nr_tids, const char *path, char *err, size_t errlen);
/* Ends the recording and removes the instance. 0 or a negative errno. */
int watch_live_stop(struct watch_live *l);

#endif
