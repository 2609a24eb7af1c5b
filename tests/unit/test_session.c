// SPDX-License-Identifier: GPL-2.0
/*
 * The public API on real recordings: past-due arms inferred as on a stock kernel against observed
 * ones; the same findings from either reader and any number of threads; several runs of one
 * session.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvstimer/hvstimer.h>

#define MAX_FILES 64
#define EXPIRED	  "kvm_hv_stimer_start_expired"

static struct {
	char path[512];
} files[MAX_FILES];
static unsigned int nr_files;

struct arms {
	struct hvst_arm *a;
	unsigned int n, cap;
};

static int keep(void *ctx, const struct hvst_arm *arm)
{
	struct arms *l = ctx;

	if (arm->kind != HVST_ARM_PAST_DUE || arm->flags & HVST_ARM_RESTART)
		return 0;
	if (l->n == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 1024;
		l->a = realloc(l->a, l->cap * sizeof(*l->a));
		assert_non_null(l->a);
	}
	l->a[l->n++] = *arm;
	return 0;
}

/* By timer, then by time: inferred arms may have waited for a clock sample. */
static int cmp(const void *x, const void *y)
{
	const struct hvst_arm *a = x, *b = y;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->timer != b->timer)
		return a->timer - b->timer;
	return a->ts_ns < b->ts_ns ? -1 : a->ts_ns > b->ts_ns;
}

static struct hvst_session *opened(const char *path, const char *ignore, enum hvst_reader reader,
				   unsigned int threads)
{
	struct hvst_session *s = hvst_session_new();

	assert_non_null(s);
	assert_int_equal(hvst_session_add_file(s, path), 0);
	if (ignore)
		assert_int_equal(hvst_session_ignore(s, ignore), 0);
	hvst_session_set_reader(s, reader);
	hvst_session_set_threads(s, threads);
	if (hvst_session_open(s)) {
		printf("%s: %s\n", path, hvst_session_error(s));
		fail();
	}
	return s;
}

static void past_due_arms(const char *path, const char *ignore, struct arms *l)
{
	struct hvst_session *s = opened(path, ignore, HVST_READER_AUTO, 1);
	const struct hvst_observer obs = { .size = sizeof(obs), .arm = keep };

	memset(l, 0, sizeof(*l));
	assert_int_equal(hvst_session_set_observer(s, &obs, l), 0);
	assert_int_equal(hvst_session_run(s), 0);
	/* a stock kernel's arms are inferred all the same */
	if (ignore || !l->n)
		assert_false(hvst_session_trace(s)->start_expired_recorded);
	hvst_session_free(s);
	if (l->n)
		qsort(l->a, l->n, sizeof(*l->a), cmp);
}

struct score {
	unsigned int found, missed, invented, close, off, unknown;
	int64_t worst, worst_stated;
};

static bool same_timer(const struct hvst_arm *a, const struct hvst_arm *b)
{
	return a->tid == b->tid && a->timer == b->timer;
}

/* The inferred arm of an observed one: same timer, same count, its expiration a little later. */
static void match(const struct arms *seen, const struct arms *inferred, struct score *sc)
{
	unsigned int i = 0, k = 0;

	memset(sc, 0, sizeof(*sc));
	while (i < seen->n || k < inferred->n) {
		const struct hvst_arm *a = i < seen->n ? &seen->a[i] : NULL;
		const struct hvst_arm *b = k < inferred->n ? &inferred->a[k] : NULL;
		int64_t d;

		if (a && b && same_timer(a, b) && a->count == b->count &&
		    llabs(a->ts_ns - b->ts_ns) < 50000000) {
			sc->found++;
			i++;
			k++;
			if (b->skew_ns == HVST_UNKNOWN) {
				sc->unknown++;
				continue;
			}
			d = llabs(a->skew_ns - b->skew_ns);
			if (d > sc->worst) {
				sc->worst = d;
				sc->worst_stated = b->error_ns;
			}
			sc->close += d <= 10000;
			sc->off += d > 10000 && d > b->error_ns;
		} else if (!b || (a && cmp(a, b) < 0)) {
			sc->missed++;
			i++;
		} else {
			sc->invented++;
			k++;
		}
	}
}

