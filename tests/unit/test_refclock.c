// SPDX-License-Identifier: GPL-2.0
/* lib/kvm/refclock: what hosts do to a VM's clock, one thing at a time. */
#include <malloc.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "../../lib/kvm/refclock.h"

#define US(x)	((int64_t)((x)*1000.0))
#define MS(x)	((int64_t)((x)*1000000.0))
#define SEC(x)	((int64_t)((x)*1e9))
#define MIN_NS	US(100)
#define MASTER	3
#define HZ_64	15625000
#define PPM_OFF 100.0

struct host {
	struct refclock r;
	struct refclock_thread thread;
	int64_t now, o;
	double slope, part; /* of a ns that o has not moved by yet */
	int cpu;
	uint64_t seed;
	int64_t worst; /* latency that was reported */
	uint64_t latencies;
};

static uint64_t rnd(struct host *h)
{
	h->seed ^= h->seed << 13;
	h->seed ^= h->seed >> 7;
	return h->seed ^= h->seed << 17;
}

static void on_residual(void *ctx, int64_t late, unsigned int weight)
{
	struct host *h = ctx;

	h->latencies += weight;
	if (late > h->worst)
		h->worst = late;
}

static void begin(struct host *h, bool per_cpu)
{
	struct refclock_params params = { .per_cpu = per_cpu, .residual = on_residual, .ctx = h };

	memset(h, 0, sizeof(*h));
	h->seed = 88172645463325252ull;
	h->now = SEC(1000);
	h->o = SEC(500);
	hvst_refclock_init(&h->r, &params);
}

static void end(struct host *h)
{
	hvst_refclock_free(&h->r);
}

/* Time passes: the clock moves by its slope. */
static void pass(struct host *h, int64_t ns)
{
	double moved = h->slope * (double)ns + h->part;

	h->now += ns;
	h->o += (int64_t)floor(moved);
	h->part = moved - floor(moved);
}

static void sample(struct host *h)
{
	int64_t late = US(0.3) + (int64_t)(rnd(h) % 700);

	assert_int_equal(0, hvst_refclock_sample(&h->r, &h->thread, h->now + late,
						 (uint64_t)(h->o + h->now) / 100, h->cpu, true));
}

static void samples(struct host *h, unsigned int n, int64_t every)
{
	for (unsigned int i = 0; i < n; i++) {
		sample(h);
		pass(h, every);
	}
}

/* Past-due arms of a guest that is @behind: no sample, only bounds. */
static void storm(struct host *h, unsigned int n, int64_t every, int64_t behind)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_int_equal(0, hvst_refclock_bound(&h->r, h->now + US(2),
							(uint64_t)(h->o + h->now - behind) / 100,
							h->cpu));
		pass(h, every);
	}
}

static void event(struct host *h)
{
	assert_int_equal(0, hvst_refclock_event(&h->r, h->now, MASTER));
}

static struct refclock_verdict stepped(struct host *h)
{
	struct refclock_verdict v;

	assert_int_equal(0, hvst_refclock_finish(&h->r, h->now));
	hvst_refclock_stepped(&h->r, MIN_NS, &v);
	printf("# step: %s\n", v.text);
	return v;
}

static struct refclock_verdict rate(struct host *h)
{
	struct refclock_verdict v;

	hvst_refclock_rate(&h->r, PPM_OFF, SEC(1), &v);
	printf("# rate: %s\n", v.text);
	return v;
}

static void test_hidden_step(void **state)
{
	struct refclock_verdict v;
	int64_t o, err, at;
	struct host h;

	(void)state;
	for (int announced = 0; announced < 2; announced++) {
		begin(&h, false);
		samples(&h, 640, HZ_64);
		at = h.now;
		h.o += SEC(60);
		if (announced)
			event(&h);
		storm(&h, 100000, US(30), MS(10));
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_YES);
		assert_true(v.at_least && v.size > SEC(59.98) && v.size <= SEC(60));
		assert_true(v.after < at && v.until >= at && v.until < at + MS(1));
		assert_int_equal(v.event, announced ? MASTER : -1);
		assert_true(hvst_refclock_at(&h.r, at - SEC(1), 0, &o, &err));
		assert_true(llabs(o - SEC(500)) <= err && err < US(10));
		assert_false(hvst_refclock_at(&h.r, at + SEC(1), 0, &o, &err));
		end(&h);
	}
}

