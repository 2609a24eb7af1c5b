// SPDX-License-Identifier: GPL-2.0
/*
 * The names in expressions, and how their values are read. Those of findings are in
 * output/finding.c and those of event fields in the library; this file has only the others.
 */
#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../nearest.h"
#include "../opt/value.h"
#include "filter_private.h"

#define MAX_WORDS 64 /* an enum's words */

/* --- values ----------------------------------------------------------------------------------- */

static bool number(struct filter_value *v, int64_t n)
{
	v->n = n;
	return true;
}

/* Negative ids and HVST_UNKNOWN times count as absent. */
static bool id(struct filter_value *v, int n)
{
	return n >= 0 && number(v, n);
}

static bool ns(struct filter_value *v, int64_t n)
{
	return n != HVST_UNKNOWN && number(v, n);
}

static bool word(struct filter_value *v, const char *text)
{
	v->text = text;
	return text && *text;
}

static bool between(struct filter_value *v, int64_t from, int64_t to)
{
	int64_t d;

	return from != HVST_UNKNOWN && to != HVST_UNKNOWN &&
	       !__builtin_sub_overflow(to, from, &d) && ns(v, d);
}

/* A function that reads one value of a thing of this type. */
#define READ(name, type, variable, expression)                                                     \
	static bool name(const void *what, struct filter_value *v)                                 \
	{                                                                                          \
		const type *variable = what;                                                       \
                                                                                                   \
		return expression;                                                                 \
	}

READ(event_vm, struct filter_event, e, id(v, e->vm))
READ(event_vcpu, struct filter_event, e, id(v, e->vcpu))
READ(event_timer, struct filter_event, e, id(v, e->timer))
READ(event_skew, struct filter_event, e, ns(v, e->skew_ns))
READ(event_late, struct filter_event, e, ns(v, e->late_ns))
READ(event_gap, struct filter_event, e, ns(v, e->gap_ns))
READ(event_time, struct filter_event, e, ns(v, e->ev->ts_ns))
READ(event_cpu, struct filter_event, e, number(v, e->ev->cpu))
READ(event_tid, struct filter_event, e, e->ev->id != HVST_EV_LOST && number(v, e->ev->pid))
READ(event_id, struct filter_event, e, number(v, (int64_t)(1ull << e->ev->id)))

READ(event_comm, struct filter_event, e, word(v, e->comm))
READ(event_arm, struct filter_event, e, word(v, e->arm))

static bool event_msr(const void *what, struct filter_value *v)
{
	const struct hvst_event *ev = ((const struct filter_event *)what)->ev;

	switch (ev->id) {
	case HVST_EV_MSR:
		return number(v, ev->msr.ecx);
	case HVST_EV_SYNIC_SET_MSR:
		return number(v, ev->synic_msr.msr);
	case HVST_EV_SYNDBG_SET_MSR:
	case HVST_EV_SYNDBG_GET_MSR:
		return number(v, ev->syndbg.msr);
	default:
		return false;
	}
}

/* The first three are those of enum hvst_arm_kind; only events have the others. */
static const char *event_arm_word(int v)
{
	static const char *const words[] = {
		[HVST_ARM_AHEAD] = "ahead",
		[HVST_ARM_PAST_DUE] = "past_due",
		[HVST_ARM_PERIODIC] = "periodic",
		"restart",
		"padding",
	};

	return v < (int)ARRAY_SIZE(words) ? words[v] : NULL;
}

static const char *arm_word(int v)
{
	return v <= HVST_ARM_PERIODIC ? event_arm_word(v) : NULL;
}

static const char *cause_word(int v)
{
	return hvst_storm_cause_name((enum hvst_storm_cause)v);
}

static bool arm_count(const void *what, struct filter_value *v)
{
	v->n = ((const struct hvst_arm *)what)->count;
	return true;
}

static bool arm_now(const void *what, struct filter_value *v)
{
	v->n = ((const struct hvst_arm *)what)->time_now;
	return v->n;
}

READ(arm_kind, struct hvst_arm, a, word(v, arm_word(a->kind)))
READ(arm_skew, struct hvst_arm, a, ns(v, a->skew_ns))
READ(arm_time, struct hvst_arm, a, ns(v, a->ts_ns))
READ(arm_vcpu, struct hvst_arm, a, id(v, a->vcpu))
READ(arm_timer, struct hvst_arm, a, id(v, a->timer))
READ(arm_tid, struct hvst_arm, a, id(v, a->tid))
READ(arm_cpu, struct hvst_arm, a, number(v, a->cpu))
READ(arm_inferred, struct hvst_arm, a, number(v, a->flags &HVST_ARM_INFERRED))