static void test_inferred(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < nr_files; f++) {
		const char *name = strrchr(files[f].path, '/') + 1;
		struct arms seen, inferred;
		struct score sc;

		past_due_arms(files[f].path, NULL, &seen);
		past_due_arms(files[f].path, EXPIRED, &inferred);
		match(&seen, &inferred, &sc);
		printf("# %-24s %5u past-due arms: found %u missed %u invented %u; skew within 10 "
		       "us for %.2f %%, off by %.1f us (stated %.1f) at most, unknown %u\n",
		       name, seen.n, sc.found, sc.missed, sc.invented,
		       sc.found ? 100.0 * sc.close / sc.found : 100, (double)sc.worst / 1e3,
		       (double)sc.worst_stated / 1e3, sc.unknown);
		assert_true(sc.found * 1000ull >= seen.n * 995ull || !strncmp(name, "09-lost", 7));
		assert_int_equal(sc.invented, 0);
		assert_int_equal(sc.off, 0);
		if (!strncmp(name, "41-inside-storm", 15)) /* time_now is never read in it */
			assert_int_equal(sc.unknown, sc.found);
		else
			assert_true(sc.unknown * 100 <= sc.found);
		free(seen.a);
		free(inferred.a);
	}
}

/* FNV-1a over every arm: the same arms in the same order, or another number. */
static int hash_arm(void *ctx, const struct hvst_arm *arm)
{
	const int64_t v[] = { arm->ts_ns, (int64_t)arm->count, arm->skew_ns,	    arm->error_ns,
			      arm->tid,	  arm->timer,	       arm->kind,	    arm->flags,
			      arm->cpu,	  arm->buffer,	       (int64_t)arm->ts_raw };
	uint64_t *h = ctx;

	for (unsigned int i = 0; i < sizeof(v); i++)
		*h = (*h ^ ((const unsigned char *)v)[i]) * 0x100000001b3ull;
	return 0;
}

static void mix(uint64_t *h, const void *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		*h = (*h ^ ((const unsigned char *)p)[i]) * 0x100000001b3ull;
}
#define MIX(h, x) mix(h, &(x), sizeof(x))

static void mix_evidence(uint64_t *h, const struct hvst_evidence_list *l)
{
	for (unsigned int i = 0; i < l->n; i++) {
		MIX(h, l->e[i].event);
		MIX(h, l->e[i].ts_ns);
		MIX(h, l->e[i].tid);
		mix(h, l->e[i].text, strlen(l->e[i].text));
	}
}

static void mix_sketch(uint64_t *h, const struct hvst_sketch *s)
{
	uint64_t count;
	unsigned int iter = 0;
	int64_t lo, hi;

	while (hvst_sketch_next(s, &iter, &lo, &hi, &count)) {
		MIX(h, lo);
		MIX(h, count);
	}
}

static void mix_timers(uint64_t *h, const struct hvst_result *r)
{
	for (unsigned int i = 0; i < r->nr_timers; i++) {
		const struct hvst_timer *t = r->timers[i];
		const uint64_t n[] = { (uint64_t)t->vm,	     (uint64_t)t->tid,
				       (uint64_t)t->timer,   t->arms,
				       t->past_due_observed, t->past_due_inferred,
				       t->restarts,	     t->fired,
				       t->cancelled,	     t->failed_deliveries };

		MIX(h, n);
		mix_sketch(h, t->skew);
		mix_sketch(h, t->lateness);
		mix_sketch(h, t->delivery_latency);
		mix_sketch(h, t->entry_latency);
	}
}

static void mix_storms(uint64_t *h, const struct hvst_result *r)
{
	for (unsigned int i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];
		const int64_t n[] = { s->vm,
				      s->tid,
				      s->timer,
				      s->start_ns,
				      s->end_ns,
				      (int64_t)s->arms,
				      (int64_t)s->past_due,
				      s->skew_start_ns,
				      s->skew_max_ns,
				      s->skew_end_ns,
				      s->skew_error_ns,
				      s->kind,
				      s->predicted_end_ns,
				      s->episode,
				      s->trigger_event,
				      s->trigger_ts_ns };

		MIX(h, n);
		MIX(h, s->progress_before);
		MIX(h, s->progress_during);
		mix_evidence(h, &s->evidence);
	}
}

