// SPDX-License-Identifier: GPL-2.0
/*
 * A live trace: sub-buffers that come in rounds give the events of a recording with the same
 * sub-buffers, in its order, one round late; a silent CPU holds up none of the others.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvstimer/hvstimer.h>

#include "mkdat.h"

#define CPUS	   3
#define MAX_EVENTS 20000
#define ROUNDS	   40
#define ROUND_NS   1000000 /* of trace time that become readable in a round */

static struct {
	int64_t ns;
	unsigned int cpu;
} seen[MAX_EVENTS], want[MAX_EVENTS];
static size_t nr_seen, nr_want;

/* A host whose CPUs recorded @cpus; @open_ns is where the part that can be read ends. */
struct host {
	struct mk_cpu cpus[CPUS];
	size_t at[CPUS]; /* bytes that were read */
	uint64_t open_ns;
	unsigned int waits, busy;
	size_t late; /* the most events of earlier rounds that were not delivered at a wait */
	int fail;    /* what read returns in round @fail_round */
	unsigned int fail_round;
	uint64_t lost; /* events */
};

static int on_event(void *ctx, const struct hvst_event *ev)
{
	(void)ctx;
	assert_true(nr_seen < MAX_EVENTS);
	seen[nr_seen].ns = ev->ts_ns;
	seen[nr_seen++].cpu = ev->cpu;
	return 0;
}

static const struct hvst_observer observer = { .size = sizeof(observer), .event = on_event };

/* The kernel has overwritten three events before this round of CPU 1; of CPU 0, nobody knows. */
static int64_t lost_before(struct host *h, unsigned int cpu, uint64_t round)
{
	if (cpu > 1 || round % 16 != 5)
		return 0;
	h->lost += cpu ? 3 : 0;
	return cpu ? 3 : -1;
}

/*
 * Three CPUs: busy, less so, and one with an event at the beginning and one at the end. A
 * sub-buffer ends where a round does, as when trace_pipe_raw is read then.
 */
static void make_host(struct host *h)
{
	static const uint64_t step[CPUS] = { 7000, 130000, (ROUNDS - 1) * (uint64_t)ROUND_NS };

	memset(h, 0, sizeof(*h));
	for (unsigned int c = 0; c < CPUS; c++) {
		uint64_t round = 0;

		for (uint64_t ts = 1000 + c; ts < ROUNDS * (uint64_t)ROUND_NS; ts += step[c]) {
			if (ts / ROUND_NS != round && h->cpus[c].open)
				mk_end_page(&h->cpus[c], lost_before(h, c, round));
			round = ts / ROUND_NS;
			mk_set_count(&h->cpus[c], ts, 100 + (int)c, 0, ts);
		}
		mk_end_page(&h->cpus[c], 0);
	}
}

static void free_host(struct host *h)
{
	for (unsigned int c = 0; c < CPUS; c++)
		mk_free(&h->cpus[c].pages);
}

static char *save(struct mk_cpu *cpus)
{
	const struct mk_buffer top = { "", "mono", cpus, CPUS };
	const struct mk_file f = { .version = 6, .buffers = &top, .nr_buffers = 1 };
	struct mk_bytes b = mk_file(&f);
	char *path = mk_save(&b);

	mk_free(&b);
	return path;
}

static int read_page(void *ctx, unsigned int cpu, void *buf, size_t len)
{
	struct host *h = ctx;
	const struct mk_bytes *pages = &h->cpus[cpu].pages;
	uint64_t ts;

	if (h->fail && h->waits == h->fail_round)
		return h->fail;
	assert_int_equal(len, MK_PAGE);
	if (h->at[cpu] == pages->len)
		return 0;
	memcpy(&ts, pages->data + h->at[cpu], sizeof(ts));
	if (ts >= h->open_ns)
		return 0;
	memcpy(buf, pages->data + h->at[cpu], len);
	h->at[cpu] += len;
	return MK_PAGE;
}

/*
 * Events in order that lie before the end of the round before the last one, and are not here yet.
 */
