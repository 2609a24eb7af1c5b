// SPDX-License-Identifier: GPL-2.0
/*
 * A stopped ring buffer becomes a trace.dat, version 6, as trace-cmd.dat.v6(5) has it. `trace-cmd
 * extract -B` would do that too, but resets all tracing of the host on its way (top buffer, tracer,
 * filters, function filters), and libtracecmd 1.3.1 does not declare its writer.
 */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../record.h"
#include "detect.h"
#include "ring.h"

#define OPTION_DONE	  0
#define OPTION_TRACECLOCK 4
#define MAX_CPUS	  65536

struct save {
	const struct watch_ring *ring;
	const struct watch_table *table;
	FILE *f;
	unsigned int nr_cpus; /* one more than the highest number */
	long page;
	uint64_t *places; /* offset and length of each CPU's data */
	const char *what; /* was being done, for the message */
};

/* --- the head --------------------------------------------------------------------------------- */

static void put(struct save *s, const void *data, size_t len)
{
	fwrite(data, 1, len, s->f);
}

static void put_string(struct save *s, const char *text)
{
	put(s, text, strlen(text) + 1);
}

static void put16(struct save *s, uint16_t v)
{
	put(s, &v, sizeof(v));
}

static void put32(struct save *s, uint32_t v)
{
	put(s, &v, sizeof(v));
}

static void put_sized(struct save *s, const char *text, uint64_t len)
{
	put(s, &len, sizeof(len));
	put(s, text, len);
}

/* A file of the instance as a sized block. */
static int put_file(struct save *s, const char *name)
{
	int len = 0;
	char *text;

	s->what = name;
	errno = 0;
	text = tracefs_instance_file_read(s->ring->in.fs, name, &len);
	if (!text)
		return errno ? -errno : -EIO;
	put_sized(s, text, len);
	free(text);
	return 0;
}

static int put_formats_of(struct save *s, const char *system, uint64_t events)
{
	char name[128];
	unsigned int i;
	int rc = 0;

	put_string(s, system);
	put32(s, __builtin_popcountll(events));
	for (i = 0; i < HVST_EV_COUNT && !rc; i++) {
		if (!(events & 1ULL << i))
			continue;
		snprintf(name, sizeof(name), "events/%s/%s/format", system, hvst_event_name(i));
		rc = put_file(s, name);
	}
	return rc;
}