static void mix_clocks(uint64_t *h, const struct hvst_result *r)
{
	for (unsigned int i = 0; i < r->nr_reference; i++) {
		MIX(h, r->reference[i]->from_ns);
		MIX(h, r->reference[i]->step_ns);
		MIX(h, r->reference[i]->samples);
		MIX(h, r->reference[i]->source);
	}
	for (unsigned int i = 0; i < r->nr_guest; i++) {
		MIX(h, r->guest[i]->ts_ns);
		MIX(h, r->guest[i]->from);
		MIX(h, r->guest[i]->to);
		MIX(h, r->guest[i]->rate_ppm);
		mix_evidence(h, &r->guest[i]->evidence);
	}
	MIX(h, *r->past_due);
	MIX(h, *r->unpaired);
}

/* All findings of a run, watched or not. */
static uint64_t hash_findings(struct hvst_session *s, const struct hvst_observer *obs)
{
	uint64_t h = 0xcbf29ce484222325ull, ignored = h;
	const struct hvst_result *r;

	assert_int_equal(hvst_session_set_observer(s, obs, &ignored), 0);
	assert_int_equal(hvst_session_run(s), 0);
	r = hvst_session_result(s);
	mix_timers(&h, r);
	mix_storms(&h, r);
	mix_clocks(&h, r);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		MIX(&h, r->verdicts[q]->answer);
		mix(&h, r->verdicts[q]->summary, strlen(r->verdicts[q]->summary));
		mix_evidence(&h, &r->verdicts[q]->evidence);
	}
	mix(&h, r->headline, strlen(r->headline));
	MIX(&h, hvst_session_trace(s)->relevant);
	MIX(&h, hvst_session_trace(s)->backwards);
	return h;
}

/* NULL for a file that was cut: libtracecmd is not given these. */
static struct hvst_session *whole_by_libtracecmd(const char *path)
{
	struct hvst_session *s = opened(path, NULL, HVST_READER_PAGES, 1);
	bool whole = hvst_session_trace(s)->files[0]->truncated_at == HVST_UNKNOWN;

	hvst_session_free(s);
	return whole ? opened(path, NULL, HVST_READER_LIBTRACECMD, 1) : NULL;
}

/* Events go to the analysis one by one with an observer, else in batches: the same findings. */
static void test_watched(void **state)
{
	static const struct hvst_observer nobody = { .size = sizeof(nobody) },
					  watcher = { .size = sizeof(watcher), .arm = hash_arm };

	(void)state;
	for (unsigned int f = 0; f < nr_files; f++) {
		struct hvst_session *s = opened(files[f].path, NULL, HVST_READER_AUTO, 1);
		uint64_t want = hash_findings(s, &watcher);

		hvst_session_free(s);
		s = opened(files[f].path, NULL, HVST_READER_AUTO, 2);
		assert_true(hash_findings(s, &nobody) == want);
		hvst_session_free(s);
	}
	printf("# %u recordings: the same findings with and without an observer\n", nr_files);
}

static uint64_t hash_run(struct hvst_session *s)
{
	const struct hvst_observer obs = { .size = sizeof(obs), .arm = hash_arm };
	uint64_t h = 0xcbf29ce484222325ull;
	const struct hvst_result *r;

	assert_int_equal(hvst_session_set_observer(s, &obs, &h), 0);
	assert_int_equal(hvst_session_run(s), 0);
	r = hvst_session_result(s);
	for (unsigned int i = 0; i < r->nr_storms; i++)
		h = (h ^ (uint64_t)r->storms[i]->start_ns ^ r->storms[i]->past_due) *
		    0x100000001b3ull;
	for (unsigned int i = 0; i < r->nr_guest; i++)
		h = (h ^ (uint64_t)r->guest[i]->ts_ns ^ r->guest[i]->to) * 0x100000001b3ull;
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		h = (h ^ r->verdicts[q]->answer) * 0x100000001b3ull;
	return h;
}

