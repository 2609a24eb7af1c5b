/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/stream: the stream of events of a recording: order, windows, selections, gaps, clocks,
 * threads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mkdat.h"
#include "../../lib/file/option.h"
#include "../../lib/stream/cpu_stream.h"
#include "../../lib/stream/open.h"
#include "../../lib/stream/source.h"

/* libtracecmd 3.1.6 loses the name of the clock of each file that it opens. */
__attribute__((visibility("default"))) const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:__vfscanf_internal";
}

#define MAX_EVENTS 40000
#define ALL	   UINT64_MAX

/* What a pass gave. */
struct list {
	struct hvst_event *ev;
	size_t n;
	struct hvst_trace trace; /* its pointers do not outlive the source, these do: */
	struct hvst_lost lost[8];
	char clock[16], reader[16];
};

static struct hvst_source *open_source(const struct hvst_source_opts *o)
{
	struct hvst_source *s;
	char err[512] = "";
	int rc = hvst_source_open(&s, o, err, sizeof(err));

	if (rc)
		fail_msg("open: %d %s", rc, err);
	return s;
}

static void pass(struct hvst_source *s, struct list *l, uint64_t wanted, int64_t from, int64_t to)
{
	const struct hvst_event *const *ev;
	long n;

	if (!l->ev)
		l->ev = calloc(MAX_EVENTS, sizeof(*l->ev));
	l->n = 0;
	assert_int_equal(hvst_source_start(s, wanted, HVST_SOURCE_ALL_FIELDS | HVST_SOURCE_BY_TIME,
					   from, to),
			 0);
	while ((n = hvst_source_next(s, &ev)) > 0) {
		assert_true(l->n + (size_t)n <= MAX_EVENTS);
		for (long i = 0; i < n; i++)
			l->ev[l->n++] = *ev[i];
	}
	assert_int_equal(n, 0);
	l->trace = *hvst_source_trace(s);
	memcpy(l->lost, l->trace.lost, sizeof(l->lost));
	snprintf(l->clock, sizeof(l->clock), "%s", l->trace.clock);
	snprintf(l->reader, sizeof(l->reader), "%s", l->trace.files[0]->reader);
}

static void read_all(const struct hvst_source_opts *o, struct list *l)
{
	struct hvst_source *s = open_source(o);

	pass(s, l, ALL, HVST_UNKNOWN, HVST_UNKNOWN);
	hvst_source_close(s);
}

static void assert_same(const struct list *a, const struct list *b)
{
	assert_int_equal(a->n, b->n);
	assert_memory_equal(a->ev, b->ev, a->n * sizeof(*a->ev));
	assert_int_equal(a->trace.events, b->trace.events);
	assert_int_equal(a->trace.relevant, b->trace.relevant);
	assert_int_equal(a->trace.malformed, b->trace.malformed);
	assert_int_equal(a->trace.backwards, b->trace.backwards);
	assert_int_equal(a->trace.lost_places, b->trace.lost_places);
	assert_int_equal(a->trace.lost_events, b->trace.lost_events);
	assert_int_equal(a->trace.lost_ns, b->trace.lost_ns);
	assert_int_equal(a->trace.first_ns, b->trace.first_ns);
	assert_int_equal(a->trace.last_ns, b->trace.last_ns);
	assert_memory_equal(a->trace.seen, b->trace.seen, sizeof(a->trace.seen));
}

/* --- a recording of several CPUs with all that may happen --- */

#define CPUS 5

static void random_record(struct mk_cpu *c, uint64_t ts, unsigned int cpu)
{
	switch (rand() % 8) {
	case 0:
		mk_unknown(c, ts, 8 + (uint32_t)rand() % 200);
		break;
	case 1:
		mk_switch(c, ts, rand() % 100, rand() % 100);
		break;
	case 2:
		mk_start(c, ts, 100, (int)cpu, ts, ts + 5);
		break;
	default:
		mk_set_count(c, ts, 100, (int)cpu, ts);
	}
}

/*
 * CPUs alternate for a while, then each has streaks; equal stamps, long gaps and lost events occur.
 */
