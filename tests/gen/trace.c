/* SPDX-License-Identifier: GPL-2.0 */
/* Records on their way into the rings: sorted by time per CPU, stamped with the trace's clock. */
#include <errno.h>
#include <libgen.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "trace_private.h"

#define SLEW_NS	       2000000000ll
#define BOOT_AHEAD_NS  86400123456789ll /* boot counts a day of suspend */
#define LOCAL_AHEAD_NS 1234567ll

static const char *const clock_names[] = {
	[CLOCK_MONO] = "mono",	   [CLOCK_BOOT] = "boot",	[CLOCK_LOCAL] = "local",
	[CLOCK_GLOBAL] = "global", [CLOCK_X86_TSC] = "x86-tsc", [CLOCK_TSC2NSEC] = "tsc2nsec",
};

const char *gen_clock_name(enum gen_clock clock)
{
	return clock_names[clock];
}

int gen_clock_by_name(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(clock_names); i++)
		if (!strcmp(clock_names[i], name))
			return i;
	return -1;
}

/* NTP's rate at @t: +ppm, 0, -ppm, 0, ... in turn, and that of the slews. */
static int slew_at(const struct trace *tr, int64_t t)
{
	int64_t n = t / SLEW_NS;

	int ppm = n % 2 ? 0 : n % 4 ? -tr->opts.slew_ppm : tr->opts.slew_ppm;

	for (unsigned int i = 0; i < tr->opts.nr_slews; i++)
		if (t >= tr->opts.slews[i].from && t < tr->opts.slews[i].to)
			ppm += tr->opts.slews[i].ppm;
	return ppm;
}

/* What NTP has added up to @t. */
static int64_t slew_sum(const struct trace *tr, int64_t t)
{
	int64_t n = t / SLEW_NS, sum = 0;
	int now = n % 2 ? 0 : n % 4 ? -tr->opts.slew_ppm : tr->opts.slew_ppm;

	if (n % 4 == 1 || n % 4 == 2)
		sum = SLEW_NS / 1000000 * tr->opts.slew_ppm;
	sum += (t % SLEW_NS) * now / 1000000;
	for (unsigned int i = 0; i < tr->opts.nr_slews; i++) {
		const struct gen_slew *s = &tr->opts.slews[i];
		int64_t to = t < s->to ? t : s->to;

		if (to > s->from)
			sum += (int64_t)((__int128)(to - s->from) * s->ppm / 1000000);
	}
	return sum;
}

static uint64_t cycles(int64_t t)
{
	return (unsigned __int128)t * GEN_TSC_KHZ / 1000000;
}

/* The time stamp as the ring buffer of @cpu holds it. */
static uint64_t stamp(const struct trace *tr, unsigned int cpu, int64_t t)
{
	switch (tr->opts.clock) {
	case CLOCK_BOOT:
		return t + BOOT_AHEAD_NS + slew_sum(tr, t);
	case CLOCK_LOCAL:
		return t + LOCAL_AHEAD_NS + cpu * tr->opts.cpu_apart_ns;
	case CLOCK_GLOBAL:
		return t + LOCAL_AHEAD_NS;
	case CLOCK_X86_TSC:
	case CLOCK_TSC2NSEC:
		return cycles(t);
	default:
		return t + slew_sum(tr, t);
	}
}

int64_t trace_ns(const struct trace *tr, int64_t t)
{
	bool tsc = tr->opts.clock == CLOCK_X86_TSC || tr->opts.clock == CLOCK_TSC2NSEC;

	return tsc ? t : (int64_t)stamp(tr, 0, t);
}

int64_t trace_wait(const struct trace *tr, int64_t t, int64_t ns)
{
	return (int64_t)((__int128)ns * 1000000 / (1000000 + slew_at(tr, t)));
}

