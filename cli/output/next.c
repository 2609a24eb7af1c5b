// SPDX-License-Identifier: GPL-2.0
/* The commands that show more of what the headline is about. */
#include <stdio.h>
#include <string.h>

#include "next.h"
#include "shell.h"
#include "units.h"

#define BEFORE_NS (100 * 1000 * 1000) /* as much as a screen of events is likely to hold */

/* The command that shows a fault best. */
enum view { VIEW_CLOCKS, VIEW_EVENTS };

static enum view view_of(enum hvst_question fault)
{
	switch (fault) {
	case HVST_Q_LOST_TIMER:
	case HVST_Q_RESTORED_TIMER_FIRED:
	case HVST_Q_SLOW_CLOCK_PATH:
	case HVST_Q_REFUSED_REQUESTS:
		return VIEW_EVENTS;
	default:
		return VIEW_CLOCKS;
	}
}

/* The first event that the answer is based on; NULL: none. */
static const struct hvst_evidence *first_event(const struct hvst_verdict *v)
{
	for (unsigned int i = 0; i < v->evidence.n; i++)
		if (v->evidence.e[i].ts_ns != HVST_UNKNOWN)
			return &v->evidence.e[i];
	return NULL;
}

/* The VM of the fault; -1: not known, or several. */
static int vm_of(const struct hvst_verdict *v)
{
	int vm = -1;

	for (unsigned int i = 0; i < v->nr_by_vm; i++) {
		if (v->by_vm[i]->answer != HVST_YES)
			continue;
		if (vm >= 0)
			return -1;
		vm = v->by_vm[i]->vm;
	}
	return vm;
}

/* Is @v the better guess for the thread that recorded an event at @ts_ns than @best? */
static bool nearer(const struct hvst_vcpu_info *v, const struct hvst_vcpu_info *best, int64_t ts_ns)
{
	if (!best)
		return true;
	if ((v->first_ns <= ts_ns) != (best->first_ns <= ts_ns))
		return v->first_ns <= ts_ns;
	return v->first_ns <= ts_ns ? v->first_ns > best->first_ns : v->first_ns < best->first_ns;
}

/*
 * The vCPU of @vm (-1: of any VM) whose thread the event is of; -1: none that is known. Thread ids
 * are reused: chosen as by hvst_session_who_at(), which results read from a file do not have.
 */
static int vcpu_of(const struct hvst_result *r, int vm, const struct hvst_evidence *e)
{
	const struct hvst_vcpu_info *best = NULL;

	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++) {
			const struct hvst_vcpu_info *v = r->vms[i]->vcpus[k];

			if ((vm < 0 || r->vms[i]->vm == vm) && v->tid == e->tid &&
			    nearer(v, best, e->ts_ns))
				best = v;
		}
	return best ? best->vcpu : -1;
}

static bool several_vcpus(const struct hvst_result *r)
{
	return r->nr_vms > 1 || (r->nr_vms && r->vms[0]->nr_vcpus > 1);
}

/* A result of one VM may be that of a selection: a number above 0 tells that there are others. */
static const char *vm_option(char *buf, const struct hvst_result *r, int vm)
{
	if (vm < 0 || (r->nr_vms < 2 && !vm))
		return "";
	snprintf(buf, UNIT_BUF, " --vm %d", vm);
	return buf;
}

static void events_between(char *buf, const struct hvst_result *r, int vm, int vcpu, int64_t from,
			   int64_t to)
{
	char option[UNIT_BUF], first[UNIT_BUF], last[UNIT_BUF], one[UNIT_BUF] = "";

	if (vcpu >= 0 && several_vcpus(r))
		snprintf(one, sizeof(one), " --vcpu %d", vcpu);
	snprintf(buf, NEXT_BUF, "hvstimer events%s%s --from %s --to %s", vm_option(option, r, vm),
		 one, unit_time(first, from < 0 ? 0 : from), unit_time(last, to));
}

static void storm_command(char *buf, const struct hvst_result *r, const struct hvst_storm *s)
{
	bool held = s->cause == HVST_CAUSE_VCPU_HELD ||
		    (s->kind == HVST_STORM_BACKLOG && s->cause == HVST_CAUSE_NOT_SEEN);
	char option[UNIT_BUF];

	if (held)
		events_between(buf, r, s->vm, s->vcpu, s->start_ns - BEFORE_NS, s->start_ns);
	else
		snprintf(buf, NEXT_BUF, "hvstimer %s -v%s",
			 s->kind == HVST_STORM_LIVELOCK ? "storms" : "clocks",
			 vm_option(option, r, s->vm));
}

static void fault_command(char *buf, const struct hvst_result *r, const struct hvst_verdict *v)
{
	const struct hvst_evidence *e = first_event(v);
	char option[UNIT_BUF];

	if (e && view_of(v->question) == VIEW_EVENTS)
		events_between(buf, r, vm_of(v), vcpu_of(r, vm_of(v), e), e->ts_ns - BEFORE_NS / 10,
			       e->ts_ns + BEFORE_NS);
	else
		snprintf(buf, NEXT_BUF, "hvstimer clocks -v%s", vm_option(option, r, vm_of(v)));
}

char *next_command(char *buf, const struct hvst_trace *t, const struct hvst_result *r)
{
	buf[0] = 0;
	if (!next_readable(t))
		return buf;
	if (r->headline_storm)
		storm_command(buf, r, r->headline_storm);
	else if (r->headline_fault >= 0)
		fault_command(buf, r, r->verdicts[r->headline_fault]);
	return buf;
}

bool next_readable(const struct hvst_trace *t)
{
	return t->nr_files && !t->files[0]->live;
}

char *next_files(char buf[NEXT_FILES_BUF], const struct hvst_trace *t)
{
	FILE *f = fmemopen(buf, NEXT_FILES_BUF, "w");
	bool fits;

	if (!f)
		return strcpy(buf, "FILE...");
	for (unsigned int i = 0; i < t->nr_files; i++) {
		fputs(i ? " " : "", f);
		shell_put_word(f, t->files[i]->path);
	}
	fits = !fflush(f) && ftell(f) < NEXT_FILES_BUF;
	fclose(f);
	return fits ? buf : strcpy(buf, "FILE...");
}

/*
 * When the subject of the headline began: the step that the next steps name, else its cause if
 * seen.
 */
static int64_t began(const struct hvst_result *r)
{
	const struct hvst_storm *s = r->headline_storm;
	const struct hvst_evidence *e;

	if (r->headline_step)
		return r->headline_step->cause_ts_ns;
	if (s)
		return s->cause_ts_ns != HVST_UNKNOWN ? s->cause_ts_ns : s->start_ns;
	if (r->headline_fault < 0)
		return HVST_UNKNOWN;
	e = first_event(r->verdicts[r->headline_fault]);
	return e ? e->ts_ns : HVST_UNKNOWN;
}

char *next_wall_clock(char *buf, const struct hvst_result *r)
{
	char wall[UNIT_BUF], time[UNIT_BUF];
	int64_t ts = began(r);

	buf[0] = 0;
	if (strcmp(unit_utc(wall, ts), "-"))
		snprintf(buf, NEXT_BUF, "Look into the logs for %s (%s s).", wall,
			 unit_time(time, ts));
	return buf;
}
