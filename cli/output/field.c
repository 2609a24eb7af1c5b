// SPDX-License-Identifier: GPL-2.0
/* The value of one field of a finding, see finding.h. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "finding.h"
#include "out.h"
#include "units.h"

#define MAX_WORDS 64 /* more than any enum has */

const struct finding_field *finding_column(const struct finding_kind *kind, const char *title)
{
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		if (kind->fields[i].in & IN_TABLE && !strcmp(kind->fields[i].title, title))
			return &kind->fields[i];
	return NULL;
}

const struct finding_field *finding_clock(const struct finding_kind *kind, unsigned int view)
{
	for (unsigned int i = 0; i < kind->n; i++)
		if (kind->fields[i].in & view && kind->fields[i].type == VALUE_TIME)
			return &kind->fields[i];
	return NULL;
}

static const void *place(const struct finding_field *f, const void *finding)
{
	return (const char *)finding + f->offset;
}

int field_int(const struct finding_field *f, const void *finding)
{
	int v;

	memcpy(&v, place(f, finding), sizeof(v));
	return v;
}

uint64_t field_u64(const struct finding_field *f, const void *finding)
{
	uint64_t v;

	memcpy(&v, place(f, finding), sizeof(v));
	return v;
}

bool field_bool(const struct finding_field *f, const void *finding)
{
	return *(const bool *)place(f, finding);
}

const struct hvst_sketch *field_sketch(const struct finding_field *f, const void *finding)
{
	return *(const struct hvst_sketch *const *)place(f, finding);
}

static int64_t quantile(const struct hvst_sketch *s, unsigned int rank)
{
	if (!s || !hvst_sketch_count(s))
		return HVST_UNKNOWN;
	if (!rank)
		return hvst_sketch_min(s);
	return rank == 10000 ? hvst_sketch_max(s) : hvst_sketch_quantile(s, rank);
}

int64_t field_i64(const struct finding_field *f, const void *finding)
{
	if (f->type == VALUE_QUANTILE)
		return quantile(field_sketch(f, finding), f->rank);
	if (f->type == VALUE_UTC)
		return unit_utc_ns((int64_t)field_u64(f, finding));
	return (int64_t)field_u64(f, finding);
}

double field_double(const struct finding_field *f, const void *finding)
{
	double v;

	memcpy(&v, place(f, finding), sizeof(v));
	return f->type == VALUE_SHARE && v < 0 ? NAN : v;
}

const struct hvst_evidence_list *field_evidence(const struct finding_field *f, const void *finding)
{
	return place(f, finding);
}

static const char *event_name(int id)
{
	return id < 0 ? NULL : hvst_event_name(id);
}

const char *field_string(const struct finding_field *f, const void *finding)
{
	const struct hvst_evidence_list *l;

	switch (f->type) {
	case VALUE_WORD:
		return f->word(field_int(f, finding));
	case VALUE_EVENT:
		return event_name(field_int(f, finding));
	case VALUE_STRING:
		return place(f, finding);
	case VALUE_POINTER:
		return *(const char *const *)place(f, finding);
	case VALUE_EVIDENCE:
		l = field_evidence(f, finding);
		return l->n ? l->e[0].text : NULL;
	default:
		return NULL;
	}
}

const void *field_list(const struct finding_field *f, const void *finding, unsigned int *n)
{
	const char *at = place(f, finding);

	memcpy(n, at + sizeof(void *), sizeof(*n));
	return *(const void *const *)at;
}

int field_decimals(const struct finding_field *f)
{
	return f->type == VALUE_SHARE ? 4 : 3;
}

bool field_left(const struct finding_field *f)
{
	switch (f->type) {
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_EVENTS:
	case VALUE_STRING:
	case VALUE_POINTER:
	case VALUE_EVIDENCE:
		return true;
	default:
		return f->left;
	}
}

bool field_known(const struct finding_field *f, const void *finding)
{
	char buf[FIELD_BUF];

	switch (f->type) {
	case VALUE_ID:
		return field_int(f, finding) >= 0;
	case VALUE_TIME:
	case VALUE_UTC:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
	case VALUE_QUANTILE:
		return field_i64(f, finding) != HVST_UNKNOWN;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		return isfinite(field_double(f, finding));
	case VALUE_NONE:
		return false;
	case VALUE_TEXT:
		f->text(buf, sizeof(buf), finding);
		return *buf;
	case VALUE_EVENTS:
		return field_u64(f, finding);
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_STRING:
	case VALUE_POINTER:
	case VALUE_EVIDENCE:
		return field_string(f, finding);
	default:
		return true;
	}
}

/* --- filling findings ------------------------------------------------------------------------- */

static void set_int(const struct finding_field *f, void *finding, int v)
{
	memcpy((char *)finding + f->offset, &v, sizeof(v));
}

void field_set_i64(const struct finding_field *f, void *finding, int64_t v)
{
	if (f->type == VALUE_ID || f->type == VALUE_INT)
		set_int(f, finding, (int)v);
	else if (f->type == VALUE_BOOL)
		*((bool *)finding + f->offset) = v;
	else
		memcpy((char *)finding + f->offset, &v, sizeof(v));
}

