/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. The reference clock of one VM against the trace clock: O(t) = 100 * time_now - t,
 * estimated as a piecewise linear function with steps.
 *
 * What is assumed, and nothing else:
 *  - A sample (t, time_now) is stamped after the clock was read, so O(t) >= o = 100 * time_now - t.
 *    Latency O - o is small for a good part of the samples; it may be large for any of them, and
 * for many in a row, but then it scatters.
 *  - A bound (t, count) says O(t) >= 100 * count - t and nothing more.
 *  - Between steps O has a slope. The host's discipline of the trace clock changes slopes at any
 *    time within REFCLOCK_SLEW, for half a second and more also up to REFCLOCK_SLOPE_MAX (chrony).
 *  - time_now read twice by one thread never falls unless the clock was set back.
 *
 * All times are ns of the trace clock, sizes and errors are ns, slopes are ns per ns.
 */
#ifndef HVST_KVM_REFCLOCK_H
#define HVST_KVM_REFCLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define REFCLOCK_UNKNOWN   INT64_MIN
#define REFCLOCK_SLEW	   600e-6 /* NTP and adjtime() stay within 500 ppm */
#define REFCLOCK_SLOPE_MAX 0.12	  /* chrony slews by up to 10 % */
#define REFCLOCK_CPUS_MAX  256	  /* clocks that are told apart when every CPU has its own */
#define REFCLOCK_LOCAL_NS  (2 * 1000 * 1000) /* two CPUs' trace clocks, where each has its own */
/* What lies between two CPUs' readings and is less may be their clocks: a tick of HZ=100. */
#define REFCLOCK_LOCAL_MOST_NS (10 * 1000 * 1000)
#define REFCLOCK_HULL	       32
#define REFCLOCK_WINDOW	       24
#define REFCLOCK_RESIDUALS     512

struct refclock_point {
	double x, y;
};

/*
 * The lines that cross all ranges [o, o + late] of a piece's samples: what O may be if none of them
 * was later than that. The extreme lines bound slope and offset (O'Rourke 1981).
 */
struct refclock_fit {
	int64_t t0, o0; /* origin of all points */
	struct refclock_point lo[REFCLOCK_HULL], up[REFCLOCK_HULL];
	unsigned int nr_lo, nr_up;
	struct refclock_point steep, flat; /* a point of the line of the largest, smallest slope */
	double steep_slope, flat_slope;
	double last_x;
	double late; /* the largest latency that was allowed for */
	unsigned int n;
};

/* y at t: o0 + slope * (t - t0) */
struct refclock_line {
	int64_t t0, o0;
	double slope, slope_err;
	int64_t err; /* of the offset, within the samples */
};

enum refclock_joint {
	REFCLOCK_FIRST,	    /* nothing before */
	REFCLOCK_BEND,	    /* the slope changed, the clock did not step */
	REFCLOCK_STEP,	    /* the clock stepped */
	REFCLOCK_UNDECIDED, /* moved in a stretch without samples: a step, or a slew that long */
};

/* A stretch of samples on one line, and how it is joined to the previous one. */
struct refclock_piece {
	int64_t from, to; /* first and last sample on the line */
	uint64_t samples;
	unsigned int knots; /* samples that define it */
	struct refclock_line line;
	enum refclock_joint joint;
	bool at_least;	  /* step is a lower bound: readings may be late, or only bounds show it */
	int64_t step;	  /* signed; also of UNDECIDED; REFCLOCK_UNKNOWN for FIRST and BEND */
	int64_t step_err; /* REFCLOCK_UNKNOWN with at_least */
	int64_t after, until; /* the step came in (after, until] */
	int64_t at;	      /* where it is placed: at a clock event in there, else the middle */
	int event;	      /* that event, -1 none seen */
	double rate;	      /* the clock moved at least that fast, for samples in between */
	unsigned int between; /* samples between the two lines: how a slew looks */
};

/* A step that left no sample after it: bounds prove it, or a clock event makes it possible. */
struct refclock_hidden {
	int64_t after, until; /* the interval in which it came */
	int64_t last;	      /* bound that proves it */
	int64_t at_least;     /* size; 0: none is proven */
	bool proven;	      /* more than any slew could have made */
	int event;
};

struct refclock_item {
	int64_t t, o;
	uint32_t n;    /* samples it stands for */
	int16_t event; /* of REFCLOCK_EVENT */
	uint8_t kind, flags;
};

/* One for each vCPU thread, owned by the caller, initially zero. */
struct refclock_thread {
	uint64_t time_now;
	int cpu;
	bool seen;
};

struct refclock_raw {
	int64_t t, o;
};

