/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. What an opened trace.dat says about itself: buffers, where each CPU's data is, event
 * formats, clocks. Filled while the file is walked (open.h), constant afterwards.
 */
#ifndef HVST_FILE_FILE_H
#define HVST_FILE_FILE_H

#include "compress.h"
#include "format.h"
#include "io.h"

#define HVST_MAX_CPUS	  4096
#define HVST_MAX_BUFFERS  256
#define HVST_MAX_META	  (32u << 20) /* bytes of one decompressed section */
#define HVST_MAX_META_ALL (64u << 20) /* of all that are read */
#define HVST_MAX_CHUNK	  (16u << 20) /* bytes that the page reader decompresses at once */
#define HVST_MAX_PAGE	  (1u << 20)  /* bytes of one sub-buffer */
#define HVST_PATH_ERR	  512

/* One CPU's data: [offset, offset + size) of the file, truncated at its end. */
struct hvst_cpu_data {
	unsigned int cpu;
	uint64_t offset, size;
};

struct hvst_file_buffer {
	char *name; /* "": the top buffer */
	char *clock;
	uint32_t page_size;
	bool compressed;    /* the data is in chunks */
	bool text;	    /* a latency tracer's text, no records */
	bool previous_boot; /* a persistent ring buffer that the previous boot filled */
	struct hvst_cpu_data *cpus;
	unsigned int nr_cpus;
};

struct hvst_comm {
	int pid;
	char comm[16];
};

/* For qsort() and bsearch(). */
int hvst_cmp_comm(const void *a, const void *b);

/* Corrections of one CPU's time stamps, guest to host (option TIME_SHIFT). */
struct hvst_time_sample {
	int64_t time, offset;
	uint64_t scaling;
	uint32_t fraction;
};
struct hvst_time_shift {
	struct hvst_time_sample *samples;
	unsigned int nr;
};

/*
 * A guest that was recorded together with its host (option GUEST): @tids[vcpu] is the vCPU's
 * thread, 0 unknown.
 */
struct hvst_guest {
	char name[64];
	uint64_t trace_id; /* of its own recording; 0: not known */
	int *tids;
	unsigned int nr;
};
#define HVST_MAX_GUESTS 256

/* A thread that ran vCPU @vcpu of guests[@guest]. */
struct hvst_guest_thread {
	int tid;
	unsigned int guest, vcpu;
};

/**
 * struct hvst_file - one opened trace.dat
 * @io: its bytes
 * @version: 6 or 7
 * @truncated_at: where a truncated file ends, -1 when it is complete
 * @clock: of the top buffer
 * @tsc_mult, @tsc_shift: TSC2NSEC; @tsc_mult is 0 without
 * @ts_offset: sum of the DATE and OFFSET options, ns
 * @trace_id: chosen at random by trace-cmd record (option TRACEID); 0: not in the file
 * @host_trace_id: of the host's file, in a guest's (option TIME_SHIFT); 0: not known
 * @dated: there was a DATE option: with it time stamps count from the Epoch
 * @shift: per CPU, of the top buffer only; none: @nr_shift is 0
 * @last_boot: instances whose ring buffer the previous boot filled (option LAST_BOOT_INFO)
 * @data_bytes: of all CPUs' data together; @meta_bytes: unpacked from sections
 * @declined: why the page reader does not take the file; "" when it does
 */
struct hvst_file {
	struct hvst_io io;
	char *path;
	int version;
	enum hvst_compression compression;
	uint32_t page_size;
	int64_t truncated_at;
	char *clock;
	char *uname;
	uint64_t trace_id, host_trace_id;
	uint32_t tsc_mult, tsc_shift;
	int64_t ts_offset;
	bool dated;
	struct hvst_time_shift *shift;
	unsigned int nr_shift, shift_flags;
	uint64_t data_bytes, meta_bytes;
	uint32_t cpu_count;   /* option CPUCOUNT; 0 without */
	uint32_t data_offset; /* of the sub-buffer; 0: not read yet */
	struct hvst_file_buffer *buffers;
	unsigned int nr_buffers;
	struct hvst_format *formats; /* of the wanted systems */
	unsigned int nr_formats;
	struct hvst_comm *comms; /* sorted by pid */
	unsigned int nr_comms;
	struct hvst_guest *guests;
	unsigned int nr_guests;
	struct hvst_guest_thread *guest_threads; /* of all guests, by tid, then guest and vCPU */
	unsigned int nr_guest_threads;
	char **last_boot;
	unsigned int nr_last_boot;
	char declined[128];
	const char *const *systems; /* wanted, NULL-terminated, NULL: all; borrowed */
	char *err;		    /* messages go there */
	size_t errlen;
};

/* Frees all; takes a file that failed to open, too. */
void hvst_file_close(struct hvst_file *f);

/* Fills in @guest_threads, when all guests are there. 0, or -ENOMEM and a message. */
int hvst_file_index_guests(struct hvst_file *f);
/* The guest whose vCPU *@vcpu thread @tid is, NULL when unknown; of several the first. */
const char *hvst_file_guest(const struct hvst_file *f, int tid, int *vcpu);
/* The command name of task @pid; "" when unknown. */
const char *hvst_file_comm(const struct hvst_file *f, int pid);

/* Stores "PATH: message" and returns @code. */
int hvst_file_fail(struct hvst_file *f, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same for an allocation that failed. */
int hvst_file_no_memory(struct hvst_file *f);
/*
 * The error of a cursor that went bad in @what: the file is truncated, a length is wrong, or
 * reading it failed.
 */
int hvst_file_bad(struct hvst_file *f, const struct hvst_cursor *c, const char *what);
/* Adds a buffer, *@added; its strings are copied. 0, or a negative errno and a message. */
int hvst_file_add_buffer(struct hvst_file *f, const char *name, const char *clock,
			 struct hvst_file_buffer **added);
/* Adds the data of one CPU, truncated at the end of the file. 0, or a negative errno. */
int hvst_file_add_cpu(struct hvst_file *f, struct hvst_file_buffer *b, unsigned int cpu,
		      uint64_t offset, uint64_t size);

#endif
