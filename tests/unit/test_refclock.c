// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/refclock: steps, slews, late samples, bounds; and arms that wait for a sample. */
#include <math.h>

#include "events.h"

static struct host host = { .o = SEC(-900) };
static const struct who vcpu0 = { &host, 100, 0, 1 };
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* A clock read now and then; what the trace says of it is late by @typical, seldom by up to 7 ms.
 */
struct clock {
	struct refclock rc;
	int64_t now, o;
	double ppm;
	int64_t t0;
	unsigned int segments;
};

static int64_t offset(const struct clock *c, int64_t ts)
{
	return c->o + (int64_t)(c->ppm * (double)(ts - c->t0) / 1e6);
}

static void sample(struct clock *c, int64_t late)
{
	uint64_t time_now = (uint64_t)(c->now + offset(c, c->now)) / 100;
	int64_t residual;
	int ret = hvst_refclock_sample(&c->rc, c->now + late, time_now, &residual);

	assert_true(ret >= 0);
	c->segments += (unsigned int)ret;
}

static void samples(struct clock *c, unsigned int n, int64_t every)
{
	for (unsigned int i = 0; i < n; i++) {
		int64_t late = 500 + (int64_t)(rnd() % 3000);

		if (rnd() % 50 == 0)
			late = (int64_t)(rnd() % MS(7));
		sample(c, late);
		c->now += every + late;
	}
}

static void clock_begin(struct clock *c)
{
	memset(c, 0, sizeof(*c));
	hvst_refclock_init(&c->rc);
	c->now = c->t0 = SEC(1000);
	c->o = SEC(-900);
}

static const struct refseg *segment(const struct clock *c, unsigned int i)
{
	return i < c->rc.nr_segs ? c->rc.segs[i] : c->rc.cur;
}

static void test_flat(void **state)
{
	int64_t o, err, worst = 0;
	struct clock c;

	(void)state;
	clock_begin(&c);
	samples(&c, 5000, MS(5));
	assert_int_equal(c.segments, 1);
	hvst_refclock_finish(&c.rc);
	for (int64_t ts = SEC(1000); ts < c.now; ts += MS(100)) {
		assert_true(hvst_refclock_at(&c.rc, ts, &o, &err));
		assert_true(llabs(o - c.o) <= err);
		worst = llabs(o - c.o) > worst ? llabs(o - c.o) : worst;
	}
	printf("# flat, 2 %% of samples late by up to 7 ms: envelope off by %lld ns at most, rate "
	       "%.2f ppm\n",
	       (long long)worst, c.rc.cur->rate_ppm);
	assert_true(worst < US(3));
	assert_true(c.rc.cur->rate_known && fabs(c.rc.cur->rate_ppm) < 1);
	hvst_refclock_free(&c.rc);
}

static void test_rates(void **state)
{
	static const double ppm[] = { -480, -100, -20, 3, 40, 250, 500 };
	struct clock c;

	(void)state;
	for (unsigned int i = 0; i < sizeof(ppm) / sizeof(*ppm); i++) {
		clock_begin(&c);
		c.ppm = ppm[i];
		samples(&c, 4000, MS(2));
		hvst_refclock_finish(&c.rc);
		printf("# %+.0f ppm for %.0f s: %u segment(s), %+.2f +- %.2f\n", ppm[i],
		       (double)(c.now - c.t0) / 1e9, c.segments, c.rc.cur->rate_ppm,
		       c.rc.cur->rate_err_ppm);
		assert_int_equal(c.segments, 1);
		assert_true(c.rc.cur->rate_known);
		assert_true(fabs(c.rc.cur->rate_ppm - ppm[i]) <= fmax(2, c.rc.cur->rate_err_ppm));
		hvst_refclock_free(&c.rc);
	}
}

