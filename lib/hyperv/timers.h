/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: hyperv. What is remembered of each synthetic timer, to tell what one event alone does not:
 * how many past-due arms came in a row, that a start is the host's padding, how late a callback is.
 *
 * A report may be filtered, start in the middle, lose events, jump about (KernelShark) or mix
 * several VMs and buffers. So nothing is claimed that depends on no event being hidden, unless
 * other events confirm it; where they do not, the answer is "unknown", or "at least". Memory is
 * bounded: see SETS, WAYS.
 */
#ifndef HVST_HYPERV_TIMERS_H
#define HVST_HYPERV_TIMERS_H

#include <stdbool.h>
#include <stdint.h>

struct timers;

/* One event of a timer. @ts: the record's time stamp, in whatever unit; 0 when there is none. */
struct timer_event {
	uint64_t ts;
	uint64_t place; /* such as a sub-buffer: events are lost between two, not within; 0: unknown
			 */
	int pid;	/* the thread: vcpu_id alone is not unique, several VMs have a vCPU 0 */
	int vcpu;
	int timer;
};

/* What a start event does not say itself. */
struct start_info {
	unsigned int streak; /* past-due arms in a row up to this one; 0: none, or unknown */
	bool at_least;	     /* there may have been more before the first one seen */
	bool padding;	     /* not the guest's arm: the host delays a past-due one */
};

/* How a callback lies to the deadline of its timer. */
enum fired_kind {
	FIRED_UNKNOWN,
	FIRED_LATE,	       /* ns after its deadline, negative: before it */
	FIRED_AFTER_LAST_SEEN, /* ns after that of the last start seen, perhaps not its own */
};

/* NULL without memory. */
struct timers *hvst_timers_new(void);
void hvst_timers_free(struct timers *t);

/* Events were lost: conclude nothing across this point. */
void hvst_timers_forget(struct timers *t);

/*
 * An event: called for each one in the order of the report. @t may be NULL: nothing is known then.
 */
/* set_count */
void hvst_timers_count_set(struct timers *t, const struct timer_event *ev, uint64_t count);
/* set_config */
void hvst_timers_config_set(struct timers *t, const struct timer_event *ev, uint64_t config);
/* cleanup: what ran before runs no more. */
void hvst_timers_stopped(struct timers *t, const struct timer_event *ev);
/* start_expired, start_one_shot, start_periodic */
struct start_info hvst_timers_start_expired(struct timers *t, const struct timer_event *ev,
					    uint64_t now, uint64_t count);
struct start_info hvst_timers_start_ahead(struct timers *t, const struct timer_event *ev,
					  uint64_t now, uint64_t count);
void hvst_timers_start_periodic(struct timers *t, const struct timer_event *ev, uint64_t now,
				uint64_t exp_time);
/* callback: ev->pid is not used, it is whatever task was interrupted. */
enum fired_kind hvst_timers_fired(struct timers *t, const struct timer_event *ev, int64_t *ns);
/* expiration */
void hvst_timers_delivered(struct timers *t, const struct timer_event *ev);

#endif