/* What is recorded is all of one system. */
static int put_formats(struct save *s)
{
	put32(s, 0); /* no formats of ftrace's own events */
	put32(s, 1);
	return put_formats_of(s, hvst_event_system(HVST_EV_STIMER_EXPIRATION), s->ring->events);
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

static int put_names(struct save *s)
{
	int32_t *tids = calloc(s->table->nr + 1, sizeof(*tids));
	char *text = NULL;
	size_t i, nr = 0, len = 0;
	FILE *f = open_memstream(&text, &len);

	s->what = "names of threads";
	if (!tids || !f) {
		free(tids);
		if (f)
			fclose(f);
		free(text);
		return -ENOMEM;
	}
	for (i = 0; i < s->table->nr; i++)
		if (s->table->timers[i].key.tid)
			tids[nr++] = s->table->timers[i].key.tid;
	print_names(f, tids, nr);
	fclose(f);
	put_sized(s, text, len);
	free(text);
	free(tids);
	return 0;
}

static int put_head(struct save *s)
{
	static const char magic[] = "\027\010\104tracing6";
	const char flags[] = { __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__, sizeof(long) };
	int rc;

	put(s, magic, sizeof(magic));
	put(s, flags, sizeof(flags));
	put32(s, (uint32_t)s->page);
	put_string(s, "header_page");
	rc = put_file(s, "events/header_page");
	if (rc)
		return rc;
	put_string(s, "header_event");
	rc = put_file(s, "events/header_event");
	if (!rc)
		rc = put_formats(s);
	if (rc)
		return rc;
	put32(s, 0); /* no kernel symbols */
	put32(s, 0); /* no printk formats */
	return put_names(s);
}

/* Options, then the table of CPUs, whose numbers are not known yet. @table: where it is. */
static int put_tables(struct save *s, off_t *table)
{
	char *clock;
	int len = 0;

	s->what = "trace_clock";
	clock = tracefs_instance_file_read(s->ring->in.fs, "trace_clock", &len);
	if (!clock)
		return -EIO;
	put32(s, s->nr_cpus);
	put_string(s, "options  ");
	put16(s, OPTION_TRACECLOCK);
	put32(s, (uint32_t)len + 1);
	put(s, clock, (size_t)len + 1);
	put16(s, OPTION_DONE);
	put_string(s, "flyrecord");
	*table = ftello(s->f);
	put(s, s->places, 2 * sizeof(*s->places) * s->nr_cpus);
	put_sized(s, clock, len);
	free(clock);
	return 0;
}

/* --- the data --------------------------------------------------------------------------------- */

/* Sub-buffers have the size of a page unless someone has changed that for this instance. */
static long subbuf_size(const struct watch_ring *r)
{
	long long kb;

	if (tracefs_instance_file_read_number(r->in.fs, "buffer_subbuf_size_kb", &kb) || kb <= 0 ||
	    kb > 1024)
		return sysconf(_SC_PAGESIZE);
	return (long)kb * 1024;
}

static int pad(struct save *s)
{
	off_t at = ftello(s->f);
	long n = at < 0 ? 0 : (s->page - at % s->page) % s->page;

	while (n-- > 0)
		putc(0, s->f);
	return at < 0 ? -errno : 0;
}

static int copy_cpu(struct save *s, int fd, char *buf)
{
	ssize_t n;

	for (;;) {
		n = read(fd, buf, s->page);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -errno : 0;
		memset(buf + n, 0, s->page - n);
		put(s, buf, s->page);
		if (ferror(s->f))
			return errno ? -errno : -EIO;
	}
}

static int put_cpu(struct save *s, unsigned int cpu, char *buf)
{
	char name[64];
	off_t from, to;
	int fd, rc = pad(s);

	if (rc)
		return rc;
	from = ftello(s->f);
	s->what = "trace_pipe_raw";
	snprintf(name, sizeof(name), "per_cpu/cpu%u/trace_pipe_raw", cpu);
	errno = 0;
	fd = tracefs_instance_file_open(s->ring->in.fs, name, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) /* numbers of CPUs may have gaps */
		return errno == ENOENT ? 0 : errno ? -errno : -EIO;
	rc = copy_cpu(s, fd, buf);
	close(fd);
	to = ftello(s->f);
	s->places[2 * cpu] = from;
	s->places[2 * cpu + 1] = to - from;
	return rc;
}

static int put_data(struct save *s)
{
	char *buf = malloc(s->page);
	unsigned int cpu;
	int rc = buf ? 0 : -ENOMEM;

	for (cpu = 0; cpu < s->nr_cpus && !rc; cpu++)
		rc = put_cpu(s, cpu, buf);
	free(buf);
	return rc;
}

/* --- the file --------------------------------------------------------------------------------- */

static unsigned int count_cpus(const struct watch_ring *r)
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

static int write_file(struct save *s)
{
	off_t table;
	int rc;

	rc = put_head(s);
	if (!rc)
		rc = put_tables(s, &table);
	if (!rc)
		rc = put_data(s);
	if (rc)
		return rc;
	s->what = "file";
	errno = 0;
	if (fseeko(s->f, table, SEEK_SET))
		return -errno;
	put(s, s->places, 2 * sizeof(*s->places) * s->nr_cpus);
	if (fflush(s->f) || ferror(s->f) || fsync(fileno(s->f)))
		return errno ? -errno : -EIO;
	return 0;
}

static int write_part(struct save *s, const char *part, const char *path)
{
	int rc;

	s->what = "file";
	s->f = fopen(part, "wxe");
	if (!s->f)
		return -errno;
	rc = write_file(s);
	if (fclose(s->f) && !rc)
		rc = -errno;
	if (!rc && rename(part, path))
		rc = -errno;
	if (rc)
		unlink(part);
	return rc;
}

int watch_ring_save(const struct watch_ring *r, const struct watch_table *t, const char *path,
		    char *err, size_t errlen)
{
	struct save s = {
		.ring = r,
		.table = t,
		.nr_cpus = count_cpus(r),
		.page = subbuf_size(r),
		.what = "memory",
	};
	char *part = NULL;
	int rc = -ENOMEM;

	s.places = calloc(2 * (size_t)s.nr_cpus + 1, sizeof(*s.places));
	if (s.places && asprintf(&part, "%s.part", path) >= 0) {
		rc = write_part(&s, part, path);
		free(part);
	}
	free(s.places);
	if (rc)
		snprintf(err, errlen, "%s: %s: %s", path, s.what, strerror(-rc));
	return rc;
}
