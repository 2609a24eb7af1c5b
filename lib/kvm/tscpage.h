/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. The reference TSC page of one VM, and with it what its reference clock is computed
 * from (arch/x86/kvm/hyperv.c: get_time_ref_counter(), kvm_hv_setup_tsc_page(), set_msr_hyperv()):
 * the page while it is set, else the kvmclock.
 */
#ifndef HVST_KVM_TSCPAGE_H
#define HVST_KVM_TSCPAGE_H

#include <hvstimer/result.h>

/* From @ts_ns on the reference clock is computed from @source. */
struct ref_source {
	int64_t ts_ns;
	enum hvst_ref_source source;
	char why[120];
};

struct tscpage {
	bool known;			/* a write of REFERENCE_TSC was seen */
	bool on;			/* as written */
	bool broken;			/* on, but it could not be computed: equivalent to off */
	bool waits_master;		/* enabled; the next master clock update computes it */
	int64_t frozen_from, frozen_to; /* TSC emulation control on: the page stays as it is */
	struct ref_source *sources;
	unsigned int nr_sources, cap_sources;
};

/* Set, so that the guest can compute its time from it. */
static inline bool hvst_tscpage_usable(const struct tscpage *p)
{
	return p->on && !p->broken;
}

/*
 * hvst_tscpage_write - the guest wrote @data to REFERENCE_TSC
 * @master_seen: master clock updates are in the trace, so one will follow an enabling write
 */
void hvst_tscpage_write(struct tscpage *p, int64_t ts, uint64_t data, bool master_seen);
/* A master clock update; @on: use_master_clock. Returns true when it broke the page. */
bool hvst_tscpage_master(struct tscpage *p, int64_t ts, bool on);
/* TSC emulation control was written. KVM leaves the page alone while it is on. */
void hvst_tscpage_freeze(struct tscpage *p, int64_t ts, bool on);
/* The VM was created in the trace: its page is off until an event shows otherwise. */
void hvst_tscpage_created(struct tscpage *p, int64_t ts);
/* The VMM wrote a timer back: it may have restored the page as well, which leaves no event. */
void hvst_tscpage_restored(struct tscpage *p, int64_t ts);
/* The page of this VM, or another's, was broken at @ts: which one cannot be told. */
void hvst_tscpage_unsure(struct tscpage *p, int64_t ts);
/* Two threads turn out to belong to one VM. @from is left empty if @into takes over its history. */
void hvst_tscpage_merge(struct tscpage *into, struct tscpage *from);
/* What the reference clock was computed from at @ts. */
enum hvst_ref_source hvst_tscpage_source(const struct tscpage *p, int64_t ts);
/* How that is known. */
const char *hvst_tscpage_why(const struct tscpage *p, int64_t ts);
void hvst_tscpage_free(struct tscpage *p);

#endif
