/* SPDX-License-Identifier: GPL-2.0 */
#include "build.h"
struct scenario *scenario_random(struct rng *rng) { (void)rng; return NULL; }
