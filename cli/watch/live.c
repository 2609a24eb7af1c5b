// SPDX-License-Identifier: GPL-2.0
/* The readers of a ring that is still being written. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "head.h"
#include "live.h"

static int write_head(struct watch_live *l, struct watch_head *head)
{
	int fd, rc;

	head->what = "memory";
	l->head = memfd_create("hvstimer-head", MFD_CLOEXEC);
	if (l->head < 0)
		return -errno;
	fd = fcntl(l->head, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	head->f = fdopen(fd, "w");
	if (!head->f) {
		rc = -errno;
		close(fd);
		return rc;
	}
	rc = watch_head_write(head);
	if (fclose(head->f) && !rc)
		rc = -errno;
	return rc;
}

static int open_cpus(struct watch_live *l)
{
	char name[64];
	unsigned int i;

	l->fds = malloc((l->nr + 1) * sizeof(*l->fds));
	if (!l->fds)
		return -ENOMEM;
	memset(l->fds, 0xff, l->nr * sizeof(*l->fds));
	for (i = 0; i < l->nr; i++) {
		snprintf(name, sizeof(name), "per_cpu/cpu%u/trace_pipe_raw", i);
		errno = 0;
		l->fds[i] = tracefs_instance_file_open(l->ring.in.fs, name,
						       O_RDONLY | O_NONBLOCK | O_CLOEXEC);
		if (l->fds[i] < 0 && errno != ENOENT) /* numbers of CPUs may have gaps */
			return errno ? -errno : -EIO;
	}
	return 0;
}

int watch_live_start(struct watch_live *l, const struct record_host *h, unsigned long kb,
		     bool exits, char *err, size_t errlen)
{
	struct watch_head head = { .ring = &l->ring, .what = "trace_pipe_raw" };
	int rc;

	memset(l, 0, sizeof(*l));
	l->head = -1;
	rc = watch_ring_start(&l->ring, h, kb, exits, err, errlen);
	if (rc)
		return rc;
	l->nr = head.nr_cpus = watch_ring_cpus(&l->ring);
	head.page = watch_ring_page(&l->ring);
	rc = open_cpus(l);
	if (!rc)
		rc = write_head(l, &head);
	if (rc)
		snprintf(err, errlen, "%s of the ring buffer: %s", head.what, strerror(-rc));
	return rc;
}

int watch_live_read(struct watch_live *l, unsigned int cpu, void *buf, size_t len)
{
	ssize_t n;

	if (cpu >= l->nr || l->fds[cpu] < 0)
		return 0;
	do {
		n = read(l->fds[cpu], buf, len);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == EAGAIN ? 0 : -errno;
	return (int)n;
}

int watch_live_stop(struct watch_live *l)
{
	unsigned int i;

	for (i = 0; l->fds && i < l->nr; i++)
		if (l->fds[i] >= 0)
			close(l->fds[i]);
	free(l->fds);
	l->fds = NULL;
	if (l->head >= 0)
		close(l->head);
	l->head = -1;
	return watch_ring_stop(&l->ring);
}
