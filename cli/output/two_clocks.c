// SPDX-License-Identifier: GPL-2.0
/* Stretches of two clocks, and the sentences about them. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../array.h"
#include "finding.h"
#include "table.h"
#include "two_clocks.h"
#include "units.h"

#define FEW_STRETCHES 24 /* in text, without --verbose */

int64_t clock_apart(const struct hvst_clock_point *p)
{
	int64_t d;

	if (p->guest_max_ns == HVST_UNKNOWN || p->reference_max_ns == HVST_UNKNOWN ||
	    __builtin_sub_overflow(p->guest_max_ns, p->reference_max_ns, &d))
		return HVST_UNKNOWN;
	return d;
}

static int side_of(int64_t apart)
{
	return apart > CLOCKS_TOGETHER_NS ? 1 : apart < -CLOCKS_TOGETHER_NS ? -1 : 0;
}

/* Goes through the segments of the reference clock along with the points of one vCPU. */
struct steps {
	const struct hvst_result *r;
	unsigned int i;
	unsigned int first; /* where the segments of the VM begin */
};

static void steps_begin(struct steps *s, const struct hvst_clock_point *p)
{
	unsigned int n = s->r->nr_reference;

	/* Points and segments have the VMs in the same order: the next one is mostly near. */
	for (unsigned int tried = 0; tried < n && s->r->reference[s->first]->vm != p->vm; tried++)
		s->first = (s->first + 1) % n;
	s->i = s->first;
}

/* Did the reference clock step at or after @from, up to the end of @p? */
static bool stepped(struct steps *s, int64_t from, const struct hvst_clock_point *p)
{
	bool any = false;

	for (; s->i < s->r->nr_reference; s->i++) {
		const struct hvst_ref_segment *g = s->r->reference[s->i];

		if (g->vm != p->vm || g->from_ns >= p->to_ns)
			break;
		any |= g->from_ns >= from && g->step_ns != HVST_UNKNOWN &&
		       llabs(g->step_ns) > CLOCKS_TOGETHER_NS;
	}
	return any;
}

/* Which of the two moved further from its value at the end of @before? */
static enum clock_left who_left(const struct clock_stretch *before,
				const struct hvst_clock_point *p)
{
	int64_t guest = before->reference_end_ns + before->apart_ns;
	int64_t moved = llabs(p->reference_max_ns - before->reference_end_ns);

	return llabs(p->guest_max_ns - guest) >= moved ? LEFT_GUEST : LEFT_REFERENCE;
}

static void begin(struct clock_stretch *s, const struct clock_stretch *before,
		  const struct hvst_clock_point *p, int64_t apart)
{
	*s = (struct clock_stretch){ .vm = p->vm,
				     .vcpu = p->vcpu,
				     .from_ns = p->from_ns,
				     .to_ns = p->to_ns,
				     .reference_ns = p->reference_max_ns,
				     .reference_end_ns = p->reference_max_ns,
				     .apart_ns = side_of(apart) ? apart : 0 };
	if (!side_of(apart))
		return;
	if (before && side_of(before->apart_ns) == side_of(apart))
		s->left = before->left;
	else if (before)
		s->left = who_left(before, p);
}