struct masks {
	unsigned int threads, blocked;
};

/* Counts the threads of the process, and those that block all signals that can be blocked. */
static int on_event_masks(void *ctx, const struct hvst_event *ev)
{
	struct masks *m = ctx;
	DIR *d = opendir("/proc/self/task");
	struct dirent *e;

	(void)ev;
	assert_non_null(d);
	while ((e = readdir(d))) {
		unsigned long long blocked = 0;
		char path[320], line[128];
		FILE *f;

		snprintf(path, sizeof(path), "/proc/self/task/%s/status", e->d_name);
		f = *e->d_name == '.' ? NULL : fopen(path, "r");
		while (f && fgets(line, sizeof(line), f) &&
		       sscanf(line, "SigBlk: %llx", &blocked) != 1)
			;
		if (!f)
			continue;
		fclose(f);
		m->threads++;
		m->blocked += blocked >> (SIGINT - 1) & blocked >> (SIGTERM - 1) &
			      blocked >> (SIGALRM - 1) & blocked >> (SIGUSR1 - 1) & 1;
	}
	closedir(d);
	return 1;
}

/* A handler of the program never runs in a thread of the library. */
static void test_signals(void **state)
{
	static const struct hvst_observer obs = { .size = sizeof(obs), .event = on_event_masks };
	struct masks m = { 0 };
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_PAGES, 4);

	(void)state;
	hvst_session_set_need(s, HVST_NEED_EVENTS);
	assert_int_equal(hvst_session_set_observer(s, &obs, &m), 0);
	assert_int_equal(hvst_session_run(s), -ECANCELED);
	assert_true(m.threads > 1);
	assert_int_equal(m.blocked, m.threads - 1);
	hvst_session_free(s);
}

static void test_readers_and_threads(void **state)
{
	static const unsigned int threads[] = { 1, 2, 3, 8, 0 };
	unsigned int compared = 0;

	(void)state;
	for (unsigned int f = 0; f < nr_files; f++) {
		struct hvst_session *s = opened(files[f].path, NULL, HVST_READER_PAGES, 1);
		uint64_t want = hash_run(s);

		hvst_session_free(s);
		for (unsigned int i = 0; i < 5; i++, compared++) {
			s = opened(files[f].path, NULL, HVST_READER_PAGES, threads[i]);
			assert_true(hash_run(s) == want);
			hvst_session_free(s);
		}
		s = whole_by_libtracecmd(files[f].path);
		if (!s)
			continue;
		assert_true(hash_run(s) == want);
		compared++;
		hvst_session_free(s);
	}
	printf("# %u runs of %u recordings with 1, 2, 3, 8 threads and libtracecmd: the same arms, "
	       "storms, transitions, answers\n",
	       compared, nr_files);
}

/* Every thread of the result is found by its id and any time of its own. */
static void check_who_at(const struct hvst_session *s)
{
	const struct hvst_result *r = hvst_session_result(s);
	int vm, vcpu;

	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++) {
			const struct hvst_vcpu_info *v = r->vms[i]->vcpus[k];

			assert_int_equal(hvst_session_who_at(s, v->tid, v->first_ns, &vm, &vcpu),
					 v->thread);
			assert_int_equal(vm, r->vms[i]->vm);
			assert_int_equal(vcpu, v->vcpu);
			assert_int_equal(hvst_session_who_at(s, v->tid, v->last_ns, &vm, &vcpu),
					 v->thread);
		}
	assert_int_equal(hvst_session_who_at(s, -5, 0, &vm, &vcpu), -1);
	assert_int_equal(vm, -1);
	assert_int_equal(vcpu, -1);
}

struct whose {
	const struct hvst_session *s;
	unsigned int known, callbacks;
};

