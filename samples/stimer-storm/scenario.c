// SPDX-License-Identifier: GPL-2.0
/* The scenarios of stimer-storm: what the guest and its VMM do, step by step. */
#include <string.h>

#include "scenario.h"

#define US	  10ULL /* in 100 ns */
#define MS	  10000ULL
#define NS_PER_MS 1000000LL

#define ONE_SHOT(how, ticks)                                                                       \
	{                                                                                          \
		{                                                                                  \
			.on = true, .policy = (how), .period = (ticks)                             \
		}                                                                                  \
	}
#define GOES_ON(how, ticks)                                                                        \
	{                                                                                          \
		{                                                                                  \
			.on = true, .policy = (how), .period = (ticks), .keep_target = true        \
		}                                                                                  \
	}
#define BY_MESSAGE(how, ticks)                                                                     \
	{                                                                                          \
		{                                                                                  \
			.on = true, .message = true, .policy = (how), .period = (ticks)            \
		}                                                                                  \
	}
#define HEALTHY(title)                                                                             \
	{                                                                                          \
		.name = (title), .expect = "none", .ms = 1000, .clock = CLOCK_PAGE,                \
		.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS), .guest = {                             \
			{ .op = OP_PAGE_ON }                                                       \
		}                                                                                  \
	}
#define UNCHANGED(title)                                                                           \
	{                                                                                          \
		.name = (title), .expect = "none", .ms = 1000, .clock = CLOCK_PAGE,                \
		.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS)                                         \
	}

