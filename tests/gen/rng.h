/* SPDX-License-Identifier: GPL-2.0 */
/* A small seeded generator (xorshift128+): the same seed gives the same trace on every machine. */
#ifndef GEN_RNG_H
#define GEN_RNG_H

#include <stdbool.h>
#include <stdint.h>

struct rng {
	uint64_t s[2];
};

static inline uint64_t rng_mix(uint64_t *x)
{
	uint64_t z = (*x += 0x9e3779b97f4a7c15ull);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
	return z ^ (z >> 31);
}

static inline void rng_seed(struct rng *r, uint64_t seed)
{
	r->s[0] = rng_mix(&seed);
	r->s[1] = rng_mix(&seed) | 1;
}

static inline uint64_t rng_next(struct rng *r)
{
	uint64_t a = r->s[0], b = r->s[1];

	r->s[0] = b;
	a ^= a << 23;
	r->s[1] = a ^ b ^ (a >> 18) ^ (b >> 5);
	return r->s[1] + b;
}

/* In [lo, hi]. */
static inline int64_t rng_range(struct rng *r, int64_t lo, int64_t hi)
{
	return lo + (int64_t)(rng_next(r) % (uint64_t)(hi - lo + 1));
}

/* True once in @n. */
static inline bool rng_once_in(struct rng *r, uint64_t n)
{
	return rng_next(r) % n == 0;
}

#endif