static void fill_cpu(struct mk_cpu *c, unsigned int cpu, unsigned int n)
{
	uint64_t ts = 1000 + cpu;

	for (unsigned int i = 0; i < n; i++) {
		if (rand() % 500 == 0 && c->open)
			mk_end_page(c, rand() % 3 - 1 ? rand() % 100 - 1 : 0);
		ts += i % 1000 < 500 ? (uint64_t)rand() % 5
				     : (uint64_t)rand() % 5 + (i % 50 ? 0 : 2000);
		if (rand() % 700 == 0)
			ts += 1ull << 28;
		random_record(c, ts, cpu);
	}
}

static char *busy_file(int version, enum hvst_compression how, unsigned int seed)
{
	struct mk_cpu cpus[CPUS];
	struct mk_buffer top = { .name = "", .clock = "mono", .cpus = cpus, .nr_cpus = CPUS };
	struct mk_file f = {
		.version = version, .compression = how, .buffers = &top, .nr_buffers = 1
	};
	struct mk_bytes b;
	char *path;

	memset(cpus, 0, sizeof(cpus));
	srand(seed);
	for (unsigned int i = 0; i < CPUS; i++)
		if (i != 3) /* one that recorded nothing */
			fill_cpu(&cpus[i], i, 3000);
	b = mk_file(&f);
	path = mk_save(&b);
	mk_free(&b);
	for (unsigned int i = 0; i < CPUS; i++)
		mk_free(&cpus[i].pages);
	return path;
}

static void drop(char *path)
{
	unlink(path);
	free(path);
}

static const struct {
	int version;
	enum hvst_compression how;
	const char *name;
} kinds[] = {
	{ 6, HVST_COMP_NONE, "6" },
	{ 7, HVST_COMP_NONE, "7" },
	{ 7, HVST_COMP_ZLIB, "7 zlib" },
	{ 7, HVST_COMP_ZSTD, "7 zstd" },
};

/* In order of time, then CPU; within a CPU as recorded (the count of each event is its stamp). */
static void test_order(void **state)
{
	struct list l = { 0 };

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		char *path = busy_file(kinds[k].version, kinds[k].how, 7);
		struct hvst_source_opts o = { .paths = (const char *const *)&path,
					      .nr_paths = 1,
					      .threads = 1 };

		read_all(&o, &l);
		assert_int_equal(l.trace.events, 4 * 3000);
		assert_int_equal(l.n, l.trace.relevant + l.trace.lost_places);
		assert_true(l.trace.lost_places > 5);
		for (size_t i = 0; i < l.n; i++) {
			const struct hvst_event *ev = &l.ev[i];

			if (i)
				assert_true(ev[-1].ts_ns < ev->ts_ns ||
					    (ev[-1].ts_ns == ev->ts_ns && ev[-1].cpu <= ev->cpu));
			if (ev->id == HVST_EV_STIMER_SET_COUNT)
				assert_int_equal(ev->set_count.count, ev->ts_ns);
			if (ev->id < HVST_EV_COUNT && ev->id != HVST_EV_SCHED_SWITCH)
				assert_int_equal(ev->vcpu_id, ev->cpu);
		}
		print_message("# order: version %s: %zu events of 4 CPUs, %u gaps\n", kinds[k].name,
			      l.n, (unsigned int)l.trace.lost_places);
		drop(path);
	}
	free(l.ev);
}

/* Days and decades between events and between CPUs: more than the merge counts from one place. */
static void test_far_apart(void **state)
{
	struct mk_cpu cpus[CPUS];
	struct mk_buffer top = { .name = "", .clock = "mono", .cpus = cpus, .nr_cpus = CPUS };
	struct mk_file f = { .version = 7, .buffers = &top, .nr_buffers = 1 };
	struct list want = { 0 }, got = { 0 };
	struct mk_bytes b;
	char *path;
	struct hvst_source_opts o = { .paths = (const char *const *)&path,
				      .nr_paths = 1,
				      .threads = 1 };
	size_t n = 0;

	(void)state;
	memset(cpus, 0, sizeof(cpus));
	srand(23);
	for (unsigned int i = 0; i < CPUS; i++) {
		uint64_t ts = 1000 + i;

		for (unsigned int k = 0; k < 60; k++, n++) {
			/*
			 * from nothing to 52 days; the last one's events lie decades behind the
			 * others'
			 */
			ts += rand() % 3 ? (uint64_t)rand() % 4 : 1ull << (rand() % 53);
			mk_set_count(&cpus[i], i == CPUS - 1 ? ts + (1ull << 60) : ts, 100, (int)i,
				     ts);
			mk_end_page(&cpus[i], 0);
		}
	}
	b = mk_file(&f);
	path = mk_save(&b);
	read_all(&o, &want);
	assert_int_equal(want.n, n);
	for (size_t i = 1; i < want.n; i++)
		assert_true(want.ev[i - 1].ts_ns < want.ev[i].ts_ns ||
			    (want.ev[i - 1].ts_ns == want.ev[i].ts_ns &&
			     want.ev[i - 1].cpu <= want.ev[i].cpu));
	for (o.threads = 2; o.threads < 5; o.threads++) {
		read_all(&o, &got);
		assert_same(&want, &got);
	}
	print_message("# far apart: %zu events within %.1f years in order\n", want.n,
		      (double)(want.ev[n - 1].ts_ns - want.ev[0].ts_ns) / 1e9 / 86400 / 365);
	mk_free(&b);
	for (unsigned int i = 0; i < CPUS; i++)
		mk_free(&cpus[i].pages);
	free(want.ev);
	free(got.ev);
	drop(path);
}