/* The first readings are late by less and less, as of a host that just began: a steep line. */
static void test_step_after_late_start(void **state)
{
	static const int late_us[] = { 117, 17, 7, 3,  3,  0, 2, 74, 2, 5, 5, 4, 2,
				       0,   1,	0, 14, 10, 5, 5, 8,  5, 4, 4, 3 };
	struct refclock_verdict v;
	struct host h;
	int64_t at;

	(void)state;
	begin(&h, false);
	for (unsigned int i = 0; i < sizeof(late_us) / sizeof(*late_us); i++) {
		assert_int_equal(0,
				 hvst_refclock_sample(&h.r, &h.thread, h.now + US(late_us[i]),
						      (uint64_t)(h.o + h.now) / 100, h.cpu, true));
		pass(&h, i ? MS(40) : MS(94));
	}
	at = h.now;
	h.o += US(19200);
	event(&h);
	pass(&h, MS(2650));
	samples(&h, 170, MS(35));
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_int_equal(v.steps, 1);
	assert_int_equal(v.event, MASTER);
	assert_true(llabs(v.at - at) < MS(1));
	assert_true(llabs(v.size - US(19200)) < MS(1));
	end(&h);
}

/* Ahead for a while in which every arm is past due: the bounds between two readings say so. */
static void test_there_and_back(void **state)
{
	struct refclock_verdict v;
	int64_t o, err, at;
	struct host h;

	(void)state;
	begin(&h, false);
	samples(&h, 300, MS(1));
	at = h.now;
	h.o += MS(5);
	storm(&h, 1000, US(10), MS(4));
	h.o -= MS(5);
	samples(&h, 300, MS(1));
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_true(v.at_least && llabs(v.size) > MS(0.9) && llabs(v.size) <= MS(1));
	assert_int_equal(v.steps, 2);
	assert_true(hvst_refclock_at(&h.r, at + MS(50), 0, &o, &err));
	assert_true(llabs(o - SEC(500)) <= err && err < US(30));
	end(&h);
}

static void test_step_back_at_end(void **state)
{
	static const unsigned int left[] = { 1, 2, 5, 25 };
	struct refclock_verdict v;
	struct host h;

	(void)state;
	for (unsigned int i = 0; i < sizeof(left) / sizeof(*left); i++) {
		begin(&h, false);
		samples(&h, 300, HZ_64);
		h.o -= MS(50);
		samples(&h, left[i], HZ_64);
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_YES);
		assert_true(llabs(v.size + MS(50)) < US(20));
		end(&h);
	}
}

static void test_step_ahead_at_end(void **state)
{
	struct refclock_verdict v;
	struct host h;

	(void)state;
	begin(&h, false);
	samples(&h, 300, HZ_64);
	h.o += MS(50);
	samples(&h, 1, HZ_64);
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_true(v.at_least && llabs(v.size - MS(50)) < US(20));
	end(&h);
}

static void test_many_small_steps(void **state)
{
	struct refclock_verdict v;
	struct host h;

	(void)state;
	begin(&h, false);
	for (unsigned int i = 0; i < 120; i++) {
		samples(&h, 40, HZ_64);
		h.o += i & 1 ? US(60) : -US(60);
	}
	v = stepped(&h);
	printf("# %u steps, %lld ns in all\n", v.steps, (long long)v.total);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_true(v.steps > 110 && v.total > MS(6.5) && v.total < MS(7.5));
	end(&h);
}