const struct scenario scenarios[] = {
	{ .name = "healthy",
	  .what = "TSC page, one-shot ticks of 10, 15.6 and 2 ms, periodic ticks",
	  .vcpus = 1,
	  .phases = { HEALTHY("10 ms, halting"),
		      { .name = "15.6 ms, spinning",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.spin = true,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 156250) },
		      { .name = "2 ms",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 2 * MS) },
		      { .name = "periodic, 10 ms",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = { { .on = true, .periodic = true, .period = 10 * MS } },
			.guest = { { .op = OP_TIMERS_OFF, .all_vcpus = 1 } } } } },
	{ .name = "constant-lag",
	  .what = "the guest's clock is 40 ms behind; it arms the same target until it is reached",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "TSC page off, clock 40 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_COUNTER,
			.lag = 40 * MS,
			.timers = ONE_SHOT(RETRY, 156250),
			.guest = { { .op = OP_PAGE_OFF } } },
		      HEALTHY("healthy after") } },
	{ .name = "constant-lag-now",
	  .what = "the guest's clock is 40 ms behind; each arm is now + 10 ms",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "clock 40 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_PAGE,
			.lag = 40 * MS,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS) },
		      UNCHANGED("healthy after") } },
	{ .name = "backlog",
	  .what = "resume: vCPUs held, TSC and clock moved by 3 s, TSC page off, ticks replayed",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "resume, targets go on from before",
			.expect = "storm",
			.kinds = KIND_BACKLOG,
			.ms = 2500,
			.clock = CLOCK_COUNTER,
			.timers = GOES_ON(NEXT_FROM_TARGET, 5 * MS),
			.guest = { { .op = OP_PAGE_OFF } },
			.host = { { .op = HOST_HOLD, .value = 300 },
				  { .op = HOST_SET_MSR, .msr = MSR_HV_TSC_PAGE, .vcpus = 1 },
				  { .op = HOST_ADD_TSC, .value = 3000 * NS_PER_MS },
				  { .op = HOST_ADD_CLOCK, .value = 3000 * NS_PER_MS } } },
		      HEALTHY("healthy after") } },
	{ .name = "held",
	  .what = "vCPUs held for 1 s, then missed ticks are replayed: no fault of any clock",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "held, targets go on from before",
			.expect = "storm",
			.kinds = KIND_BACKLOG,
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = GOES_ON(NEXT_FROM_TARGET, 5 * MS),
			.host = { { .op = HOST_HOLD, .value = 1000 } } },
		      UNCHANGED("healthy after") } },
	{ .name = "slow-clock",
	  .what = "the guest's clock runs 2 % slow",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "20000 ppm slow",
			.expect = "storm",
			.kinds = KIND_GROWING | KIND_CONSTANT,
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.ppm = -20000,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 5 * MS) },
		      UNCHANGED("healthy after") } },
	{ .name = "fast-clock",
	  .what = "the guest's clock runs 0.2 % fast: ticks come late, no storm",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "2000 ppm fast",
			.expect = "none",
			.ms = 3000,
			.clock = CLOCK_PAGE,
			.ppm = 2000,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS) },
		      UNCHANGED("healthy after") } },
	{ .name = "page-off",
	  .what = "TSC page off and on again: the host falls back to its kvmclock",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "page off, counter",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_COUNTER,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_PAGE_OFF } } },
		      HEALTHY("page again") } },
	{ .name = "raw-tsc",
	  .what = "a silent switch to the raw TSC, right at first, then 30 ms behind",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "raw TSC",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_RAW_TSC,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_CALIBRATE_TSC, .all_vcpus = 1 } } },
		      { .name = "raw TSC, 30 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_RAW_TSC,
			.lag = 30 * MS,
			.timers = ONE_SHOT(RETRY, 10 * MS) },
		      UNCHANGED("page") } },
	{ .name = "frozen-page",
	  .what = "re-enlightenment freezes the TSC page, then the TSC moves by 80 ms",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "re-enlightenment and TSC emulation control on",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_WRMSR, .msr = 0x40000106, .value = 0x100f1 },
				   { .op = OP_WRMSR, .msr = 0x40000107, .value = 1 } } },
		      { .name = "TSC moved, page frozen",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_ADD_TSC, .value = 80 * NS_PER_MS } } },
		      { .name = "emulation ended, page on",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_WRMSR, .msr = 0x40000107 },
				   { .op = OP_PAGE_ON } } } } },
	{ .name = "stale-page",
	  .what = "the clock moves by 20 ms under a guest with a stale copy of the page",
	  .vcpus = 1,
	  .phases = { { .name = "page",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_PAGE_ON }, { .op = OP_COPY_PAGE, .all_vcpus = 1 } } },
		      { .name = "KVM_SET_CLOCK +20 ms, stale copy",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_STALE_PAGE,
			.timers = ONE_SHOT(RETRY, 10 * MS),
			.host = { { .op = HOST_ADD_CLOCK, .value = 20 * NS_PER_MS } } },
		      UNCHANGED("page") } },
	{ .name = "clock-jump",
	  .what = "KVM_SET_CLOCK by +50 and -50 ms, the guest follows the page",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "KVM_SET_CLOCK +50 ms",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_ADD_CLOCK, .value = 50 * NS_PER_MS } } },
		      { .name = "KVM_SET_CLOCK -50 ms",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_ADD_CLOCK, .value = -50 * NS_PER_MS } } } } },
	{ .name = "message-lag",
	  .what = "constant lag of a timer in message mode",
	  .vcpus = 1,
	  .phases = { { .name = "message mode, healthy",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = BY_MESSAGE(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_PAGE_ON } } },
		      { .name = "clock 30 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_PAGE,
			.lag = 30 * MS,
			.timers = BY_MESSAGE(RETRY, 10 * MS) },
		      { .name = "message mode, healthy again",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = BY_MESSAGE(NEXT_FROM_NOW, 10 * MS) } } },
	{ .name = "fast-ticks",
	  .what = "2 kHz ticks, never late: load without a fault",
	  .vcpus = 1,
	  .phases = { HEALTHY("10 ms"),
		      { .name = "0.5 ms",
			.expect = "none",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = { { .on = true, .periodic = true, .period = 500 * US } },
			.guest = { { .op = OP_TIMERS_OFF, .all_vcpus = 1 } } } } },
	{ .name = "start-apart",
	  .what = "vCPUs created 40 ms after their VM: the guest goes by a TSC that began so much "
		  "later",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "TSC as clock since its zero",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_RAW_TSC,
			.timers = ONE_SHOT(RETRY, 10 * MS),
			.guest = { { .op = OP_TSC_FROM_ZERO, .all_vcpus = 1 } } },
		      UNCHANGED("page") },
	  .late_ms = 40 },
	{ .name = "start-apart-now",
	  .what = "the same with ticks of now + 10 ms by that clock",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "TSC as clock since its zero, now + 10 ms",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_RAW_TSC,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_TSC_FROM_ZERO, .all_vcpus = 1 } } },
		      UNCHANGED("page") },
	  .late_ms = 40 },
	{ .name = "time-restore",
	  .what = "resume: hypercall 0x0103 is refused, the guest goes on 40 ms behind",
	  .vcpus = 1,
	  .phases = { HEALTHY("before hibernation"),
		      { .name = "resume, HvCallRestorePartitionTime, 40 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_PAGE,
			.lag = 40 * MS,
			.timers = ONE_SHOT(RETRY, 156250),
			.guest = { { .op = OP_PAGE_OFF },
				   { .op = OP_TIMERS_OFF, .all_vcpus = 1 },
				   { .op = OP_HYPERCALL, .msr = 0x0103 },
				   { .op = OP_PAGE_ON } } },
		      UNCHANGED("healthy after") } },
	{ .name = "time-restore-ahead",
	  .what = "as time-restore, with the guest 30 s ahead: its timers do not come",
	  .vcpus = 1,
	  .phases = { HEALTHY("before hibernation"),
		      { .name = "resume, HvCallRestorePartitionTime, 30 s ahead",
			.expect = "far arms",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.lag = -30000LL * (int64_t)MS,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_PAGE_OFF },
				   { .op = OP_TIMERS_OFF, .all_vcpus = 1 },
				   { .op = OP_HYPERCALL, .msr = 0x0103 },
				   { .op = OP_PAGE_ON } } },
		      UNCHANGED("healthy after") } },
	{ .name = "reset-in-place",
	  .what = "the VMM sets the clock back, not the TSC; the guest goes on by its TSC",
	  .vcpus = 1,
	  .phases = { HEALTHY("page"),
		      { .name = "raw TSC",
			.expect = "none",
			.ms = 2500,
			.clock = CLOCK_RAW_TSC,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_CALIBRATE_TSC, .all_vcpus = 1 } } },
		      { .name = "after the reset",
			.expect = "far arms",
			.ms = 1500,
			.clock = CLOCK_RAW_TSC,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_SET_CLOCK, .value = 500 * NS_PER_MS },
				  { .op = HOST_SET_MSR, .msr = MSR_HV_TSC_PAGE, .vcpus = 1 },
				  { .op = HOST_REWRITE_STIMERS } } } } },
	{ .name = "restore",
	  .what = "state saved, a new VM, clock set before its vCPUs run: the right order",
	  .vcpus = 2,
	  .phases = { HEALTHY("before"),
		      { .name = "restored",
			.expect = "none",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_RENEW }, { .op = HOST_RESTORE_CLOCK } } } } },
	{ .name = "early-vcpus",
	  .what = "restored vCPUs run for 300 ms before the VMM sets the clock",
	  .vcpus = 2,
	  .phases = { HEALTHY("before"),
		      { .name = "restored, clock late",
			.expect = "early vCPUs",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_RENEW },
				  { .op = HOST_RESTORE_CLOCK, .after_ms = 300 } } } } },
	{ .name = "tsc-offsets",
	  .what = "after a restore the TSC offsets of the vCPUs differ by 5 ms: no master clock",
	  .vcpus = 2,
	  .phases = { HEALTHY("before"),
		      { .name = "offsets differ",
			.expect = "tsc mismatch",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.host = { { .op = HOST_RENEW },
				  { .op = HOST_RESTORE_CLOCK },
				  { .op = HOST_ADD_TSC_OFFSET,
				    .value = 5 * NS_PER_MS,
				    .vcpus = 2 } } } } },
	{ .name = "overflow",
	  .what = "counts of 2^63-1 and 2^64-1, whose deadline overflows in kernels before July "
		  "2026",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy"),
		      { .name = "count 2^63-1",
			.expect = "livelock",
			.ms = 400,
			.clock = CLOCK_PAGE,
			.spin = true,
			.timers = ONE_SHOT(FIXED, 0x7fffffffffffffffULL),
			.guest = { { .op = OP_TIMERS_OFF, .all_vcpus = 1 } } },
		      UNCHANGED("healthy again"),
		      { .name = "count 2^64-1",
			.expect = "livelock",
			.ms = 400,
			.clock = CLOCK_PAGE,
			.spin = true,
			.timers = ONE_SHOT(FIXED, 0xffffffffffffffffULL),
			.guest = { { .op = OP_TIMERS_OFF, .all_vcpus = 1 } } },
		      UNCHANGED("healthy at the end") } },
	{ .name = "lost-timer",
	  .what = "message page off: a delivery fails for good",
	  .vcpus = 1,
	  .phases = { { .name = "message mode, healthy",
			.expect = "none",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = BY_MESSAGE(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_PAGE_ON } } },
		      { .name = "message page off",
			.expect = "lost",
			.ms = 1500,
			.clock = CLOCK_PAGE,
			.timers = BY_MESSAGE(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_WRMSR, .msr = 0x40000083, .all_vcpus = 1 } } } } },
	/* Kernels before d6800af51c76 ("KVM: x86: hyper-v: don't auto-enable stimer on write from
	 * user space") enabled it by the write of its count alone. */
	{ .name = "restored-timer",
	  .what = "a restore enables an expired timer again: it fires once more",
	  .vcpus = 1,
	  .phases = { HEALTHY("before"),
		      { .name = "one tick, then idle",
			.expect = "none",
			.ms = 500,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(ONCE, 50 * MS) },
		      { .name = "restored",
			.expect = "restored timer",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.host = { { .op = HOST_RENEW },
				  { .op = HOST_RESTORE_CLOCK },
				  { .op = HOST_SET_MSR, .msr = 0x400000b0, .value = 0x1409 } } },
		      UNCHANGED("healthy after") } },
	{ .name = "counter",
	  .what = "the TSC page is never on: every clock read leaves the guest",
	  .vcpus = 1,
	  .phases = { { .name = "counter, read all the time",
			.expect = "slow clock path",
			.ms = 2000,
			.clock = CLOCK_COUNTER,
			.spin = true,
			.read_clock = true,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS) } } },
	{ .name = "refused",
	  .what = "the guest asks for what KVM lacks: MSRs 0x40000114 and 115, hypercall 0x0100",
	  .vcpus = 1,
	  .phases = { HEALTHY("healthy"),
		      { .name = "refused requests",
			.expect = "refused",
			.ms = 1000,
			.clock = CLOCK_PAGE,
			.timers = ONE_SHOT(NEXT_FROM_NOW, 10 * MS),
			.guest = { { .op = OP_WRMSR, .msr = 0x40000114, .value = 1 },
				   { .op = OP_WRMSR, .msr = 0x40000115, .value = 1 },
				   { .op = OP_HYPERCALL, .msr = 0x0100 } } } } },
	{ .name = "some-vcpus",
	  .what = "four vCPUs: two healthy, two 25 ms behind",
	  .vcpus = 4,
	  .phases = { HEALTHY("healthy before"),
		      { .name = "vCPUs 1 and 3 are 25 ms behind",
			.expect = "storm",
			.kinds = KIND_CONSTANT,
			.ms = 700,
			.clock = CLOCK_PAGE,
			.lag = 25 * MS,
			.vcpus = 10,
			.timers = ONE_SHOT(RETRY, 10 * MS) },
		      UNCHANGED("healthy after") } },
};

