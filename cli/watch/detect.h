/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Storms from counters alone: how often KVM started, called back and delivered each timer. Nothing
 * here knows where the counters come from.
 */
#ifndef HVST_CLI_WATCH_DETECT_H
#define HVST_CLI_WATCH_DETECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What is counted. Callbacks have no thread: they run in the name of the interrupted task. */
enum watch_count {
	WATCH_DELIVERED, /* kvm_hv_stimer_expiration, result 0 */
	WATCH_REFUSED,	 /* the same with another result: slot busy, SINT masked, LAPIC refused */
	WATCH_STARTED,	 /* kvm_hv_stimer_start_one_shot and _periodic */
	WATCH_EXPIRED,	 /* kvm_hv_stimer_start_expired, where the kernel has it */
	WATCH_CALLBACKS, /* kvm_hv_stimer_callback, under thread 0 */
	WATCH_COUNTS
};

enum watch_kind { WATCH_PAST_DUE, WATCH_LIVELOCK, WATCH_RETRIES, WATCH_KINDS };
enum watch_phase { WATCH_CALM, WATCH_SUSPECT, WATCH_STORM };
enum watch_news { WATCH_NOTHING, WATCH_BEGINS, WATCH_ENDS };

/* One timer of one vCPU thread; tid 0: of all threads together. */
struct watch_key {
	int32_t tid;
	uint32_t vcpu, timer;
};

/**
 * struct watch_limits - what counts as a storm
 * @min_rate: events a second; and at least twice what the timer usually does
 * @min_share: their share, in per cent, of what they could have been
 * @min_ns: for how long
 */
struct watch_limits {
	unsigned int min_rate, min_share;
	int64_t min_ns;
};

/**
 * struct watch_sample - what one timer did between two readings
 * @bad: what a storm of each kind is made of
 * @all: what that is a share of
 */
struct watch_sample {
	int64_t from_ns, to_ns;
	uint64_t bad[WATCH_KINDS], all[WATCH_KINDS];
};

/**
 * struct watch_state - one timer's way into a storm and out of it
 * @usual_hz: what it does a second without a storm, by the highest of late; 0: not seen yet
 * @intervals: over the limits, one after the other
 * @far: one of these was so far over the limits that it needs no second one
 * @since_ns: where the first interval over the limits begins
 * @last_ns: where the last one ends
 * @bad: what the storm is made of, so far
 * @rate_hz, @share: of the last interval over the limits
 */
struct watch_state {
	enum watch_phase phase;
	enum watch_kind kind;
	uint64_t usual_hz[WATCH_KINDS];
	int64_t since_ns, last_ns;
	uint64_t bad, rate_hz, peak_hz;
	unsigned int share, calm, intervals;
	bool far;
};

/*
 * Takes the next interval. A storm begins once the limits were exceeded for @l->min_ns, rounded to
 * whole intervals, and either four times in one interval or in two; it ends after three intervals
 * below them, so that a storm with short pauses is one storm.
 */
enum watch_news watch_step(struct watch_state *s, const struct watch_sample *in,
			   const struct watch_limits *l);

struct watch_timer {
	struct watch_key key;
	uint64_t last[WATCH_COUNTS];  /* as read */
	uint64_t delta[WATCH_COUNTS]; /* of the last interval */
	uint64_t total[WATCH_COUNTS]; /* since the beginning */
	uint64_t bad[WATCH_KINDS];    /* of the last interval */
	uint64_t total_bad[WATCH_KINDS];
	struct watch_state state;
	unsigned int idle; /* intervals since something was counted */
};

struct watch_reading {
	struct watch_key key;
	enum watch_count count;
	uint64_t n;
};

/* All timers, in order of vCPU, timer, thread. Zero-initialised; watch_table_free(). */
struct watch_table {
	struct watch_timer *timers;
	size_t nr;
	struct watch_reading *readings;
	size_t nr_readings, cap_readings;
	size_t suspects;  /* timers that are in WATCH_SUSPECT since the last reading */
	bool has_expired; /* WATCH_EXPIRED is counted by this kernel */
};

/* Adds to the count of @key since the counters were cleared. -ENOMEM or 0. */
int watch_table_add(struct watch_table *t, const struct watch_key *key, enum watch_count count,
		    uint64_t n);

/*
 * All counters of a reading were added: compares with the previous reading and takes the interval
 * [@from_ns, @to_ns). @changed is called for each timer whose storm begins or ends. A counter that
 * fell was cleared meanwhile. Returns 0 or -ENOMEM; the readings are consumed in either case.
 */
int watch_table_end(struct watch_table *t, int64_t from_ns, int64_t to_ns,
		    const struct watch_limits *l,
		    void (*changed)(void *arg, const struct watch_timer *w, enum watch_news news),
		    void *arg);

/*
 * The counters were cleared: forget timers that have long been idle, so that the table does not
 * grow. Those of a guest that is held for a while are still needed.
 */
void watch_table_cleared(struct watch_table *t);
void watch_table_free(struct watch_table *t);

/* "past-due", "livelock", "retries" */
const char *watch_kind_name(enum watch_kind kind);

#endif
