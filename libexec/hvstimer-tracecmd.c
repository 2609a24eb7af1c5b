/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * hvstimer-tracecmd VERSION BUFFER... - reads records with libtracecmd for libhvstimer
 *
 * Started by lib/tracecmd/tracecmd.c with a socket as file 3, the trace as file 4 and an argument
 * for each buffer of the trace: "=NAME" when it is read, "-" when it has no records. Serves
 * requests (lib/tracecmd/protocol.h) until the socket is closed.
 *
 * libtracecmd 1.3.1 and libtraceevent 1.7.1 crash on many damaged and hostile files. That ends only
 * this process, which has limits on memory and time, drops root's privileges and may not gain any,
 * start programs, signal others or open sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <trace-cmd.h>

#include "../lib/tracecmd/protocol.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define WITH_SANITIZER 1
#elif defined(__has_feature)
#define WITH_SANITIZER (__has_feature(address_sanitizer) || __has_feature(thread_sanitizer))
#else
#define WITH_SANITIZER 0
#endif

#define MEMORY_MAX     (1ull << 30)
#define SECONDS_MIN    10
#define SECONDS_PER_MB 2 /* twice what compressed data takes on a slow machine */
#define NOBODY	       65534

struct helper {
	char **names; /* of the buffers, as the arguments have them */
	unsigned int nr_buffers;
	struct tracecmd_input *file;
	struct tracecmd_input **buffers; /* NULL: has no records */
	uint8_t *batch;
	size_t len, cap;
};

/* --- limits ----------------------------------------------------------------------------------- */

static void limit(int what, rlim_t max)
{
	struct rlimit r = { max, max };

	setrlimit(what, &r);
}

static void set_limits(void)
{
	struct stat st = { 0 };

	fstat(HVST_HELPER_TRACE, &st);
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, SECONDS_MIN + SECONDS_PER_MB * (rlim_t)(st.st_size >> 20));
	if (!WITH_SANITIZER) /* its shadow memory is terabytes of data */
		limit(RLIMIT_DATA, MEMORY_MAX);
}

#ifdef __x86_64__
#define X32_SYSCALL_BIT 0x40000000

static void deny_syscalls(void)
{
	static const unsigned int denied[] = {
		SYS_execve,
		SYS_execveat,
		SYS_fork,
		SYS_vfork,
		SYS_clone,
		SYS_clone3,
		SYS_ptrace,
		SYS_kill,
		SYS_tkill,
		SYS_socket,
		SYS_connect,
		SYS_bind,
		SYS_process_vm_readv,
		SYS_process_vm_writev,
		SYS_mount,
		SYS_bpf,
		SYS_keyctl,
		SYS_perf_event_open,
		SYS_io_uring_setup,
		SYS_rename,
		SYS_renameat2,
		SYS_link,
		SYS_symlink,
	};
	enum { N = sizeof(denied) / sizeof(denied[0]), FIRST = 4, ALLOW = FIRST + N, DENY };
	/* Numbers differ for i386 and x32: deny those, since the list does not hold for them. */
	struct sock_filter code[DENY + 1] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_X86_64, 0, DENY - 2),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, X32_SYSCALL_BIT, DENY - 4, 0),
		[ALLOW] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		[DENY] = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	};
	struct sock_fprog prog = { DENY + 1, code };

	/* A jump counts from the instruction after it. */
	for (unsigned int i = 0; i < N; i++)
		code[FIRST + i] =
			(struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i],
						     (unsigned char)(DENY - (FIRST + i) - 1), 0);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}
#else
static void deny_syscalls(void)
{
}
#endif

/* Keeps only the socket and the trace open. Nothing is printed. */
static void close_others(void)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	close_range(HVST_HELPER_TRACE + 1, ~0u, 0);
}

/* The trace is open: root is not needed. False where a container has no other user to become. */
static bool drop_root(void)
{
	return geteuid() || (!setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
			     !setresuid(NOBODY, NOBODY, NOBODY));
}

/*
 * Each step is an extra barrier, and a container or an old kernel may refuse any of them: go on
 * without it, as the process that started this one checks all replies.
 */
static void confine(void)
{
	close_others();
	(void)drop_root();
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	set_limits();
	deny_syscalls();
}

/* --- libtracecmd ------------------------------------------------------------------------------ */

static struct tracecmd_input *buffer_handle(struct tracecmd_input *file, const char *name)
{
	int n = tracecmd_buffer_instances(file);

