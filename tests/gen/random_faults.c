/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random mixtures of faults and of what only looks like them: several VMs on one host, each with
 * one or two, in any size. Faults of the kernel (deadlines that wrap, messages that are sent again
 * at once) are then those of all VMs.
 */
#include <stdlib.h>
#include <string.h>

#include "build.h"

#define MOST 5

/* Between the least and the largest of three sizes, small ones as often as large ones. */
static int64_t any_size(struct rng *rng, int64_t a, int64_t b)
{
	int64_t lo = a < b ? a : b, hi = a < b ? b : a, middle;

	if (lo >= 0 && hi > 16) {
		middle = lo + (hi - lo) / 8;
		return rng_once_in(rng, 2) ? rng_range(rng, lo, middle)
					   : rng_range(rng, middle, hi);
	}
	return rng_range(rng, lo, hi);
}

static void add_kind(struct scenario *sc, struct rng *rng)
{
	unsigned int i = (unsigned int)(rng_next(rng) % fault_clock_kinds());
	int64_t lo, hi;

	fault_clock_sizes(i, &lo, &hi);
	fault_clock_add(sc, i, any_size(rng, lo, hi));
}

struct scenario *scenario_mixture(struct rng *rng)
{
	static const unsigned int speeds[] = { 1, 2, 4, 10 };
	struct scenario *sc = scenario_new("mixture");
	unsigned int n = (unsigned int)rng_range(rng, 2, MOST);

	if (!sc)
		return NULL;
	sc->host = (enum kernel_kind)(rng_next(rng) % 3);
	sc->vmx = rng_once_in(rng, 2);
	sc->faults_known = true;
	for (unsigned int i = 0; i < n; i++) {
		if (rng_once_in(rng, 3)) {
			add_kind(sc, rng);
			continue;
		}
		sc->same_vm = sc->nr_vms && rng_once_in(rng, 3);
		fault_add(sc, (unsigned int)(rng_next(rng) % fault_kinds()), rng);
		sc->same_vm = false;
	}
	sc->speed = speeds[rng_next(rng) % 4];
	return sc;
}
