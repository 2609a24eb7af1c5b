// SPDX-License-Identifier: GPL-2.0
/*
 * watch: storms found by counters alone in random runs of several VMs, none where there is none;
 * the kernel's histograms read, and refused where they are not whole; names of VMs;
 * which saved files stay.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/watch/detect.h"
#include "../../cli/watch/hist.h"
#include "../../cli/watch/keep.h"
#include "../../cli/watch/who.h"

#define S 1000000000LL

static const struct watch_limits limits = { 128, 50, S };
static uint64_t seed;

static uint64_t below(uint64_t n)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed % n;
}

/* --- a host ----------------------------------------------------------------------------------- */

#define VMS    3
#define VCPUS  2
#define STEPS  20 /* of an interval */
#define STORMS 10

/* What one vCPU does; a storm lies in [storm_from, storm_to), in steps. */
struct guest {
	struct watch_key key;
	uint64_t n[WATCH_COUNTS];
	unsigned int tick_hz, cancel_hz, storm_hz;
	long storm_from, storm_to;
	unsigned int held; /* for so many steps more */
	uint64_t missed;   /* ticks, then */
	enum watch_kind kind;
	long begun; /* when it was reported, in steps; -1: not */
	unsigned int reports;
};

struct host {
	struct guest guests[VMS * VCPUS];
	uint64_t callbacks[VCPUS];
	bool has_expired, padding;
	long now;
	unsigned int wrong;
};

static void past_due(struct host *h, struct guest *g, uint64_t n)
{
	g->n[WATCH_DELIVERED] += n;
	if (h->has_expired)
		g->n[WATCH_EXPIRED] += n;
	if (!h->padding)
		return;
	g->n[WATCH_STARTED] += n;
	h->callbacks[g->key.vcpu] += n;
}

static void ahead(struct host *h, struct guest *g, uint64_t n)
{
	g->n[WATCH_STARTED] += n;
	h->callbacks[g->key.vcpu] += n;
	g->n[WATCH_DELIVERED] += n;
}

static void storm(struct host *h, struct guest *g, uint64_t n)
{
	if (g->kind == WATCH_PAST_DUE) {
		past_due(h, g, n);
	} else if (g->kind == WATCH_LIVELOCK) {
		g->n[WATCH_STARTED] += n;
		h->callbacks[g->key.vcpu] += n;
	} else {
		g->n[WATCH_REFUSED] += n;
	}
}

/*
 * Ticks, arms that the guest takes back, isolated past-due arms, short bursts of them, deliveries
 * that are refused once, ticks that a guest makes up for after it was held: all of it harmless.
 */
static void step(struct host *h, struct guest *g)
{
	bool stormy = h->now >= g->storm_from && h->now < g->storm_to;

	if (stormy) {
		storm(h, g, g->storm_hz / STEPS);
		return;
	}
	if (g->held && --g->held)
		return;
	if (g->missed) {
		past_due(h, g, g->missed);
		g->missed = 0;
	}
	if (h->now > STEPS && !below(1000) &&
	    (g->storm_from < 0 || h->now < g->storm_from - 8 * STEPS)) {
		g->held = 1 + (unsigned int)below(5 * STEPS);
		g->missed = (uint64_t)g->tick_hz * g->held / STEPS;
	}
	ahead(h, g, below(2 * g->tick_hz / STEPS + 1));
	g->n[WATCH_STARTED] += below(2 * g->cancel_hz / STEPS + 1);
	if (!below(30))
		past_due(h, g, 1 + below(3));
	if (!below(2000))
		past_due(h, g, 30 + below(270));
	if (!below(40))
		g->n[WATCH_REFUSED]++;
}

static void on_change(void *arg, const struct watch_timer *w, enum watch_news news)
{
	struct host *h = arg;
	unsigned int i;

	for (i = 0; i < VMS * VCPUS; i++) {
		struct guest *g = &h->guests[i];

		if (g->key.tid != w->key.tid || news != WATCH_BEGINS)
			continue;
		g->begun = h->now;
		g->reports++;
		if (h->now < g->storm_from || w->state.kind != g->kind)
			h->wrong++;
	}
}