static const struct gen_lost *lost_at(const struct trace *tr, unsigned int cpu, int64_t t)
{
	for (unsigned int i = 0; i < tr->opts.nr_lost; i++) {
		const struct gen_lost *l = &tr->opts.lost[i];

		if (l->cpu == cpu && t >= l->from && t < l->to)
			return l;
	}
	return NULL;
}

static bool is_over(const struct trace *tr, int64_t t)
{
	return tr->opts.end && t >= tr->opts.end;
}

bool trace_is_lost(const struct trace *tr, unsigned int cpu, int64_t t)
{
	return is_over(tr, t) || lost_at(tr, cpu, t);
}

static bool queue_room(struct queue *q, unsigned int len)
{
	if (q->head > 8192) {
		memmove(q->items, q->items + q->head, (q->n - q->head) * sizeof(*q->items));
		q->n -= q->head;
		q->head = 0;
	}
	if (q->n == q->room) {
		size_t room = q->room ? q->room * 2 : 1024;
		struct item *items = realloc(q->items, room * sizeof(*items));

		if (!items)
			return false;
		q->items = items;
		q->room = room;
	}
	if (q->bytes + len > q->bytes_room) {
		size_t room = (q->bytes_room ? q->bytes_room * 2 : 1 << 16) + len;
		uint8_t *data = realloc(q->data, room);

		if (!data)
			return false;
		q->data = data;
		q->bytes_room = room;
	}
	return true;
}

/* The data of what waits moves to the front once what is gone is more than what is left. */
static void queue_trim(struct queue *q)
{
	uint32_t at = 0;

	if (q->head == q->n) {
		q->head = q->n = q->bytes = 0;
		return;
	}
	if (q->bytes < (1 << 20))
		return;
	for (size_t i = q->head; i < q->n; i++)
		at += q->items[i].len;
	if (at * 2 > q->bytes)
		return;
	uint8_t *data = malloc(q->bytes_room);

	if (!data)
		return;
	at = 0;
	for (size_t i = q->head; i < q->n; i++) {
		memcpy(data + at, q->data + q->items[i].at, q->items[i].len);
		q->items[i].at = at;
		at += q->items[i].len;
	}
	free(q->data);
	q->data = data;
	q->bytes = at;
}

static void queue_put(struct queue *q, const struct item *it)
{
	size_t i = q->n++;

	while (i > q->head && q->items[i - 1].t > it->t) {
		q->items[i] = q->items[i - 1];
		i--;
	}
	q->items[i] = *it;
}

bool trace_emit(struct trace *tr, unsigned int cpu, int64_t t, int pid, enum gen_event ev,
		const uint64_t *vals)
{
	struct queue *q = &tr->queues[cpu];
	struct item it = { .t = t, .buffers = tr->where[ev] };

	if (!it.buffers || is_over(tr, t))
		return false;
	if (!queue_room(q, GEN_MAX_RECORD)) {
		tr->error = -ENOMEM;
		return false;
	}
	it.at = q->bytes;
	it.len = gen_encode(&tr->layouts[ev], q->data + q->bytes, pid, vals);
	q->bytes += it.len;
	queue_put(q, &it);
	return !trace_is_lost(tr, cpu, t);
}

static void item_out(struct trace *tr, unsigned int cpu, const struct item *it)
{
	const struct gen_lost *lost = lost_at(tr, cpu, it->t);

	for (unsigned int b = 0; b < tr->opts.nr_buffers; b++) {
		struct ring *r = &tr->rings[b * tr->opts.cpus + cpu];

		if (!(it->buffers & 1u << b))
			continue;
		if (lost && !lost->silent)
			ring_drop(r, lost->counted ? 1 : UINT64_MAX);
		else if (!lost)
			ring_put(r, stamp(tr, cpu, it->t), tr->queues[cpu].data + it->at, it->len);
	}
	tr->bytes += it->len + 4;
}