const unsigned int nr_scenarios = sizeof(scenarios) / sizeof(*scenarios);

const struct scenario *find_scenario(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_scenarios; i++)
		if (!strcmp(scenarios[i].name, name))
			return &scenarios[i];
	return NULL;
}

/* xorshift64*, Vigna 2016 */
static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545f4914f6cdd1dULL;
}

static uint64_t between(uint64_t *state, uint64_t low, uint64_t high)
{
	return low + next_random(state) % (high - low + 1);
}

static struct phase lag_phase(uint64_t *state)
{
	uint64_t period = between(state, 5, 16) * MS;
	bool retry = next_random(state) & 1;

	return (struct phase){
		.name = "random: constant lag",
		.expect = "storm",
		.kinds = KIND_CONSTANT,
		.ms = between(state, 300, 800),
		.clock = CLOCK_PAGE,
		.lag = period + between(state, 5, 40) * MS,
		.timers = ONE_SHOT(retry ? RETRY : NEXT_FROM_NOW, period),
	};
}

static struct phase hold_phase(uint64_t *state)
{
	uint64_t ms = between(state, 500, 1500);

	return (struct phase){
		.name = "random: held, ticks replayed",
		.expect = "storm",
		.kinds = KIND_BACKLOG,
		.ms = 1500,
		.clock = CLOCK_PAGE,
		.timers = GOES_ON(NEXT_FROM_TARGET, 4 * MS),
		.host = { { .op = HOST_HOLD, .value = ms } },
	};
}