static void read_host(struct host *h, struct watch_table *t, int64_t from_ns, int64_t to_ns)
{
	unsigned int i, c;

	for (i = 0; i < VMS * VCPUS; i++)
		for (c = 0; c < WATCH_CALLBACKS; c++)
			if (h->guests[i].n[c])
				assert_int_equal(
					watch_table_add(t, &h->guests[i].key, c, h->guests[i].n[c]),
					0);
	for (i = 0; i < VCPUS; i++)
		assert_int_equal(watch_table_add(t, &(struct watch_key){ .vcpu = i },
						 WATCH_CALLBACKS, h->callbacks[i]),
				 0);
	assert_int_equal(watch_table_end(t, from_ns, to_ns, &limits, on_change, h), 0);
}

/* The kernel's counters begin at 0 again. */
static void clear_host(struct host *h, struct watch_table *t)
{
	unsigned int i;

	for (i = 0; i < VMS * VCPUS; i++)
		memset(h->guests[i].n, 0, sizeof(h->guests[i].n));
	memset(h->callbacks, 0, sizeof(h->callbacks));
	watch_table_cleared(t);
}

static void make_host(struct host *h, enum watch_kind kind)
{
	unsigned int i;

	memset(h, 0, sizeof(*h));
	for (i = 0; i < VMS * VCPUS; i++) {
		unsigned int tick_hz = 64 + below(2000);

		h->guests[i] = (struct guest){
			.key = { .tid = 100 + (int)i, .vcpu = i % VCPUS },
			.tick_hz = tick_hz,
			.cancel_hz = below(2) * below(200),
			.storm_hz = tick_hz * (5 + below(200)),
			.kind = kind,
			.storm_from = -1,
			.storm_to = -1,
			.begun = -1,
		};
	}
}

/* Runs @h for a minute with a storm of guest @who from @from on for @length steps; <0: none. */
static void run(struct host *h, int who, long from, long length)
{
	struct watch_table t = { .has_expired = h->has_expired };
	long read = 0;
	unsigned int i;

	if (who >= 0) {
		h->guests[who].storm_from = from;
		h->guests[who].storm_to = from + length;
	}
	for (h->now = 0; h->now < 60 * STEPS;) {
		for (i = 0; i < VMS * VCPUS; i++)
			step(h, &h->guests[i]);
		if (++h->now - read < (t.suspects ? STEPS / 2 : STEPS))
			continue;
		read_host(h, &t, read * (S / STEPS), h->now * (S / STEPS));
		read = h->now;
		if (!below(10))
			clear_host(h, &t);
	}
	watch_table_free(&t);
}

static void check_storms(bool has_expired, bool padding, enum watch_kind kind)
{
	unsigned int n, i;

	for (n = 0; n < STORMS; n++) {
		int who = (int)below(VMS * VCPUS);
		long from = (long)below(50 * STEPS);
		struct host h;

		make_host(&h, kind);
		h.has_expired = has_expired;
		h.padding = padding;
		/* Arms taken back by others hide nothing; by itself a guest in a storm takes none
		 * back. */
		run(&h, who, from, 2 * STEPS + (long)below(8 * STEPS));
		assert_int_equal(h.wrong, 0);
		for (i = 0; i < VMS * VCPUS; i++)
			assert_int_equal(h.guests[i].reports, i == (unsigned int)who);
		assert_true(h.guests[who].begun - from <= 2 * STEPS);
	}
}

static void test_storms(void **state)
{
	(void)state;
	for (seed = 1; seed < 20000000; seed += 1999993) {
		check_storms(false, false, WATCH_PAST_DUE);
		check_storms(true, false, WATCH_PAST_DUE);
		check_storms(true, true, WATCH_PAST_DUE);
		check_storms(false, false, WATCH_LIVELOCK);
		check_storms(false, false, WATCH_RETRIES);
	}
}

static void test_no_storm(void **state)
{
	unsigned int n, i;
	struct host h;

	(void)state;
	seed = 4711;
	for (n = 0; n < 60; n++) { /* an hour */
		make_host(&h, WATCH_PAST_DUE);
		h.has_expired = n % 2;
		run(&h, -1, 0, 0);
		for (i = 0; i < VMS * VCPUS; i++)
			assert_int_equal(h.guests[i].reports, 0);
	}
}

/*
 * The slowest and the fastest host: the same guest, whose ticks take up to a quarter of its time,
 * is found in its storm in time; what it makes up for after four seconds is none on either.
 */