/* One clock of the recording: the machine's, or one CPU's (trace clock "local"). */
struct refclock_stream {
	int cpu;
	uint64_t total; /* samples */
	int64_t shift;	/* of O on this CPU above the joined stream's; of its time, below */
	bool alone;	/* not in the joined stream, whose distance is not known */
	double slack;	/* of the joined stream: error of the shifts */
	/* everything that was seen, thinned: what a merge starts from */
	struct refclock_item *items;
	unsigned int nr_items, cap_items;
	int64_t bin_width;
	/* the best sample of the running bin */
	struct refclock_item bin;
	int64_t bin_end;
	bool bin_open;
	unsigned int unbinned;		/* samples that still count one by one */
	struct refclock_item bound_bin; /* n 0: none */
	int64_t bound_end, bound_top;
	unsigned int nr_bounds;
	/* noise */
	struct refclock_raw last[2];
	unsigned int nr_last;
	double sigma;
	/* closed pieces, then the current one */
	struct refclock_piece *pieces;
	unsigned int nr_pieces, cap_pieces;
	bool open; /* cur and fit are valid */
	struct refclock_piece cur;
	struct refclock_fit fit, prev_fit; /* of cur, of the last closed piece */
	bool has_prev, prev_proven;
	double prev_evidence;
	double evidence; /* for the current piece, in nats */
	int64_t birth;	 /* samples since then may belong to the current piece */
	bool proven;	 /* it began with a reading that nothing else explains */
	/* samples that are not on its line */
	struct refclock_item low[REFCLOCK_WINDOW];
	unsigned int nr_low;
	bool high;	      /* one of those lies above the line, which is therefore wrong */
	unsigned int dropped; /* of those, dropped since the last good one */
	int64_t spacing;      /* typical distance of samples */
	/* since the last sample on the line */
	struct refclock_hidden hidden;
	bool contradicted;
	int64_t event_first; /* REFCLOCK_UNKNOWN: none */
	int64_t event_last;  /* of all */
	int64_t opened;	     /* the last event before the first piece */
	unsigned int restarts;
	bool tail;	 /* finished, and something may be hidden after cur */
	int64_t tail_ns; /* at most so much, if it is what the waiting samples show; INT64_MAX */
	int64_t end;
	/* samples whose latency is not known yet */
	struct refclock_raw *raw;
	unsigned int nr_raw, cap_raw, raw_weight, raw_skip;
};

struct refclock_params {
	bool per_cpu; /* every CPU's trace clock is its own ("local") */
	bool no_rate; /* the trace clock's unit is not known: slopes mean nothing */
	/* A sample was later than O by @latency, @weight times; may be NULL. */
	void (*residual)(void *ctx, int64_t latency, unsigned int weight);
	void *ctx;
};

struct refclock {
	struct refclock_params params;
	struct refclock_stream **streams;
	unsigned int nr_streams;
	uint16_t *by_cpu; /* number of its stream plus one, for the first CPUs; 0: none */
	unsigned int nr_by_cpu;
	struct refclock_stream *recent;
	struct refclock_stream *joined; /* of all CPUs, once finished; NULL with one stream */
	/* The largest distance of two CPUs that was seen only once: it may be a step. 0: none. */
	int64_t unsure, unsure_after, unsure_until;
	int error;
};

void hvst_refclock_init(struct refclock *r, const struct refclock_params *params);
void hvst_refclock_free(struct refclock *r);

/**
 * hvst_refclock_sample - a reading of the clock
 * @thread: of the vCPU that read it; NULL when not known
 * @t: when its event was stamped, not before the reading
 * @time_now: what was read, 100 ns
 * @cpu: whose buffer has the event
 * @residual: report its latency once it is known
 *
 * Return: 0, or -ENOMEM.
 */
int hvst_refclock_sample(struct refclock *r, struct refclock_thread *thread, int64_t t,
			 uint64_t time_now, int cpu, bool residual);

/* The clock had reached @count by @t. 0 or -ENOMEM. */
int hvst_refclock_bound(struct refclock *r, int64_t t, uint64_t count, int cpu);

/* The clock may have been set at @t: @kind is defined by the caller. 0 or -ENOMEM. */
int hvst_refclock_event(struct refclock *r, int64_t t, int kind);

/*
 * No more samples will come: work out joints and what may be hidden at the end. @end: the last
 * event of the VM, REFCLOCK_UNKNOWN when that is the last one that the estimator was given.
 */
int hvst_refclock_finish(struct refclock *r, int64_t end);

/* Joins two histories of one clock. @from is left empty. 0 or -ENOMEM. */
int hvst_refclock_merge(struct refclock *into, struct refclock *from);

/**
 * hvst_refclock_at - O at a time
 * @o: the estimate
 * @err: bound of its error; may be NULL
 *
 * Return: false where the samples do not bound it from above: after a possible step, or without
 * any.
 */
bool hvst_refclock_at(const struct refclock *r, int64_t t, int cpu, int64_t *o, int64_t *err);

/* The current piece of a clock, for many times within [@from, @last] on @cpu; -1: on any. */
struct refclock_span {
	int cpu;
	int64_t from, last;
	int64_t to; /* last sample */
	struct refclock_line line;
	double err, growth; /* of the error up to @to, and a ns after it */
};

/* False where hvst_refclock_at() has to look at more than that piece. */
bool hvst_refclock_span(const struct refclock *r, int cpu, struct refclock_span *span);
static inline bool hvst_refclock_span_has(const struct refclock_span *span, int64_t t, int cpu)
{
	return t >= span->from && t <= span->last && (span->cpu < 0 || span->cpu == cpu);
}

