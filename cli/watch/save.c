// SPDX-License-Identifier: GPL-2.0
/*
 * A stopped ring buffer, or what a session has of one in memory, becomes a trace.dat, version 6, as
 * trace-cmd.dat.v6(5) has it. `trace-cmd extract -B` would do that with a ring too, but resets all
 * tracing of the host on its way (top buffer, tracer, filters, function filters), and libtracecmd
 * 1.3.1 does not declare its writer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "detect.h"
#include "head.h"
#include "live.h"
#include "ring.h"

/**
 * struct save - a file being written
 * @session: has the data; NULL: the stopped ring has
 * @places: offset and length of each CPU's data
 */
struct save {
	struct watch_head head;
	const struct hvst_session *session;
	uint64_t *places;
};

/* --- the data, from the ring ------------------------------------------------------------------ */

static int pad(struct save *s)
{
	off_t at = ftello(s->head.f);
	long n = at < 0 ? 0 : (s->head.page - at % s->head.page) % s->head.page;

	while (n-- > 0)
		putc(0, s->head.f);
	return at < 0 ? -errno : 0;
}

static int copy_cpu(struct save *s, int fd, char *buf)
{
	ssize_t n;

	for (;;) {
		n = read(fd, buf, s->head.page);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 && errno != EAGAIN ? -errno : 0;
		memset(buf + n, 0, s->head.page - n);
		fwrite(buf, 1, s->head.page, s->head.f);
		if (ferror(s->head.f))
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
	from = ftello(s->head.f);
	s->head.what = "trace_pipe_raw";
	snprintf(name, sizeof(name), "per_cpu/cpu%u/trace_pipe_raw", cpu);
	errno = 0;
	fd = tracefs_instance_file_open(s->head.ring->in.fs, name,
					O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0) /* numbers of CPUs may have gaps */
		return errno == ENOENT ? 0 : errno ? -errno : -EIO;
	rc = copy_cpu(s, fd, buf);
	close(fd);
	to = ftello(s->head.f);
	s->places[2 * cpu] = from;
	s->places[2 * cpu + 1] = to - from;
	return rc;
}

static int put_ring(struct save *s)
{
	char *buf = malloc(s->head.page);
	unsigned int cpu;
	int rc = buf ? 0 : -ENOMEM;

	for (cpu = 0; cpu < s->head.nr_cpus && !rc; cpu++)
		rc = put_cpu(s, cpu, buf);
	free(buf);
	return rc;
}

/* --- the data, from a session ----------------------------------------------------------------- */

static int put_held(void *ctx, unsigned int cpu, const void *data, size_t len)
{
	struct save *s = ctx;
	uint64_t *place = &s->places[2 * cpu];
	int rc;

	if (cpu >= s->head.nr_cpus)
		return -EINVAL;
	if (!place[1]) {
		rc = pad(s);
		if (rc)
			return rc;
		place[0] = (uint64_t)ftello(s->head.f);
	}
	place[1] += (uint64_t)s->head.page;
	fwrite(data, 1, len, s->head.f);
	rc = pad(s);
	if (ferror(s->head.f))
		return errno ? -errno : -EIO;
	return rc;
}

/* --- the file --------------------------------------------------------------------------------- */

static int put_data(struct save *s)
{
	s->head.what = "file";
	errno = 0;
	return s->session ? hvst_session_held(s->session, put_held, s) : put_ring(s);
}

static int write_file(struct save *s)
{
	int rc;

	rc = watch_head_write(&s->head);
	if (!rc)
		rc = put_data(s);
	if (rc)
		return rc;
	s->head.what = "file";
	errno = 0;
	if (fseeko(s->head.f, s->head.table, SEEK_SET))
		return -errno;
	fwrite(s->places, 2 * sizeof(*s->places), s->head.nr_cpus, s->head.f);
	if (fflush(s->head.f) || ferror(s->head.f) || fsync(fileno(s->head.f)))
		return errno ? -errno : -EIO;
	return 0;
}

static int write_part(struct save *s, const char *part, const char *path)
{
	int rc;

	s->head.what = "file";
	s->head.f = fopen(part, "wxe");
	if (!s->head.f)
		return -errno;
	rc = write_file(s);
	if (fclose(s->head.f) && !rc)
		rc = -errno;
	if (!rc && rename(part, path))
		rc = -errno;
	if (rc)
		unlink(part);
	return rc;
}

/* The watched threads; NULL without memory. */
static int32_t *tids_of(const struct watch_table *t, size_t *nr)
{
	int32_t *tids = calloc(t->nr + 1, sizeof(*tids));
	size_t i;

	*nr = 0;
	for (i = 0; tids && i < t->nr; i++)
		if (t->timers[i].key.tid)
			tids[(*nr)++] = t->timers[i].key.tid;
	return tids;
}

static int save(struct save *s, const char *path, char *err, size_t errlen)
{
	char *part = NULL;
	int rc = -ENOMEM;

	s->head.nr_cpus = watch_ring_cpus(s->head.ring);
	s->head.page = watch_ring_page(s->head.ring);
	s->head.what = "memory";
	s->places = calloc(2 * (size_t)s->head.nr_cpus + 1, sizeof(*s->places));
	if (s->head.tids && s->places && asprintf(&part, "%s.part", path) >= 0) {
		rc = write_part(s, part, path);
		free(part);
	}
	free(s->places);
	if (rc)
		snprintf(err, errlen, "%s: %s: %s", path, s->head.what, strerror(-rc));
	return rc;
}

int watch_ring_save(const struct watch_ring *r, const struct watch_table *t, const char *path,
		    char *err, size_t errlen)
{
	struct save s = { .head.ring = r };
	int32_t *tids = tids_of(t, &s.head.nr_tids);
	int rc;

	s.head.tids = tids;
	rc = save(&s, path, err, errlen);
	free(tids);
	return rc;
}

int watch_live_save(const struct watch_live *l, const struct hvst_session *session,
		    const int32_t *tids, size_t nr_tids, const char *path, char *err, size_t errlen)
{
	struct save s = {
		.head.ring = &l->ring,
		.head.tids = tids,
		.head.nr_tids = nr_tids,
		.session = session,
	};

	return save(&s, path, err, errlen);
}