/* The VM of an event is its thread's, and that of a callback is told by its vCPU. */
static int check_whose(void *ctx, const struct hvst_event *ev)
{
	struct whose *w = ctx;
	int vm, vcpu, by_thread, by_vcpu;

	hvst_session_whose(w->s, ev, &vm, &vcpu);
	hvst_session_who_at(w->s, ev->pid, ev->ts_ns, &by_thread, &by_vcpu);
	if (ev->id == HVST_EV_LOST) {
		assert_int_equal(vm, -1);
		assert_int_equal(vcpu, -1);
		return 0;
	}
	if (ev->vcpu_id >= 0)
		assert_int_equal(vcpu, ev->vcpu_id);
	if (ev->id == HVST_EV_STIMER_CALLBACK) {
		w->callbacks += vm >= 0;
		return 0;
	}
	assert_int_equal(vm, by_thread);
	if (ev->vcpu_id < 0)
		assert_int_equal(vcpu, by_vcpu);
	w->known += vm >= 0;
	return 0;
}

static void test_whose(void **state)
{
	static const struct hvst_observer obs = { .size = sizeof(obs), .event = check_whose };
	struct whose w = { .s = opened(files[0].path, NULL, HVST_READER_AUTO, 1) };
	struct hvst_session *s = (struct hvst_session *)(uintptr_t)w.s;

	(void)state;
	assert_int_equal(hvst_session_run(s), 0);
	hvst_session_set_need(s, HVST_NEED_EVENTS);
	hvst_session_set_observer(s, &obs, &w);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(w.known && w.callbacks);
	hvst_session_free(s);
}

/*
 * A second run gives the same; a window in between, and one that holds nothing, leave no trace of
 * themselves.
 */
static void test_runs(void **state)
{
	for (unsigned int f = 0; f < nr_files && f < 4; f++) {
		struct hvst_session *s = opened(files[f].path, NULL, HVST_READER_AUTO, 2);
		uint64_t first = hash_run(s), again;
		int64_t from = hvst_session_trace(s)->first_ns, to = hvst_session_trace(s)->last_ns;
		uint64_t all = hvst_session_trace(s)->relevant, half;
		int vm, vcpu;

		hvst_session_set_window(s, from + (to - from) / 3, from + 2 * ((to - from) / 3));
		hash_run(s);
		half = hvst_session_trace(s)->relevant;
		assert_true(half > 0 && half < all);
		hvst_session_set_window(s, to + 1, HVST_UNKNOWN);
		hash_run(s);
		assert_int_equal(hvst_session_result(s)->nr_timers, 0);
		hvst_session_set_window(s, HVST_UNKNOWN, HVST_UNKNOWN);
		again = hash_run(s);
		assert_true(again == first);
		assert_int_equal(hvst_session_trace(s)->relevant, all);
		for (unsigned int i = 0; i < hvst_session_result(s)->nr_timers; i++) {
			const struct hvst_timer *t = hvst_session_result(s)->timers[i];

			hvst_session_who(s, t->tid, &vm, &vcpu);
			assert_int_equal(vm, t->vm);
			assert_int_equal(vcpu, t->vcpu);
		}
		check_who_at(s);
		hvst_session_who(s, -5, &vm, &vcpu);
		assert_int_equal(vm, -1);
		hvst_session_free(s);
	}
	(void)state;
}

struct filtered {
	int vcpu, timer;
	unsigned int arms, wrong;
};

static int check_filter(void *ctx, const struct hvst_arm *arm)
{
	struct filtered *f = ctx;

	f->arms++;
	f->wrong +=
		(f->vcpu >= 0 && arm->vcpu != f->vcpu) || (f->timer >= 0 && arm->timer != f->timer);
	return 0;
}

static int stop_at_ten(void *ctx, const struct hvst_arm *arm)
{
	(void)arm;
	return ++*(unsigned int *)ctx == 10;
}