READ(fire_late, struct hvst_fire, f, between(v, f->deadline_ns, f->callback_ns))
READ(fire_delivery, struct hvst_fire, f, between(v, f->callback_ns, f->expiration_ns))
READ(fire_entry, struct hvst_fire, f, between(v, f->expiration_ns, f->entry_ns))
READ(fire_time, struct hvst_fire, f, ns(v, f->expiration_ns))
READ(fire_vcpu, struct hvst_fire, f, id(v, f->vcpu))
READ(fire_timer, struct hvst_fire, f, id(v, f->timer))
READ(fire_tid, struct hvst_fire, f, id(v, f->tid))
READ(fire_result, struct hvst_fire, f, number(v, f->result))
READ(fire_direct, struct hvst_fire, f, number(v, f->direct))

READ(storm_time, struct hvst_storm, s, ns(v, s->start_ns))
READ(storm_length, struct hvst_storm, s, between(v, s->start_ns, s->end_ns))
READ(storm_cause, struct hvst_storm, s, word(v, cause_word(s->cause)))
READ(guest_time, struct hvst_guest_transition, t, ns(v, t->ts_ns))
READ(reference_time, struct hvst_ref_segment, s, ns(v, s->from_ns))
READ(life_time, struct hvst_life_event, e, ns(v, e->ts_ns))

READ(timer_vm, struct filter_timer, t, id(v, t->vm))
READ(timer_vcpu, struct filter_timer, t, id(v, t->vcpu))
READ(timer_timer, struct filter_timer, t, id(v, t->timer))
READ(timer_tid, struct filter_timer, t, id(v, t->tid))

static const struct filter_name names[] = {
	{ "event", NULL, FILTER_EVENT, NAME_EVENT, event_id, NULL },
	{ "vm", NULL, FILTER_EVENT, NAME_NUMBER, event_vm, NULL },
	{ "vcpu", NULL, FILTER_EVENT, NAME_NUMBER, event_vcpu, NULL },
	{ "timer", NULL, FILTER_EVENT, NAME_NUMBER, event_timer, NULL },
	{ "tid", "common_pid", FILTER_EVENT, NAME_NUMBER, event_tid, NULL },
	{ "cpu", "CPU", FILTER_EVENT, NAME_NUMBER, event_cpu, NULL },
	{ "comm", "COMM", FILTER_EVENT, NAME_TEXT, event_comm, NULL },
	{ "time", NULL, FILTER_EVENT, NAME_TIME, event_time, NULL },
	{ "arm", NULL, FILTER_EVENT, NAME_WORD, event_arm, event_arm_word },
	{ "skew", NULL, FILTER_EVENT, NAME_DURATION, event_skew, NULL },
	{ "gap", NULL, FILTER_EVENT, NAME_DURATION, event_gap, NULL },
	{ "late", NULL, FILTER_EVENT, NAME_DURATION, event_late, NULL },
	{ "msr", NULL, FILTER_EVENT, NAME_MSR, event_msr, NULL },

	{ "vcpu", NULL, FILTER_ARM, NAME_NUMBER, arm_vcpu, NULL },
	{ "timer", NULL, FILTER_ARM, NAME_NUMBER, arm_timer, NULL },
	{ "tid", "common_pid", FILTER_ARM, NAME_NUMBER, arm_tid, NULL },
	{ "cpu", "CPU", FILTER_ARM, NAME_NUMBER, arm_cpu, NULL },
	{ "time", NULL, FILTER_ARM, NAME_TIME, arm_time, NULL },
	{ "arm", NULL, FILTER_ARM, NAME_WORD, arm_kind, arm_word },
	{ "skew", NULL, FILTER_ARM, NAME_DURATION, arm_skew, NULL },
	{ "count", NULL, FILTER_ARM, NAME_NUMBER, arm_count, NULL },
	{ "time_now", NULL, FILTER_ARM, NAME_NUMBER, arm_now, NULL },
	{ "inferred", NULL, FILTER_ARM, NAME_NUMBER, arm_inferred, NULL },

	{ "vcpu", NULL, FILTER_FIRING, NAME_NUMBER, fire_vcpu, NULL },
	{ "timer", NULL, FILTER_FIRING, NAME_NUMBER, fire_timer, NULL },
	{ "tid", "common_pid", FILTER_FIRING, NAME_NUMBER, fire_tid, NULL },
	{ "time", NULL, FILTER_FIRING, NAME_TIME, fire_time, NULL },
	{ "late", NULL, FILTER_FIRING, NAME_DURATION, fire_late, NULL },
	{ "delivery", NULL, FILTER_FIRING, NAME_DURATION, fire_delivery, NULL },
	{ "entry", NULL, FILTER_FIRING, NAME_DURATION, fire_entry, NULL },
	{ "msg_send_result", NULL, FILTER_FIRING, NAME_NUMBER, fire_result, NULL },
	{ "direct", NULL, FILTER_FIRING, NAME_NUMBER, fire_direct, NULL },

	{ "time", NULL, FILTER_STORM, NAME_TIME, storm_time, NULL },
	{ "length", NULL, FILTER_STORM, NAME_DURATION, storm_length, NULL },
	{ "cause", NULL, FILTER_STORM, NAME_WORD, storm_cause, cause_word },
	{ "time", NULL, FILTER_GUEST, NAME_TIME, guest_time, NULL },
	{ "time", NULL, FILTER_REFERENCE, NAME_TIME, reference_time, NULL },
	{ "time", NULL, FILTER_LIFE, NAME_TIME, life_time, NULL },

	{ "vm", NULL, FILTER_TIMER, NAME_NUMBER, timer_vm, NULL },
	{ "vcpu", NULL, FILTER_TIMER, NAME_NUMBER, timer_vcpu, NULL },
	{ "timer", NULL, FILTER_TIMER, NAME_NUMBER, timer_timer, NULL },
	{ "tid", "common_pid", FILTER_TIMER, NAME_NUMBER, timer_tid, NULL },
};

