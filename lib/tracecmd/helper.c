/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: tracecmd. Finds and starts the helper program. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../base/array.h"
#include "helper.h"
#include "protocol.h"

extern char **environ;

/* --- which program ---------------------------------------------------------------------------- */

/*
 * The helper beside the running program. In a directory where everybody may write, such as /tmp,
 * anybody could have put a file there: its owner must be the program's owner.
 */
static bool find_beside(char *path, size_t size)
{
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	struct stat own, st;

	if (n <= 0)
		return false;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash || stat(self, &own))
		return false;
	*slash = '\0';
	return snprintf(path, size, "%s/" HVST_HELPER, self) < (int)size && !stat(path, &st) &&
	       st.st_uid == own.st_uid;
}

static void find_helper(char *path, size_t size)
{
	const char *dir = secure_getenv("HVSTIMER_LIBEXEC");

	if (dir && *dir)
		snprintf(path, size, "%s/" HVST_HELPER, dir);
	else if (!find_beside(path, size))
		snprintf(path, size, HVST_LIBEXECDIR "/" HVST_HELPER);
}

/* --- what it inherits ------------------------------------------------------------------------- */

static void free_args(char **argv, unsigned int n)
{
	for (unsigned int i = 2; i < n; i++)
		free(argv[i]);
	free(argv);
}

/* An argument for each buffer: "=NAME", or "-" when it has no records. */
static char **make_args(const struct hvst_file *f)
{
	char **argv = calloc(f->nr_buffers + 3, sizeof(*argv));

	if (!argv)
		return NULL;
	argv[0] = (char *)HVST_HELPER;
	argv[1] = (char *)HVST_VERSION;
	for (unsigned int i = 0; i < f->nr_buffers; i++) {
		const struct hvst_file_buffer *b = &f->buffers[i];
		int n = b->text || !b->nr_cpus ? asprintf(&argv[i + 2], "-")
					       : asprintf(&argv[i + 2], "=%s", b->name);

		if (n < 0) {
			argv[i + 2] = NULL;
			free_args(argv, i + 2);
			return NULL;
		}
	}
	return argv;
}

/*
 * The terminal's signals are for the process that sends the requests; a caller that ignores SIGXCPU
 * must not lift the limit on CPU time.
 */
static int set_signals(posix_spawnattr_t *attr)
{
	static const int of_terminal[] = { SIGINT, SIGTSTP, SIGWINCH };
	sigset_t blocked, defaults;

	sigemptyset(&blocked);
	for (unsigned int i = 0; i < ARRAY_SIZE(of_terminal); i++)
		sigaddset(&blocked, of_terminal[i]);
	sigemptyset(&defaults);
	sigaddset(&defaults, SIGXCPU);
	posix_spawnattr_setsigmask(attr, &blocked);
	posix_spawnattr_setsigdefault(attr, &defaults);
	return posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
}

/* @socket and @trace lie above the numbers they are moved to, so neither overwrites the other. */
static int spawn(const char *path, char **argv, int socket, int trace, pid_t *pid)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	int err = posix_spawn_file_actions_init(&files);

	if (err)
		return err;
	err = posix_spawnattr_init(&attr);
	if (!err) {
		err = set_signals(&attr);
		if (!err)
			err = posix_spawn_file_actions_adddup2(&files, socket, HVST_HELPER_SOCKET);
		if (!err)
			err = posix_spawn_file_actions_adddup2(&files, trace, HVST_HELPER_TRACE);
		if (!err)
			err = posix_spawn(pid, path, &files, &attr, argv, environ);
		posix_spawnattr_destroy(&attr);
	}
	posix_spawn_file_actions_destroy(&files);
	return err;
}

static int duplicate(int fd)
{
	return fcntl(fd, F_DUPFD_CLOEXEC, HVST_HELPER_TRACE + 1);
}

static int start(struct hvst_file *f, const char *path, int socket, pid_t *pid)
{
	int theirs = duplicate(socket), trace = duplicate(f->io.fd), err = errno;
	char **argv = make_args(f);

	if (!argv)
		err = ENOMEM;
	else if (theirs >= 0 && trace >= 0)
		err = spawn(path, argv, theirs, trace, pid);
	if (argv)
		free_args(argv, f->nr_buffers + 2);
	if (theirs >= 0)
		close(theirs);
	if (trace >= 0)
		close(trace);
	return err;
}

int hvst_helper_start(struct hvst_file *f, pid_t *pid)
{
	char path[PATH_MAX];
	int fds[2], err;

	find_helper(path, sizeof(path));
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return hvst_file_fail(f, -errno, "no socket for libtracecmd: %s", strerror(errno));
	err = start(f, path, fds[1], pid);
	close(fds[1]);
	if (!err)
		return fds[0];
	close(fds[0]);
	return hvst_file_fail(f, -err, "cannot start %s, which reads it with libtracecmd: %s", path,
			      strerror(err));
}
