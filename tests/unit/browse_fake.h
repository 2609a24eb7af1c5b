/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A recording that never was: two VMs, a storm, a clock switch before it, one lonely past-due arm
 * after it.
 */
#ifndef BROWSE_FAKE_H
#define BROWSE_FAKE_H

#include "../../cli/browse/app.h"

#define FAKE_START	100000000000ll /* 100 s */
#define FAKE_STORM	(FAKE_START + 5000000000ll)
#define FAKE_STORM_ARMS 2000 /* one every 0.5 ms */
#define FAKE_STORM_END	(FAKE_STORM + (FAKE_STORM_ARMS - 1) * 500000ll)
#define FAKE_SWITCH	(FAKE_STORM - 3000000ll)
#define FAKE_LONELY	(FAKE_START + 8005123456ll)
#define FAKE_END	(FAKE_START + 10000000000ll)

struct fake {
	struct br_source src;
	struct br_index *index;
	struct br_live live;
	struct hvst_arm *arms;
	unsigned int nr_arms;
	struct hvst_result result;
	struct hvst_trace trace;
	struct hvst_storm storm;
	struct hvst_guest_transition guest;
	struct hvst_ref_segment reference[2];
	struct hvst_vm vms[2];
	struct hvst_vcpu_info vcpus[2];
	/* the lists of @result and of its VMs */
	const struct hvst_storm *storm_list[1];
	const struct hvst_guest_transition *guest_list[1];
	const struct hvst_ref_segment *reference_list[2];
	const struct hvst_vm *vm_list[2];
	const struct hvst_vcpu_info *vcpu_list[2];
	struct hvst_verdict verdicts[HVST_Q_COUNT];
	const struct hvst_verdict *verdict_list[HVST_Q_COUNT];
	struct br_reply replies[BR_REQ_KINDS];
	bool ready[BR_REQ_KINDS];
	unsigned int asked[BR_REQ_KINDS]; /* how often */
};

struct fake *fake_new(void);
void fake_free(struct fake *f);
/* One line of the screen, blanks at the end cut off; static storage. */
const char *fake_line(const struct br_grid *g, int y);
/* The line that holds @text, -1: none. */
int fake_find(const struct br_grid *g, const char *text);
void fake_key(struct br_app *a, int key);
void fake_keys(struct br_app *a, const char *keys);
struct hvst_arm fake_arm(int64_t ts, int tid, enum hvst_arm_kind kind, int64_t skew);

#endif
