/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: read. What a trace.dat of version 6 or 7 says about itself, every length checked: the walk
 * over its header, sections and options. Both readers need it: the page reader takes the places of
 * the data from it, and libtracecmd, which crashes on a third of cut-off files, is only given files
 * that passed it.
 */
#ifndef HVST_READ_FILE_H
#define HVST_READ_FILE_H

#include "format.h"
#include "io.h"

#define HVST_MAX_CPUS	  4096
#define HVST_MAX_BUFFERS  256
#define HVST_MAX_META	  (32u << 20) /* bytes of one decompressed section */
#define HVST_MAX_META_ALL (64u << 20) /* of all that are read */
#define HVST_MAX_CHUNK	  (16u << 20) /* bytes that the page reader unpacks at a time */
#define HVST_MAX_PAGE	  (1u << 20)  /* bytes of one sub-buffer */
#define HVST_PATH_ERR	  512

enum hvst_compression { HVST_COMP_NONE, HVST_COMP_ZLIB, HVST_COMP_ZSTD };

/* One CPU's data: [offset, offset + size) of the file, cut at the file's end. */
struct hvst_cpu_data {
	unsigned int cpu;
	uint64_t offset, size;
};

struct hvst_file_buffer {
	char *name; /* "": the top buffer */
	char *clock;
	uint32_t page_size;
	bool compressed; /* the data is in chunks */
	bool text;	 /* a latency tracer's text, no records */
	struct hvst_cpu_data *cpus;
	unsigned int nr_cpus;
};

struct hvst_comm {
	int pid;
	char comm[16];
};

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
	int *tids;
	unsigned int nr;
};
#define HVST_MAX_GUESTS 256

/**
 * struct hvst_file - one opened trace.dat
 * @io: its bytes
 * @version: 6 or 7
 * @truncated_at: where a cut-off file ends, -1 when it is whole
 * @clock: of the top buffer
 * @tsc_mult, @tsc_shift: TSC2NSEC; @tsc_mult is 0 without
 * @ts_offset: sum of the DATE and OFFSET options, ns
 * @shift: per CPU, of the top buffer only; none: @nr_shift is 0
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
	uint32_t tsc_mult, tsc_shift;
	int64_t ts_offset;
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
	char declined[128];
	const char *const *systems; /* wanted, NULL-terminated, NULL: all; borrowed */
	char *err;		    /* where to put messages */
	size_t errlen;
};

/*
 * hvst_file_open - open @path and walk it
 *
 * Only formats of @systems (NULL-terminated; NULL: all, ftrace's too) are read and checked. 0, or a
 * negative errno and a message with path, cause and offset in @err. hvst_file_close() frees all; it
 * takes a file that failed to open, too.
 */
int hvst_file_open(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		   size_t errlen);
/* The same on memory, which must outlive @f: for tests and fuzzers. */
int hvst_file_open_mem(struct hvst_file *f, const void *mem, size_t size,
		       const char *const *systems, char *err, size_t errlen);
void hvst_file_close(struct hvst_file *f);

/* The guest whose vCPU *@vcpu thread @tid is, NULL when unknown. */
const char *hvst_file_guest(const struct hvst_file *f, int tid, int *vcpu);
/* "" when unknown */
const char *hvst_file_comm(const struct hvst_file *f, int pid);

/* --- inside lib/read --- */

/* Stores "PATH: message" and returns @code. */
int hvst_file_fail(struct hvst_file *f, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The error of a cursor that went bad in @what: the file ends early, or it lies about a length. */
int hvst_file_bad(struct hvst_file *f, const struct hvst_cursor *c, const char *what);
/* Says what a file that is no trace.dat seems to be, and what to do; returns a negative errno. */
int hvst_file_sniff(struct hvst_file *f);
int hvst_file_walk6(struct hvst_file *f, uint64_t pos);
int hvst_file_walk7(struct hvst_file *f, uint64_t pos);

/* The parts both versions have; each reads at the cursor. */
int hvst_file_read_header_info(struct hvst_file *f, struct hvst_cursor *c);
int hvst_file_read_formats(struct hvst_file *f, struct hvst_cursor *c, const char *system);
int hvst_file_read_systems(struct hvst_file *f, struct hvst_cursor *c);
int hvst_file_read_comms(struct hvst_file *f, struct hvst_cursor *c);
/* One option's data. @id DONE and the ones that name sections are the caller's. */
int hvst_file_option(struct hvst_file *f, unsigned int id, const uint8_t *data, uint32_t len);
struct hvst_file_buffer *hvst_file_add_buffer(struct hvst_file *f, const char *name,
					      const char *clock);
int hvst_file_add_cpu(struct hvst_file *f, struct hvst_file_buffer *b, unsigned int cpu,
		      uint64_t offset, uint64_t size);

enum hvst_option {
	HVST_OPT_DONE,
	HVST_OPT_DATE,
	HVST_OPT_CPUSTAT,
	HVST_OPT_BUFFER,
	HVST_OPT_TRACECLOCK,
	HVST_OPT_UNAME,
	HVST_OPT_HOOK,
	HVST_OPT_OFFSET,
	HVST_OPT_CPUCOUNT,
	HVST_OPT_VERSION,
	HVST_OPT_PROCMAPS,
	HVST_OPT_TRACEID,
	HVST_OPT_TIME_SHIFT,
	HVST_OPT_GUEST,
	HVST_OPT_TSC2NSEC,
	HVST_OPT_STRINGS,
	HVST_OPT_HEADER_INFO,
	HVST_OPT_FTRACE_EVENTS,
	HVST_OPT_EVENT_FORMATS,
	HVST_OPT_KALLSYMS,
	HVST_OPT_PRINTK,
	HVST_OPT_CMDLINES,
	HVST_OPT_BUFFER_TEXT,
};

#endif
