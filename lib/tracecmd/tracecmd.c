/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: tracecmd. The requesting end: one helper process for each file, replies checked. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "helper.h"
#include "protocol.h"
#include "tracecmd.h"

/* Records of one CPU of a buffer that were received and not yet handed out. */
struct stream {
	uint8_t *data;
	size_t len, pos, cap;
};

struct hvst_tracecmd {
	const struct hvst_file *f;
	pthread_mutex_t lock; /* one request at a time */
	int fd;
	pid_t pid;
	char fate[128];		 /* why the process ended; "" while it lives */
	struct stream **streams; /* by buffer, then CPU */
	unsigned int *nr_cpus;	 /* by buffer */
};

static void reap(struct hvst_tracecmd *t)
{
	int status;

	if (t->pid <= 0)
		return;
	close(t->fd);
	while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
		;
	t->pid = 0;
	if (WIFSIGNALED(status) && !t->fate[0])
		snprintf(t->fate, sizeof(t->fate), "libtracecmd crashed on it (%s)",
			 strsignal(WTERMSIG(status)));
	else if (!t->fate[0])
		snprintf(t->fate, sizeof(t->fate), "libtracecmd gave up on it");
}

static int gone(struct hvst_tracecmd *t)
{
	reap(t);
	return -EBADMSG;
}

static int refused(struct hvst_tracecmd *t, const struct hvst_reply *reply)
{
	/* Do not trust the number: -INT32_MIN overflows. */
	const char *why =
		reply->what[0]
			? reply->what
			: strerror(reply->rc < 0 && reply->rc > INT32_MIN ? -reply->rc : EIO);

	snprintf(t->fate, sizeof(t->fate), "libtracecmd: %.63s", why);
	reap(t);
	return -EBADMSG;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int add_streams(struct hvst_tracecmd *t, unsigned int buffer)
{
	const struct hvst_file_buffer *b = &t->f->buffers[buffer];

	for (unsigned int c = 0; c < b->nr_cpus; c++)
		if (b->cpus[c].cpu >= t->nr_cpus[buffer])
			t->nr_cpus[buffer] = b->cpus[c].cpu + 1;
	t->streams[buffer] = calloc(t->nr_cpus[buffer] + 1, sizeof(**t->streams));
	return t->streams[buffer] ? 0 : -ENOMEM;
}

static struct hvst_tracecmd *make(const struct hvst_file *f)
{
	struct hvst_tracecmd *t = calloc(1, sizeof(*t));
	int rc = 0;

	if (!t)
		return NULL;
	pthread_mutex_init(&t->lock, NULL);
	t->f = f;
	t->streams = calloc(f->nr_buffers + 1, sizeof(*t->streams));
	t->nr_cpus = calloc(f->nr_buffers + 1, sizeof(*t->nr_cpus));
	for (unsigned int i = 0; t->streams && t->nr_cpus && i < f->nr_buffers && !rc; i++)
		rc = add_streams(t, i);
	if (t->streams && t->nr_cpus && !rc)
		return t;
	hvst_tracecmd_close(t);
	return NULL;
}

int hvst_tracecmd_open(struct hvst_tracecmd **out, struct hvst_file *f)
{
	struct hvst_tracecmd *t;
	struct hvst_reply reply;
	int rc;

	if (f->truncated_at >= 0)
		return hvst_file_fail(
			f, -EOPNOTSUPP,
			"is cut off: libtracecmd cannot read it, the page reader can");
	t = make(f);
	if (!t)
		return hvst_file_fail(f, -ENOMEM, "out of memory");
	*out = t;
	t->fd = hvst_helper_start(f, &t->pid);
	if (t->fd < 0)
		return t->fd;
	rc = hvst_protocol_receive(t->fd, &reply, sizeof(reply)) ? gone(t)
	     : reply.rc						 ? refused(t, &reply)
								 : 0;
	return rc ? hvst_file_fail(f, rc, "%s", t->fate) : 0;
}

void hvst_tracecmd_close(struct hvst_tracecmd *t)
{
	if (!t)
		return;
	reap(t); /* It exits when the socket is closed. */
	for (unsigned int i = 0; t->streams && t->nr_cpus && i < t->f->nr_buffers; i++) {
		for (unsigned int c = 0; t->streams[i] && c < t->nr_cpus[i]; c++)
			free(t->streams[i][c].data);
		free(t->streams[i]);
	}
	free(t->streams);
	free(t->nr_cpus);
	pthread_mutex_destroy(&t->lock);
	free(t);
}

const char *hvst_tracecmd_fate(const struct hvst_tracecmd *t)
{
	return t->fate;
}

/* --- records ---------------------------------------------------------------------------------- */

static int receive_records(struct hvst_tracecmd *t, struct stream *s,
			   const struct hvst_reply *reply)
{
	if (reply->bytes > s->cap) {
		uint8_t *mem = realloc(s->data, reply->bytes);

		if (!mem)
			return -ENOMEM;
		s->data = mem;
		s->cap = reply->bytes;
	}
	if (hvst_protocol_receive(t->fd, s->data, reply->bytes))
		return gone(t);
	s->len = reply->bytes;
	return 0;
}

/* The process has read a hostile file: do not trust its replies, either. */
static int refill(struct hvst_tracecmd *t, struct stream *s, const struct hvst_request *req)
{
	struct hvst_reply reply;

	s->pos = s->len = 0;
	if (t->pid <= 0 || hvst_protocol_send(t->fd, req, sizeof(*req)) ||
	    hvst_protocol_receive(t->fd, &reply, sizeof(reply)))
		return gone(t);
	reply.what[sizeof(reply.what) - 1] = '\0';
	if (reply.rc < 0)
		return refused(t, &reply);
	return reply.bytes > 2 * HVST_BATCH_BYTES + HVST_RECORD_MAX ? gone(t)
								    : receive_records(t, s, &reply);
}

static int take(struct hvst_tracecmd *t, struct stream *s, struct hvst_record *rec)
{
	struct hvst_record_head head = { .size = UINT32_MAX };

	if (s->len - s->pos >= sizeof(head)) {
		memcpy(&head, s->data + s->pos, sizeof(head));
		s->pos += sizeof(head);
	}
	if (head.size > s->len - s->pos) {
		snprintf(t->fate, sizeof(t->fate), "libtracecmd's helper sent half a record");
		return -EBADMSG;
	}
	*rec = (struct hvst_record){
		.ts = head.ts, .data = s->data + s->pos, .size = head.size, .missed = head.missed
	};
	s->pos += head.size;
	return 1;
}

int hvst_tracecmd_next(struct hvst_tracecmd *t, unsigned int buffer, unsigned int cpu, bool first,
		       struct hvst_record *rec)
{
	struct hvst_request req = { .buffer = buffer, .cpu = cpu, .first = first };
	struct stream *s;
	int rc = 0;

	if (cpu >= t->nr_cpus[buffer])
		return 0;
	s = &t->streams[buffer][cpu];
	if (first || s->pos == s->len) {
		pthread_mutex_lock(&t->lock);
		rc = refill(t, s, &req);
		pthread_mutex_unlock(&t->lock);
	}
	if (rc)
		return rc;
	return s->len ? take(t, s, rec) : 0;
}
