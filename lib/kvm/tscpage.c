/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: kvm. The state of a VM's reference TSC page, and the history of the clock's source. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tscpage.h"

#define MAX_SOURCES 4096

static void source_add(struct tscpage *p, int64_t ts, enum hvst_ref_source source, const char *why)
{
	struct ref_source *s;

	if (p->nr_sources && p->sources[p->nr_sources - 1].source == source)
		return;
	if (p->nr_sources >= MAX_SOURCES)
		return;
	if (p->nr_sources == p->cap_sources) {
		unsigned int cap = p->cap_sources ? 2 * p->cap_sources : 4;

		s = realloc(p->sources, cap * sizeof(*s));
		if (!s)
			return;
		p->sources = s;
		p->cap_sources = cap;
	}
	s = &p->sources[p->nr_sources++];
	s->ts_ns = ts;
	s->source = source;
	snprintf(s->why, sizeof(s->why), "%s", why);
}

void hvst_tscpage_write(struct tscpage *p, int64_t ts, uint64_t data, bool master_seen)
{
	bool on = data & 1;

	if (!on)
		source_add(p, ts, HVST_REF_KVMCLOCK, "the guest disabled the TSC page");
	else if (!master_seen)
		source_add(p, ts, HVST_REF_TSC_PAGE, "the guest enabled the TSC page");
	p->waits_master = on;
	p->known = true;
	p->on = on;
	p->broken = false;
}

bool hvst_tscpage_master(struct tscpage *p, int64_t ts, bool on)
{
	if (!hvst_tscpage_usable(p))
		return false;
	if (on) {
		if (p->waits_master)
			source_add(p, ts, HVST_REF_TSC_PAGE,
				   "page enabled by the guest and computed");
		p->waits_master = false;
		return false;
	}
	/*
	 * kvm_hv_setup_tsc_page() fails without a master clock: the page has sequence 0 until the
	 * MSR is written again.
	 */
	source_add(p, ts, HVST_REF_KVMCLOCK,
		   "page broken: no master clock when it was to be computed");
	p->broken = true;
	return true;
}

void hvst_tscpage_freeze(struct tscpage *p, int64_t ts, bool on)
{
	bool frozen = p->frozen_to == INT64_MAX;

	if (on && !frozen)
		p->frozen_from = ts;
	if (on || frozen)
		p->frozen_to = on ? INT64_MAX : ts;
}

void hvst_tscpage_created(struct tscpage *p, int64_t ts)
{
	if (!p->nr_sources)
		source_add(p, ts, HVST_REF_KVMCLOCK,
			   "VM created in this trace, TSC page not enabled yet");
}

__attribute__((noinline)) void hvst_tscpage_restored(struct tscpage *p, int64_t ts)
{
	if (!p->known)
		source_add(p, ts, HVST_REF_UNKNOWN,
			   "restored by the VMM, the TSC page perhaps with it");
}

void hvst_tscpage_unsure(struct tscpage *p, int64_t ts)
{
	if (!p->known || hvst_tscpage_usable(p))
		source_add(
			p, ts, HVST_REF_UNKNOWN,
			"a VM lost its master clock: this one or another, their tasks alternate");
}

void hvst_tscpage_merge(struct tscpage *into, struct tscpage *from)
{
	if (!from->known || into->known)
		return;
	hvst_tscpage_free(into);
	*into = *from;
	memset(from, 0, sizeof(*from));
}

static const struct ref_source *source_at(const struct tscpage *p, int64_t ts)
{
	for (unsigned int i = p->nr_sources; i > 0; i--)
		if (p->sources[i - 1].ts_ns <= ts)
			return &p->sources[i - 1];
	return NULL;
}

enum hvst_ref_source hvst_tscpage_source(const struct tscpage *p, int64_t ts)
{
	const struct ref_source *s = source_at(p, ts);

	return s ? s->source : HVST_REF_UNKNOWN;
}

const char *hvst_tscpage_why(const struct tscpage *p, int64_t ts)
{
	const struct ref_source *s = source_at(p, ts);

	return s ? s->why : "no write of HV_REFERENCE_TSC seen yet";
}

void hvst_tscpage_free(struct tscpage *p)
{
	free(p->sources);
	memset(p, 0, sizeof(*p));
}