/*
 * Neither threads nor the reader nor the kind of file change anything. libtracecmd knows no zlib
 * here.
 */
static void test_same_by_any_means(void **state)
{
	static const unsigned int threads[] = { 2, 3, 4, 9 };
	struct list want = { 0 }, got = { 0 };

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		char *path = busy_file(kinds[k].version, kinds[k].how, 11);
		struct hvst_source_opts o = { .paths = (const char *const *)&path,
					      .nr_paths = 1,
					      .threads = 1 };

		if (!k)
			read_all(&o, &want);
		for (size_t t = 0; t < 4; t++) {
			o.threads = threads[t];
			read_all(&o, &got);
			assert_same(&want, &got);
		}
		o.reader = HVST_READER_LIBTRACECMD;
		if (kinds[k].how != HVST_COMP_ZLIB) {
			read_all(&o, &got);
			assert_same(&want, &got);
			assert_string_equal(got.reader, "libtracecmd");
		}
		drop(path);
	}
	print_message("# same: %zu events, 4 kinds of file, 1 2 3 4 9 threads, both readers\n",
		      want.n);
	free(want.ev);
	free(got.ev);
}

static size_t filter(const struct list *all, int64_t from, int64_t to, struct hvst_event *out)
{
	size_t n = 0;

	for (size_t i = 0; i < all->n; i++)
		if (all->ev[i].ts_ns >= from && all->ev[i].ts_ns < to)
			out[n++] = all->ev[i];
	return n;
}

/* A window gives what filtering gives, though it seeks; on one source, pass after pass. */
static void test_windows(void **state)
{
	struct hvst_event *want = calloc(MAX_EVENTS, sizeof(*want));
	struct list all = { 0 }, got = { 0 };
	size_t events = 0;

	(void)state;
	for (size_t k = 0; k < 4; k++) {
		char *path = busy_file(kinds[k].version, kinds[k].how, 13);
		struct hvst_source_opts o = { .paths = (const char *const *)&path,
					      .nr_paths = 1,
					      .threads = 1 + (unsigned int)k % 3 };
		struct hvst_source *s = open_source(&o);

		pass(s, &all, ALL, HVST_UNKNOWN, HVST_UNKNOWN);
		for (int i = 0; i < 40; i++) {
			int64_t a = all.ev[(size_t)rand() % all.n].ts_ns,
				b = all.ev[(size_t)rand() % all.n].ts_ns;
			int64_t from = a < b ? a : b, to = a < b ? b : a;
			size_t n = filter(&all, from, to, want);

			pass(s, &got, ALL, from, i % 4 ? to : HVST_UNKNOWN);
			if (!(i % 4))
				n = filter(&all, from, INT64_MAX, want);
			assert_int_equal(got.n, n);
			assert_memory_equal(got.ev, want, n * sizeof(*want));
			events += n;
		}
		pass(s, &got, ALL, all.trace.last_ns + 1, HVST_UNKNOWN);
		assert_int_equal(got.n, 0);
		assert_int_equal(got.trace.events, 0);
		hvst_source_close(s);
		drop(path);
	}
	print_message("# windows: 160 of them, %zu events, as by filtering\n", events);
	free(all.ev);
	free(got.ev);
	free(want);
}