/* Up and down, with a clock event and without; the step's size and place. */
static void test_steps(void **state)
{
	static const int64_t step[] = { US(200),  MS(1),  MS(50),  SEC(3), SEC(3600),
					-US(200), -MS(1), -MS(50), -SEC(2) };

	(void)state;
	for (unsigned int i = 0; i < 2 * sizeof(step) / sizeof(*step); i++) {
		bool marked = i & 1;
		int64_t by = step[i / 2], when, err;
		const struct refseg *s;
		struct clock c;

		clock_begin(&c);
		samples(&c, 500, MS(2));
		when = c.now;
		c.o += by;
		if (marked)
			hvst_refclock_event(&c.rc, c.now, HVST_EV_UPDATE_MASTER_CLOCK);
		assert_int_equal(hvst_refclock_fresh(&c.rc, c.now), !marked);
		c.now += MS(3);
		samples(&c, 500, MS(2));
		hvst_refclock_finish(&c.rc);
		s = c.rc.cur;
		err = s->step_ns == HVST_UNKNOWN ? INT64_MAX : llabs(s->step_ns - by);
		printf("# step of %+.6f s%s: %u segments, %+.6f s at %+lld us\n", (double)by / 1e9,
		       marked ? " after a clock event" : "", c.segments,
		       s->step_ns == HVST_UNKNOWN ? 0 : (double)s->step_ns / 1e9,
		       (long long)(s->from_ns - when) / 1000);
		assert_int_equal(c.segments, 2);
		assert_true(err <= US(10) || err <= llabs(by) / 100);
		/* at the event; without one at the first samples after it */
		assert_true(marked ? s->from_ns == when : llabs(s->from_ns - when) < MS(100));
		assert_int_equal(s->step_event, marked ? HVST_EV_UPDATE_MASTER_CLOCK : -1);
		hvst_refclock_free(&c.rc);
	}
}

/* The trace clock's rate changes in the middle of a segment, and then the clock steps: by how much?
 */
static void test_step_after_slew(void **state)
{
	static const double ppm[] = { -75, -40, 40, 75 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ppm) / sizeof(*ppm); i++) {
		int64_t err;
		struct clock c;

		clock_begin(&c);
		samples(&c, 400, MS(5));
		c.t0 = c.now;
		c.ppm = ppm[i];
		samples(&c, 50, MS(5));
		hvst_refclock_event(&c.rc, c.now, HVST_EV_UPDATE_MASTER_CLOCK);
		c.o += MS(2);
		c.now += MS(3);
		samples(&c, 400, MS(5));
		hvst_refclock_finish(&c.rc);
		err = c.rc.cur->step_ns == HVST_UNKNOWN ? INT64_MAX
							: llabs(c.rc.cur->step_ns - MS(2));
		printf("# %+.0f ppm from late in a segment on: a step of 2 ms is off by %lld ns\n",
		       ppm[i], (long long)err);
		assert_true(err < US(5));
		hvst_refclock_free(&c.rc);
	}
}

/* Steps that come faster than the rules settle must not run away; each one that lasts is found. */
/*
 * The trace clock's rate changes, and before the samples that drift away from the old line make a
 * segment of their own, the clock steps back, with its event: the step is at the event, and as
 * large as it was.
 */
static void test_step_while_drifting(void **state)
{
	static const int64_t steps[] = { -MS(1), -MS(117), -SEC(2) };
	unsigned int checked = 0;

	(void)state;
	for (unsigned int before = 6; before < 30; before += 6)
		for (unsigned int i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
			const struct refseg *s;
			struct clock c;
			int64_t at;

			clock_begin(&c);
			c.ppm = 77;
			samples(&c, 2000, US(700));
			c.o = offset(&c, c.now);
			c.t0 = c.now;
			c.ppm = -400;
			for (unsigned int k = 0; k < before; k++, c.now += MS(2))
				sample(&c, US(100) + US(1)); /* low from the first one on */
			at = c.now;
			hvst_refclock_event(&c.rc, at, HVST_EV_UPDATE_MASTER_CLOCK);
			c.o += steps[i];
			c.now += MS(1);
			samples(&c, 2000, US(700));
			hvst_refclock_finish(&c.rc);
			s = segment(&c, c.rc.nr_segs);
			assert_int_equal(s->from_ns, at);
			assert_int_equal(s->step_event, HVST_EV_UPDATE_MASTER_CLOCK);
			assert_true(llabs(s->step_ns - steps[i]) < US(110));
			checked++;
			hvst_refclock_free(&c.rc);
		}
	printf("# %u steps back while the samples drifted: each at its event\n", checked);
}