#define NR_NAMES ARRAY_SIZE(names)

/* --- names -> what they refer to -------------------------------------------------------------- */

static const struct finding_kind *finding_of(enum filter_about about)
{
	return about == FILTER_STORM	   ? &finding_storm
	       : about == FILTER_GUEST	   ? &finding_guest
	       : about == FILTER_REFERENCE ? &finding_reference
	       : about == FILTER_LIFE	   ? &finding_life
					   : NULL;
}

/* Lists of evidence and such cannot be compared. */
static bool type_of(const struct finding_field *f, enum name_type *type)
{
	switch (f->type) {
	case VALUE_ID:
	case VALUE_INT:
	case VALUE_BOOL:
	case VALUE_COUNT:
	case VALUE_REF:
		*type = NAME_NUMBER;
		return true;
	case VALUE_TIME:
	case VALUE_DURATION:
	case VALUE_SIGNED:
		*type = NAME_NS;
		return true;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		*type = NAME_FLOAT;
		return true;
	case VALUE_WORD:
		*type = NAME_WORD;
		return true;
	case VALUE_STRING:
		*type = NAME_TEXT;
		return true;
	default:
		return false;
	}
}

static bool find_name(struct filter_ref *r, const char *name, enum filter_about about)
{
	for (unsigned int i = 0; i < NR_NAMES; i++) {
		if (names[i].about != about || (strcmp(names[i].name, name) &&
						(!names[i].alias || strcmp(names[i].alias, name))))
			continue;
		r->name = &names[i];
		r->type = names[i].type;
		return true;
	}
	return false;
}

static bool find_finding(struct filter_ref *r, const char *name, enum filter_about about)
{
	const struct finding_kind *kind = finding_of(about);

	for (unsigned int i = 0; kind && i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (!f->name || strcmp(f->name, name) || !type_of(f, &r->type))
			continue;
		r->field = f;
		return true;
	}
	return false;
}

static bool find_event_field(struct filter_node *n, struct filter_ref *r)
{
	for (unsigned int e = 0; e < HVST_EV_COUNT; e++) {
		unsigned int nr;
		const struct hvst_field *f = hvst_event_fields(e, &nr);

		n->field[e] = -1;
		for (unsigned int i = 0; i < nr; i++) {
			if (strcmp(f[i].name, n->name))
				continue;
			n->field[e] = (int8_t)i;
			r->event_field = true;
		}
	}
	r->type = NAME_NUMBER;
	return r->event_field;
}

/* --- constants -------------------------------------------------------------------------------- */

static bool parse_number(const char *text, int base, __int128 *n)
{
	bool negative = *text == '-';
	const char *digits = text + negative;
	unsigned long long v = 0;
	char *end;

	if (!strcmp(text, "true") || !strcmp(text, "false")) {
		*n = *text == 't';
		return true;
	}
	if (!strncmp(digits, "0x", 2)) {
		digits += 2;
		base = 16;
	}
	for (end = (char *)(uintptr_t)digits; isxdigit((unsigned char)*end); end++)
		;
	if (end == digits || *end || strlen(digits) > 20)
		return false;
	if (base == 10 && strspn(digits, "0123456789") != strlen(digits))
		return false;
	for (; *digits; digits++) {
		unsigned int digit = isdigit((unsigned char)*digits)
					     ? (unsigned int)(*digits - '0')
					     : (unsigned int)(tolower(*digits) - 'a') + 10;

		if (__builtin_mul_overflow(v, (unsigned long long)base, &v) ||
		    __builtin_add_overflow(v, (unsigned long long)digit, &v))
			return false;
	}
	*n = negative ? -(__int128)v : (__int128)v;
	return true;
}