static int cmp_i64(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

/*
 * Ends the stretch @s of @n points. A tenth of them are further apart than the value it shows: an
 * arm that the host executed late seems to lag by that much more.
 */
static void end_stretch(struct clock_stretch *s, int64_t *apart, unsigned int n)
{
	if (!s || !side_of(s->apart_ns))
		return;
	qsort(apart, n, sizeof(*apart), cmp_i64);
	s->apart_ns = apart[s->apart_ns < 0 ? (n - 1) / 10 : n - 1 - (n - 1) / 10];
}

static void extend(struct clock_stretch *s, const struct hvst_clock_point *p)
{
	s->to_ns = p->to_ns;
	s->reference_end_ns = p->reference_max_ns;
}

static unsigned int find_stretches(const struct hvst_result *r, struct clock_stretch *list,
				   int64_t *apart)
{
	struct steps steps = { .r = r };
	struct clock_stretch *s = NULL;
	unsigned int n = 0, nr = 0; /* stretches; points of the last one */

	for (unsigned int i = 0; i < r->nr_points; i++) {
		const struct hvst_clock_point *p = r->points[i];
		int64_t d = p->vcpu < 0 ? 0 : clock_apart(p);

		if (p->reference_max_ns == HVST_UNKNOWN || d == HVST_UNKNOWN)
			continue;
		if (!s || s->vm != p->vm || s->vcpu != p->vcpu) {
			end_stretch(s, apart, nr);
			steps_begin(&steps, p);
			s = NULL;
		}
		if (stepped(&steps, s ? s->to_ns : p->to_ns, p) || !s ||
		    side_of(s->apart_ns) != side_of(d)) {
			end_stretch(s, apart, nr);
			begin(&list[n], s, p, d);
			s = &list[n++];
			nr = 0;
		}
		extend(s, p);
		apart[nr++] = d;
	}
	end_stretch(s, apart, nr);
	return n;
}

struct clock_stretch *clock_stretches(const struct hvst_result *r, unsigned int *n)
{
	struct clock_stretch *list = calloc(r->nr_points + 1, sizeof(*list));
	int64_t *apart = calloc(r->nr_points + 1, sizeof(*apart));

	*n = list && apart ? find_stretches(r, list, apart) : 0;
	free(apart);
	return list;
}

bool clock_read(const struct clock_stretch *list, unsigned int n, int vm)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].vm == vm)
			return true;
	return false;
}

/* --- in words --------------------------------------------------------------------------------- */

/* The furthest that the VM's reference clock was off the trace clock. */
static int64_t furthest_off(const struct hvst_result *r, int vm)
{
	int64_t most = 0;

	for (unsigned int i = 0; i < r->nr_points; i++) {
		int64_t off = r->points[i]->reference_max_ns;

		if (r->points[i]->vm == vm && off != HVST_UNKNOWN && llabs(off) > llabs(most))
			most = off;
	}
	return most;
}

const struct clock_stretch *clock_furthest(const struct clock_stretch *list, unsigned int n, int vm)
{
	const struct clock_stretch *worst = NULL;

	for (unsigned int i = 0; i < n; i++)
		if (list[i].vm == vm && list[i].apart_ns &&
		    (!worst || llabs(list[i].apart_ns) > llabs(worst->apart_ns)))
			worst = &list[i];
	return worst;
}

static bool shown_by_arms(const struct clock_stretch *list, unsigned int n, int vm)
{
	for (unsigned int i = 0; i < n; i++)
		if (list[i].vm == vm && list[i].vcpu >= 0)
			return true;
	return false;
}

/* "40.1 ms behind" */
static void apart_text(char *buf, size_t len, const struct clock_stretch *s)
{
	char size[UNIT_BUF];

	unit_duration(size, llabs(s->apart_ns));
	snprintf(buf, len, "%s %s", size, s->apart_ns < 0 ? "behind" : "ahead");
}

char *clock_summary(char *buf, size_t len, const struct hvst_result *r, int vm)
{
	static const char *const who[] = { "The clocks differ from the first arm on: guest's",
					   "The guest's clock left the line:",
					   "The reference clock left the line: guest's" };
	unsigned int n;
	struct clock_stretch *list = clock_stretches(r, &n);
	const struct clock_stretch *worst = list ? clock_furthest(list, n, vm) : NULL;
	char apart[64];

	if (worst) {
		apart_text(apart, sizeof(apart), worst);
		snprintf(buf, len, "%s %s from %.3f s on (vCPU %d)", who[worst->left], apart,
			 (double)worst->from_ns / 1e9, worst->vcpu);
	} else {
		snprintf(buf, len, "%s",
			 list && shown_by_arms(list, n, vm) ? "The two clocks keep together"
							    : "No arm shows the guest's clock");
	}
	free(list);
	return buf;
}

