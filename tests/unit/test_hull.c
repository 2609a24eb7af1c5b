// SPDX-License-Identifier: GPL-2.0
/* lib/stats/hull: the upper hull against brute force. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../lib/stats/hull.h"

#define N 300

static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* A point is a vertex of the upper hull when no chord of two others passes over or through it. */
static bool is_vertex(const struct hull_point *p, unsigned int n, unsigned int k)
{
	for (unsigned int i = 0; i < k; i++)
		for (unsigned int j = k + 1; j < n; j++) {
			__int128 dx = p[j].x - p[i].x, dy = p[j].y - p[i].y;

			if (dy * (p[k].x - p[i].x) >= ((__int128)p[k].y - p[i].y) * dx)
				return false;
		}
	return true;
}

/* Samples of a clock: a line, from which noise only takes away. */
static void samples(struct hull_point *p, int64_t slope_ppm, uint64_t noise)
{
	for (unsigned int i = 0; i < N; i++) {
		p[i].x = 1000000000000 + (int64_t)i * 10000000 + (int64_t)(rnd() % 5000000);
		p[i].y = -400000000 + (p[i].x - 1000000000000) / 1000000 * slope_ppm;
		p[i].y -= (int64_t)(rnd() % 20 ? rnd() % (noise + 1) : 500 * noise);
	}
}

static void test_brute_force(void **state)
{
	struct hull_point p[N];
	unsigned int vertices = 0, rounds = 0;

	(void)state;
	for (int64_t slope = -700; slope <= 700; slope += 100)
		for (uint64_t noise = 100; noise <= 100000; noise *= 10, rounds++) {
			struct hull h;
			unsigned int k = 0;

			samples(p, slope, noise);
			hvst_hull_reset(&h);
			for (unsigned int i = 0; i < N; i++)
				hvst_hull_add(&h, p[i].x, p[i].y);
			for (unsigned int i = 0; i < N; i++) {
				if (!is_vertex(p, N, i))
					continue;
				assert_true(k < h.n);
				assert_int_equal(h.p[k].x, p[i].x);
				assert_int_equal(h.p[k].y, p[i].y);
				k++;
			}
			assert_int_equal(k, h.n);
			vertices += k;
		}
	printf("# %u hulls of %d points: %u vertices, all as by brute force\n", rounds, N,
	       vertices);
}

/*
 * The line over the middle: above every point, of least sum of distances, and as steep as the
 * clock.
 */
static void test_middle(void **state)
{
	struct hull_point p[N];
	double worst = 0;

	(void)state;
	for (int64_t ppm = -500; ppm <= 500; ppm += 125) {
		struct hull_line l, best = { 0 };
		__int128 sum = 0, least = -1;
		double off;
		struct hull h;

		samples(p, ppm, 2000);
		hvst_hull_reset(&h);
		for (unsigned int i = 0; i < N; i++)
			hvst_hull_add(&h, p[i].x, p[i].y);
		assert_true(hvst_hull_middle(&h, &l));
		for (unsigned int i = 0; i < N; i++) {
			assert_true(hvst_line_at(&l, p[i].x) >= p[i].y - 1);
			sum += hvst_line_at(&l, p[i].x) - p[i].y;
		}
		for (unsigned int e = 0; e + 1 < h.n; e++) {
			__int128 s = 0;

			best.slope = (int64_t)(((__int128)(h.p[e + 1].y - h.p[e].y) *
						((__int128)1 << HULL_SLOPE_BITS)) /
					       (h.p[e + 1].x - h.p[e].x));
			best.x0 = h.p[e].x;
			best.y0 = h.p[e].y;
			for (unsigned int i = 0; i < N; i++)
				s += hvst_line_at(&best, p[i].x) - p[i].y;
			least = least < 0 || s < least ? s : least;
		}
		/* The middle of the range stands for the mean of the x: nearly the least. */
		assert_true(sum * 100 <= least * 105 + 100 * N);
		off = (double)l.slope * 1e6 / (double)(1ll << HULL_SLOPE_BITS) - (double)ppm;
		worst = off < 0 ? (-off > worst ? -off : worst) : off > worst ? off : worst;
	}
	printf("# slopes of -500..500 ppm over 3 s: off by %.3f ppm at most\n", worst);
	assert_true(worst < 1.5);
}

static void test_bounded(void **state)
{
	struct hull h;
	struct hull_line l;
	int64_t below = 0;

	(void)state;
	hvst_hull_reset(&h);
	assert_false(hvst_hull_middle(&h, &l));
	assert_false(hvst_hull_touch(&h, 0, &l));
	/* A parabola: every point is a vertex. */
	for (int64_t x = 0; x < 1000; x++)
		hvst_hull_add(&h, x * 1000, 1000000 - (x - 500) * (x - 500) * 4);
	assert_true(h.n <= HULL_MAX);
	assert_true(hvst_hull_touch(&h, 0, &l));
	for (int64_t x = 0; x < 1000; x++) {
		int64_t y = 1000000 - (x - 500) * (x - 500) * 4;

		below = hvst_line_at(&l, x * 1000) - y < below ? hvst_line_at(&l, x * 1000) - y
							       : below;
	}
	printf("# 1000 vertices in %u: the touching line is %lld below the highest of a curve of "
	       "1000000\n",
	       h.n, (long long)-below);
	assert_true(-below < 3000);
	/* x not ascending: the higher y stays, at the last x */
	hvst_hull_reset(&h);
	hvst_hull_add(&h, 100, 5);
	hvst_hull_add(&h, 100, 3);
	hvst_hull_add(&h, 90, 7);
	assert_int_equal(h.n, 1);
	assert_int_equal(h.p[0].x, 100);
	assert_int_equal(h.p[0].y, 7);
}

static void test_extremes(void **state)
{
	static const int64_t far[] = { -HULL_RANGE, -1, 0, 1, HULL_RANGE };
	struct hull_line l;
	struct hull h;

	(void)state;
	for (unsigned int a = 0; a < 5; a++)
		for (unsigned int b = 0; b < 5; b++) {
			hvst_hull_reset(&h);
			hvst_hull_add(&h, 0, far[a]);
			hvst_hull_add(&h, 1000, far[b]);
			hvst_hull_add(&h, HULL_RANGE, far[a]);
			if (hvst_hull_middle(&h, &l))
				assert_true(hvst_line_at(&l, h.p[0].x) >= far[a] - 1);
			assert_true(hvst_hull_touch(&h, 0, &l));
			assert_true(hvst_line_at(&l, 1000) >= far[b]);
			assert_true(hvst_hull_touch(&h, INT64_MAX, &l));
			assert_true(hvst_line_at(&l, HULL_RANGE) <= HULL_RANGE);
			assert_true(hvst_hull_touch(&h, INT64_MIN, &l));
			assert_true(hvst_line_at(&l, HULL_RANGE) >= -HULL_RANGE);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_brute_force),
		cmocka_unit_test(test_middle),
		cmocka_unit_test(test_bounded),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