static bool parse_ns(const char *text, bool bare, __int128 *n)
{
	bool negative = *text == '-';
	int64_t v;

	text += negative || *text == '+';
	if (!bare && strcmp(text, "0") && strspn(text, "0123456789.") == strlen(text))
		return false;
	if (!parse_duration(text, &v))
		return false;
	*n = negative ? -v : v;
	return true;
}

static bool parse_float(const char *text, double *d)
{
	char *end;

	*d = strtod(text, &end);
	return *text && !*end && isfinite(*d);
}

/* The events that @text names; "msr" is kvm_msr and "stimer_callback" is kvm_hv_stimer_callback. */
static uint64_t events_named(const char *text)
{
	static const char *const prefixes[] = { "", "kvm_", "kvm_hv_" };
	uint64_t ids = 0;
	char name[128];

	for (unsigned int i = 0; i < 3 && !ids; i++) {
		snprintf(name, sizeof(name), "%s%s", prefixes[i], text);
		ids = events_matching(name);
	}
	return ids;
}

static bool has_word(const struct filter_ref *r, const char *word)
{
	const char *(*word_of)(int v) = r->name ? r->name->word : r->field->word;

	for (int i = 0; i < MAX_WORDS; i++)
		if (word_of(i) && !strcmp(word_of(i), word))
			return true;
	return false;
}

static bool op_fits(enum filter_op op, enum name_type type)
{
	switch (type) {
	case NAME_WORD:
	case NAME_TEXT:
	case NAME_EVENT:
		return op == OP_EQ || op == OP_NE || op == OP_LIKE;
	case NAME_NUMBER:
	case NAME_MSR:
		return op != OP_LIKE;
	default:
		return op != OP_LIKE && op != OP_BITS;
	}
}

/* Does the value fit the type? If so, it is kept. */
static bool set_constant(struct filter_node *n, struct filter_ref *r)
{
	struct filter_value *c = &r->constant;

	c->text = n->text;
	switch (r->type) {
	case NAME_NUMBER:
		return parse_number(n->text, 10, &c->n);
	case NAME_MSR:
		return parse_number(n->text, 16, &c->n);
	case NAME_DURATION:
		return parse_ns(n->text, false, &c->n);
	case NAME_TIME:
		return parse_ns(n->text, true, &c->n);
	case NAME_NS:
		return parse_number(n->text, 10, &c->n) || parse_ns(n->text, false, &c->n);
	case NAME_FLOAT:
		return parse_float(n->text, &c->d);
	case NAME_EVENT:
		c->n = (__int128)events_named(n->text);
		return c->n;
	case NAME_WORD:
		return n->op == OP_LIKE || has_word(r, n->text);
	default:
		return true;
	}
}

static const char *wants(enum name_type type)
{
	static const char *const texts[] = {
		[NAME_NUMBER] = "a number",
		[NAME_MSR] = "the number of an MSR, in hexadecimal",
		[NAME_DURATION] = "a time with its unit, as 1ms",
		[NAME_TIME] = "a time in seconds",
		[NAME_NS] = "ns, or a time with its unit",
		[NAME_FLOAT] = "a number",
		[NAME_WORD] = "one of its words",
		[NAME_EVENT] = "the name of an event, or a pattern",
		[NAME_TEXT] = "a text",
	};

	return texts[type];
}

/* --- errors ----------------------------------------------------------------------------------- */

/* The name most like @name that the things in @about have. */
static const char *meant(const char *name, unsigned int about)
{
	const char *known[512];
	unsigned int n = 0, nr;

	for (unsigned int i = 0; i < NR_NAMES; i++)
		if (about >> names[i].about & 1)
			known[n++] = names[i].name;
	for (int a = 0; a < FILTER_ABOUTS; a++) {
		const struct finding_kind *kind = about >> a & 1 ? finding_of(a) : NULL;

		for (unsigned int i = 0; kind && i < kind->n && n < 300; i++)
			if (kind->fields[i].name)
				known[n++] = kind->fields[i].name;
	}
	for (unsigned int e = 0; about & FILTER_BIT(FILTER_EVENT) && e < HVST_EV_COUNT; e++) {
		const struct hvst_field *f = hvst_event_fields(e, &nr);

		for (unsigned int i = 0; i < nr && n < 510; i++)
			known[n++] = f[i].name;
	}
	known[n] = NULL;
	return nearest(name, known);
}