static void test_hosts(void **state)
{
	static const unsigned int turns_hz[] = { 300, 3000, 300000 };
	unsigned int n, i;

	(void)state;
	seed = 1234567;
	for (n = 0; n < 300; n++) {
		long from = (long)below(50 * STEPS);
		struct host h;

		make_host(&h, WATCH_PAST_DUE);
		h.has_expired = n % 2;
		for (i = 0; i < VMS * VCPUS; i++) {
			h.guests[i].storm_hz = turns_hz[n % 3];
			h.guests[i].tick_hz = 1 + below(turns_hz[n % 3] / 5);
		}
		run(&h, 0, from, 2 * STEPS);
		assert_int_equal(h.wrong, 0);
		for (i = 0; i < VMS * VCPUS; i++)
			assert_int_equal(h.guests[i].reports, i == 0);
		assert_true(h.guests[0].begun - from <= 2 * STEPS);
	}
}

/* --- one timer -------------------------------------------------------------------------------- */

static enum watch_news second(struct watch_state *s, int at, uint64_t bad, uint64_t all,
			      const struct watch_limits *l)
{
	struct watch_sample in = { .from_ns = at * S, .to_ns = (at + 1) * S };

	in.bad[WATCH_PAST_DUE] = bad;
	in.all[WATCH_PAST_DUE] = all;
	return watch_step(s, &in, l);
}

static void test_limits(void **state)
{
	struct watch_limits l = { 100, 80, 3 * S };
	struct watch_state s = { 0 };
	int i;

	(void)state;
	assert_int_equal(second(&s, 0, 99, 99, &l), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_CALM);
	assert_int_equal(second(&s, 1, 159, 199, &l), WATCH_NOTHING); /* 79.9 % */
	assert_int_equal(s.phase, WATCH_CALM);
	assert_int_equal(second(&s, 2, 100, 125, &l), WATCH_NOTHING);
	assert_int_equal(second(&s, 3, 100, 100, &l), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_SUSPECT);
	assert_int_equal(second(&s, 4, 900, 1000, &l), WATCH_BEGINS);
	assert_int_equal(s.bad, 1100);
	assert_int_equal(s.peak_hz, 900);
	assert_int_equal(s.since_ns, 2 * S);
	/* A pause is part of it, three seconds of calm are its end. */
	assert_int_equal(second(&s, 5, 0, 0, &l), WATCH_NOTHING);
	assert_int_equal(second(&s, 6, 0, 10, &l), WATCH_NOTHING);
	assert_int_equal(second(&s, 7, 500, 500, &l), WATCH_NOTHING);
	for (i = 8; i < 10; i++)
		assert_int_equal(second(&s, i, 0, 10, &l), WATCH_NOTHING);
	assert_int_equal(second(&s, 10, 0, 10, &l), WATCH_ENDS);
	assert_int_equal(s.last_ns, 8 * S);
	/* What is broken off before its time was none. */
	second(&s, 11, 500, 500, &l);
	second(&s, 12, 500, 500, &l);
	assert_int_equal(second(&s, 13, 0, 10, &l), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_CALM);
}

/*
 * Twice what the timer usually does is over the limits, and a storm if the next reading finds it
 * too; four times these limits are one at once. A guest that is held does not forget its ticks.
 */
static void test_usual(void **state)
{
	struct watch_state s = { 0 };
	int i;

	(void)state;
	for (i = 0; i < 3; i++)
		assert_int_equal(second(&s, i, 0, 1000, &limits), WATCH_NOTHING);
	for (; i < 100; i++)
		assert_int_equal(second(&s, i, 0, 0, &limits), WATCH_NOTHING);
	assert_int_equal(second(&s, i++, 1999, 1999, &limits), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_CALM);
	assert_int_equal(second(&s, i++, 7999, 7999, &limits), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_SUSPECT);
	assert_int_equal(second(&s, i++, 0, 1000, &limits), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_CALM);
	assert_int_equal(second(&s, i++, 2000, 2500, &limits), WATCH_NOTHING);
	assert_int_equal(second(&s, i++, 2000, 2500, &limits), WATCH_BEGINS);
	assert_int_equal(s.bad, 4000);
	for (; s.phase == WATCH_STORM; i++)
		second(&s, i, 0, 1000, &limits);
	assert_int_equal(second(&s, i, 8000, 8500, &limits), WATCH_BEGINS);
	/* It has changed its tick. */
	for (i++; i < 200; i++)
		second(&s, i, 0, 100, &limits);
	assert_int_equal(second(&s, i, 800, 800, &limits), WATCH_BEGINS);
}

