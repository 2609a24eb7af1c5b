/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * The process that runs libtracecmd. Version 1.3.1 of it and libtraceevent 1.7.1 crash on many
 * damaged and hostile files; that ends only this process, which has limits on memory and time and
 * may not gain privileges, start programs, signal others or open sockets.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <trace-cmd.h>

#include "protocol.h"
#include "serve.h"

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

struct child {
	const struct hvst_file *f;
	int fd;
	struct tracecmd_input *file;
	struct tracecmd_input **buffers; /* by buffer of @f; NULL: has no records */
	uint8_t *batch;
	size_t len, cap;
};

/* --- limits --- */

static void limit(int what, rlim_t max)
{
	struct rlimit r = { max, max };

	setrlimit(what, &r);
}

static void set_limits(const struct hvst_file *f)
{
	limit(RLIMIT_CORE, 0);
	limit(RLIMIT_CPU, SECONDS_MIN + SECONDS_PER_MB * (rlim_t)(f->io.size >> 20));
	if (!WITH_SANITIZER) /* its shadow memory is terabytes of data */
		limit(RLIMIT_DATA, MEMORY_MAX);
}

#ifdef __x86_64__
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
	enum { N = sizeof(denied) / sizeof(denied[0]) };
	struct sock_filter code[N + 5] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0xc000003e /* AUDIT_ARCH_X86_64 */, 0, N + 1),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	};
	struct sock_fprog prog = { N + 5, code };

	for (unsigned int i = 0; i < N; i++)
		code[3 + i] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, denied[i],
							   (unsigned char)(N - i), 0);
	code[N + 3] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
	code[N + 4] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM);
	prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &prog);
}
#else
static void deny_syscalls(void)
{
}
#endif

/* Keeps only the socket open, as 3. Nothing is printed. */
static void close_others(struct child *c)
{
	int null = open("/dev/null", O_RDWR);

	for (int fd = 0; fd < 3 && null >= 0; fd++)
		dup2(null, fd);
	if (c->fd != 3)
		dup2(c->fd, 3);
	c->fd = 3;
	close_range(4, ~0u, 0);
}

static void confine(struct child *c)
{
	/* From the terminal, meant for the process that requests. */
	static const int ignored[] = { SIGINT, SIGTSTP, SIGWINCH };

	for (unsigned int i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		signal(ignored[i], SIG_IGN);
	close_others(c);
	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	set_limits(c->f);
	deny_syscalls();
}

/* --- libtracecmd --- */

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

static int open_all(struct child *c, struct hvst_reply *reply)
{
	c->buffers = calloc(c->f->nr_buffers + 1, sizeof(*c->buffers));
	tracecmd_set_loglevel(TEP_LOG_NONE);
	c->file = tracecmd_open(c->f->path,
				TRACECMD_FL_LOAD_NO_PLUGINS | TRACECMD_FL_LOAD_NO_SYSTEM_PLUGINS);
	if (!c->buffers || !c->file) {
		snprintf(reply->what, sizeof(reply->what), "it cannot open it");
		return -EBADMSG;
	}
	for (unsigned int i = 0; i < c->f->nr_buffers; i++) {
		const struct hvst_file_buffer *b = &c->f->buffers[i];

		if (b->text || !b->nr_cpus)
			continue;
		c->buffers[i] = *b->name ? buffer_handle(c->file, b->name) : c->file;
		if (!c->buffers[i]) {
			snprintf(reply->what, sizeof(reply->what),
				 "it cannot open buffer \"%.30s\"", b->name);
			return -EBADMSG;
		}
	}
	return 0;
}

static int batch_add(struct child *c, const void *p, size_t len)
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

static int batch_record(struct child *c, const struct tep_record *r)
{
	struct hvst_record_head head = {
		.ts = r->ts,
		.missed = r->missed_events < 0 ? -1 : r->missed_events,
		.size = r->size > 0 && (uint32_t)r->size <= HVST_RECORD_MAX ? (uint32_t)r->size : 0,
	};
	int rc = batch_add(c, &head, sizeof(head));

	return rc ? rc : batch_add(c, r->data, head.size);
}

static int read_batch(struct child *c, const struct hvst_request *req)
{
	struct tracecmd_input *h = req->buffer < c->f->nr_buffers ? c->buffers[req->buffer] : NULL;
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

/* The exit of the process frees the memory. */
int hvst_tracecmd_serve(const struct hvst_file *f, int fd)
{
	struct child c = { .f = f, .fd = fd };
	struct hvst_reply reply = { 0 };
	struct hvst_request req;

	confine(&c);
	reply.rc = open_all(&c, &reply);
	if (hvst_protocol_send(c.fd, &reply, sizeof(reply)) || reply.rc)
		return 1;
	while (!hvst_protocol_receive(c.fd, &req, sizeof(req))) {
		reply.rc = read_batch(&c, &req);
		reply.bytes = (uint32_t)c.len;
		if (hvst_protocol_send(c.fd, &reply, sizeof(reply)) ||
		    hvst_protocol_send(c.fd, c.batch, c.len))
			return 1;
	}
	return 0;
}
