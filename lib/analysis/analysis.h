/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What KVM did (lib/kvm) in, findings out. The session uses no other header of
 * this stage.
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
	uint64_t ignored; /* bit per event id: as if not recorded */
	const struct hvst_observer *obs;
	void *obs_ctx;
	int vm, vcpu, timer; /* findings of these only; -1: any */
	bool arms_only;	     /* only arms and firings are wanted: there will be no findings */
	bool some_cpus;	     /* events of some CPUs only: those of the others are not seen */
	/*
	 * The number that an earlier run gave to the VM of a thread, -1: none; NULL: there was no
	 * run.
	 */
	int (*known_vm)(const void *ctx, int tid);
	const void *known_ctx;
	/* Names VMs, their processes and threads; NULL: they stay nameless. */
	void (*name_vms)(const void *ctx, struct hvst_vm *vms, unsigned int n);
	const void *name_ctx;
};

/* hvst_analysis_new - for the changes that @kvm returns; NULL without memory */
struct analysis *hvst_analysis_new(struct kvm *kvm, const struct hvst_analysis_opts *opts);
/* Also frees what it attached to @kvm's VMs, vCPUs and timers: call it before hvst_kvm_free(). */
void hvst_analysis_free(struct analysis *a);

/*
 * hvst_analysis_events - @n events in the order of a source: what KVM did goes to the analyses
 *
 * 0, -ENOMEM, or -ECANCELED when an observer gave up; an observer that did is not called again.
 */
int hvst_analysis_events(struct analysis *a, const struct hvst_event *const *ev, long n);
/* Handles the changes that hvst_kvm_finish() returned. Returns as above. */
int hvst_analysis_changes(struct analysis *a, const struct hvst_changes *changes);

/*
 * hvst_analysis_finish - the trace is over and hvst_kvm_finish() returned 0: make the findings
 *
 * Also after a run that was stopped: the findings are of what was read. 0 or as above.
 */
int hvst_analysis_finish(struct analysis *a);

/* Valid after hvst_analysis_finish(), until hvst_analysis_free(). */
const struct hvst_result *hvst_analysis_result(const struct analysis *a);

#endif