void field_set_double(const struct finding_field *f, void *finding, double v)
{
	memcpy((char *)finding + f->offset, &v, sizeof(v));
}

bool field_set_word(const struct finding_field *f, void *finding, const char *word)
{
	int v = f->type == VALUE_EVENT ? hvst_event_by_name(word) : 0;

	/* "unknown" is the name of any number that has none, too */
	for (; f->type == VALUE_WORD && v < MAX_WORDS; v++)
		if (f->word(v) && !strcmp(f->word(v), word) && (!v || strcmp(word, "unknown")))
			break;
	if (v < 0 || v == MAX_WORDS)
		return false;
	set_int(f, finding, v);
	return true;
}

static void set_unknown(const struct finding_field *f, void *finding)
{
	switch (f->type) {
	case VALUE_ID:
	case VALUE_EVENT:
		set_int(f, finding, -1);
		break;
	case VALUE_TIME:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
		field_set_i64(f, finding, HVST_UNKNOWN);
		break;
	case VALUE_RATE:
	case VALUE_PPM:
		field_set_double(f, finding, NAN);
		break;
	case VALUE_SHARE:
		field_set_double(f, finding, -1);
		break;
	default: /* 0, and NULL */
		break;
	}
}

void finding_set_unknown(const struct finding_kind *kind, void *finding)
{
	unsigned int i;

	memset(finding, 0, kind->size);
	for (i = 0; i < kind->n; i++)
		set_unknown(&kind->fields[i], finding);
}

/* --- texts ------------------------------------------------------------------------------------ */

/* Units of 100 ns as a duration, clamped to 64 bits. */
static char *ref_text(char *buf, int64_t ref)
{
	return unit_duration(buf, ref > INT64_MAX / 100 ? INT64_MAX : ref * 100);
}

static void number_text(const struct finding_field *f, const void *finding, char *buf)
{
	switch (f->type) {
	case VALUE_ID:
	case VALUE_INT:
		snprintf(buf, UNIT_BUF, "%d", field_int(f, finding));
		break;
	case VALUE_COUNT:
		unit_count(buf, field_u64(f, finding));
		break;
	case VALUE_TIME:
		unit_time(buf, field_i64(f, finding));
		break;
	case VALUE_DURATION:
		unit_duration(buf, field_i64(f, finding));
		break;
	case VALUE_SIGNED:
	case VALUE_QUANTILE:
		unit_signed(buf, field_i64(f, finding));
		break;
	case VALUE_REF:
		ref_text(buf, field_i64(f, finding));
		break;
	case VALUE_RATE:
		unit_rate(buf, field_double(f, finding));
		break;
	case VALUE_PPM:
		unit_ppm(buf, field_double(f, finding));
		break;
	case VALUE_SHARE:
		unit_share(buf, field_double(f, finding));
		break;
	default:
		buf[0] = 0;
	}
}

static void event_names(char *buf, size_t len, uint64_t ids)
{
	unsigned int id;
	size_t at = 0;

	buf[0] = 0;
	for (id = 0; id < HVST_EV_COUNT && at < len; id++)
		if (ids >> id & 1)
			at += snprintf(buf + at, len - at, "%s%s", at ? " " : "",
				       hvst_event_name(id));
}

char *field_text(const struct finding_field *f, const void *finding, char *buf, size_t len)
{
	char number[UNIT_BUF];
	const char *s;

	if (!field_known(f, finding))
		snprintf(buf, len, "%s", f->type == VALUE_ID ? "?" : "-");
	else if (f->type == VALUE_TEXT)
		f->text(buf, len, finding);
	else if (f->type == VALUE_WORD && f->plain)
		snprintf(buf, len, "%s", f->plain(field_int(f, finding)));
	else if (f->type == VALUE_BOOL)
		snprintf(buf, len, "%s", field_bool(f, finding) ? "yes" : "no");
	else if (f->type == VALUE_EVENTS)
		event_names(buf, len, field_u64(f, finding));
	else if ((s = field_string(f, finding)))
		snprintf(buf, len, "%s", s);
	else {
		number_text(f, finding, number);
		snprintf(buf, len, "%s", number);
	}
	return buf;
}

/* Does the value need no emphasis? */
static bool unremarkable(const struct finding_field *f, const void *finding)
{
	char buf[FIELD_BUF];

	switch (f->type) {
	case VALUE_COUNT:
		return !field_u64(f, finding);
	case VALUE_SIGNED:
		return !field_i64(f, finding);
	case VALUE_QUANTILE:
		return field_i64(f, finding) < 0;
	case VALUE_TEXT:
		f->text(buf, sizeof(buf), finding);
		return !strcmp(buf, "0");
	default:
		return false;
	}
}

int field_role(const struct finding_kind *kind, const struct finding_field *f, const void *finding)
{
	if (f->role && field_known(f, finding) && !unremarkable(f, finding))
		return f->role;
	return kind->subdued && kind->subdued(finding) ? ROLE_DIM : ROLE_NONE;
}