static void test_many_steps(void **state)
{
	unsigned int found = 0;
	struct clock c;

	(void)state;
	clock_begin(&c);
	for (unsigned int i = 0; i < 200; i++) {
		samples(&c, 60, MS(1));
		c.o += i & 1 ? -MS(20) : MS(20);
		hvst_refclock_event(&c.rc, c.now, HVST_EV_UPDATE_MASTER_CLOCK);
	}
	samples(&c, 60, MS(1));
	hvst_refclock_finish(&c.rc);
	for (unsigned int i = 0; i <= c.rc.nr_segs; i++)
		found += segment(&c, i)->step_ns != HVST_UNKNOWN &&
			 llabs(llabs(segment(&c, i)->step_ns) - MS(20)) < US(20);
	printf("# 200 steps of 20 ms: %u found\n", found);
	assert_int_equal(found, 200);
	hvst_refclock_free(&c.rc);
	/* a hostile clock steps at every sample: bounded */
	clock_begin(&c);
	for (unsigned int i = 0; i < 100000; i++) {
		c.o += SEC(1);
		c.now += US(10);
		hvst_refclock_event(&c.rc, c.now, HVST_EV_UPDATE_MASTER_CLOCK);
		sample(&c, 0);
	}
	assert_true(c.rc.nr_segs <= REF_MAX_SEGMENTS);
	hvst_refclock_finish(&c.rc);
	hvst_refclock_free(&c.rc);
}

/* A clock event alone moves nothing; a stretch of late samples moves nothing. */
static void test_no_step(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	samples(&c, 300, MS(2));
	for (unsigned int i = 0; i < 20; i++) {
		hvst_refclock_event(&c.rc, c.now, HVST_EV_UPDATE_MASTER_CLOCK);
		assert_false(hvst_refclock_fresh(&c.rc, c.now));
		samples(&c, 10, MS(2));
	}
	/* a loaded host: twenty samples in a row, each late by another 0.1 to 7 ms */
	for (unsigned int i = 0; i < 20; i++) {
		sample(&c, US(100) + (int64_t)(rnd() % MS(7)));
		c.now += MS(9);
	}
	samples(&c, 300, MS(2));
	hvst_refclock_finish(&c.rc);
	assert_int_equal(c.segments, 1);
	assert_true(hvst_refclock_fresh(&c.rc, c.now));
	hvst_refclock_free(&c.rc);
}

/* A slew that begins while the vCPU is idle for minutes is no step. */
static void test_slew_over_gap(void **state)
{
	struct clock c;

	(void)state;
	clock_begin(&c);
	samples(&c, 1000, MS(2));
	c.now += SEC(60);
	c.o += MS(12); /* 200 ppm for a minute: NTP may */
	samples(&c, 1000, MS(2));
	hvst_refclock_finish(&c.rc);
	for (unsigned int i = 0; i <= c.rc.nr_segs; i++)
		assert_int_equal(segment(&c, i)->step_ns, HVST_UNKNOWN);
	hvst_refclock_free(&c.rc);
}

