/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The questions: what a "no" to each needs, how it is answered for one VM, and the
 * sentence for the whole trace. To add one takes an entry of enum hvst_question, its name in
 * lib/result_names.c, and a row of the table in verdict.c.
 */
#ifndef HVST_ANALYSIS_VERDICT_H
#define HVST_ANALYSIS_VERDICT_H

#include <hvstimer/text.h>

#include "evidence.h"
#include "state.h"

/* Smaller steps of the reference clock, in all, are not reported. */
#define HVST_STEP_MIN_NS (100 * 1000)

/* A rate of time_now against the trace clock is reported from this much on, over this long. */
#define HVST_RATE_MIN_PPM 100.0
#define HVST_RATE_MIN_NS  (1000LL * 1000 * 1000)

#define EVENT_BIT(ev) (1ULL << HVST_EV_##ev)

struct question {
	/* Events that a "no" needs: all of @all, and all of @either or all of @or_else. */
	uint64_t all, either, or_else;
	uint64_t yes; /* events that a "yes" needs */
	uint64_t
		would; /* events that would help where the answer is open although @all are there */
	/* For one VM; the caller turns a "no" into "cannot tell" where too little is known. */
	enum hvst_answer (*answer)(const struct analysis *a, int vm,
				   struct hvst_evidence_list *why);
	/* Writes what the answer rests on to @v->summary; @v->answer is known. */
	void (*sentence)(const struct analysis *a, struct hvst_verdict *v);
};

extern const struct question hvst_questions[HVST_Q_COUNT];

static inline enum hvst_answer hvst_answer_if(bool yes, bool known)
{
	if (yes)
		return HVST_YES;
	return known ? HVST_NO : HVST_CANNOT_TELL;
}

/* --- answers_guest.c, answers_host.c --- */
#define ANSWER(name)                                                                               \
	enum hvst_answer hvst_answer_##name(const struct analysis *a, int vm,                      \
					    struct hvst_evidence_list *why)
#define SENTENCE(name) void hvst_sentence_##name(const struct analysis *a, struct hvst_verdict *v)

ANSWER(storm);
ANSWER(behind);
ANSWER(backlog);
ANSWER(guest_rate);
ANSWER(source_switch);
ANSWER(preemption);
ANSWER(step);
ANSWER(host_rate);
ANSWER(fallback);
ANSWER(unpaired);
/* --- answers_clock.c: faults of guest, VMM and host that set two clocks apart --- */
ANSWER(ahead);
ANSWER(time_restore);
ANSWER(tsc_offset);
ANSWER(resume_order);
ANSWER(tsc_mismatch);
/* answers_timer.c */
ANSWER(livelock);
ANSWER(lost);
ANSWER(restored);
ANSWER(slow);
ANSWER(refused);

/* --- sentences.c --- */
SENTENCE(storm);
SENTENCE(behind);
SENTENCE(backlog);
SENTENCE(guest_rate);
SENTENCE(source_switch);
SENTENCE(preemption);
SENTENCE(step);
SENTENCE(host_rate);
SENTENCE(fallback);
SENTENCE(unpaired);
/* sentences_clock.c */
SENTENCE(ahead);
SENTENCE(time_restore);
SENTENCE(tsc_offset);
SENTENCE(resume_order);
SENTENCE(tsc_mismatch);
/* answers_timer.c */
SENTENCE(livelock);
SENTENCE(lost);
SENTENCE(restored);
SENTENCE(slow);
SENTENCE(refused);
/* The storm with the most past-due arms; NULL: none. */
const struct hvst_storm *hvst_largest_storm(const struct analysis *a);

/* --- advice.c --- */
#define HVST_ADVICE_STEPS 2

/*
 * The faults answered with yes, gravest first: the one that follows @after, the first for -1; -1:
 * no more. Preempted vCPUs and a clock's rate are no faults of their own.
 */
int hvst_next_fault(const struct hvst_result *r, int after);
/* What to do about a fault, HVST_ADVICE_STEPS sentences; NULL: no more. */
const char *const *hvst_advice(enum hvst_question question);

/* --- verdict.c: the answers, from the lists of the result --- */
void hvst_verdicts(struct analysis *a);

/* --- headline.c: the first screen's verdict, from the answers --- */
void hvst_headline(struct analysis *a);

/* --- facts used by several of them --- */
/* Where the first file that is cut off ends, in bytes; HVST_UNKNOWN: all are whole. */
int64_t hvst_cut_off_at(const struct hvst_trace *t);
/*
 * The timer that takes most of its vCPU's time, or expires most often, if that is much; else NULL.
 */
const struct hvst_timer *hvst_load_of(const struct analysis *a);
/* A transition that counts as a switch of the clock that timers are programmed from. */
bool hvst_is_switch(const struct hvst_guest_transition *t);
/* One that is only suspected. */
bool hvst_is_suspected(const struct hvst_guest_transition *t);
/* What the edges of the VM's timers showed; NULL: none seen. */
const struct vm_guestclock *hvst_guestclock_of(const struct analysis *a, int vm);
/* Past-due arms of the VM by cause; NULL: none seen. */
const struct vm_causes *hvst_causes_of(const struct analysis *a, int vm);

#endif
