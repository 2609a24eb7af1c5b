// SPDX-License-Identifier: GPL-2.0
/*
 * For t_watch and t_watch_diagnose, to be preloaded: a directory below instances/ is filled from
 * $FAKE_INSTANCE when it is made, and removed with all that is in it, as tracefs does.
 * CLOCK_MONOTONIC runs $FAKE_SPEED times as fast.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int run(const char *command, const char *path)
{
	char text[2 * PATH_MAX + 64];

	snprintf(text, sizeof(text), "%s '%s'", command, path);
	unsetenv("LD_PRELOAD");
	return system(text) ? -1 : 0;
}

int mkdir(const char *path, mode_t mode)
{
	int (*real)(const char *, mode_t) =
		(int (*)(const char *, mode_t))dlsym(RTLD_NEXT, "mkdir");
	const char *from = getenv("FAKE_INSTANCE");
	char command[PATH_MAX + 16];

	if (real(path, mode))
		return -1;
	if (!from || !strstr(path, "/instances/"))
		return 0;
	snprintf(command, sizeof(command), "cp -r '%s'/.", from);
	return run(command, path);
}

int rmdir(const char *path)
{
	return run("rm -r", path);
}

int unlinkat(int dir, const char *name, int flags)
{
	int (*real)(int, const char *, int) =
		(int (*)(int, const char *, int))dlsym(RTLD_NEXT, "unlinkat");
	char path[PATH_MAX];

	if (!(flags & AT_REMOVEDIR))
		return real(dir, name, flags);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d/%s", getpid(), dir, name);
	return run("rm -r", path);
}

int clock_gettime(clockid_t clock, struct timespec *ts)
{
	int (*real)(clockid_t, struct timespec *) =
		(int (*)(clockid_t, struct timespec *))dlsym(RTLD_NEXT, "clock_gettime");
	const char *speed = getenv("FAKE_SPEED");
	int rc = real(clock, ts);
	long long ns;

	if (rc || !speed || clock != CLOCK_MONOTONIC)
		return rc;
	ns = (ts->tv_sec * 1000000000LL + ts->tv_nsec) * atoi(speed);
	ts->tv_sec = ns / 1000000000;
	ts->tv_nsec = ns % 1000000000;
	return 0;
}
