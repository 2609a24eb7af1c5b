/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. What an opened trace.dat says about itself: storing it, looking it up, freeing it.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "file.h"

int hvst_file_fail(struct hvst_file *f, int code, const char *fmt, ...)
{
	char msg[HVST_PATH_ERR];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	if (f->errlen)
		snprintf(f->err, f->errlen, "%s: %s", f->path, msg);
	return code;
}

int hvst_file_no_memory(struct hvst_file *f)
{
	return hvst_file_fail(f, -ENOMEM, "out of memory");
}

int hvst_file_bad(struct hvst_file *f, const struct hvst_cursor *c, const char *what)
{
	if (c->err == -ENOMEM)
		return hvst_file_no_memory(f);
	if (c->err)
		return hvst_file_fail(f, c->err, "the %s at offset %llu cannot be read: %s", what,
				      (unsigned long long)c->pos, hvst_io_error(c->err));
	if (c->io == &f->io && c->need > f->io.size)
		return hvst_file_fail(f, -EBADMSG,
				      "cut off or corrupt: the %s at offset %llu needs more than "
				      "the %llu bytes there are",
				      what, (unsigned long long)c->pos,
				      (unsigned long long)f->io.size);
	return hvst_file_fail(f, -EBADMSG, "corrupt: the %s at offset %llu%s makes no sense", what,
			      (unsigned long long)c->pos,
			      c->io == &f->io ? "" : " of the unpacked section");
}

int hvst_cmp_comm(const void *a, const void *b)
{
	const struct hvst_comm *x = a, *y = b;

	return (x->pid > y->pid) - (x->pid < y->pid);
}

const char *hvst_file_comm(const struct hvst_file *f, int pid)
{
	struct hvst_comm key = { .pid = pid };
	const struct hvst_comm *c;

	c = f->nr_comms ? bsearch(&key, f->comms, f->nr_comms, sizeof(key), hvst_cmp_comm) : NULL;
	return c ? c->comm : "";
}

static int cmp_guest_thread(const void *x, const void *y)
{
	const struct hvst_guest_thread *a = x, *b = y;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->guest != b->guest)
		return a->guest < b->guest ? -1 : 1;
	return (a->vcpu > b->vcpu) - (a->vcpu < b->vcpu);
}

/* Adds the threads of guest @i that are known. */
static void add_guest_threads(struct hvst_file *f, unsigned int i)
{
	const struct hvst_guest *g = &f->guests[i];

	for (unsigned int vcpu = 0; vcpu < g->nr; vcpu++)
		if (g->tids[vcpu])
			f->guest_threads[f->nr_guest_threads++] =
				(struct hvst_guest_thread){ g->tids[vcpu], i, vcpu };
}

int hvst_file_index_guests(struct hvst_file *f)
{
	size_t n = 0;

	for (unsigned int i = 0; i < f->nr_guests; i++)
		n += f->guests[i].nr;
	if (!n)
		return 0;
	f->guest_threads = calloc(n, sizeof(*f->guest_threads));
	if (!f->guest_threads)
		return hvst_file_no_memory(f);
	for (unsigned int i = 0; i < f->nr_guests; i++)
		add_guest_threads(f, i);
	qsort(f->guest_threads, f->nr_guest_threads, sizeof(*f->guest_threads), cmp_guest_thread);
	return 0;
}

const char *hvst_file_guest(const struct hvst_file *f, int tid, int *vcpu)
{
	unsigned int lo = 0, hi = f->nr_guest_threads;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (f->guest_threads[mid].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo == f->nr_guest_threads || f->guest_threads[lo].tid != tid)
		return NULL;
	*vcpu = (int)f->guest_threads[lo].vcpu;
	return f->guests[f->guest_threads[lo].guest].name;
}

int hvst_file_add_buffer(struct hvst_file *f, const char *name, const char *clock,
			 struct hvst_file_buffer **added)
{
	struct hvst_file_buffer *b;

	if (f->nr_buffers >= HVST_MAX_BUFFERS)
		return hvst_file_fail(f, -EBADMSG, "corrupt: more than %u buffers",
				      HVST_MAX_BUFFERS);
	b = realloc(f->buffers, (f->nr_buffers + 1) * sizeof(*b));
	if (!b)
		return hvst_file_no_memory(f);
	f->buffers = b;
	b += f->nr_buffers;
	memset(b, 0, sizeof(*b));
	b->name = strdup(name);
	b->clock = strdup(clock);
	b->page_size = f->page_size;
	f->nr_buffers++;
	*added = b;
	return b->name && b->clock ? 0 : hvst_file_no_memory(f);
}

int hvst_file_add_cpu(struct hvst_file *f, struct hvst_file_buffer *b, unsigned int cpu,
		      uint64_t offset, uint64_t size)
{
	struct hvst_cpu_data *d;

	if (cpu >= HVST_MAX_CPUS || b->nr_cpus >= HVST_MAX_CPUS)
		return hvst_file_fail(f, -EBADMSG, "corrupt: CPU %u is beyond the %u supported",
				      cpu, HVST_MAX_CPUS);
	if (offset > f->io.size || size > f->io.size - offset) {
		f->truncated_at = (int64_t)f->io.size;
		offset = offset < f->io.size ? offset : f->io.size;
		size = f->io.size - offset;
	}
	/* Reject overlapping data: a small file could claim the same bytes many times. */
	f->data_bytes += size;
	if (f->data_bytes > f->io.size)
		return hvst_file_fail(
			f, -EBADMSG,
			"corrupt: CPU %u's data at offset %llu is another CPU's as well", cpu,
			(unsigned long long)offset);
	d = realloc(b->cpus, (b->nr_cpus + 1) * sizeof(*d));
	if (!d)
		return hvst_file_no_memory(f);
	b->cpus = d;
	d[b->nr_cpus++] = (struct hvst_cpu_data){ .cpu = cpu, .offset = offset, .size = size };
	return 0;
}

void hvst_file_close(struct hvst_file *f)
{
	for (unsigned int i = 0; i < f->nr_buffers; i++) {
		free(f->buffers[i].name);
		free(f->buffers[i].clock);
		free(f->buffers[i].cpus);
	}
	for (unsigned int i = 0; i < f->nr_formats; i++)
		free(f->formats[i].fields);
	for (unsigned int i = 0; i < f->nr_shift; i++)
		free(f->shift[i].samples);
	for (unsigned int i = 0; i < f->nr_guests; i++)
		free(f->guests[i].tids);
	for (unsigned int i = 0; i < f->nr_last_boot; i++)
		free(f->last_boot[i]);
	free(f->last_boot);
	free(f->guests);
	free(f->guest_threads);
	free(f->shift);
	free(f->buffers);
	free(f->formats);
	free(f->comms);
	free(f->clock);
	free(f->uname);
	free(f->path);
	if (f->io.fd >= 0)
		close(f->io.fd);
	memset(f, 0, sizeof(*f));
	f->io.fd = -1;
}