/* Stopping in the middle of a pass, with threads at work, and starting another. */
static void test_stop_midway(void **state)
{
	char *path = busy_file(7, HVST_COMP_ZSTD, 17);
	struct list want = { 0 }, got = { 0 };

	(void)state;
	for (unsigned int t = 1; t < 5; t++) {
		struct hvst_source_opts o = { .paths = (const char *const *)&path,
					      .nr_paths = 1,
					      .threads = t };
		struct hvst_source *s = open_source(&o);
		const struct hvst_event *const *ev;

		for (int i = 0; i < 20; i++) {
			assert_int_equal(
				hvst_source_start(s, ALL, i % 4, HVST_UNKNOWN, HVST_UNKNOWN), 0);
			for (int k = 0; k < i % 4; k++)
				assert_true(hvst_source_next(s, &ev) > 0);
		}
		pass(s, t == 1 ? &want : &got, ALL, HVST_UNKNOWN, HVST_UNKNOWN);
		if (t > 1)
			assert_same(&want, &got);
		hvst_source_close(s);
	}
	print_message("# stopped midway: 80 passes, then %zu events as ever\n", want.n);
	free(want.ev);
	free(got.ev);
	drop(path);
}

static void test_selection(void **state)
{
	char *path = busy_file(7, HVST_COMP_ZSTD, 19);
	static const unsigned int cpus[] = { 1, 4, 77 };
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list all = { 0 }, got = { 0 };
	struct hvst_source *s;
	size_t n = 0;

	(void)state;
	read_all(&o, &all);
	o.cpus = cpus;
	o.nr_cpus = 3;
	read_all(&o, &got);
	for (size_t i = 0; i < all.n; i++)
		if (all.ev[i].cpu == 1 || all.ev[i].cpu == 4)
			assert_memory_equal(&got.ev[n++], &all.ev[i], sizeof(all.ev[i]));
	assert_int_equal(n, got.n);
	o.nr_cpus = 0;

	/* as if it had not been recorded */
	o.ignored_ids = 1ull << HVST_EV_STIMER_SET_COUNT;
	read_all(&o, &got);
	assert_int_equal(got.trace.ignored, all.trace.seen[HVST_EV_STIMER_SET_COUNT]);
	assert_int_equal(got.trace.seen[HVST_EV_STIMER_SET_COUNT], 0);
	assert_int_equal(got.trace.events, all.trace.events);
	assert_int_equal(got.trace.relevant + got.trace.ignored, all.trace.relevant);
	assert_false(got.trace.in_format[0] >> HVST_EV_STIMER_SET_COUNT & 1);
	assert_true(all.trace.in_format[0] >> HVST_EV_STIMER_SET_COUNT & 1);
	o.ignored_ids = 0;

	/* not wanted: counted as seen, not handed over */
	s = open_source(&o);
	pass(s, &got, 1ull << HVST_EV_SCHED_SWITCH, HVST_UNKNOWN, HVST_UNKNOWN);
	assert_int_equal(got.n, all.trace.seen[HVST_EV_SCHED_SWITCH] + all.trace.lost_places);
	assert_int_equal(got.trace.relevant, all.trace.seen[HVST_EV_SCHED_SWITCH]);
	assert_memory_equal(got.trace.seen, all.trace.seen, sizeof(all.trace.seen));
	assert_string_equal(hvst_source_comm(s, 100), "CPU 0/KVM");
	assert_string_equal(hvst_source_comm(s, 4), "");
	hvst_source_close(s);
	print_message("# selection: CPUs, an ignored event, an unwanted one, of %zu events\n",
		      all.n);
	free(all.ev);
	free(got.ev);
	drop(path);
}

/* --- two buffers --- */

static char *two_buffers(const char *clock2, bool repeat)
{
	struct mk_cpu a[2], b[2];
	struct mk_buffer bufs[] = { { "", "mono", a, 2 }, { "hv", clock2, b, 2 } };
	struct mk_file f = {
		.version = 7, .compression = HVST_COMP_ZSTD, .buffers = bufs, .nr_buffers = 2
	};
	struct mk_bytes bytes;
	char *path;

	memset(a, 0, sizeof(a));
	memset(b, 0, sizeof(b));
	for (unsigned int i = 0; i < 1000; i++) {
		uint64_t ts = 1000 + 100 * i;

		/* equal events one after the other: each has its own second record */
		mk_set_count(&a[i % 2], ts, 100, 0, i / 4);
		if (repeat && i % 3)
			mk_set_count(&b[i % 2], ts + 40, 100, 0, i / 4);
		else
			mk_switch(&b[i % 2], ts + 40, (int)i, 2);
	}
	bytes = mk_file(&f);
	path = mk_save(&bytes);
	mk_free(&bytes);
	for (int i = 0; i < 2; i++) {
		mk_free(&a[i].pages);
		mk_free(&b[i].pages);
	}
	return path;
}