/* The host's discipline of the trace clock: slopes of both signs, never a step. */
static void test_slews(void **state)
{
	static const struct {
		double ppm, seconds;
		int64_t every;
	} slew[] = {
		{ -500, 10, HZ_64 },  { 500, 10, HZ_64 },    { -1000, 4, HZ_64 },
		{ -250, 60, SEC(1) }, { 250, 60, SEC(1) },   { -100000, 3, HZ_64 },
		{ 100000, 3, HZ_64 }, { 83000, 2, US(3.3) }, { -83000, 2, US(3.3) },
		{ -120, 20, HZ_64 },
	};
	struct refclock_verdict v;
	struct host h;

	(void)state;
	for (unsigned int i = 0; i < sizeof(slew) / sizeof(*slew); i++) {
		int64_t every = slew[i].every;
		unsigned int n = (unsigned int)(slew[i].seconds * 1e9 / (double)every);

		begin(&h, false);
		samples(&h, n, every);
		h.slope = slew[i].ppm / 1e6;
		for (unsigned int k = 0; k < n; k++) {
			if (every == SEC(1) && k % 10 == 5)
				event(&h);
			samples(&h, 1, every);
		}
		event(&h);
		h.slope = 0;
		samples(&h, n, every);
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_NO);
		v = rate(&h);
		assert_int_equal(v.answer, REFCLOCK_YES);
		assert_true(fabs(v.ppm - slew[i].ppm) <= v.ppm_err + 0.1);
		printf("# latencies up to %lld ns\n", (long long)h.worst);
		/* where the slope changes, one spacing of samples is not final */
		assert_true(h.worst < US(40));
		end(&h);
	}
}

static void test_scaled(void **state)
{
	static const double ppm[] = { 32400, -31400, 100000, 0, 7 };
	struct refclock_verdict v;
	struct host h;

	(void)state;
	for (unsigned int i = 0; i < sizeof(ppm) / sizeof(*ppm); i++) {
		begin(&h, false);
		h.slope = ppm[i] / 1e6;
		samples(&h, 640, HZ_64);
		storm(&h, 3000, US(3.3), MS(10));
		samples(&h, 640, HZ_64);
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_NO);
		v = rate(&h);
		assert_int_equal(v.answer, fabs(ppm[i]) > PPM_OFF ? REFCLOCK_YES : REFCLOCK_NO);
		assert_true(fabs(v.ppm - ppm[i]) <= v.ppm_err + 0.1 && v.ppm_err < 5);
		end(&h);
	}
}

/* NTP begins to slew when a storm without samples begins: no step, and O is known to that. */
static void test_slew_in_storm(void **state)
{
	struct refclock_verdict v;
	int64_t o, err, mid;
	struct host h;

	(void)state;
	begin(&h, false);
	samples(&h, 640, HZ_64);
	h.slope = 400e-6;
	mid = h.now + SEC(0.75);
	storm(&h, 1500, MS(1), MS(20));
	samples(&h, 640, HZ_64);
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_NO);
	assert_true(hvst_refclock_at(&h.r, mid, 0, &o, &err));
	assert_true(llabs(o - SEC(500) - US(300)) <= err);
	end(&h);
}

static void test_local_clock(void **state)
{
	static const int64_t apart[] = { 0, US(350), US(-900), US(620) };
	struct refclock_verdict v;
	struct host h;
	int64_t o, err;

	(void)state;
	for (int back = 0; back < 2; back++) {
		begin(&h, true);
		for (unsigned int i = 0; i < 400; i++) {
			int cpu = (int)(i * 7 / 3 % 4);
			int64_t left = h.o;

			h.cpu = cpu;
			h.o += apart[cpu];
			/* the same reading of the TSC, stamped by another clock */
			for (unsigned int k = 0; k < 50; k++) {
				assert_int_equal(
					0, hvst_refclock_sample(
						   &h.r, &h.thread, h.now - apart[cpu] + 500,
						   (uint64_t)(left + h.now) / 100, cpu, true));
				pass(&h, MS(1));
			}
			h.o = left;
			if (back && i == 200)
				h.o -= MS(5);
		}
		v = stepped(&h);
		assert_int_equal(v.answer, back ? REFCLOCK_YES : REFCLOCK_NO);
		for (int cpu = 0; cpu < 4; cpu++) {
			assert_true(hvst_refclock_at(&h.r, SEC(1005), cpu, &o, &err));
			assert_true(llabs(o - SEC(500) - apart[cpu]) <= err && err < US(10));
		}
		end(&h);
	}
}

/* --- the same with other numbers --- */