static struct phase jump_phase(uint64_t *state)
{
	int64_t ms = (int64_t)between(state, 10, 80);

	return (struct phase){
		.name = "random: clock moved, page followed",
		.expect = "none",
		.ms = between(state, 500, 1500),
		.clock = CLOCK_PAGE,
		.timers = ONE_SHOT(NEXT_FROM_NOW, between(state, 3, 16) * MS),
		.host = { { .op = HOST_ADD_CLOCK, .value = ms * NS_PER_MS } },
	};
}

static struct phase healthy_phase(uint64_t *state)
{
	return (struct phase){
		.name = "random: healthy",
		.expect = "none",
		.ms = between(state, 500, 1500),
		.clock = CLOCK_PAGE,
		.spin = next_random(state) & 1,
		.timers = ONE_SHOT(NEXT_FROM_NOW, between(state, 3, 16) * MS),
		.guest = { { .op = OP_PAGE_ON } },
	};
}

/*
 * A storm is always between healthy phases, so that one is not taken for the next one's beginning.
 */
void random_scenario(struct scenario *s, uint64_t seed)
{
	static struct phase (*const make[])(uint64_t *) = { lag_phase, hold_phase, jump_phase };
	uint64_t state = seed * 0x9e3779b97f4a7c15ULL + 1;
	unsigned int i;

	*s = (struct scenario){ .name = "random", .what = "a random walk", .vcpus = 1 };
	for (i = 0; i < 7; i++)
		s->phases[i] =
			i % 2 ? make[next_random(&state) % 3](&state) : healthy_phase(&state);
}