static void test_buffers(void **state)
{
	char *path = two_buffers("mono", true);
	const char *const hv[] = { "hv" }, *const top[] = { "top" }, *const none[] = { "nosuch" };
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct hvst_source *s;
	struct list l = { 0 };
	char err[256];

	(void)state;
	read_all(&o, &l);
	assert_int_equal(l.trace.nr_buffers, 2);
	assert_int_equal(l.trace.events, 2000);
	assert_int_equal(l.trace.duplicates, 666);
	assert_int_equal(l.n, 2000 - 666);
	assert_int_equal(l.trace.relevant, 2000 - 666);
	assert_int_equal(l.trace.seen[HVST_EV_STIMER_SET_COUNT], 1000);
	o.threads = 4;
	o.reader = HVST_READER_LIBTRACECMD;
	read_all(&o, &l);
	assert_int_equal(l.trace.duplicates, 666);
	o.nr_buffers = 1;
	o.buffers = hv;
	read_all(&o, &l);
	assert_int_equal(l.n, 1000);
	assert_int_equal(l.ev[0].buffer, 1);
	o.buffers = top;
	read_all(&o, &l);
	assert_int_equal(l.n, 1000);
	assert_int_equal(l.ev[0].buffer, 0);
	o.buffers = none;
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EINVAL);
	assert_non_null(strstr(err, "top, hv"));
	drop(path);

	path = two_buffers("boot", false);
	o.nr_buffers = 0;
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EOPNOTSUPP);
	assert_non_null(strstr(err, "select one buffer"));
	o.nr_buffers = 1;
	o.buffers = hv;
	read_all(&o, &l);
	assert_string_equal(l.clock, "boot");
	drop(path);
	free(l.ev);
	print_message(
		"# buffers: both, each, a wrong name, two clocks; 666 second records dropped\n");
}

static void test_two_files(void **state)
{
	char *paths[] = { busy_file(6, HVST_COMP_NONE, 23), busy_file(7, HVST_COMP_ZSTD, 29) };
	struct hvst_source_opts o = { .paths = (const char *const *)paths, .nr_paths = 2 };
	struct list both = { 0 }, one = { 0 };
	size_t n = 0;

	(void)state;
	read_all(&o, &both);
	o.nr_paths = 1;
	for (unsigned int i = 0; i < 2; i++) {
		size_t k = 0;

		o.paths = (const char *const *)&paths[i];
		read_all(&o, &one);
		for (size_t e = 0; e < both.n; e++) {
			if (both.ev[e].buffer != i)
				continue;
			one.ev[k].buffer = (uint16_t)i;
			assert_memory_equal(&both.ev[e], &one.ev[k++], sizeof(one.ev[0]));
		}
		assert_int_equal(k, one.n);
		n += k;
	}
	assert_int_equal(n, both.n);
	for (size_t e = 1; e < both.n; e++)
		assert_true(both.ev[e - 1].ts_ns <= both.ev[e].ts_ns);
	print_message("# two files: %zu events merged, each file's own as when read alone\n",
		      both.n);
	free(both.ev);
	free(one.ev);
	drop(paths[0]);
	drop(paths[1]);
}

/* --- gaps, disorder, damage --- */

static char *save_cpu(struct mk_cpu *c, const char *clock, const struct mk_option *o,
		      unsigned int nr_options)
{
	struct mk_buffer top = { .name = "", .clock = clock, .cpus = c, .nr_cpus = 1 };
	struct mk_file f = { .version = 6,
			     .buffers = &top,
			     .nr_buffers = 1,
			     .options = o,
			     .nr_options = nr_options };
	struct mk_bytes b = mk_file(&f);
	char *path = mk_save(&b);

	mk_free(&b);
	mk_free(&c->pages);
	return path;
}