static void test_extremes(void **state)
{
	struct watch_state s = { 0 };
	struct watch_sample in = { .from_ns = 5, .to_ns = 5 };

	(void)state;
	in.bad[WATCH_PAST_DUE] = in.all[WATCH_PAST_DUE] = UINT64_MAX;
	assert_int_equal(watch_step(&s, &in, &limits), WATCH_NOTHING); /* no time at all */
	in.to_ns = 4;
	assert_int_equal(watch_step(&s, &in, &limits), WATCH_NOTHING);
	assert_int_equal(s.phase, WATCH_CALM);
	in.to_ns = 5 + S;
	assert_int_equal(watch_step(&s, &in, &limits), WATCH_BEGINS);
	assert_int_equal(s.share, 100);
}

static void no_change(void *arg, const struct watch_timer *w, enum watch_news news)
{
	(void)arg;
	(void)w;
	(void)news;
}

/* One reading of three threads of two VMs: delivered, started; and callbacks of vCPU 0. */
static void read_counts(struct watch_table *t, const uint64_t delivered[3],
			const uint64_t started[3], uint64_t callbacks)
{
	static const struct watch_key keys[3] = { { 100, 0, 0 }, { 200, 0, 0 }, { 101, 1, 0 } };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		watch_table_add(t, &keys[i], WATCH_DELIVERED, delivered[i]);
		watch_table_add(t, &keys[i], WATCH_STARTED, started[i]);
	}
	watch_table_add(t, &(struct watch_key){ 0, 0, 0 }, WATCH_CALLBACKS, callbacks);
	watch_table_add(t, &(struct watch_key){ 0, 1, 0 }, WATCH_CALLBACKS, 200);
	assert_int_equal(watch_table_end(t, 0, S, &limits, no_change, NULL), 0);
}

static uint64_t past_due_of(const struct watch_table *t, int tid)
{
	size_t i;

	for (i = 0; i < t->nr; i++)
		if (t->timers[i].key.tid == tid)
			return t->timers[i].bad[WATCH_PAST_DUE];
	fail();
	return 0;
}

static void test_estimates(void **state)
{
	struct watch_table t = { 0 };
	uint64_t i;

	(void)state;
	/* Started and taken back: 700 of thread 200, 400 of thread 101. */
	read_counts(&t, (uint64_t[]){ 1000, 500, 1000 }, (uint64_t[]){ 0, 1200, 600 }, 500);
	assert_int_equal(past_due_of(&t, 100), 1000); /* by its own starts */
	assert_int_equal(past_due_of(&t, 200), 0);
	assert_int_equal(past_due_of(&t, 101), 800); /* by the callbacks of the only vCPU 1 */
	/* Counters that were cleared by somebody begin at 0 again. */
	read_counts(&t, (uint64_t[]){ 10, 20, 1000 }, (uint64_t[]){ 0, 20, 600 }, 20);
	assert_int_equal(past_due_of(&t, 100), 10);
	assert_int_equal(past_due_of(&t, 200), 0);
	assert_int_equal(past_due_of(&t, 101), 0);
	assert_int_equal(t.nr, 5);
	watch_table_cleared(&t);
	assert_int_equal(t.nr, 5);
	for (i = 0; i <= 61; i++)
		read_counts(&t, (uint64_t[]){ 10, 20 + i, 1000 }, (uint64_t[]){ 0, 20 + i, 600 },
			    20 + i);
	watch_table_cleared(&t);
	/* For a minute, only thread 200 and callbacks of vCPU 0 were counted. */
	assert_int_equal(t.nr, 2);
	watch_table_free(&t);
}

/* In message mode each past-due arm may be refused once: that is no storm of another kind. */
static void test_refused_first(void **state)
{
	struct watch_sample in = { .from_ns = 0, .to_ns = S };
	struct watch_state s = { 0 };

	(void)state;
	in.bad[WATCH_PAST_DUE] = in.all[WATCH_PAST_DUE] = 1000;
	in.bad[WATCH_RETRIES] = 1100;
	in.all[WATCH_RETRIES] = 2100;
	assert_int_equal(watch_step(&s, &in, &limits), WATCH_BEGINS);
	assert_int_equal(s.kind, WATCH_PAST_DUE);
}

