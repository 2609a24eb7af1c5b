// SPDX-License-Identifier: GPL-2.0
/* Checks --vm, --vcpu, --timer, --from and --to against the recording. */
#include <stdio.h>

#include "message.h"
#include "selection.h"
#include "vms.h"

static bool has_vm(const struct hvst_result *res, int vm)
{
	unsigned int i;

	for (i = 0; i < res->nr_vms; i++)
		if (res->vms[i]->vm == vm)
			return true;
	return false;
}

/* @vm -1: of any VM. */
static bool has_vcpu(const struct hvst_result *res, int vm, int vcpu)
{
	unsigned int i, v;

	for (i = 0; i < res->nr_vms; i++)
		for (v = 0; v < res->vms[i]->nr_vcpus && (vm < 0 || res->vms[i]->vm == vm); v++)
			if (res->vms[i]->vcpus[v]->vcpu == vcpu)
				return true;
	return false;
}

/* -1: any VM, any vCPU. */
static bool has_timer(const struct hvst_result *res, int vm, int vcpu, int timer)
{
	unsigned int i;

	for (i = 0; i < res->nr_timers; i++) {
		const struct hvst_timer *t = res->timers[i];

		if ((vm < 0 || t->vm == vm) && (vcpu < 0 || t->vcpu == vcpu) && t->timer == timer)
			return true;
	}
	return false;
}

static void list_timers(char *buf, size_t len, const struct hvst_result *res)
{
	unsigned int i;
	size_t at = 0;

	snprintf(buf, len, "none at all");
	for (i = 0; i < res->nr_timers && at < len; i++)
		if (res->timers[i]->vm >= 0) /* no VM: the sum of a thread id that was reused */
			at += snprintf(buf + at, len - at, "%sVM %d vCPU %d timer %d",
				       at ? ", " : "", res->timers[i]->vm, res->timers[i]->vcpu,
				       res->timers[i]->timer);
}

static bool ids_exist(const struct options *o, const struct hvst_result *res)
{
	return (o->vm < 0 || has_vm(res, o->vm)) &&
	       (o->vcpu < 0 || has_vcpu(res, o->vm, o->vcpu)) &&
	       (o->timer < 0 || has_timer(res, o->vm, o->vcpu, o->timer));
}

static void report_ids(const struct options *o, const struct hvst_result *res)
{
	char there[512];

	if (o->vm >= 0 && !has_vm(res, o->vm)) {
		vms_list(there, sizeof(there), res);
		cli_error("%s: no VM %d here; there is %s", o->command->name, o->vm, there);
	} else if (o->vcpu >= 0 && !has_vcpu(res, o->vm, o->vcpu)) {
		vms_list(there, sizeof(there), res);
		cli_error("%s: no vCPU %d here; there is %s", o->command->name, o->vcpu, there);
	} else {
		list_timers(there, sizeof(there), res);
		cli_error("%s: timer %d was not used; used: %s", o->command->name, o->timer, there);
	}
}

int selection_check_ids(struct context *r)
{
	static const struct hvst_observer nobody = { .size = sizeof(nobody) };
	const struct options *o = &r->o;

	if (r->interrupted || ids_exist(o, r->result))
		return EXIT_OK;
	/* what the recording has: without the filter */
	hvst_session_set_filter(r->s, -1, -1, -1);
	if (!ctx_pass(r, HVST_NEED_ANALYSIS, &nobody, NULL))
		return EXIT_INPUT;
	report_ids(o, r->result);
	return EXIT_USAGE;
}

int selection_check_window(struct context *r)
{
	static const struct hvst_observer nobody = { .size = sizeof(nobody) };
	const struct options *o = &r->o;

	if ((!o->from.set && !o->to.set) || r->trace->events || r->interrupted)
		return EXIT_OK;
	hvst_session_set_window(r->s, HVST_UNKNOWN, HVST_UNKNOWN);
	if (!ctx_pass(r, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS, &nobody, NULL))
		return EXIT_INPUT;
	if (r->trace->first_ns == HVST_UNKNOWN)
		return EXIT_OK;
	ctx_empty_window(r);
	return EXIT_USAGE;
}