static void test_filters(void **state)
{
	const struct hvst_observer check = { .size = sizeof(check), .arm = check_filter },
				   stop = { .size = sizeof(stop), .arm = stop_at_ten };
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_AUTO, 1);
	struct filtered f = { 0, 0, 0, 0 };
	unsigned int n = 0;

	(void)state;
	hvst_session_set_filter(s, -1, 0, 0);
	assert_int_equal(hvst_session_set_observer(s, &check, &f), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(f.arms > 0);
	assert_int_equal(f.wrong, 0);
	f = (struct filtered){ -1, 3, 0, 0 };
	hvst_session_set_filter(s, -1, -1, 3);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(f.arms, 0);
	assert_int_equal(hvst_session_result(s)->nr_storms, 0);
	/* an observer that stops it: answers for what was read */
	hvst_session_set_filter(s, -1, -1, -1);
	assert_int_equal(hvst_session_set_observer(s, &stop, &n), 0);
	assert_int_equal(hvst_session_run(s), -ECANCELED);
	assert_int_equal(n, 10);
	assert_true(hvst_session_trace(s)->incomplete);
	assert_non_null(hvst_session_result(s));
	assert_int_equal(hvst_session_set_observer(s, NULL, NULL), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_false(hvst_session_trace(s)->incomplete);
	hvst_session_free(s);
}

static int stop_always(void *ctx, const struct hvst_storm *storm)
{
	(void)storm;
	++*(unsigned int *)ctx;
	return 1;
}

/* An observer that gave up is not called again; the findings are there all the same. */
static void test_stopped(void **state)
{
	const struct hvst_observer stop = { .size = sizeof(stop), .storm = stop_always };
	unsigned int calls = 0, most = 0;

	(void)state;
	for (unsigned int f = 0; f < nr_files; f++) {
		struct hvst_session *s = opened(files[f].path, NULL, HVST_READER_AUTO, 1);
		unsigned int n = 0;
		int rc;

		assert_int_equal(hvst_session_set_observer(s, &stop, &n), 0);
		rc = hvst_session_run(s);
		assert_true(rc == 0 || (rc == -ECANCELED && n));
		assert_true(hvst_session_result(s)->nr_vms > 0);
		assert_true(hvst_session_result(s)->headline[0]);
		calls += n;
		most = n > most ? n : most;
		hvst_session_free(s);
	}
	printf("# %u recordings, stopped by a storm observer: told of %u storms\n", nr_files,
	       calls);
	assert_int_equal(most, 1);
}

/* The result is the last run's, also where that made none. */
static void test_events_only(void **state)
{
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_AUTO, 1);
	unsigned int nr_timers;

	(void)state;
	assert_int_equal(hvst_session_run(s), 0);
	nr_timers = hvst_session_result(s)->nr_timers;
	assert_true(nr_timers > 0);
	hvst_session_set_need(s, HVST_NEED_EVENTS);
	assert_int_equal(hvst_session_run(s), 0);
	assert_null(hvst_session_result(s));
	hvst_session_set_need(s, HVST_NEED_ANALYSIS);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(hvst_session_result(s)->nr_timers, nr_timers);
	hvst_session_free(s);
}

static uint64_t hash_arms(struct hvst_session *s, unsigned int need)
{
	const struct hvst_observer obs = { .size = sizeof(obs), .arm = hash_arm };
	uint64_t h = 0xcbf29ce484222325ull;

	hvst_session_set_need(s, need);
	assert_int_equal(hvst_session_set_observer(s, &obs, &h), 0);
	assert_int_equal(hvst_session_run(s), 0);
	return h;
}

/* Arms alone are those of a whole analysis, skews and order included. */
static void test_arms_only(void **state)
{
	(void)state;
	for (unsigned int f = 0; f < nr_files; f++) {
		struct hvst_session *s = opened(files[f].path, NULL, HVST_READER_AUTO, 1);
		uint64_t want = hash_arms(s, HVST_NEED_ANALYSIS);

		assert_true(hash_arms(s, HVST_NEED_ARMS) == want);
		assert_null(hvst_session_result(s));
		assert_true(hash_arms(s, HVST_NEED_ARMS | HVST_NEED_ANALYSIS) == want);
		assert_non_null(hvst_session_result(s));
		hvst_session_free(s);
	}
	printf("# %u recordings: the same arms without the analysis\n", nr_files);
}

struct firings {
	unsigned int n;
	uint64_t sum;
};

