/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Builds small trace.dat files in memory, record by record, so that a test can have any shape of
 * sub-buffer, option or section, right or wrong. Five events: kvm_hv_stimer_set_count (id 101),
 * kvm_hv_stimer_start_one_shot (102), sched_switch (103), kvm_entry (104), kvm_hv_stimer_expiration
 * (105); 106 and up have no format.
 */
#ifndef HVST_TEST_MKDAT_H
#define HVST_TEST_MKDAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../../lib/file/compress.h"

#define MK_PAGE	     4096
#define MK_SET_COUNT 101
#define MK_START     102
#define MK_SWITCH    103
#define MK_UNKNOWN   106

struct mk_bytes {
	uint8_t *data;
	size_t len, cap;
	size_t hole_at; /* mk_save() leaves @hole bytes of nothing here */
	uint64_t hole;
};
void mk_put(struct mk_bytes *b, const void *data, size_t len);
void mk_free(struct mk_bytes *b);

/* One CPU's sub-buffers. */
struct mk_cpu {
	struct mk_bytes pages;
	uint8_t page[MK_PAGE];
	uint32_t used; /* of the page's data */
	uint64_t ts;   /* of the last record */
	bool open;
};

/* Ends the sub-buffer. @missed: 0 none before it, -1 an unknown number, else that number. */
void mk_end_page(struct mk_cpu *c, int64_t missed);
/* Words as they are, at the end of the sub-buffer, which begins at @ts if it is new. */
void mk_raw(struct mk_cpu *c, uint64_t ts, const void *data, uint32_t len);
/*
 * A data record, with a time extend before it where it needs one; a new sub-buffer when it is full.
 */
void mk_record(struct mk_cpu *c, uint64_t ts, const void *data, uint32_t len);
void mk_set_count(struct mk_cpu *c, uint64_t ts, int pid, int vcpu, uint64_t count);
void mk_start(struct mk_cpu *c, uint64_t ts, int pid, int vcpu, uint64_t time_now, uint64_t count);
void mk_switch(struct mk_cpu *c, uint64_t ts, int prev, int next);
void mk_unknown(struct mk_cpu *c, uint64_t ts, uint32_t len);

struct mk_buffer {
	const char *name, *clock;
	struct mk_cpu *cpus;
	unsigned int nr_cpus;
};

struct mk_option {
	unsigned int id;
	const void *data;
	uint32_t len;
};

struct mk_file {
	int version;
	enum hvst_compression compression; /* of version 7 */
	const struct mk_buffer *buffers;   /* the first is the top one */
	unsigned int nr_buffers;
	const struct mk_option *options; /* besides the necessary ones */
	unsigned int nr_options;
	uint32_t chunk_pages; /* 0: 2 */
	size_t btf;    /* version 7: bytes of a BTF section, and a section of modules; 0: none */
	uint64_t hole; /* version 7: bytes before the first buffer's data, for files beyond 2 GiB */
};

/* The file, to be freed by mk_free(). */
struct mk_bytes mk_file(const struct mk_file *f);
/* Writes it to a new temporary file; the name, to be unlinked and freed. */
char *mk_save(const struct mk_bytes *b);

#endif