static const int64_t paces[] = { SEC(1), HZ_64, MS(1), US(33) };
#define PACES (sizeof(paces) / sizeof(*paces))

static unsigned int count_for(double seconds, int64_t every)
{
	return (unsigned int)(seconds * 1e9 / (double)every);
}

/* The verdict's text, with what was simulated where it is wrong. */
static void expect(struct host *h, const char *what, double x, int64_t every, unsigned int allowed)
{
	struct refclock_verdict v = stepped(h);

	if (!(allowed >> v.answer & 1))
		printf("%s: %g, every %lld ns: %d, %s\n", what, x, (long long)every, v.answer,
		       v.text);
	assert_true(allowed >> v.answer & 1);
	end(h);
}

/*
 * 300 ppm off for 0.7 s: too short to count. At the start readings may be late by less and less; at
 * the end it may last.
 */
static void test_rate_off_for_a_while(void **state)
{
	struct host h;

	(void)state;
	for (unsigned int last = 0; last < 2; last++) {
		begin(&h, false);
		for (unsigned int i = 0; i < 2; i++) {
			h.slope = i == last ? 300e-6 : 0;
			samples(&h, i == last ? 700 : last ? 3000 : 800, MS(1));
		}
		stepped(&h);
		assert_int_equal(rate(&h).answer, last ? REFCLOCK_CANNOT_TELL : REFCLOCK_NO);
		end(&h);
	}
}

static void expect_rate(struct host *h, double ppm, int64_t every, unsigned int allowed)
{
	struct refclock_verdict v;

	assert_int_equal(0, hvst_refclock_finish(&h->r, h->now));
	v = rate(h);
	if (!(allowed >> v.answer & 1))
		printf("off by: %g ppm, every %lld ns: %d, %s\n", ppm, (long long)every, v.answer,
		       v.text);
	assert_true(allowed >> v.answer & 1);
}

#define NO	    (1u << REFCLOCK_NO)
#define YES	    (1u << REFCLOCK_YES)
#define CANNOT_TELL (1u << REFCLOCK_CANNOT_TELL)

/* A step and a few samples after it: never "no", and "yes" where no slew moves a clock that far. */
static void test_steps_near_the_end(void **state)
{
	static const double size[] = { 300e-6, 2e-3, 12e-3, 50e-3, 1, 60 };
	static const unsigned int left[] = { 1, 2, 3, 5, 10, 25 };
	struct host h;

	(void)state;
	for (unsigned int p = 0; p < PACES; p++)
		for (unsigned int i = 0; i < 2 * sizeof(size) / sizeof(*size); i++)
			for (unsigned int k = 0; k < sizeof(left) / sizeof(*left); k++) {
				double x = i & 1 ? -size[i / 2] : size[i / 2];
				bool far = fabs(x) > 0.13e-9 * (double)paces[p] + 1e-3;
				/* one reading, or two, below the line may be late */
				bool sure = far && (left[k] >= 5 || x > 0);

				begin(&h, false);
				samples(&h, 300, paces[p]);
				h.o += SEC(x);
				samples(&h, left[k], paces[p]);
				expect(&h, "step at the end", x, paces[p],
				       sure				  ? YES
				       : left[k] < 5 && x < -15e-3 && far ? YES | CANNOT_TELL
				       : left[k] < 5 ? YES | CANNOT_TELL | (x < 0 ? NO : 0)
				       : fabs(x) < 600e-9 * (double)paces[p]
					       ? YES | CANNOT_TELL | NO
					       : YES | CANNOT_TELL);
			}
}