/* The order may differ: with an analysis a firing waits for its entry. */
static int sum_fire(void *ctx, const struct hvst_fire *fire)
{
	struct firings *f = ctx;
	struct hvst_fire without = *fire;
	uint64_t h = 0xcbf29ce484222325ull;

	without.vm = -1; /* may not be known yet */
	without.entry_ns = HVST_UNKNOWN;
	mix(&h, &without, offsetof(struct hvst_fire, direct) + 1);
	f->n++;
	f->sum += h;
	return 0;
}

static struct firings firings_of(struct hvst_session *s, unsigned int need)
{
	const struct hvst_observer obs = { .size = sizeof(obs), .fire = sum_fire };
	struct firings f = { 0 };

	hvst_session_set_need(s, need);
	assert_int_equal(hvst_session_set_observer(s, &obs, &f), 0);
	assert_int_equal(hvst_session_run(s), 0);
	return f;
}

/* Firings without an analysis are the same, but for their entry. */
static void test_firings_only(void **state)
{
	unsigned int all = 0;

	(void)state;
	for (unsigned int i = 0; i < nr_files; i++) {
		struct hvst_session *s = opened(files[i].path, NULL, HVST_READER_AUTO, 1);
		struct firings want = firings_of(s, HVST_NEED_ANALYSIS);
		struct firings got = firings_of(s, HVST_NEED_ARMS);

		assert_int_equal(got.n, want.n);
		assert_true(got.sum == want.sum);
		all += got.n;
		hvst_session_free(s);
	}
	assert_true(all > 1000);
	printf("# %u recordings: the same %u firings without the analysis\n", nr_files, all);
}

static int count_event(void *ctx, const struct hvst_event *ev)
{
	(void)ev;
	++*(unsigned int *)ctx;
	return 0;
}

static int count_arms(void *ctx, const struct hvst_arm *arm)
{
	(void)arm;
	++*(unsigned int *)ctx;
	return 0;
}

