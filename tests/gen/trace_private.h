/* SPDX-License-Identifier: GPL-2.0 */
/* What trace.c (records) and dat.c (the file around them) share. */
#ifndef GEN_TRACE_PRIVATE_H
#define GEN_TRACE_PRIVATE_H

#include "trace.h"

/* A record that waits for those before it. */
struct item {
	int64_t t;
	uint32_t at; /* into the queue's data */
	uint16_t len;
	uint8_t buffers; /* bit per buffer it goes to */
};

struct queue {
	struct item *items;
	size_t head, n, room;
	uint8_t *data;
	size_t bytes, bytes_room;
};

struct trace {
	struct trace_opts opts;
	struct gen_layout layouts[EV_COUNT];
	uint8_t where[EV_COUNT]; /* buffers that record an event */
	struct queue *queues;	 /* per CPU */
	struct ring *rings;	 /* [buffer * cpus + cpu] */
	char **comms;		 /* "PID NAME\n" */
	unsigned int nr_comms;
	FILE *out;
	uint64_t bytes;
	int error;
};

/* Writes the whole file around the finished rings. 0 or negative errno. */
int dat_write(struct trace *tr);

#endif