/* The end of the last reading of a VM's reference clock; INT64_MIN: there is none. */
static int64_t last_reading(const struct hvst_result *r, int vm)
{
	int64_t read = INT64_MIN;

	for (unsigned int i = 0; i < r->nr_points; i++)
		if (r->points[i]->vm == vm && r->points[i]->vcpu < 0)
			read = r->points[i]->to_ns;
	return read;
}

/* @read, the last reading of its clock, if the VM's vCPUs run for long after it; HVST_UNKNOWN. */
static int64_t read_until(const struct hvst_vm *vm, int64_t read)
{
	int64_t first = INT64_MAX, last = INT64_MIN;

	for (unsigned int v = 0; v < vm->nr_vcpus; v++) {
		const struct hvst_vcpu_info *c = vm->vcpus[v];

		first = c->first_ns < first ? c->first_ns : first;
		last = c->last_ns > last ? c->last_ns : last;
	}
	if (first >= last || read == INT64_MIN || read >= last || last - read < (last - first) / 50)
		return HVST_UNKNOWN;
	return read;
}

char *clock_summary_reference(char *buf, size_t len, const struct hvst_result *r, int vm)
{
	const struct hvst_vm *known = result_vm(r, vm);
	int64_t until = known ? read_until(known, last_reading(r, vm)) : HVST_UNKNOWN;
	int64_t off = furthest_off(r, vm);
	char size[UNIT_BUF], read[64] = "";

	if (until != HVST_UNKNOWN)
		snprintf(read, sizeof(read), "; not read after %.3f s", (double)until / 1e9);
	if (llabs(off) > CLOCKS_TOGETHER_NS)
		snprintf(buf, len, "The reference clock moved up to %s off the trace clock%s",
			 unit_signed(size, off), read);
	else
		snprintf(buf, len, "The reference clock keeps to the trace clock%s", read);
	return buf;
}

static void reference_cell(struct table *t, const struct clock_stretch *s)
{
	int64_t moved = s->reference_end_ns - s->reference_ns;
	char from[UNIT_BUF], to[UNIT_BUF];
	enum role role = llabs(s->reference_end_ns) > CLOCKS_TOGETHER_NS ? ROLE_WARN : ROLE_NONE;

	if (llabs(moved) > CLOCKS_TOGETHER_NS)
		table_printf(t, role, "%s to %s", unit_signed(from, s->reference_ns),
			     unit_signed(to, s->reference_end_ns));
	else if (role == ROLE_WARN)
		table_cell(t, role, unit_signed(to, s->reference_end_ns));
	else
		table_cell(t, role, "on the line");
}

static void guest_cell(struct table *t, const struct clock_stretch *s)
{
	char text[64];

	if (s->vcpu < 0) {
		table_cell(t, ROLE_DIM, "not shown");
	} else if (!s->apart_ns) {
		table_cell(t, ROLE_NONE, "with it");
	} else {
		apart_text(text, sizeof(text), s);
		table_cell(t, ROLE_WARN, text);
	}
}

/* Which clock is off the line because it moved. */
static const char *left_text(const struct clock_stretch *s)
{
	static const char *const who[] = { "not seen", "guest's", "reference" };

	if (s->apart_ns)
		return who[s->left];
	if (llabs(s->reference_end_ns) <= CLOCKS_TOGETHER_NS)
		return "none";
	return s->vcpu < 0 ? "reference" : "both";
}

static void stretch_row(struct table *t, const struct clock_stretch *s)
{
	char time[UNIT_BUF];

	table_printf(t, ROLE_NONE, "%d", s->vm);
	if (s->vcpu < 0)
		table_cell(t, ROLE_DIM, "-");
	else
		table_printf(t, ROLE_NONE, "%d", s->vcpu);
	table_cell(t, ROLE_TIME, unit_time(time, s->from_ns));
	table_cell(t, ROLE_TIME, unit_time(time, s->to_ns));
	reference_cell(t, s);
	guest_cell(t, s);
	table_cell(t, ROLE_NONE, left_text(s));
}

