// SPDX-License-Identifier: GPL-2.0
/*
 * Replies of the process that runs libtracecmd: it has read a hostile file, so they are not
 * trusted. Instead of starting it, the input is put into the socket: [exit status][head as in
 * fuzz_subbuf.c][replies]...
 */
#include <errno.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu_stream.h"

int __real_socketpair(int domain, int type, int protocol, int fds[2]);
int __wrap_socketpair(int domain, int type, int protocol, int fds[2]);
int __real_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[]);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options);

static struct {
	bool played; /* else it is the fuzzer that starts a process */
	int fd;	     /* the process's end, kept open: nobody reads the requests */
	int status;
	struct input replies;
} child;

int __wrap_socketpair(int domain, int type, int protocol, int fds[2])
{
	int rc = __real_socketpair(domain, type, protocol, fds);

	child.fd = rc ? -1 : dup(fds[1]);
	return rc;
}

int __wrap_posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *files,
		       const posix_spawnattr_t *attr, char *const argv[], char *const envp[])
{
	if (!child.played)
		return __real_posix_spawn(pid, path, files, attr, argv, envp);
	if (child.fd < 0)
		return EAGAIN;
	PROMISE(send(child.fd, child.replies.p, child.replies.n, MSG_DONTWAIT) <=
		(ssize_t)child.replies.n);
	shutdown(child.fd, SHUT_WR);
	*pid = 1;
	return 0;
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	if (!child.played)
		return __real_waitpid(pid, status, options);
	PROMISE(pid == 1 && child.fd >= 0);
	close(child.fd);
	child.fd = -1;
	*status = child.status;
	return pid;
}

/* Two CPUs of one buffer, and one buffer that has none. */
static void use(struct hvst_file *f, const struct stream_setup *how)
{
	struct hvst_cpu_data cpus[] = { { .cpu = STREAM_CPU, .size = 8 }, { .cpu = 0, .size = 8 } };
	struct hvst_file_buffer buffers[] = {
		{ .name = (char *)"",
		  .clock = (char *)"local",
		  .page_size = STREAM_PAGE,
		  .cpus = cpus,
		  .nr_cpus = 2 },
		{ .name = (char *)"empty", .clock = (char *)"local", .page_size = STREAM_PAGE },
	};
	struct hvst_tracecmd *t = NULL;
	struct hvst_record rec;
	int rc;

	f->buffers = buffers;
	f->nr_buffers = 2;
	rc = hvst_tracecmd_open(&t, f);
	PROMISE(rc <= 0 && (!rc || f->err[0]));
	if (!rc) {
		stream_decode_tracecmd(f, t, how);
		PROMISE(hvst_tracecmd_next(t, 0, 0, true, &rec) <= 1);
		PROMISE(!hvst_tracecmd_next(t, 1, 0, true, &rec));
		PROMISE(hvst_tracecmd_fate(t));
	}
	hvst_tracecmd_close(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char err[HVST_PATH_ERR] = "";
	struct hvst_file f = {
		.path = (char *)"memory", .err = err, .errlen = sizeof(err), .truncated_at = -1
	};
	struct stream_setup how;

	child.status = (int)take(&in, 1);
	child.fd = -1;
	how = stream_setup(&in);
	if (how.mult & 1 && how.offset < 0)
		f.truncated_at = 1;
	child.replies = in;
	child.played = true;
	use(&f, &how);
	child.played = false;
	return 0;
}
