// SPDX-License-Identifier: GPL-2.0
/* Makes, locks and removes trace instances. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "instance.h"

#define PREFIX "hvstimer-watch-"

/* When process @pid began, in ticks since boot; 0: there is none. With @pid it is unique. */
static unsigned long long start_time(int pid)
{
	unsigned long long start = 0;
	char path[64], text[1024];
	const char *p;
	size_t n;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "re");
	if (!f)
		return 0;
	n = fread(text, 1, sizeof(text) - 1, f);
	fclose(f);
	text[n] = '\0';
	p = strrchr(text, ')'); /* the name before it may hold anything */
	if (!p || sscanf(p + 1,
			 " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d"
			 " %*d %*d %llu",
			 &start) != 1)
		return 0;
	return start;
}

/* An open directory of instances/@name that this process has locked; or a negative errno. */
static int lock_instance(const char *name)
{
	char *dir = tracefs_get_tracing_file("instances"), *path = NULL;
	int fd = -ENOMEM;

	if (dir && asprintf(&path, "%s/%s", dir, name) >= 0) {
		fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0)
			fd = -errno;
		free(path);
	}
	tracefs_put_tracing_file(dir);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		int rc = -errno;

		close(fd);
		return rc;
	}
	return fd;
}

int watch_instance_create(struct watch_instance *in, const char *suffix, char *err, size_t errlen)
{
	char name[96];
	int rc;

	in->fs = NULL;
	snprintf(name, sizeof(name), PREFIX "%d-%llu%s", getpid(), start_time(getpid()), suffix);
	errno = 0;
	in->fs = tracefs_instance_create(name);
	if (!in->fs) {
		rc = errno ? -errno : -EIO;
		snprintf(err, errlen, "cannot make the trace instance %s: %s", name, strerror(-rc));
		return rc;
	}
	in->lock = lock_instance(name);
	if (in->lock >= 0)
		return 0;
	rc = in->lock;
	snprintf(err, errlen, "cannot lock the trace instance %s: %s", name, strerror(-rc));
	watch_instance_destroy(in);
	return rc;
}

int watch_instance_destroy(struct watch_instance *in)
{
	int rc = 0;

	if (!in->fs)
		return 0;
	if (in->lock >= 0)
		close(in->lock);
	errno = 0;
	if (tracefs_instance_destroy(in->fs))
		rc = errno ? -errno : -EIO;
	tracefs_instance_free(in->fs);
	in->fs = NULL;
	return rc;
}

/* Is @name an instance made by this program whose process is gone? */
static bool is_orphan(const char *name)
{
	unsigned long long start;
	int pid, end = 0;

	if (sscanf(name, PREFIX "%d-%llu%n", &pid, &start, &end) != 2 || pid <= 0)
		return false;
	if (name[end] && strcmp(name + end, "-ring"))
		return false;
	return start_time(pid) != start;
}

/* A process in another PID namespace, which start_time() does not see, still holds its lock. */
static bool reap(int instances, const char *name)
{
	bool gone = false;
	struct stat st;
	int lock;

	if (fstatat(instances, name, &st, AT_SYMLINK_NOFOLLOW) || !S_ISDIR(st.st_mode) ||
	    st.st_uid != geteuid())
		return false;
	lock = lock_instance(name);
	if (lock < 0)
		return false;
	gone = !unlinkat(instances, name, AT_REMOVEDIR);
	close(lock);
	return gone;
}

unsigned int watch_instances_reap(void)
{
	char *path = tracefs_get_tracing_file("instances");
	DIR *dir = path ? opendir(path) : NULL;
	unsigned int n = 0;
	struct dirent *e;

	tracefs_put_tracing_file(path);
	if (!dir)
		return 0;
	while ((e = readdir(dir)))
		if (is_orphan(e->d_name) && reap(dirfd(dir), e->d_name))
			n++;
	closedir(dir);
	return n;
}
