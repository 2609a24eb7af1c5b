/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording as a Perfetto trace: findings after one pass, arms and expirations in another. Memory
 * does not follow the length of the recording.
 */
#ifndef HVST_CLI_EXPORT_TIMELINE_H
#define HVST_CLI_EXPORT_TIMELINE_H

#include "../options.h"
#include "pftrace.h"
#include "who.h"

/* Arms that fell into one stretch of time. */
struct arm_bin {
	uint32_t arms, past_due;
	int64_t skew_max; /* HVST_UNKNOWN: none has one */
};

/* @triggers, @life: 0 until one is needed, and so @host.uuid. */
struct vm_track {
	int vm;
	uint64_t process, triggers, life;
	struct pf_track host;
};

struct thread_track {
	int tid, vm, vcpu;
	uint64_t thread;
};

/* @bins: NULL unless binned. Sorted by thread, timer, VM. */
struct timer_track {
	int tid, timer, vm;
	struct pf_track slices, storms;
	uint64_t skew;
	struct arm_bin *bins;
};

struct timeline {
	struct pftrace pf;
	enum detail detail;
	struct vm_track *vms;
	struct thread_track *threads;
	struct timer_track *timers;
	unsigned int nr_vms, nr_threads, nr_timers;
	struct arm_bin *bins; /* of all timers */
	unsigned int nr_bins; /* of one timer */
	int64_t first_ns, last_ns;
	uint64_t bin_ns;
};

/* 0 or a negative errno. */
int timeline_open(struct timeline *t, const char *path, enum detail detail);
/* Tracks and findings, after a pass. 0 or -ENOMEM. */
int timeline_findings(struct timeline *t, const struct hvst_trace *trace,
		      const struct hvst_result *r);
/* Of a second pass, unless the detail is DETAIL_FINDINGS. 0 or a negative errno. */
int timeline_arm(struct timeline *t, const struct hvst_arm *arm, const struct who *who);
int timeline_fire(struct timeline *t, const struct hvst_fire *fire, const struct who *who);
/* Write what is still in memory, give the file its name. 0 or a negative errno. */
int timeline_close(struct timeline *t);
void timeline_discard(struct timeline *t);

#endif
