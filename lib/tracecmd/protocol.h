/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: tracecmd. The messages between the helper program that runs libtracecmd
 * (libexec/hvstimer-tracecmd.c) and the process that wants the records. Both are of one version, so
 * the messages are plain structs.
 */
#ifndef HVST_TRACECMD_PROTOCOL_H
#define HVST_TRACECMD_PROTOCOL_H

#include <stddef.h>
#include <stdint.h>

#define HVST_HELPER	   "hvstimer-tracecmd" /* the program's name */
#define HVST_HELPER_SOCKET 3		       /* its open files */
#define HVST_HELPER_TRACE  4

#define HVST_BATCH_BYTES (64u << 10) /* of records, about */
#define HVST_RECORD_MAX	 (1u << 20)  /* no record is longer than a sub-buffer */

/* Requests the next records of one CPU of a buffer. */
struct hvst_request {
	uint32_t buffer, cpu;
	uint32_t first; /* from the beginning */
};

/*
 * The reply: @bytes of records follow, none at the end. The first reply comes without a request,
 * when the file is open.
 */
struct hvst_reply {
	int32_t rc; /* negative errno */
	uint32_t bytes;
	char what[64]; /* when @rc is negative */
};

/* Before each record's @size bytes. */
struct hvst_record_head {
	uint64_t ts;
	int64_t missed;
	uint32_t size;
};

/* Transfer all @len bytes, whatever signals arrive: 0, or -EPIPE when the other side is gone. */
int hvst_protocol_send(int fd, const void *p, size_t len);
int hvst_protocol_receive(int fd, void *p, size_t len);

#endif