static void test_lost(void **state)
{
	struct mk_cpu c;
	char *path;
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list l = { 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	mk_set_count(&c, 100, 100, 0, 1);
	mk_end_page(&c, -1); /* a gap at the very start */
	mk_set_count(&c, 200, 100, 0, 2);
	mk_end_page(&c, 0);
	mk_unknown(&c, 500, 8); /* a gap shows at the first record, known or not */
	mk_set_count(&c, 600, 100, 0, 3);
	mk_end_page(&c, 17);
	path = save_cpu(&c, "mono", NULL, 0);
	for (o.reader = HVST_READER_AUTO; o.reader <= HVST_READER_LIBTRACECMD; o.reader++) {
		read_all(&o, &l);
		assert_int_equal(l.n, 5);
		assert_int_equal(l.ev[0].id, HVST_EV_LOST);
		assert_int_equal(l.ev[0].ts_ns, 100);
		assert_int_equal(l.ev[0].lost.count, 0);
		assert_int_equal(l.ev[3].id, HVST_EV_LOST);
		assert_int_equal(l.ev[3].ts_ns, 500);
		assert_int_equal(l.ev[3].lost.count, 17);
		assert_int_equal(l.trace.lost_places, 2);
		assert_int_equal(l.trace.nr_lost, 2);
		assert_int_equal(l.lost[0].count, HVST_UNKNOWN);
		assert_int_equal(l.lost[1].count, 17);
		assert_int_equal(l.trace.lost_events, 17);
		assert_int_equal(l.trace.lost_ns, 300);
		assert_int_equal(l.trace.first_ns, 100);
		assert_int_equal(l.trace.last_ns, 600);
	}
	drop(path);
	free(l.ev);
	print_message("# lost: gaps with and without a number, at the first record after them\n");
}

static void test_backwards(void **state)
{
	struct mk_cpu c;
	char *path;
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list l = { 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	mk_set_count(&c, 1000, 100, 0, 1);
	mk_end_page(&c, 0);
	mk_set_count(&c, 900, 100, 0, 2);
	mk_set_count(&c, 1100, 100, 0, 3);
	path = save_cpu(&c, "mono", NULL, 0);
	for (o.reader = HVST_READER_AUTO; o.reader <= HVST_READER_LIBTRACECMD; o.reader++) {
		read_all(&o, &l);
		assert_int_equal(l.n, 3);
		assert_int_equal(l.ev[1].ts_ns, 1000);
		assert_int_equal(l.ev[1].ts_raw, 900);
		assert_int_equal(l.ev[1].set_count.count, 2);
		assert_int_equal(l.ev[2].ts_ns, 1100);
		assert_int_equal(l.trace.backwards, 1);
	}
	drop(path);
	free(l.ev);
}

/*
 * A record too short for its format, a sub-buffer that lies, a record that lies: counted, the rest
 * is read.
 */
static void test_damage(void **state)
{
	uint8_t shorty[12] = { MK_SET_COUNT };
	uint32_t liar = 20 | 1 << 5, *commit;
	struct hvst_source *s;
	struct mk_cpu c;
	char *path, err[256];
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list l = { 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	mk_set_count(&c, 100, 100, 0, 1);
	mk_record(&c, 110, shorty, sizeof(shorty));
	mk_end_page(&c, 0);
	mk_set_count(&c, 200, 100, 0, 2);
	mk_raw(&c, 210, &liar, sizeof(liar));
	mk_end_page(&c, 0);
	mk_set_count(&c, 300, 100, 0, 3);
	mk_end_page(&c, 0);
	commit = (uint32_t *)(void *)(c.pages.data + 2 * MK_PAGE + 8);
	*commit = MK_PAGE;
	mk_set_count(&c, 400, 100, 0, 4);
	path = save_cpu(&c, "mono", NULL, 0);
	read_all(&o, &l);
	assert_int_equal(l.trace.malformed, 3);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.ev[2].id, HVST_EV_LOST);
	assert_int_equal(l.ev[3].set_count.count, 4);
	/* libtracecmd would read behind its buffer */
	o.reader = HVST_READER_LIBTRACECMD;
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EBADMSG);
	assert_non_null(strstr(err, "the page reader takes the file"));
	drop(path);
	free(l.ev);
	print_message(
		"# damage: 3 malformed places, the rest read; libtracecmd is not given the file\n");
}

/* Chunks of 20 MB: not for the page reader, so libtracecmd takes over, and the reason is kept. */
static void test_declined(void **state)
{
	struct mk_cpu c;
	struct mk_buffer top = { .name = "", .clock = "mono", .cpus = &c, .nr_cpus = 1 };
	struct mk_file f = { .version = 7,
			     .compression = HVST_COMP_ZSTD,
			     .buffers = &top,
			     .nr_buffers = 1,
			     .chunk_pages = 5000 };
	struct hvst_source *s;
	struct mk_bytes b;
	char *path, err[256];
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list l = { 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	for (uint64_t i = 0; i < 10000; i++) {
		mk_unknown(&c, 1000 + 10 * i, 1900);
		mk_set_count(&c, 1005 + 10 * i, 100, 0, i);
	}
	b = mk_file(&f);
	path = mk_save(&b);
	mk_free(&b);
	mk_free(&c.pages);
	o.reader = HVST_READER_PAGES;
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EOPNOTSUPP);
	assert_non_null(strstr(err, "read it with libtracecmd"));
	o.reader = HVST_READER_AUTO;
	read_all(&o, &l);
	assert_string_equal(l.reader, "libtracecmd");
	assert_int_equal(l.n, 10000);
	assert_int_equal(l.ev[9999].set_count.count, 9999);
	drop(path);
	free(l.ev);
	print_message("# declined: a file with large chunks, 10000 events by libtracecmd\n");
}

/* --- large machines and files --- */

#define MANY_CPUS 512

/* 512 CPUs whose data lies beyond 5 GiB: no count and no offset is kept in too few bits. */
static void large_file(enum hvst_compression how)
{
	struct mk_cpu *cpus = calloc(MANY_CPUS, sizeof(*cpus));
	struct mk_buffer top = { .name = "", .clock = "mono", .cpus = cpus, .nr_cpus = MANY_CPUS };
	struct mk_file f = { .version = 7,
			     .compression = how,
			     .buffers = &top,
			     .nr_buffers = 1,
			     .hole = 5ull << 30 };
	struct mk_bytes b;
	char *path;
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	enum hvst_reader readers[] = { HVST_READER_PAGES, HVST_READER_LIBTRACECMD };

	for (uint64_t i = 0; i < MANY_CPUS; i++)
		for (uint64_t k = 0; k < 3; k++)
			mk_set_count(&cpus[i], 1000 + i + 1000 * k, 100, 0, i);
	b = mk_file(&f);
	path = mk_save(&b);
	mk_free(&b);
	for (unsigned int r = 0; r < 2; r++) {
		struct list l = { 0 };

		o.reader = readers[r];
		read_all(&o, &l);
		assert_int_equal(l.trace.cpus, MANY_CPUS);
		assert_int_equal(l.n, 3 * MANY_CPUS);
		assert_int_equal(l.ev[l.n - 1].cpu, MANY_CPUS - 1);
		assert_int_equal(l.ev[l.n - 1].set_count.count, MANY_CPUS - 1);
		free(l.ev);
	}
	drop(path);
	for (unsigned int i = 0; i < MANY_CPUS; i++)
		mk_free(&cpus[i].pages);
	free(cpus);
}

static void test_large(void **state)
{
	(void)state;
	large_file(HVST_COMP_NONE);
	large_file(HVST_COMP_ZSTD);
	print_message("# large: 512 CPUs, data from 5 GiB on, both readers\n");
}

/* --- clocks --- */

static char *tsc_file(const struct mk_option *o, unsigned int nr_options, const char *clock)
{
	struct mk_cpu c;

	memset(&c, 0, sizeof(c));
	/* 2.5 GHz: 250 cycles a tick of 100 ns; samples are up to 1 us late */
	srand(5);
	for (uint64_t i = 0; i < 2000; i++) {
		uint64_t now = 50000000 + i * 10000, cycles = now * 250 + (uint64_t)rand() % 2500;

		mk_start(&c, cycles, 100, 0, now, now + 5);
	}
	return save_cpu(&c, clock, o, nr_options);
}

static void test_clocks(void **state)
{
	static const uint32_t scale[4] = { 0x66666666, 32, 0, 0 }; /* 0.4 ns a cycle */
	const struct mk_option tsc[] = { { HVST_OPT_TSC2NSEC, scale, 16 },
					 { HVST_OPT_OFFSET, "1000", 5 } };
	char *path = tsc_file(NULL, 0, "x86-tsc"), err[256];
	struct hvst_source_opts o = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct hvst_source *s;
	struct list l = { 0 };
	double ns_per_cycle = 0;

	(void)state;
	for (o.reader = HVST_READER_AUTO; o.reader <= HVST_READER_LIBTRACECMD; o.reader++) {
		read_all(&o, &l);
		assert_true(l.trace.cycles);
		assert_int_equal(l.trace.scale_source, HVST_SCALE_ESTIMATED);
		ns_per_cycle = (double)l.trace.scale_mult / (double)(1ull << l.trace.scale_shift);
		assert_true(ns_per_cycle > 0.4 * (1 - 1e-7) && ns_per_cycle < 0.4 * (1 + 1e-7));
		for (size_t i = 0; i < l.n; i++)
			assert_int_equal(l.ev[i].ts_ns,
					 (unsigned __int128)l.ev[i].ts_raw * l.trace.scale_mult >>
						 l.trace.scale_shift);
	}
	print_message("# clocks: 0.4 ns a cycle estimated as %.9f\n", ns_per_cycle);
	drop(path);

	path = tsc_file(tsc, 2, "tsc2nsec");
	for (o.reader = HVST_READER_AUTO; o.reader <= HVST_READER_LIBTRACECMD; o.reader++) {
		read_all(&o, &l);
		assert_false(l.trace.cycles);
		assert_int_equal(l.trace.scale_source, HVST_SCALE_FILE);
		assert_string_equal(l.clock, "tsc2nsec");
		assert_int_equal(l.ev[0].ts_ns, l.ev[0].ts_raw);
		assert_true(l.ev[0].ts_ns >= 5000000999 && l.ev[0].ts_ns <= 5000002001);
	}
	drop(path);

	o.reader = HVST_READER_AUTO;
	path = tsc_file(NULL, 0, "counter");
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EOPNOTSUPP);
	assert_non_null(strstr(err, "-C mono"));
	drop(path);
	path = tsc_file(NULL, 0, "uptime");
	assert_int_equal(hvst_source_open(&s, &o, err, sizeof(err)), -EOPNOTSUPP);
	drop(path);
	free(l.ev);
}

