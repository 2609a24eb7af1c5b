/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. The model of one VM's reference clock: o(t) = 100 * time_now - trace time,
 * piecewise linear. Samples are stamped after the clock was read, so noise only lowers o: the truth
 * is the upper envelope. Above the envelope means the clock moved; below it means nothing until it
 * lasts.
 */
#ifndef HVST_KVM_REFCLOCK_H
#define HVST_KVM_REFCLOCK_H

#include <hvstimer/result.h>

#include "../stats/hull.h"

/* A time_now step of at most this is no step to report (the verdict host_reference_step). */
#define REF_STEP_MIN_NS	    (100 * 1000)
#define REF_MAX_SEGMENTS    4096 /* a hostile trace could step at every sample */
#define REF_RUN		    32
#define REF_EVENTS	    32
#define REF_PENDING_SPAN_NS (50LL * 1000 * 1000)

struct refseg {
	int64_t from_ns; /* where it begins: the clock event that made it, else its first sample */
	int64_t first_ns, last_ns; /* samples */
	int64_t step_ns;	   /* HVST_UNKNOWN: first, or a change of rate */
	int64_t gap_ns;		   /* unsampled time before it */
	int step_event;		   /* the clock event at from_ns, -1 none seen */
	uint64_t samples;
	struct hull hull;
	struct hull_line line; /* current estimate */
	double rate_ppm, rate_err_ppm;
	bool rate_known;
};

struct refclock {
	struct refseg **segs; /* closed */
	unsigned int nr_segs;
	struct refseg *cur; /* NULL before the first sample */
	unsigned int solid; /* samples close to the envelope of cur, saturating */
	int64_t bucket_x, bucket_y, bucket_end; /* best sample of the running bucket */
	int64_t median_ns;			/* running estimate of the typical lateness */
	/* samples below the envelope that may turn out to be a step back */
	struct hull_point run[REF_RUN];
	unsigned int nr_run;
	bool run_event;		/* a clock event lies between the last good sample and the run */
	unsigned int run_split; /* the run's first sample after a clock event within it; 0: none */
	int64_t contradiction_ns; /* first bound above the model since the last good sample */
	struct {
		int64_t ts;
		int event;
	} events[REF_EVENTS];
	unsigned int nr_events; /* total seen; the ring holds the last REF_EVENTS */
};

void hvst_refclock_init(struct refclock *rc);
void hvst_refclock_free(struct refclock *rc);

/*
 * hvst_refclock_sample - time_now was @time_now (ref units) not later than @ts
 *
 * *@residual_ns gets how far the sample lies below the envelope (>= 0; HVST_UNKNOWN when not
 * known). Returns 1 when it began a new segment, 0 when not, -ENOMEM.
 */
int hvst_refclock_sample(struct refclock *rc, int64_t ts, uint64_t time_now, int64_t *residual_ns);

/* A clock event happened: the model is stale until the next sample. @event: enum hvst_event_id. */
void hvst_refclock_event(struct refclock *rc, int64_t ts, int event);

/*
 * The clock had reached @count by @ts (a past-due arm): a contradiction dates a step that had no
 * sample.
 */
void hvst_refclock_bound(struct refclock *rc, int64_t ts, uint64_t count);

/* True when o(ts) can be taken from the current segment now; else wait for a sample. */
bool hvst_refclock_fresh(const struct refclock *rc, int64_t ts);
/* False when the clock may have moved between its last sample and @ts: then o(@ts) is not known. */
bool hvst_refclock_covers(const struct refclock *rc, int64_t ts);
/* True when the current segment rests on enough samples to settle what waited for it. */
bool hvst_refclock_solid(const struct refclock *rc);

/* o at @ts and a bound on its error, from the segment that covers it. False without any segment. */
bool hvst_refclock_at(const struct refclock *rc, int64_t ts, int64_t *o, int64_t *err);

/*
 * o at @ts by the current segment; *@shift gets what the model stepped by since segment number
 * *@seg, which becomes the current one. *@o stays as it is without any segment.
 */
void hvst_refclock_follow(const struct refclock *rc, int64_t ts, unsigned int *seg, int64_t *shift,
			  int64_t *o);

/* Takes over what @from knows (a vCPU thread found its VM). @from is left empty. 0 or -ENOMEM. */
int hvst_refclock_merge(struct refclock *into, struct refclock *from);

/* Final estimates of all segments: rates, steps. */
void hvst_refclock_finish(struct refclock *rc);

/* 100 * @time_now - @ts; false where that does not fit (a hostile or wrapped counter). */
bool hvst_ref_offset(uint64_t time_now, int64_t ts, int64_t *o);

#endif