/* Each observer gets what it would get alone, and the arm at which another one stops the run. */
static void test_observers(void **state)
{
	const struct hvst_observer arms = { .size = sizeof(arms), .arm = count_arms },
				   events = { .size = sizeof(events), .event = count_event },
				   stop = { .size = sizeof(stop), .arm = stop_at_ten };
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_AUTO, 1);
	unsigned int n[4] = { 0 }, together[3] = { 0 };

	(void)state;
	hvst_session_set_need(s, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS);
	assert_int_equal(hvst_session_set_observer(s, &arms, &n[0]), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(hvst_session_set_observer(s, &events, &n[1]), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(n[0] > 10 && n[1] > n[0]);
	assert_int_equal(hvst_session_set_observer(s, &arms, &together[0]), 0);
	assert_int_equal(hvst_session_add_observer(s, &events, &together[1]), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(together[0], n[0]);
	assert_int_equal(together[1], n[1]);
	together[0] = 0;
	assert_int_equal(hvst_session_set_observer(s, &stop, &n[2]), 0);
	assert_int_equal(hvst_session_add_observer(s, &arms, &together[0]), 0);
	assert_int_equal(hvst_session_run(s), -ECANCELED);
	assert_int_equal(n[2], 10);
	assert_int_equal(together[0], 10);
	for (unsigned int i = 2; i < HVST_MAX_OBSERVERS; i++)
		assert_int_equal(hvst_session_add_observer(s, &arms, &n[3]), 0);
	assert_int_equal(hvst_session_add_observer(s, &arms, &n[3]), -ENOSPC);
	assert_non_null(strstr(hvst_session_error(s), "observers"));
	hvst_session_free(s);
}

/* A stop before a run stops that run before its first event, and no other. */
static void test_stop_before_run(void **state)
{
	const struct hvst_observer count = { .size = sizeof(count), .event = count_event };
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_AUTO, 2);
	unsigned int n = 0;

	(void)state;
	assert_int_equal(hvst_session_set_observer(s, &count, &n), 0);
	hvst_session_stop(s);
	assert_int_equal(hvst_session_run(s), -ECANCELED);
	assert_int_equal(n, 0);
	assert_true(hvst_session_trace(s)->incomplete);
	assert_non_null(hvst_session_result(s));
	assert_int_equal(hvst_session_result(s)->nr_timers, 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(n > 0);
	assert_false(hvst_session_trace(s)->incomplete);
	hvst_session_free(s);
}

static void check_busy(const struct hvst_session *s, int ret)
{
	assert_int_equal(ret, -EBUSY);
	assert_string_equal(hvst_session_error(s), "the recording is open already");
}

/* What is read cannot be changed any more: an error, and what was open is read as before. */
static void test_options_after_open(void **state)
{
	struct hvst_session *s = opened(files[0].path, NULL, HVST_READER_AUTO, 1);
	uint64_t want = hash_run(s);

	(void)state;
	check_busy(s, hvst_session_add_file(s, files[0].path));
	check_busy(s, hvst_session_add_fd(s, STDIN_FILENO, "-"));
	check_busy(s, hvst_session_add_buffer(s, "none"));
	check_busy(s, hvst_session_add_cpu(s, 4095));
	check_busy(s, hvst_session_ignore(s, EXPIRED));
	check_busy(s, hvst_session_set_reader(s, HVST_READER_LIBTRACECMD));
	check_busy(s, hvst_session_set_threads(s, 3));
	check_busy(s, hvst_session_open(s));
	assert_true(hash_run(s) == want);
	assert_string_equal(hvst_session_error(s), "");
	hvst_session_free(s);
}

static void test_misuse(void **state)
{
	struct hvst_session *s = hvst_session_new();

	(void)state;
	assert_int_equal(hvst_session_run(s), -EINVAL);
	assert_true(hvst_session_error(s)[0] != '\0');
	assert_int_equal(hvst_session_open(s), -EINVAL);
	assert_int_equal(hvst_session_ignore(s, "no_such_event"), -EINVAL);
	assert_non_null(strstr(hvst_session_error(s), "no_such_event"));
	assert_null(hvst_session_result(s));
	assert_null(hvst_session_trace(s));
	assert_string_equal(hvst_session_comm(s, 1), "");
	assert_int_equal(hvst_session_add_fd(s, -1, "-"), -EBADF);
	assert_int_equal(hvst_session_add_file(s, "/nonexistent/trace.dat"), 0);
	assert_int_equal(hvst_session_open(s), -ENOENT);
	assert_non_null(strstr(hvst_session_error(s), "/nonexistent/trace.dat"));
	hvst_session_free(s);
	hvst_session_free(NULL);
}

static int by_name(const void *x, const void *y)
{
	return strcmp(x, y);
}

static void find_files(const char *dir)
{
	DIR *d = opendir(dir);
	struct dirent *e;

	while (d && (e = readdir(d)) && nr_files < MAX_FILES) {
		size_t len = strlen(e->d_name);

		if (len > 4 && !strcmp(e->d_name + len - 4, ".dat"))
			snprintf(files[nr_files++].path, sizeof(files[0].path), "%s/%s", dir,
				 e->d_name);
	}
	if (d)
		closedir(d);
	qsort(files, nr_files, sizeof(files[0]), by_name);
}

/* [NAME]: of the test to run, else all of them. */
int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inferred),
		cmocka_unit_test(test_readers_and_threads),
		cmocka_unit_test(test_watched),
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_whose),
		cmocka_unit_test(test_filters),
		cmocka_unit_test(test_observers),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_misuse),
		cmocka_unit_test(test_signals),
		cmocka_unit_test(test_events_only),
		cmocka_unit_test(test_arms_only),
		cmocka_unit_test(test_firings_only),
		cmocka_unit_test(test_stop_before_run),
		cmocka_unit_test(test_options_after_open),
	};
	const char *dir = getenv("HVST_RECORDINGS");

	find_files(dir ? dir : "../shared/recordings");
	if (!nr_files)
		find_files("samples/recordings");
	if (!nr_files) {
		printf("no recordings here\n");
		return 77;
	}
	if (argc > 1)
		cmocka_set_test_filter(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