/*
 * A guest's stamps become the host's: samples with an offset each, by the option that trace-cmd
 * writes.
 */
static void test_time_shift(void **state)
{
	struct __attribute__((packed)) {
		uint64_t peer;
		uint32_t flags, cpus, samples;
		uint64_t time[3], offset[3], scaling[3], fraction[3];
	} opt = {
		.flags = 1,
		.cpus = 1,
		.samples = 3,
		.time = { 1000, 3000, 2000 },
		.offset = { 100000, 140000, 110000 },
		.scaling = { 1, 1, 1 },
	};
	const struct mk_option o[] = { { HVST_OPT_TIME_SHIFT, &opt, sizeof(opt) } };
	struct mk_cpu c;
	char *path;
	struct hvst_source_opts so = { .paths = (const char *const *)&path, .nr_paths = 1 };
	struct list l = { 0 };

	(void)state;
	memset(&c, 0, sizeof(c));
	for (uint64_t ts = 500; ts <= 4000; ts += 250)
		mk_set_count(&c, ts, 100, 0, ts);
	path = save_cpu(&c, "mono", o, 1);
	read_all(&so, &l);
	assert_int_equal(l.ev[2].ts_raw, 1000 + 100000);
	assert_int_equal(l.ev[4].ts_raw, 1500 + 105000);
	assert_int_equal(l.ev[8].ts_raw, 2500 + 125000);
	assert_int_equal(l.ev[10].ts_raw, 3000 + 140000);
	so.reader = HVST_READER_LIBTRACECMD;
	{
		struct list tc = { 0 };

		read_all(&so, &tc);
		assert_same(&l, &tc);
		free(tc.ev);
	}
	drop(path);
	free(l.ev);
	print_message(
		"# time shift: 15 stamps between and beyond 3 samples, as libtracecmd has them\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_far_apart),
		cmocka_unit_test(test_same_by_any_means),
		cmocka_unit_test(test_windows),
		cmocka_unit_test(test_stop_midway),
		cmocka_unit_test(test_selection),
		cmocka_unit_test(test_buffers),
		cmocka_unit_test(test_two_files),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_backwards),
		cmocka_unit_test(test_damage),
		cmocka_unit_test(test_declined),
		cmocka_unit_test(test_large),
		cmocka_unit_test(test_clocks),
		cmocka_unit_test(test_time_shift),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