void trace_flush(struct trace *tr, int64_t t)
{
	for (unsigned int cpu = 0; cpu < tr->opts.cpus; cpu++) {
		struct queue *q = &tr->queues[cpu];

		while (q->head < q->n && q->items[q->head].t < t)
			item_out(tr, cpu, &q->items[q->head++]);
		queue_trim(q);
	}
}

void trace_comm(struct trace *tr, int pid, const char *comm)
{
	char **p;

	for (unsigned int i = 0; i < tr->nr_comms; i++)
		if (atoi(tr->comms[i]) == pid)
			return;
	p = realloc(tr->comms, (tr->nr_comms + 1) * sizeof(*p));
	if (!p) {
		tr->error = -ENOMEM;
		return;
	}
	tr->comms = p;
	if (asprintf(&p[tr->nr_comms], "%d %s\n", pid, comm) < 0)
		tr->error = -ENOMEM;
	else
		tr->nr_comms++;
}

uint64_t trace_bytes(const struct trace *tr)
{
	return tr->bytes;
}

static void where_to(struct trace *tr)
{
	for (unsigned int b = 0; b < tr->opts.nr_buffers; b++)
		for (int ev = 0; ev < EV_COUNT; ev++)
			if (tr->opts.buffers[b].events & 1ull << ev)
				tr->where[ev] |= 1u << b;
}

static int rings_init(struct trace *tr, const char *path)
{
	char *copy = strdup(path);
	unsigned int n = tr->opts.nr_buffers * tr->opts.cpus;
	int rc = copy ? 0 : -ENOMEM;

	tr->rings = calloc(n, sizeof(*tr->rings));
	if (!tr->rings)
		rc = -ENOMEM;
	for (unsigned int i = 0; i < n && !rc; i++) {
		rc = ring_init(&tr->rings[i], dirname(copy), tr->opts.page_size, tr->opts.compress);
		tr->rings[i].odd = tr->opts.odd;
		if (copy)
			strcpy(copy, path); /* dirname() may have cut it */
	}
	free(copy);
	return rc;
}

static void trace_free(struct trace *tr)
{
	for (unsigned int i = 0; tr->rings && i < tr->opts.nr_buffers * tr->opts.cpus; i++)
		ring_free(&tr->rings[i]);
	for (unsigned int i = 0; tr->queues && i < tr->opts.cpus; i++) {
		free(tr->queues[i].items);
		free(tr->queues[i].data);
	}
	for (unsigned int i = 0; i < tr->nr_comms; i++)
		free(tr->comms[i]);
	free(tr->comms);
	free(tr->rings);
	free(tr->queues);
	if (tr->out)
		fclose(tr->out);
	free(tr);
}

int trace_open(struct trace **out, const struct trace_opts *opts, const char *path)
{
	struct trace *tr = calloc(1, sizeof(*tr));
	int rc = -ENOMEM;

	if (!tr)
		return rc;
	tr->opts = *opts;
	tr->queues = calloc(opts->cpus, sizeof(*tr->queues));
	if (!tr->queues)
		goto fail;
	rc = -EINVAL;
	if (!gen_layouts(tr->layouts, opts->kernel))
		goto fail;
	tr->out = fopen(path, "w");
	rc = -errno;
	if (!tr->out)
		goto fail;
	setvbuf(tr->out, NULL, _IOFBF, 1 << 20);
	rc = rings_init(tr, path);
	if (rc)
		goto fail;
	where_to(tr);
	trace_comm(tr, 1, "systemd");
	*out = tr;
	return 0;
fail:
	trace_free(tr);
	return rc;
}

int trace_close(struct trace *tr)
{
	int rc;

	trace_flush(tr, INT64_MAX);
	rc = tr->error;
	for (unsigned int i = 0; i < tr->opts.nr_buffers * tr->opts.cpus; i++) {
		int err = ring_finish(&tr->rings[i]);

		rc = rc ? rc : err;
	}
	if (!rc)
		rc = dat_write(tr);
	if (!rc && fflush(tr->out))
		rc = -errno;
	trace_free(tr);
	return rc;
}
