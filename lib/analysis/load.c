/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. An exit is a timer's if the timer was written, started or expired between it and
 * the next entry, or the interrupt of its last expiration ended there; it counts for both timers,
 * if there are two. Its time counts from the exit; after a halt, from the timer's callback.
 */
#include <errno.h>

#include "load.h"

#define PEAK_NS	       (100LL * 1000 * 1000)
#define MSR_X2APIC_EOI 0x80b

struct vcpu_load {
	uint64_t exits;
	int64_t exit_ns; /* of the current exit; HVST_UNKNOWN */
	bool halted;
	unsigned int touched;	/* bit per timer: served by the running exit */
	unsigned int delivered; /* bit per timer: its interrupt has not ended yet */
};

struct timer_load {
	int64_t from_ns; /* since when the current exit serves it */
	uint64_t exits, expirations;
	int64_t time_ns;
	int64_t bin_from_ns;
	uint64_t bin, peak;
};

int hvst_load_vcpu_created(struct vcpu *v)
{
	v->state->load = calloc(1, sizeof(*v->state->load));
	if (!v->state->load)
		return -ENOMEM;
	v->state->load->exit_ns = HVST_UNKNOWN;
	return 0;
}

int hvst_load_timer_created(struct stimer *t)
{
	t->state->load = calloc(1, sizeof(*t->state->load));
	return t->state->load ? 0 : -ENOMEM;
}

void hvst_load_vcpu_free(struct vcpu *v)
{
	free(v->state->load);
}

void hvst_load_timer_free(struct stimer *t)
{
	free(t->state->load);
}

void hvst_load_gap(struct vcpu *v)
{
	struct vcpu_load *l = v->state->load;

	l->exit_ns = HVST_UNKNOWN;
	l->touched = l->delivered = 0;
}

void hvst_load_exit(struct vcpu *v, int64_t ts, bool halts)
{
	struct vcpu_load *l = v->state->load;

	l->exits++;
	l->exit_ns = ts;
	l->halted = halts;
	l->touched = 0;
}

void hvst_load_touch(struct stimer *t, int64_t ts)
{
	struct vcpu_load *l = t->vcpu->state->load;
	unsigned int bit = 1u << t->index;

	if (l->touched & bit || l->exit_ns == HVST_UNKNOWN)
		return;
	l->touched |= bit;
	t->state->load->from_ns = l->halted ? ts : l->exit_ns;
}

void hvst_load_delivery(struct stimer *t, const struct hvst_event *ev,
			const struct hvst_delivery *d)
{
	struct timer_load *l = t->state->load;

	hvst_load_touch(t, d->callback_ns != HVST_UNKNOWN ? d->callback_ns : ev->ts_ns);
	t->vcpu->state->load->delivered |= 1u << t->index;
	l->expirations++;
	if (!l->bin || ev->ts_ns - l->bin_from_ns >= PEAK_NS) {
		l->bin_from_ns = ev->ts_ns;
		l->bin = 0;
	}
	if (++l->bin > l->peak)
		l->peak = l->bin;
}

void hvst_load_msr(struct vcpu *v, const struct hvst_event *ev)
{
	struct vcpu_load *l = v->state->load;

	if (!l->delivered || !ev->msr.write ||
	    (ev->msr.ecx != MSR_X2APIC_EOI && ev->msr.ecx != HVST_MSR_EOI &&
	     ev->msr.ecx != HVST_MSR_EOM))
		return;
	for (; l->delivered; l->delivered &= l->delivered - 1)
		hvst_load_touch(v->timer[__builtin_ctz(l->delivered)], ev->ts_ns);
}

void hvst_load_entry(struct vcpu *v, int64_t ts)
{
	struct vcpu_load *l = v->state->load;

	for (unsigned int touched = l->touched; touched; touched &= touched - 1) {
		struct timer_load *t = v->timer[__builtin_ctz(touched)]->state->load;

		t->exits++;
		if (ts > t->from_ns)
			t->time_ns += ts - t->from_ns;
	}
	l->touched = 0;
	l->exit_ns = HVST_UNKNOWN;
}

void hvst_load_fill(const struct stimer *t, struct hvst_timer *out)
{
	const struct timer_load *l = t->state->load;
	const struct vcpu_load *v = t->vcpu->state->load;
	int64_t span = t->vcpu->last_ns - t->vcpu->first_ns;
	double s = span > 0 ? (double)span / 1e9 : 0;

	out->arms_hz = s > 0 ? (double)t->arms / s : 0;
	out->expirations_hz = s > 0 ? (double)l->expirations / s : 0;
	out->peak_hz = (double)l->peak * 1e9 / PEAK_NS;
	out->exit_share = v->exits ? (double)l->exits / (double)v->exits : -1;
	out->time_share = v->exits && s > 0 ? (double)l->time_ns / (double)span : -1;
	if (out->time_share > 1)
		out->time_share = 1;
}

bool hvst_load_is_high(const struct hvst_timer *t)
{
	return t->peak_hz >= HVST_LOAD_HZ || t->time_share >= HVST_LOAD_SHARE;
}