static size_t late_events(const struct host *h)
{
	uint64_t until = h->open_ns > 2 * ROUND_NS ? h->open_ns - 2 * ROUND_NS : 0;
	size_t n = 0;

	while (n < nr_want && (uint64_t)want[n].ns < until)
		n++;
	return n > nr_seen ? n - nr_seen : 0;
}

static int wait_round(void *ctx, bool busy)
{
	struct host *h = ctx;
	size_t late = late_events(h);

	h->late = late > h->late ? late : h->late;
	h->waits++;
	h->busy += busy;
	h->open_ns += ROUND_NS;
	return h->open_ns > ROUNDS * (uint64_t)ROUND_NS;
}

static const struct hvst_live_ops ops = { .size = sizeof(ops),
					  .read = read_page,
					  .wait = wait_round };

/* A session on the head of @h's trace; the file's name in @path. */
static struct hvst_session *open_live(struct host *h, size_t keep, char **path)
{
	struct mk_cpu none[CPUS] = { 0 };
	struct hvst_session *s = hvst_session_new();

	*path = save(none);
	assert_int_equal(hvst_session_add_file(s, *path), 0);
	assert_int_equal(hvst_session_set_live(s, &ops, h, keep), 0);
	if (hvst_session_open(s))
		fail_msg("open: %s", hvst_session_error(s));
	hvst_session_set_need(s, HVST_NEED_EVENTS);
	assert_int_equal(hvst_session_set_observer(s, &observer, NULL), 0);
	return s;
}

static void close_session(struct hvst_session *s, char *path)
{
	hvst_session_free(s);
	unlink(path);
	free(path);
}

/* What the recording with these sub-buffers has goes to @want. Returns how many events it lost. */
static uint64_t read_recording(struct host *h)
{
	struct hvst_session *s = hvst_session_new();
	char *path = save(h->cpus);
	uint64_t lost;

	nr_seen = 0;
	assert_int_equal(hvst_session_add_file(s, path), 0);
	assert_int_equal(hvst_session_open(s), 0);
	hvst_session_set_need(s, HVST_NEED_EVENTS);
	assert_int_equal(hvst_session_set_observer(s, &observer, NULL), 0);
	assert_int_equal(hvst_session_run(s), 0);
	lost = hvst_session_trace(s)->lost_events;
	assert_int_equal(hvst_session_held(s, NULL, NULL), -EINVAL);
	close_session(s, path);
	memcpy(want, seen, sizeof(want));
	nr_want = nr_seen;
	nr_seen = 0;
	return lost;
}

static void rounds_give_the_recording(void **state)
{
	struct hvst_session *s;
	struct host h;
	char *path;

	(void)state;
	make_host(&h);
	read_recording(&h);
	assert_true(nr_want > 5000);
	s = open_live(&h, 1 << 20, &path);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(nr_seen, nr_want);
	assert_memory_equal(seen, want, nr_want * sizeof(*want));
	assert_int_equal(h.late, 0);
	assert_int_equal(h.waits, ROUNDS + 1);
	assert_int_equal(hvst_session_trace(s)->backwards, 0);
	close_session(s, path);
	free_host(&h);
}

/* The CPUs begin within a round of each other; from then on nothing is missing. */
static void compare_tails(void)
{
	int64_t from = nr_seen ? seen[0].ns + ROUND_NS : 0;
	size_t a = 0, b = 0;

	while (a < nr_seen && seen[a].ns < from)
		a++;
	while (b < nr_want && want[b].ns < from)
		b++;
	if (!nr_seen || nr_seen == nr_want)
		return;
	assert_int_equal(nr_seen - a, nr_want - b);
	assert_memory_equal(seen + a, want + b, (nr_seen - a) * sizeof(*want));
}

/* A run begins with the newest @keep bytes of the one before. */
static size_t second_run(size_t keep)
{
	struct hvst_session *s;
	struct host h;
	char *path;

	make_host(&h);
	read_recording(&h);
	s = open_live(&h, keep, &path);
	assert_int_equal(hvst_session_run(s), 0);
	nr_seen = 0;
	assert_int_equal(hvst_session_run(s), 0);
	compare_tails();
	close_session(s, path);
	free_host(&h);
	return nr_seen;
}