static void test_extremes(void **state)
{
	static const uint64_t now[] = {
		0, 1, UINT64_MAX, UINT64_MAX / 100, INT64_MAX / 200, 1ull << 63, 12345
	};
	static const int64_t ts[] = { 0, 1, INT64_MAX / 2, SEC(1), SEC(100000) };
	int64_t residual, o, err;
	struct refclock rc;

	(void)state;
	hvst_refclock_init(&rc);
	assert_false(hvst_refclock_at(&rc, 0, &o, &err));
	assert_false(hvst_refclock_fresh(&rc, 0));
	for (unsigned int i = 0; i < 7 * 5 * 20; i++) {
		assert_true(hvst_refclock_sample(&rc, ts[i / 7 % 5], now[i % 7], &residual) >= 0);
		hvst_refclock_bound(&rc, ts[i % 5], now[i % 3]);
		hvst_refclock_at(&rc, ts[(i + 1) % 5], &o, &err);
	}
	hvst_refclock_finish(&rc);
	hvst_refclock_free(&rc);
	assert_false(hvst_ref_offset(UINT64_MAX, 0, &o));
	assert_true(hvst_ref_offset(1000, 100, &o));
	assert_int_equal(o, 99900);
}

/*
 * A stock kernel; the clock steps up and from then on every arm is past due: no sample. The arms
 * wait, and get the skew of the clock after the step once a sample comes; without one the step is
 * still dated.
 */
static void test_arms_that_wait(void **state)
{
	const struct hvst_result *r;
	int64_t worst = 0, step_at;
	struct feed f;

	(void)state;
	host = (struct host){ .o = SEC(-900), .kernel = STOCK };
	feed_begin(&f, 0);
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 100, MS(2));
	f.nr_arms = 0;
	step_at = f.now;
	ev_master(&f, 90, 3, true);
	host_step(&f, &host, MS(20));
	guest_lags(&f, &vcpu0, 200, MS(15));
	assert_int_equal(f.nr_arms, 0);
	guest_ticks(&f, &vcpu0, 50, MS(2));
	r = feed_end(&f);
	assert_int_equal(f.nr_arms, 250);
	for (unsigned int i = 0; i < f.nr_arms; i++) {
		int64_t off = llabs(f.arms[i].skew_ns - (f.arms[i].kind == HVST_ARM_PAST_DUE
								 ? MS(15) + US(4)
								 : US(4) - MS(2)));

		assert_true(off <= US(10));
		assert_true(off <= (f.arms[i].error_ns ? f.arms[i].error_ns : 100));
		worst = off > worst ? off : worst;
	}
	printf("# 200 arms without a sample after a step: settled late, off by %lld ns at most\n",
	       (long long)worst);
	assert_int_equal(r->nr_reference, 2);
	assert_true(llabs(r->reference[1].step_ns - MS(20)) < US(10));
	assert_true(llabs(r->reference[1].from_ns - step_at) < MS(1));
	assert_int_equal(r->nr_storms, 1);
	assert_true(llabs(r->storms[0].skew_max_ns - MS(15)) < US(10));
	feed_free(&f);
}

/*
 * The recording ends inside it: the skew of the last line holds only as a lower bound, so it is not
 * known.
 */
static void test_no_sample_at_the_end(void **state)
{
	unsigned int made_up = 0;
	struct feed f;

	(void)state;
	host = (struct host){ .o = SEC(-900), .kernel = STOCK };
	feed_begin(&f, 0);
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 100, MS(2));
	f.nr_arms = 0;
	ev_master(&f, 90, 3, true);
	host_step(&f, &host, MS(20));
	guest_lags(&f, &vcpu0, 200, MS(15));
	feed_end(&f);
	assert_int_equal(f.nr_arms, 200);
	for (unsigned int i = 0; i < f.nr_arms; i++)
		made_up += f.arms[i].skew_ns != HVST_UNKNOWN &&
			   llabs(f.arms[i].skew_ns - MS(15) - US(4)) > f.arms[i].error_ns;
	printf("# 200 arms after a step and never a sample: %u with a skew outside its stated "
	       "bound\n",
	       made_up);
	assert_int_equal(made_up, 0);
	feed_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_flat),
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_step_after_slew),
		cmocka_unit_test(test_step_while_drifting),
		cmocka_unit_test(test_many_steps),
		cmocka_unit_test(test_no_step),
		cmocka_unit_test(test_slew_over_gap),
		cmocka_unit_test(test_extremes),
		cmocka_unit_test(test_arms_that_wait),
		cmocka_unit_test(test_no_sample_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