/* An interval that ends a little early is a whole one. */
static void test_early_reading(void **state)
{
	struct watch_sample in = { .from_ns = 0, .to_ns = S - S / 50 };
	struct watch_state s = { 0 };

	(void)state;
	in.bad[WATCH_PAST_DUE] = in.all[WATCH_PAST_DUE] = 1000;
	assert_int_equal(watch_step(&s, &in, &limits), WATCH_BEGINS);
}

/* --- histograms ------------------------------------------------------------------------------- */

#define HEAD(filter)                                                                               \
	"# event histogram\n#\n# trigger info: hist:keys=common_pid,vcpu_id:vals=hitcount:"        \
	"sort=hitcount:size=8192" filter " [active]\n#\n\n"
#define TOTALS(entries, dropped)                                                                   \
	"\nTotals:\n    Hits: 14041\n    Entries: " #entries "\n    Dropped: " #dropped "\n"

struct taken {
	uint64_t sum[2];
	unsigned int n;
};

static int take_begin(void *arg, const char *trigger, size_t len)
{
	(void)arg;
	return memmem(trigger, len, "!=", 2) ? 1 : 0;
}

static int take_entry(void *arg, unsigned int trigger, const uint64_t *keys, uint64_t hits)
{
	struct taken *t = arg;

	if (keys[0] == 666)
		return -ERANGE;
	t->sum[trigger] += hits * (1 + keys[1]);
	t->n++;
	return 0;
}

static int parse(const char *text, struct taken *t, struct hist_reader *r)
{
	*r = (struct hist_reader){ .keys = { "common_pid", "vcpu_id" },
				   .nr_keys = 2,
				   .begin = take_begin,
				   .entry = take_entry,
				   .arg = t };
	memset(t, 0, sizeof(*t));
	return hist_read(r, text);
}

static const char two[] = HEAD(" if msg_send_result != 0") TOTALS(0, 0) "\n\n" HEAD(
	" if msg_send_result == 0") "{ common_pid:        155, vcpu_id:          0 } hitcount:     "
				    "     1\n"
				    "{ common_pid:        156, vcpu_id:          1 } hitcount:     "
				    " 14041\n" TOTALS(2, 7);

static void test_histograms(void **state)
{
	struct hist_reader r;
	struct taken t;

	(void)state;
	assert_int_equal(parse(two, &t, &r), 0);
	assert_int_equal(r.nr_triggers, 2);
	assert_int_equal(t.n, 2);
	assert_int_equal(t.sum[0], 1 + 2 * 14041);
	assert_int_equal(t.sum[1], 0);
	assert_int_equal(r.entries, 2);
	assert_int_equal(r.dropped, 7);
	assert_int_equal(parse("", &t, &r), 0);
	assert_int_equal(r.nr_triggers, 0);
}

/* No beginning of such a text but a whole one is taken, and no byte of it may be anything else. */
static void test_damaged_histograms(void **state)
{
	static const char *const bad[] = {
		"no histogram\n",
		HEAD("") "{ common_pid: 1 } hitcount: 2\n" TOTALS(1, 0),
		HEAD("") "{ common_pid: 1, vcpu_id: 2, x: 3 } hitcount: 2\n" TOTALS(1, 0),
		HEAD("") "{ vcpu_id: 1, common_pid: 2 } hitcount: 2\n" TOTALS(1, 0),
		HEAD("") "{ common_pid: -1, vcpu_id: 2 } hitcount: 2\n" TOTALS(1, 0),
		HEAD("") "{ common_pid: 1, vcpu_id: 2 } hitcount: 99999999999999999999\n" TOTALS(1,
												 0),
		HEAD("") "{ common_pid: 1, vcpu_id: 2 } hitcount: 2 x\n" TOTALS(1, 0),
		HEAD("") "Totals:\n Hits: 1\n Entries: 1\n",
		HEAD("") HEAD("") TOTALS(1, 0),
		HEAD("") "{ common_pid: 1, vcpu_id: 2 } hitcount: 2\n" TOTALS(
			1, 0) "{ common_pid: 1, vcpu_id: 2 } hitcount: 2\n",
	};
	struct hist_reader r;
	struct taken t;
	size_t i, whole = 0;
	char *copy;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(parse(bad[i], &t, &r), -EINVAL);
	assert_int_equal(
		parse(HEAD("") "{ common_pid: 666, vcpu_id: 2 } hitcount: 2\n" TOTALS(1, 0), &t,
		      &r),
		-ERANGE);
	for (i = 0; i < strlen(two); i++) {
		copy = strndup(two, i);
		whole += !parse(copy, &t, &r);
		free(copy);
	}
	/* Nothing, and the first histogram with none to five of the line ends around it. */
	assert_true(whole >= 2 && whole <= 6);
	for (i = 0; i < 200000; i++) {
		copy = strdup(two);
		copy[i % strlen(two)] = (char)below(256);
		parse(copy, &t, &r); /* must come back */
		free(copy);
	}
}