/* A few samples, then a step: what came first is not late, unless it scatters. */
static void test_steps_near_the_beginning(void **state)
{
	static const double size[] = { 5e-3, 12e-3, 80e-3, 60, 3e9 };
	static const unsigned int before[] = { 2, 3, 5, 10, 30 };
	struct host h;

	(void)state;
	for (unsigned int i = 0; i < sizeof(size) / sizeof(*size); i++)
		for (unsigned int k = 0; k < 2 * sizeof(before) / sizeof(*before); k++) {
			unsigned int n = before[k / 2];

			begin(&h, false);
			samples(&h, n, HZ_64);
			if (k & 1)
				event(&h);
			h.o += (int64_t)(size[i] * 1e9);
			storm(&h, 500, US(5), MS(2));
			samples(&h, 60, HZ_64);
			expect(&h, "step near the beginning", size[i], HZ_64,
			       n >= 3 || k & 1 ? YES : YES | CANNOT_TELL);
		}
	for (unsigned int n = 1; n < 6; n++) {
		begin(&h, false);
		for (unsigned int i = 0; i < n; i++) {
			int64_t late = MS(1) + (int64_t)(rnd(&h) % MS(6));

			h.o -= late;
			samples(&h, 1, HZ_64);
			h.o += late;
		}
		samples(&h, 60, HZ_64);
		expect(&h, "late at the beginning", n, HZ_64, NO);
	}
}

/* Rates of any size, from the beginning and from a storm without samples on. */
static void test_rates_of_any_size(void **state)
{
	static const double ppm[] = { 50, 120, 250, 400, 500, 10000, 31400, 32400, 100000 };
	static const double storm_s[] = { 0.02, 0.3, 1.5, 5 };
	struct host h;

	(void)state;
	for (unsigned int p = 0; p < PACES; p++)
		for (unsigned int i = 0; i < 2 * sizeof(ppm) / sizeof(*ppm); i++)
			for (unsigned int k = 0; k < sizeof(storm_s) / sizeof(*storm_s); k++) {
				double x = i & 1 ? -ppm[i / 2] : ppm[i / 2];
				unsigned int n = count_for(paces[p] == SEC(1) ? 30 : 6, paces[p]);

				n = n < 20000 ? n : 20000;
				begin(&h, false);
				if (fabs(x) > 500)
					h.slope = x / 1e6;
				samples(&h, n, paces[p]);
				h.slope = x / 1e6;
				storm(&h, count_for(storm_s[k], US(100)), US(100), MS(20));
				samples(&h, n, paces[p]);
				expect_rate(&h, x, paces[p],
					    fabs(x) < PPM_OFF	    ? NO | CANNOT_TELL
					    : n * paces[p] > SEC(2) ? YES
								    : NO | YES | CANNOT_TELL);
				expect(&h, "rate", x, paces[p], NO);
			}
}

/* A storm without samples hides a step; readings after it show it. */
static void test_steps_in_a_storm(void **state)
{
	static const double size[] = { 2e-3, 20e-3, 1, 60 };
	static const double storm_s[] = { 0.02, 0.3, 1.5 };
	struct host h;

	(void)state;
	for (unsigned int p = 0; p < PACES; p++)
		for (unsigned int i = 0; i < 2 * sizeof(size) / sizeof(*size); i++)
			for (unsigned int k = 0; k < 2 * sizeof(storm_s) / sizeof(*storm_s); k++) {
				double x = i & 1 ? -size[i / 2] : size[i / 2];
				double s = storm_s[k / 2], gap = s + (double)paces[p] / 1e9;

				begin(&h, false);
				samples(&h, 300, paces[p]);
				if (k & 1)
					event(&h);
				h.o += SEC(x);
				storm(&h, count_for(s, US(100)), US(100), US(10));
				samples(&h, 300, paces[p]);
				expect(&h, "step in a storm", x, paces[p],
				       fabs(x) > 0.13 * gap + 1e-3 ? YES
				       : fabs(x) > 600e-6 * gap	   ? YES | CANNOT_TELL
								   : YES | CANNOT_TELL | NO);
			}
}

/* Each too small to matter, all of them together not; the other vCPU is never sampled. */
static void test_small_steps(void **state)
{
	static const double size[] = { 60e-6, 90e-6, 150e-6, 250e-6 };
	static const unsigned int apart[] = { 30, 100, 400 };
	struct host h;

	(void)state;
	for (unsigned int p = 1; p < PACES; p++)
		for (unsigned int i = 0; i < 4 * 3 * 3; i++) {
			unsigned int n = apart[i / 4 % 3] * (paces[p] < MS(1) ? 30 : 1);
			double x = size[i % 4];

			begin(&h, false);
			for (unsigned int k = 0; k < 10; k++) {
				samples(&h, n, paces[p]);
				/* to and fro, always on, always back */
				h.o += SEC(i / 12 == 2 || (i / 12 == 0 && k & 1) ? -x : x);
			}
			samples(&h, n, paces[p]);
			expect(&h, "small steps", x, paces[p], YES);
		}
}

