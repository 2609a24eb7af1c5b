/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Events in, findings out. The session includes no other header of this stage.
 */
#ifndef HVST_ANALYSIS_H
#define HVST_ANALYSIS_H

#include <hvstimer/session.h>

#include "../kvm/kvm.h"

struct analysis;

/* All pointers are borrowed for the life of the analysis. */
struct hvst_analysis_opts {
	const struct hvst_params *params;
	const struct hvst_trace *trace;
	uint64_t ignored; /* bit per event id: treat it as not recorded */
	const struct hvst_observer *obs;
	void *obs_ctx;
	int vm, vcpu, timer; /* report findings of these only; -1: any */
	bool arms_only;	     /* report arms and firings only, make no findings */
	bool some_cpus;	     /* events of some CPUs are not read */
	/*
	 * Returns the number that an earlier run gave to the VM of a thread; -1: none. NULL: there
	 * was no earlier run.
	 */
	int (*known_vm)(const void *ctx, int tid);
	const void *known_ctx;
	/* Fills in the names of VMs, their processes and threads; NULL: no names. */
	void (*name_vms)(const void *ctx, struct hvst_vm *vms, unsigned int n);
	const void *name_ctx;
};

/*
 * hvst_analysis_new() - @kvm is borrowed, until hvst_analysis_free(). Returns NULL without memory.
 */
struct analysis *hvst_analysis_new(struct kvm *kvm, const struct hvst_analysis_opts *opts);
/* Also frees the state attached to @kvm's VMs, vCPUs and timers: call it before hvst_kvm_free(). */
void hvst_analysis_free(struct analysis *a);

/*
 * hvst_analysis_events() - analyse @n events, in the order of hvst_source_next()
 *
 * That is time order for each thread and for all that concerns several threads, not for every
 * event: see lib/stream/exit_groups.h. Returns 0; -ENOMEM; -ECANCELED: an observer stopped the run,
 * and is not called again.
 */
int hvst_analysis_events(struct analysis *a, const struct hvst_event *const *ev, long n);
/* Processes the changes that hvst_kvm_finish() returned. Returns as above. */
int hvst_analysis_changes(struct analysis *a, const struct hvst_changes *changes);

/*
 * hvst_analysis_finish() - make the findings, when hvst_kvm_finish() has returned 0
 *
 * Call it also after a run that was stopped: the findings are of what was read. Returns as above.
 */
int hvst_analysis_finish(struct analysis *a);

/* Valid after hvst_analysis_finish(), until hvst_analysis_free(). */
const struct hvst_result *hvst_analysis_result(const struct analysis *a);

#endif