/* As hvst_refclock_at(), of a time that @span has. */
void hvst_refclock_span_at(const struct refclock_span *span, int64_t t, int64_t *o, int64_t *err);

/*
 * The estimate before this time does not change any more except for refinement; REFCLOCK_UNKNOWN:
 * nothing is final.
 */
int64_t hvst_refclock_final_until(const struct refclock *r, int cpu);

/*
 * How far two clocks are apart at @t, with the error of both. False when that is not known. *@apart
 * may be negative.
 */
bool hvst_refclock_distance(const struct refclock *x, const struct refclock *y, int64_t t, int cpu,
			    int64_t *apart, int64_t *err);

/*
 * The pieces in order of time, NULL beyond the last. Where each CPU has its own clock: of the
 * stream with the most samples, after hvst_refclock_finish() of all CPUs.
 */
const struct refclock_piece *hvst_refclock_piece(const struct refclock *r, unsigned int i);

/* What may be hidden after the last piece. NULL: nothing. */
const struct refclock_hidden *hvst_refclock_tail(const struct refclock *r);

enum refclock_answer { REFCLOCK_NO, REFCLOCK_YES, REFCLOCK_CANNOT_TELL };

struct refclock_verdict {
	enum refclock_answer answer;
	/*
	 * the largest step, or hidden move: at least (@at_least) or up to @size in (after, until]
	 */
	int64_t size, size_err;
	bool at_least;
	int64_t after, until, at;
	int event;
	unsigned int steps; /* of any size */
	int64_t total;	    /* sum of their sizes, unsigned */
	/* rate: mean over the longest stretch that is off, else over all */
	double ppm, ppm_err;
	char text[200];
};

/* Did it step by more than @min_ns in all? */
void hvst_refclock_stepped(const struct refclock *r, int64_t min_ns, struct refclock_verdict *v);
/* Is its rate off by more than @min_ppm for longer than @min_ns? */
void hvst_refclock_rate(const struct refclock *r, double min_ppm, int64_t min_ns,
			struct refclock_verdict *v);

/* lib/kvm/refclock_fit.c */
void hvst_refclock_fit_begin(struct refclock_fit *f, int64_t t, int64_t o, double late);
void hvst_refclock_fit_add(struct refclock_fit *f, int64_t t, int64_t o, double late);
/* What the line may be at @t, at or beyond the last sample (or before the first): offsets to o0. */
void hvst_refclock_fit_range(const struct refclock_fit *f, int64_t t, double *lo, double *hi);
void hvst_refclock_fit_line(const struct refclock_fit *f, double prior, struct refclock_line *l);

/* lib/kvm/refclock_track.c */
int hvst_refclock_track(struct refclock *r, struct refclock_stream *s,
			const struct refclock_item *it);
int hvst_refclock_track_end(struct refclock *r, struct refclock_stream *s);
void hvst_refclock_track_reset(struct refclock_stream *s);

/* lib/kvm/refclock_cpus.c: the estimate from all CPUs' streams, into @r->joined. 0 or -ENOMEM. */
int hvst_refclock_join(struct refclock *r);

/* lib/kvm/refclock.c */
void hvst_refclock_thin(struct refclock_stream *s, unsigned int most);
int hvst_refclock_replay(struct refclock *r, struct refclock_stream *s);

static inline unsigned int hvst_refclock_nr_pieces(const struct refclock_stream *s)
{
	return s->nr_pieces + s->open;
}

static inline const struct refclock_piece *
hvst_refclock_stream_piece(const struct refclock_stream *s, unsigned int i)
{
	return i < s->nr_pieces ? &s->pieces[i] : &s->cur;
}

/* How far @t is from the piece. */
static inline int64_t hvst_refclock_beyond(const struct refclock_piece *p, int64_t t)
{
	return t < p->from ? p->from - t : t > p->to ? t - p->to : 0;
}

/* a - b, kept within int64_t */
static inline int64_t hvst_refclock_sub(int64_t a, int64_t b)
{
	int64_t d;

	if (__builtin_sub_overflow(a, b, &d))
		return a < b ? -INT64_MAX : INT64_MAX;
	return d == INT64_MIN ? -INT64_MAX : d;
}

/* hvst_refclock_offset() of what may overflow. */
int64_t hvst_refclock_offset_far(uint64_t time_now, int64_t t);

/* 100 * @time_now - @t, kept within what can be added to a time. */
static inline int64_t hvst_refclock_offset(uint64_t time_now, int64_t t)
{
	if (time_now < 40000000000000000ULL && t >= 0 && t < 4000000000000000000LL)
		return (int64_t)(time_now * 100) - t;
	return hvst_refclock_offset_far(time_now, t);
}

int64_t hvst_refclock_line_at(const struct refclock_line *l, int64_t t);

enum { REFCLOCK_SAMPLE, REFCLOCK_BOUND, REFCLOCK_EVENT };
enum { REFCLOCK_BACK = 1 }; /* flags: time_now fell */

#endif