/* The end of the stretches of one VM, or with @vcpu of one vCPU, that begin at @i. */
static unsigned int group_end(const struct clock_stretch *list, unsigned int n, unsigned int i,
			      bool vcpu)
{
	unsigned int end = i;

	while (end < n && list[end].vm == list[i].vm && (!vcpu || list[end].vcpu == list[i].vcpu))
		end++;
	return end;
}

static bool apart_in(const struct clock_stretch *list, unsigned int from, unsigned int to)
{
	for (; from < to; from++)
		if (list[from].apart_ns)
			return true;
	return false;
}

/*
 * Mark what is worth a row: vCPUs whose clock was apart from the reference clock; where there is
 * none of a VM, the first that shows the guest's clock; and where none does, the reference clock.
 */
static void choose_rows(const struct clock_stretch *list, unsigned int n, bool *row)
{
	for (unsigned int vm = 0, end; vm < n; vm = end) {
		bool any, told = false;

		end = group_end(list, n, vm, false);
		any = apart_in(list, vm, end);
		for (unsigned int i = vm, to; i < end; i = to) {
			bool put;

			to = group_end(list, n, i, true);
			put = list[i].vcpu < 0 ? to == end
					       : apart_in(list, i, to) || (!any && !told);
			told |= put;
			for (; i < to; i++)
				row[i] = put;
		}
	}
}

static void put_rows(struct table *t, const struct clock_stretch *list, const bool *row,
		     unsigned int n, unsigned int most, unsigned int *left_out)
{
	unsigned int shown = 0;

	*left_out = 0;
	for (unsigned int i = 0; i < n; i++) {
		if (!row[i])
			continue;
		if (shown++ < most)
			stretch_row(t, &list[i]);
		else
			++*left_out;
	}
}

/* VMs whose reference clock was not read until their end. */
static void put_unread(struct out *o, const struct hvst_result *r)
{
	int64_t *read = calloc(r->nr_vms + 1, sizeof(*read));

	for (unsigned int i = 0; read && i < r->nr_vms; i++)
		read[i] = INT64_MIN;
	for (unsigned int i = 0; read && i < r->nr_points; i++) {
		const struct hvst_clock_point *p = r->points[i];
		unsigned int vm = result_vm_index(r, p->vm);

		if (p->vcpu < 0 && vm < r->nr_vms)
			read[vm] = p->to_ns;
	}
	for (unsigned int i = 0; read && i < r->nr_vms; i++) {
		int64_t until = read_until(r->vms[i], read[i]);

		if (until != HVST_UNKNOWN)
			out_printf(o, "  VM %d: the reference clock was not read after %.6f s\n",
				   r->vms[i]->vm, (double)until / 1e9);
	}
	free(read);
}

void text_two_clocks(struct out *o, const struct hvst_result *r, bool verbose)
{
	static const struct column columns[] = {
		{ .title = "VM" },
		{ .title = "vCPU" },
		{ .title = "from" },
		{ .title = "to" },
		{ .title = "reference clock" },
		{ .title = "guest's clock", .left = true },
		{ .title = "left it", .left = true, .drop = 1 },
	};
	unsigned int n, left_out = 0;
	struct clock_stretch *list = clock_stretches(r, &n);
	bool *row = calloc(n + 1, sizeof(*row));
	struct table *t = NULL;

	out_in(o, ROLE_TITLE, "Reference clock and guest's clock, off the trace clock");
	out_str(o, "\n");
	if (list && row && n)
		t = table_new(columns, ARRAY_SIZE(columns));
	if (t) {
		choose_rows(list, n, row);
		for (unsigned int i = 0; i < n; i++)
			row[i] |= verbose;
		put_rows(t, list, row, n, verbose ? n : FEW_STRETCHES, &left_out);
		table_end(t, o, 2);
	} else {
		out_str(o, "  no samples\n");
	}
	if (left_out)
		out_printf(o, "  and %u more stretches: --verbose\n", left_out);
	if (n)
		put_unread(o, r);
	free(row);
	free(list);
}
