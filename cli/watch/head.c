// SPDX-License-Identifier: GPL-2.0
/* The head of a trace.dat, version 6, as trace-cmd.dat.v6(5) has it. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../record.h"
#include "head.h"

#define OPTION_DONE	  0
#define OPTION_TRACECLOCK 4
#define MAX_CPUS	  65536

static void put(struct watch_head *h, const void *data, size_t len)
{
	fwrite(data, 1, len, h->f);
}

static void put_string(struct watch_head *h, const char *text)
{
	put(h, text, strlen(text) + 1);
}

static void put16(struct watch_head *h, uint16_t v)
{
	put(h, &v, sizeof(v));
}

static void put32(struct watch_head *h, uint32_t v)
{
	put(h, &v, sizeof(v));
}

static void put_sized(struct watch_head *h, const char *text, uint64_t len)
{
	put(h, &len, sizeof(len));
	put(h, text, len);
}

/* A file of the instance as a sized block. */
static int put_file(struct watch_head *h, const char *name)
{
	int len = 0;
	char *text;

	h->what = name;
	errno = 0;
	text = tracefs_instance_file_read(h->ring->in.fs, name, &len);
	if (!text)
		return errno ? -errno : -EIO;
	put_sized(h, text, len);
	free(text);
	return 0;
}

static int put_formats_of(struct watch_head *h, const char *system, uint64_t events)
{
	char name[128];
	unsigned int i;
	int rc = 0;

	put_string(h, system);
	put32(h, __builtin_popcountll(events));
	for (i = 0; i < HVST_EV_COUNT && !rc; i++) {
		if (!(events & 1ULL << i))
			continue;
		snprintf(name, sizeof(name), "events/%s/%s/format", system, hvst_event_name(i));
		rc = put_file(h, name);
	}
	return rc;
}

/* All recorded events belong to one system. */
static int put_formats(struct watch_head *h)
{
	put32(h, 0); /* no formats of ftrace's own events */
	put32(h, 1);
	return put_formats_of(h, hvst_event_system(HVST_EV_STIMER_EXPIRATION), h->ring->events);
}

/* "TID COMM" of a thread, as saved_cmdlines has it; false: it is gone. */
static bool print_name(FILE *f, int32_t tid)
{
	char path[PATH_MAX], comm[32];
	bool ok = false;
	FILE *in;

	snprintf(path, sizeof(path), "%s/%d/comm", record_proc_root(), tid);
	in = fopen(path, "re");
	if (!in)
		return false;
	if (fgets(comm, sizeof(comm), in)) {
		comm[strcspn(comm, "\n")] = '\0';
		fprintf(f, "%d %s\n", tid, comm);
		ok = true;
	}
	fclose(in);
	return ok;
}

static int compare_tids(const void *a, const void *b)
{
	return *(const int32_t *)a - *(const int32_t *)b;
}

/* The names of the watched threads, then the kernel's, without those that came before. */
static void print_names(FILE *f, int32_t *tids, size_t nr)
{
	char *saved = tracefs_instance_file_read(NULL, "saved_cmdlines", NULL);
	char *line, *state = NULL;
	size_t i, n = 0;

	qsort(tids, nr, sizeof(*tids), compare_tids);
	for (i = 0; i < nr; i++)
		if ((!n || tids[n - 1] != tids[i]) && print_name(f, tids[i]))
			tids[n++] = tids[i];
	for (line = saved ? strtok_r(saved, "\n", &state) : NULL; line;
	     line = strtok_r(NULL, "\n", &state)) {
		int32_t tid = (int32_t)strtol(line, NULL, 10);

		if (!n || !bsearch(&tid, tids, n, sizeof(*tids), compare_tids))
			fprintf(f, "%s\n", line);
	}
	free(saved);
}

static int put_names(struct watch_head *h)
{
	int32_t *tids = calloc(h->nr_tids + 1, sizeof(*tids));
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	h->what = "names of threads";
	if (!tids || !f) {
		free(tids);
		if (f)
			fclose(f);
		free(text);
		return -ENOMEM;
	}
	if (h->nr_tids)
		memcpy(tids, h->tids, h->nr_tids * sizeof(*tids));
	print_names(f, tids, h->nr_tids);
	fclose(f);
	put_sized(h, text, len);
	free(text);
	free(tids);
	return 0;
}

static int put_descriptions(struct watch_head *h)
{
	static const char magic[] = "\027\010\104tracing6";
	const char flags[] = { __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, sizeof(long) };
	int rc;

	put(h, magic, sizeof(magic));
	put(h, flags, sizeof(flags));
	put32(h, (uint32_t)h->page);
	put_string(h, "header_page");
	rc = put_file(h, "events/header_page");
	if (rc)
		return rc;
	put_string(h, "header_event");
	rc = put_file(h, "events/header_event");
	if (!rc)
		rc = put_formats(h);
	if (rc)
		return rc;
	put32(h, 0); /* no kernel symbols */
	put32(h, 0); /* no printk formats */
	return put_names(h);
}

/* Options, then the table of CPUs, which is filled in later. */
static void put_tables(struct watch_head *h)
{
	static const char clock[] = "[" WATCH_CLOCK "]";
	static const uint64_t none[2];
	unsigned int i;

	put32(h, h->nr_cpus);
	put_string(h, "options  ");
	put16(h, OPTION_TRACECLOCK);
	put32(h, sizeof(clock));
	put(h, clock, sizeof(clock));
	put16(h, OPTION_DONE);
	put_string(h, "flyrecord");
	h->table = ftello(h->f);
	for (i = 0; i < h->nr_cpus; i++)
		put(h, none, sizeof(none));
	put_sized(h, clock, sizeof(clock) - 1);
}

int watch_head_write(struct watch_head *h)
{
	int rc = put_descriptions(h);

	if (!rc)
		put_tables(h);
	return rc;
}

/* Sub-buffers have the size of a page unless someone has changed that for this instance. */
long watch_ring_page(const struct watch_ring *r)
{
	long long kb;

	if (tracefs_instance_file_read_number(r->in.fs, "buffer_subbuf_size_kb", &kb) || kb <= 0 ||
	    kb > 1024)
		return sysconf(_SC_PAGESIZE);
	return (long)kb * 1024;
}

unsigned int watch_ring_cpus(const struct watch_ring *r)
{
	char *path = tracefs_instance_get_file(r->in.fs, "per_cpu");
	DIR *d = path ? opendir(path) : NULL;
	unsigned int n = 0, cpu;
	struct dirent *e;

	while (d && (e = readdir(d)))
		if (sscanf(e->d_name, "cpu%u", &cpu) == 1 && cpu >= n && cpu < MAX_CPUS)
			n = cpu + 1;
	if (d)
		closedir(d);
	tracefs_put_tracing_file(path);
	return n;
}
