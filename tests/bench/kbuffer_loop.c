// SPDX-License-Identifier: GPL-2.0
/*
 * kbuffer_loop FILE
 * libtraceevent's kbuffer over all sub-buffers of a file, CPU by CPU, without decoding anything:
 * what its way through the ring buffer costs. The sub-buffers come from hvstimer's page reader, on
 * one thread.
 */
#include <stdio.h>

#include <kbuffer.h>

#include "../../lib/file/open.h"
#include "../../lib/ring/pages.h"

static unsigned long long sum;

static unsigned long long count_page(struct kbuffer *kb, void *page)
{
	unsigned long long n = 0, ts;

	kbuffer_load_subbuffer(kb, page);
	while (kbuffer_read_event(kb, &ts)) {
		sum += ts;
		n++;
		kbuffer_next_event(kb, NULL);
	}
	return n;
}

static unsigned long long count_cpu(struct kbuffer *kb, const struct hvst_file *f,
				    unsigned int buffer, const struct hvst_cpu_data *cpu,
				    struct hvst_unpack *u)
{
	struct hvst_block b = { 0 };
	unsigned long long n = 0;
	struct hvst_pages p;

	hvst_pages_init(&p, f, buffer, cpu, 16 << 20);
	for (int rc = hvst_pages_rewind(&p); !rc && (rc = hvst_pages_load(&p, &b, u)) > 0; rc = 0)
		for (size_t at = 0; at < b.len; at += p.page_size)
			n += count_page(kb, b.data + at);
	hvst_block_free(&b);
	hvst_pages_free(&p);
	return n;
}

int main(int argc, char **argv)
{
	static const char *const none[] = { NULL };
	struct kbuffer *kb = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	struct hvst_unpack *u = NULL;
	unsigned long long n = 0;
	struct hvst_file f;
	char err[512];

	if (argc != 2 || hvst_file_open(&f, argv[1], none, err, sizeof(err)))
		return 3;
	if (f.compression != HVST_COMP_NONE)
		u = hvst_unpack_new(f.compression);
	for (unsigned int i = 0; i < f.nr_buffers; i++)
		for (unsigned int c = 0; c < f.buffers[i].nr_cpus; c++)
			n += count_cpu(kb, &f, i, &f.buffers[i].cpus[c], u);
	printf("%llu events, sum of stamps %llu\n", n, sum);
	hvst_unpack_free(u);
	hvst_file_close(&f);
	kbuffer_free(kb);
	return 0;
}