/* A vCPU that migrates among CPUs whose clocks are apart. */
static void test_local_of_any_kind(void **state)
{
	static const double most[] = { 0, 100e-6, 900e-6, 2e-3, 5e-3 };
	static const double step[] = { 0, -82e-3, 51e-3, 300e-6, -5e-3 };
	static const double stay[] = { 5e-3, 50e-3, 0.4 };
	struct host h;

	(void)state;
	for (unsigned int p = 1; p < PACES; p++)
		for (unsigned int i = 0; i < 5 * 5 * 3; i++) {
			double x = step[i % 5], m = most[i / 5 % 5], s = stay[i / 25];
			int64_t apart[3], next = 0, at;
			unsigned int n = count_for(6, paces[p]);
			bool done = false;

			begin(&h, true);
			for (int k = 0; k < 3; k++)
				apart[k] = SEC(m * ((double)(k * 7 % 3) - 1) / 2);
			at = h.now + SEC(3);
			for (unsigned int k = 0; k < n; k++) {
				if (h.now >= next) {
					h.cpu = (int)(rnd(&h) % 3);
					next = h.now + SEC(s);
				}
				if (h.now >= at && !done) {
					h.o += SEC(x);
					done = true;
				}
				h.now += apart[h.cpu];
				h.o -= apart[h.cpu];
				sample(&h);
				h.now -= apart[h.cpu];
				h.o += apart[h.cpu];
				pass(&h, paces[p]);
			}
			expect(&h, "local", x, paces[p], x != 0 ? YES : NO);
		}
}

/* A vCPU that moves to another CPU for good: how far are the clocks of the two apart? */
static void test_local_once(void **state)
{
	static const double apart[] = { 50e-6, 0.9e-3, 82e-3 };
	static const unsigned int allowed[] = { NO, CANNOT_TELL, YES };
	struct host h;

	(void)state;
	for (unsigned int p = 1; p < PACES; p++)
		for (unsigned int i = 0; i < 6; i++) {
			double x = i & 1 ? -apart[i / 2] : apart[i / 2];
			/* readings of both CPUs with the same time stamps tell the two apart */
			bool overlap = x > 0 && (double)paces[p] < 1e9 * x;

			begin(&h, true);
			samples(&h, count_for(3, paces[p]), paces[p]);
			h.cpu = 1;
			h.o += SEC(x);
			/* up to 2 ms it is the CPU's clock, beyond that the VM's */
			if (fabs(x) < 2e-3)
				h.now -= SEC(x);
			samples(&h, count_for(3, paces[p]), paces[p]);
			expect(&h, "once", x, paces[p],
			       allowed[i / 2] | (overlap && x < 2e-3 ? NO : 0));
		}
}

static void test_identity(void **state)
{
	int64_t apart, err;
	struct host a, b;

	(void)state;
	begin(&a, false);
	begin(&b, false);
	b.o += US(80);
	samples(&a, 200, MS(1));
	samples(&b, 200, MS(1));
	assert_true(hvst_refclock_distance(&b.r, &a.r, SEC(1000.1), 0, &apart, &err));
	printf("# 80 us apart: %lld +- %lld ns\n", (long long)apart, (long long)err);
	assert_true(llabs(apart - US(80)) <= err && err < US(20));
	end(&a);
	end(&b);
}

static void test_far_jumps(void **state)
{
	static const int64_t jump[] = { SEC(253 * 365.25 * 86400), SEC(-499), SEC(30), SEC(-30) };
	struct refclock_verdict v;
	struct host h;

	(void)state;
	for (unsigned int i = 0; i < sizeof(jump) / sizeof(*jump); i++) {
		begin(&h, false);
		samples(&h, 100, MS(1));
		h.o += jump[i];
		samples(&h, 100, MS(1));
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_YES);
		assert_true(llabs(v.size - jump[i]) < US(20));
		assert_true(h.worst < US(20));
		end(&h);
	}
}

