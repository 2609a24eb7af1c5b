// SPDX-License-Identifier: GPL-2.0
/*
 * For t_watch, to be preloaded: a directory below instances/ is filled from $FAKE_INSTANCE when it
 * is made, and removed with all that is in it, as tracefs does.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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