/* --- names ------------------------------------------------------------------------------------ */

#define VM_NAME(words, name) watch_vm_name(words, sizeof(words), name, sizeof(name))

static void test_names(void **state)
{
	char name[16];

	(void)state;
	assert_true(VM_NAME("qemu\0-name\0guest=win2025,debug-threads=on\0-m\0"
			    "4G",
			    name));
	assert_string_equal(name, "win2025");
	assert_true(VM_NAME("qemu\0-name\0debug-threads=on,guest=a b", name));
	assert_string_equal(name, "a b");
	assert_true(VM_NAME("qemu\0-name\0win11", name));
	assert_string_equal(name, "win11");
	assert_false(VM_NAME("qemu\0-name", name));
	assert_false(VM_NAME("qemu\0-name\0guest=,x=y", name));
	assert_false(VM_NAME("qemu\0-name\0process=qemu", name));
	assert_false(VM_NAME("qemu\0-name\0guest=a-name-that-is-too-long-for-it", name));
	assert_false(VM_NAME("cloud-hypervisor\0--cpus\0boot=4", name));
}

/* --- saved files ------------------------------------------------------------------------------ */

static void make_file(const char *dir, int day, size_t size, const char *end)
{
	char path[256], data[1000] = { 0 };
	FILE *f;

	snprintf(path, sizeof(path), "%s/hvstimer-watch-202001%02d-000000-tid1-vcpu0.dat%s", dir,
		 day, end);
	f = fopen(path, "w");
	assert_non_null(f);
	assert_int_equal(fwrite(data, 1, size, f), size);
	assert_int_equal(fclose(f), 0);
}

/* The days of which there are files, a digit each, the oldest first; removes them. */
static void take_days(const char *dir, char *days)
{
	struct dirent **names;
	char path[512];
	int i, n = scandir(dir, &names, NULL, alphasort);

	assert_true(n >= 2);
	for (i = 0; i < n; i++) {
		if (names[i]->d_name[0] != '.') {
			*days++ = names[i]->d_name[22];
			snprintf(path, sizeof(path), "%s/%s", dir, names[i]->d_name);
			assert_int_equal(unlink(path), 0);
		}
		free(names[i]);
	}
	*days = 0;
	free(names);
}

static void test_kept_files(void **state)
{
	static const struct {
		unsigned int most;
		uint64_t bytes;
		const char *left;
	} cases[] = { { 0, 0, "12345" },    { 3, 0, "345" },   { 1, 0, "5" },
		      { 0, 1000, "45" },    { 0, 999, "5" },   { 0, 1, "5" },
		      { 0, 2500, "12345" }, { 2, 1500, "45" }, { 4, 1500, "345" } };
	char dir[] = "/tmp/test_watch.XXXXXX", days[16];
	unsigned int i;
	int day;

	(void)state;
	assert_non_null(mkdtemp(dir));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (day = 1; day <= 5; day++)
			make_file(dir, day, 500, "");
		make_file(dir, 6, 500, ".part"); /* of a run that was killed */
		assert_int_equal(watch_keep_prune(dir, cases[i].most, cases[i].bytes), 0);
		take_days(dir, days);
		assert_string_equal(days, cases[i].left);
	}
	make_file(dir, 1, 500, ".txt");
	assert_int_equal(watch_keep_prune(dir, 1, 1), 0);
	take_days(dir, days);
	assert_string_equal(days, "1");
	assert_int_equal(rmdir(dir), 0);
	assert_int_equal(watch_keep_prune(dir, 1, 1), -ENOENT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_storms),
		cmocka_unit_test(test_no_storm),
		cmocka_unit_test(test_hosts),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_usual),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_estimates),
		cmocka_unit_test(test_early_reading),
		cmocka_unit_test(test_refused_first),
		cmocka_unit_test(test_histograms),
		cmocka_unit_test(test_damaged_histograms),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_kept_files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
