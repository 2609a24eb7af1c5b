// SPDX-License-Identifier: GPL-2.0
/* Names and removal of saved traces. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "keep.h"

#define DIGITS8 "[0-9][0-9][0-9][0-9][0-9][0-9][0-9][0-9]"
#define DIGITS6 "[0-9][0-9][0-9][0-9][0-9][0-9]"
#define NAMES	"hvstimer-watch-" DIGITS8 "-" DIGITS6 "-tid*-vcpu*.dat"

char *watch_keep_path(const char *dir, time_t when, const struct watch_key *key)
{
	char stamp[32], *path;
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%d-%H%M%S", &tm);
	if (asprintf(&path, "%s/hvstimer-watch-%s-tid%d-vcpu%u.dat", dir, stamp, key->tid,
		     key->vcpu) < 0)
		return NULL;
	return path;
}

static int is_saved(const struct dirent *e)
{
	return !fnmatch(NAMES, e->d_name, 0) || !fnmatch(NAMES ".part", e->d_name, 0);
}

static bool is_ours(int dir, const char *name, struct stat *st)
{
	return !fstatat(dir, name, st, AT_SYMLINK_NOFOLLOW) && S_ISREG(st->st_mode) &&
	       st->st_uid == geteuid();
}

/* @names from the newest on. */
static void prune(int dir, struct dirent **names, int n, unsigned int most, uint64_t bytes)
{
	unsigned int kept = 0;
	uint64_t size = 0;
	struct stat st;
	int i;

	for (i = n - 1; i >= 0; i--) {
		const char *name = names[i]->d_name;

		if (!is_ours(dir, name, &st))
			continue;
		if (fnmatch(NAMES, name, 0)) {
			unlinkat(dir, name, 0);
			continue;
		}
		size += st.st_size;
		if (kept && ((most && kept >= most) || (bytes && size > bytes)))
			unlinkat(dir, name, 0);
		else
			kept++;
	}
}

int watch_keep_prune(const char *dir, unsigned int most, uint64_t bytes)
{
	int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC), i, n;
	struct dirent **names;

	if (fd < 0)
		return -errno;
	/* The names sort by time. */
	n = scandir(dir, &names, is_saved, alphasort);
	if (n < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	prune(fd, names, n, most, bytes);
	for (i = 0; i < n; i++)
		free(names[i]);
	free(names);
	close(fd);
	return 0;
}