static void test_merge(void **state)
{
	struct refclock_verdict v;
	struct host h, other;

	(void)state;
	begin(&h, false);
	other = h;
	samples(&h, 200, HZ_64);
	other.now = SEC(1000) + HZ_64 / 3;
	samples(&other, 100, HZ_64);
	other.o -= MS(20);
	other.now += SEC(2);
	h.o -= MS(20);
	samples(&other, 100, HZ_64);
	h.now += SEC(2);
	samples(&h, 100, HZ_64);
	assert_int_equal(0, hvst_refclock_merge(&h.r, &other.r));
	assert_int_equal(other.r.nr_streams, 0);
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_true(llabs(v.size + MS(20)) < US(20));
	end(&other);
	end(&h);
}

static void test_nothing(void **state)
{
	struct refclock_verdict v;
	int64_t o, err;
	struct host h;

	(void)state;
	begin(&h, false);
	event(&h);
	storm(&h, 100, MS(1), MS(20));
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_CANNOT_TELL);
	assert_int_equal(rate(&h).answer, REFCLOCK_CANNOT_TELL);
	assert_false(hvst_refclock_at(&h.r, h.now, 0, &o, &err));
	assert_null(hvst_refclock_piece(&h.r, 0));
	end(&h);
}

/* A clock event after the last reading: nothing says that the clock did not step there. */
static void test_event_at_end(void **state)
{
	struct refclock_verdict v;
	int64_t o, err;
	struct host h;

	(void)state;
	begin(&h, false);
	samples(&h, 200, HZ_64);
	event(&h);
	pass(&h, SEC(1));
	event(&h);
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_CANNOT_TELL);
	assert_true(v.until > v.after);
	assert_false(hvst_refclock_at(&h.r, h.now, 0, &o, &err));
	end(&h);
}

/* A hostile or broken trace: anything, in any order. */
static void test_anything(void **state)
{
	struct refclock_verdict v;
	int64_t o, err;
	struct host h;

	(void)state;
	for (unsigned int round = 0; round < 50; round++) {
		begin(&h, round & 1);
		h.seed += round * 7919;
		for (unsigned int i = 0; i < 5000; i++) {
			int64_t t = (int64_t)(rnd(&h) >> rnd(&h) % 63);
			uint64_t now = rnd(&h) >> rnd(&h) % 63;
			int cpu = (int)(rnd(&h) % 1000);

			if (round & 2)
				t = -t;
			if (rnd(&h) % 3)
				assert_int_equal(0, hvst_refclock_sample(&h.r, &h.thread, t, now,
									 cpu, true));
			else if (rnd(&h) % 2)
				assert_int_equal(0, hvst_refclock_bound(&h.r, t, now, cpu));
			else
				assert_int_equal(0, hvst_refclock_event(&h.r, t, (int)(now % 9)));
			hvst_refclock_at(&h.r, t, cpu, &o, &err);
		}
		v = stepped(&h);
		assert_true(v.text[0]);
		end(&h);
	}
}

/* A clock that jumps at each reading: no bin holds two of them, however wide. */
static void test_broken_clock(void **state)
{
	struct refclock_verdict v;
	struct host h;

	(void)state;
	for (int per_cpu = 0; per_cpu < 2; per_cpu++) {
		begin(&h, per_cpu);
		for (unsigned int i = 0; i < 500000; i++) {
			h.cpu = (int)(rnd(&h) % 3);
			sample(&h);
			h.o += i & 1 ? MS(-2) : MS(2);
			pass(&h, MS(1));
		}
		v = stepped(&h);
		assert_int_equal(v.answer, REFCLOCK_YES);
		for (unsigned int i = 0; i < h.r.nr_streams; i++)
			assert_true(h.r.streams[i]->nr_items < 40000 &&
				    h.r.streams[i]->nr_pieces < 70000 &&
				    h.r.streams[i]->bin_width < SEC(2));
		end(&h);
	}
}

/*
 * A hostile trace has a clock for each of its thread ids: what one costs before it tells anything.
 */