	for (int i = 0; i < n; i++) {
		const char *s = tracecmd_buffer_instance_name(file, i);

		if (s && !strcmp(s, name))
			return tracecmd_buffer_instance_handle(file, i);
	}
	return NULL;
}

static int open_all(struct helper *c, struct hvst_reply *reply)
{
	c->buffers = calloc(c->nr_buffers + 1, sizeof(*c->buffers));
	tracecmd_set_loglevel(TEP_LOG_NONE);
	lseek(HVST_HELPER_TRACE, 0, SEEK_SET);
	c->file = tracecmd_open_fd(HVST_HELPER_TRACE, TRACECMD_FL_LOAD_NO_PLUGINS |
							      TRACECMD_FL_LOAD_NO_SYSTEM_PLUGINS);
	if (!c->buffers || !c->file) {
		snprintf(reply->what, sizeof(reply->what), "it cannot open it");
		return -EBADMSG;
	}
	for (unsigned int i = 0; i < c->nr_buffers; i++) {
		const char *name = c->names[i];

		if (*name++ != '=')
			continue;
		c->buffers[i] = *name ? buffer_handle(c->file, name) : c->file;
		if (!c->buffers[i]) {
			snprintf(reply->what, sizeof(reply->what),
				 "it cannot open buffer \"%.30s\"", name);
			return -EBADMSG;
		}
	}
	return 0;
}

static int batch_add(struct helper *c, const void *p, size_t len)
{
	if (c->len + len > c->cap) {
		size_t cap = 2 * (c->len + len) + HVST_BATCH_BYTES;
		uint8_t *mem = realloc(c->batch, cap);

		if (!mem)
			return -ENOMEM;
		c->batch = mem;
		c->cap = cap;
	}
	memcpy(c->batch + c->len, p, len);
	c->len += len;
	return 0;
}

static int batch_record(struct helper *c, const struct tep_record *r)
{
	struct hvst_record_head head = {
		.ts = r->ts,
		.missed = r->missed_events < 0 ? -1 : r->missed_events,
		.size = r->size > 0 && (uint32_t)r->size <= HVST_RECORD_MAX ? (uint32_t)r->size : 0,
	};
	int rc = batch_add(c, &head, sizeof(head));

	return rc ? rc : batch_add(c, r->data, head.size);
}

static int read_batch(struct helper *c, const struct hvst_request *req)
{
	struct tracecmd_input *h = req->buffer < c->nr_buffers ? c->buffers[req->buffer] : NULL;
	bool first = req->first;
	int rc = 0;

	c->len = 0;
	while (h && !rc && c->len < HVST_BATCH_BYTES) {
		struct tep_record *r = first ? tracecmd_read_cpu_first(h, (int)req->cpu)
					     : tracecmd_read_data(h, (int)req->cpu);

		first = false;
		if (!r)
			break;
		rc = batch_record(c, r);
		tracecmd_free_record(r);
	}
	return rc;
}

static int serve(struct helper *c)
{
	struct hvst_reply reply = { 0 };
	struct hvst_request req;

	reply.rc = open_all(c, &reply);
	if (hvst_protocol_send(HVST_HELPER_SOCKET, &reply, sizeof(reply)) || reply.rc)
		return 1;
	while (!hvst_protocol_receive(HVST_HELPER_SOCKET, &req, sizeof(req))) {
		reply.rc = read_batch(c, &req);
		reply.bytes = (uint32_t)c->len;
		if (hvst_protocol_send(HVST_HELPER_SOCKET, &reply, sizeof(reply)) ||
		    hvst_protocol_send(HVST_HELPER_SOCKET, c->batch, c->len))
			return 1;
	}
	return 0;
}

/* _exit(): the memory goes with the process, and what damaged files did to it is not looked at. */
int main(int argc, char **argv)
{
	struct helper c = { 0 };

	if (argc < 2 || strcmp(argv[1], HVST_VERSION) || fcntl(HVST_HELPER_SOCKET, F_GETFD) < 0) {
		fprintf(stderr,
			"hvstimer-tracecmd " HVST_VERSION ": started by libhvstimer " HVST_VERSION
			" to read trace.dat files with libtracecmd\n");
		return 2;
	}
	c.names = argv + 2;
	c.nr_buffers = (unsigned int)argc - 2;
	confine();
	_exit(serve(&c));
}