/* The things that have @name; "" if none has. */
static void owners(char *buf, size_t len, const char *name)
{
	static const char *const things[] = { "events", "arms",		"firings",
					      "storms", "guest clocks", "reference clocks" };
	size_t at = 0;

	*buf = 0;
	for (unsigned int a = 0; a < ARRAY_SIZE(things) && at < len; a++) {
		struct filter_node n = { .name = (char *)(uintptr_t)name };
		struct filter_ref *r = &n.ref[a];

		if (find_name(r, name, a) || find_finding(r, name, a) ||
		    (a == FILTER_EVENT && find_event_field(&n, r)))
			at += (size_t)snprintf(buf + at, len - at, "%s%s", at ? ", " : "",
					       things[a]);
	}
}

static bool unknown_name(const char *name, unsigned int about, char *why)
{
	const char *like = meant(name, about);
	char of[80];

	owners(of, sizeof(of), name);
	if (*of)
		snprintf(why, FILTER_WHY, "%.40s is something that only %s have", name, of);
	else if (like)
		snprintf(why, FILTER_WHY, "nothing here is called '%.40s'; did you mean %s?", name,
			 like);
	else
		snprintf(why, FILTER_WHY,
			 "nothing here is called '%.40s'; hvstimer-filter(7) has the names", name);
	return false;
}

static bool unfit(const struct filter_node *n, enum name_type type, bool op, char *why)
{
	const char *like = type == NAME_EVENT ? nearest_event(n->text) : NULL;

	if (op)
		snprintf(why, FILTER_WHY, "%.40s cannot be compared in this way", n->name);
	else if (like)
		snprintf(why, FILTER_WHY, "there is no event %.40s; did you mean %s?", n->text,
			 like);
	else
		snprintf(why, FILTER_WHY, "%.40s needs %s, not '%.40s'", n->name, wants(type),
			 n->text);
	return false;
}

bool filter_resolve(struct filter_node *n, unsigned int about, char *why)
{
	bool found = false, fits = false, op = false;
	enum name_type type = NAME_NUMBER;

	for (int a = 0; a < FILTER_ABOUTS; a++) {
		struct filter_ref *r = &n->ref[a];

		if (!(about >> a & 1) ||
		    !(find_name(r, n->name, a) || find_finding(r, n->name, a) ||
		      (a == FILTER_EVENT && find_event_field(n, r))))
			continue;
		type = found ? type : r->type;
		found = true;
		op |= op_fits(n->op, r->type);
		if (op_fits(n->op, r->type) && set_constant(n, r))
			fits = true;
		else
			*r = (struct filter_ref){ 0 };
	}
	if (fits)
		return true;
	return found ? unfit(n, type, !op, why) : unknown_name(n->name, about, why);
}

/* --- reading ---------------------------------------------------------------------------------- */

static bool read_field(const struct filter_node *n, const struct hvst_event *ev,
		       struct filter_value *v)
{
	unsigned int nr;
	const struct hvst_field *f;
	uint64_t raw;

	if (ev->id >= HVST_EV_COUNT || n->field[ev->id] < 0)
		return false;
	f = &hvst_event_fields(ev->id, &nr)[n->field[ev->id]];
	if (!hvst_event_value(ev, (unsigned int)n->field[ev->id], &raw))
		return false;
	v->n = f->flags & HVST_FIELD_SIGNED ? (__int128)(int64_t)raw : (__int128)raw;
	return true;
}

static bool read_finding(const struct finding_field *f, const void *what, struct filter_value *v)
{
	if (!field_known(f, what))
		return false;
	switch (f->type) {
	case VALUE_ID:
	case VALUE_INT:
		v->n = field_int(f, what);
		break;
	case VALUE_BOOL:
		v->n = field_bool(f, what);
		break;
	case VALUE_COUNT:
		v->n = field_u64(f, what);
		break;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		v->d = field_double(f, what);
		break;
	case VALUE_WORD:
	case VALUE_STRING:
		v->text = field_string(f, what);
		return v->text;
	default:
		v->n = field_i64(f, what);
	}
	return true;
}

bool filter_read(const struct filter_node *n, enum filter_about about, const void *what,
		 struct filter_value *v)
{
	const struct filter_ref *r = &n->ref[about];

	if (r->name)
		return r->name->read(what, v);
	if (r->field)
		return read_finding(r->field, what, v);
	return read_field(n, ((const struct filter_event *)what)->ev, v);
}