static void test_many_clocks(void **state)
{
	enum { CLOCKS = 8192, SAMPLES = 4 };
	struct refclock *r = calloc(CLOCKS, sizeof(*r));
	size_t before, used;

	(void)state;
	assert_non_null(r);
	before = mallinfo2().uordblks;
	for (unsigned int i = 0; i < CLOCKS; i++) {
		hvst_refclock_init(&r[i], NULL);
		for (unsigned int k = 0; k < SAMPLES; k++)
			assert_int_equal(0, hvst_refclock_sample(&r[i], NULL, SEC(1) + MS(k),
								 10000 * k, 0, false));
	}
	used = mallinfo2().uordblks - before;
	printf("# %zu bytes a clock, %zu of them its stream\n", used / CLOCKS,
	       sizeof(struct refclock_stream));
	assert_true(used / CLOCKS < 4096);
	for (unsigned int i = 0; i < CLOCKS; i++)
		hvst_refclock_free(&r[i]);
	free(r);
}

/* Memory stays bounded and the step in the middle is not lost in thinning. */
static void test_long(void **state)
{
	struct refclock_verdict v;
	struct timespec a, b;
	struct host h;
	double ns;

	(void)state;
	begin(&h, false);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &a);
	samples(&h, 4000000, US(33));
	h.o += US(300);
	samples(&h, 4000000, US(33));
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &b);
	ns = (double)(b.tv_sec - a.tv_sec) * 1e9 + (double)(b.tv_nsec - a.tv_nsec);
	printf("# %.1f ns a sample with the simulation\n", ns / 8e6);
	v = stepped(&h);
	assert_int_equal(v.answer, REFCLOCK_YES);
	assert_true(llabs(v.size - US(300)) < US(10));
	assert_true(h.latencies > 7500000 && h.worst < US(5));
	end(&h);
}

/* A slew ends, or begins, with the last readings: no step above the threshold hides in them. */
static void test_slew_ends_at_the_end(void **state)
{
	static const double ppm[] = { -500, -350, 350, 500 };

	(void)state;
	for (unsigned int i = 0; i < 4 * 4 * 2; i++) {
		bool begins = i & 1;
		struct host h;

		begin(&h, false);
		h.slope = begins ? 0 : ppm[i / 2 % 4] * 1e-6;
		samples(&h, 200, 2 * HZ_64);
		h.slope = begins ? ppm[i / 2 % 4] * 1e-6 : 0;
		samples(&h, i / 8, 2 * HZ_64);
		pass(&h, 2 * HZ_64);
		/* the last timer is delivered, and nothing is read after it */
		storm(&h, 1, MS(1), US(3));
		assert_int_equal(stepped(&h).answer, REFCLOCK_NO);
		end(&h);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_hidden_step),
		cmocka_unit_test(test_rate_off_for_a_while),
		cmocka_unit_test(test_step_after_late_start),
		cmocka_unit_test(test_there_and_back),
		cmocka_unit_test(test_step_back_at_end),
		cmocka_unit_test(test_step_ahead_at_end),
		cmocka_unit_test(test_many_small_steps),
		cmocka_unit_test(test_slews),
		cmocka_unit_test(test_scaled),
		cmocka_unit_test(test_slew_in_storm),
		cmocka_unit_test(test_steps_near_the_end),
		cmocka_unit_test(test_steps_near_the_beginning),
		cmocka_unit_test(test_rates_of_any_size),
		cmocka_unit_test(test_steps_in_a_storm),
		cmocka_unit_test(test_small_steps),
		cmocka_unit_test(test_local_of_any_kind),
		cmocka_unit_test(test_local_clock),
		cmocka_unit_test(test_identity),
		cmocka_unit_test(test_far_jumps),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_nothing),
		cmocka_unit_test(test_event_at_end),
		cmocka_unit_test(test_anything),
		cmocka_unit_test(test_long),
		cmocka_unit_test(test_local_once),
		cmocka_unit_test(test_broken_clock),
		cmocka_unit_test(test_many_clocks),
		cmocka_unit_test(test_slew_ends_at_the_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