static void a_run_begins_with_what_is_kept(void **state)
{
	size_t some;

	(void)state;
	assert_int_equal(second_run(SIZE_MAX), nr_want);
	assert_int_equal(second_run(0), 0);
	some = second_run(100000);
	assert_true(some > 0);
	assert_true(some * 30 < 100000); /* a record takes more than 30 bytes */
}

struct held {
	struct mk_cpu cpus[CPUS];
	unsigned int nr[CPUS], calls, most;
};

static int on_held(void *ctx, unsigned int cpu, const void *data, size_t len)
{
	static const uint8_t zero[MK_PAGE];
	struct held *to = ctx;

	if (to->calls++ == to->most)
		return 7;
	assert_true(cpu < CPUS && len <= MK_PAGE);
	to->nr[cpu]++;
	mk_put(&to->cpus[cpu].pages, data, len);
	mk_put(&to->cpus[cpu].pages, zero, MK_PAGE - len);
	return 0;
}

/* What is in memory is a recording of the same events, in fewer sub-buffers. */
static void what_is_held_makes_a_recording(void **state)
{
	static typeof(want[0]) first[MAX_EVENTS];
	struct held held = { .most = 1000 };
	struct host h, again = { 0 };
	struct hvst_session *s;
	size_t nr_first;
	char *path;

	(void)state;
	make_host(&h);
	read_recording(&h);
	s = open_live(&h, SIZE_MAX, &path);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(hvst_session_held(s, on_held, &held), 0);
	assert_int_equal(hvst_session_trace(s)->lost_events, h.lost);
	/* The three with a number of lost events stand alone; what lies between is joined. */
	assert_int_equal(held.nr[1], 7);
	assert_int_equal(held.nr[2], 1);
	memcpy(again.cpus, held.cpus, sizeof(again.cpus));
	memcpy(first, want, sizeof(first));
	nr_first = nr_want;
	assert_int_equal(read_recording(&again), h.lost);
	assert_int_equal(nr_want, nr_first);
	assert_memory_equal(want, first, nr_first * sizeof(*first));
	held.calls = 0;
	held.most = 3;
	assert_int_equal(hvst_session_held(s, on_held, &held), 7);
	close_session(s, path);
	free_host(&h);
	free_host(&again);
}

static void expect_failure(int returned, int code, const char *part)
{
	struct hvst_session *s;
	struct host h;
	char *path;

	make_host(&h);
	h.fail = returned;
	h.fail_round = 5;
	s = open_live(&h, 0, &path);
	assert_int_equal(hvst_session_run(s), code);
	assert_non_null(strstr(hvst_session_error(s), part));
	assert_int_equal(h.waits, 5);
	close_session(s, path);
	free_host(&h);
}

static void errors_of_the_source_end_the_run(void **state)
{
	(void)state;
	expect_failure(-EIO, -EIO, "Input/output error");
	expect_failure(15, -EBADMSG, "length that makes no sense"); /* less than a head */
	expect_failure(MK_PAGE + 1, -EBADMSG, "length that makes no sense");
}

static void a_recording_is_no_head(void **state)
{
	struct hvst_session *s = hvst_session_new();
	struct host h;
	char *path;

	(void)state;
	make_host(&h);
	path = save(h.cpus);
	assert_int_equal(hvst_session_add_file(s, path), 0);
	assert_int_equal(hvst_session_set_live(s, &ops, &h, 0), 0);
	assert_int_equal(hvst_session_open(s), -EOPNOTSUPP);
	assert_non_null(strstr(hvst_session_error(s), "head"));
	close_session(s, path);
	free_host(&h);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rounds_give_the_recording),
		cmocka_unit_test(a_run_begins_with_what_is_kept),
		cmocka_unit_test(what_is_held_makes_a_recording),
		cmocka_unit_test(errors_of_the_source_end_the_run),
		cmocka_unit_test(a_recording_is_no_head),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
