// SPDX-License-Identifier: GPL-2.0
/* CSV of findings by their tables of fields. */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "csv.h"
#include "finding.h"
#include "utf8.h"

static void separate(struct csv *c)
{
	if (c->filled)
		out_char(c->o, ',');
	c->filled = true;
}

void csv_start(struct csv *c, struct out *o, const char *titles)
{
	c->o = o;
	c->filled = false;
	out_str(o, titles);
	out_char(o, '\n');
}

void csv_i64(struct csv *c, int64_t v)
{
	separate(c);
	if (v != HVST_UNKNOWN)
		out_i64(c->o, v);
}

void csv_u64(struct csv *c, uint64_t v)
{
	separate(c);
	out_u64(c->o, v);
}

void csv_id(struct csv *c, int id)
{
	csv_i64(c, id < 0 ? HVST_UNKNOWN : id);
}

void csv_number(struct csv *c, double v, int decimals)
{
	separate(c);
	if (isfinite(v))
		out_printf(c->o, "%.*f", decimals, v);
}

void csv_quote(struct out *o, const char *s)
{
	out_char(o, '"');
	while (*s) {
		unsigned int len = utf8_printable(s);

		if (*s == '"')
			out_char(o, '"');
		if (len)
			out_mem(o, s, len);
		else
			out_char(o, '?');
		s += len ? len : 1;
	}
	out_char(o, '"');
}

void csv_string(struct csv *c, const char *v)
{
	separate(c);
	if (!v)
		return;
	if (!strpbrk(v, ",\"\r\n")) {
		out_str(c->o, v);
		return;
	}
	csv_quote(c->o, v);
}

void csv_end_line(struct csv *c)
{
	out_char(c->o, '\n');
	c->filled = false;
}

/* --- findings --------------------------------------------------------------------------------- */

static void column_name(char *buf, size_t len, const struct finding_field *f)
{
	char *dot;

	snprintf(buf, len, "%s", f->csv ? f->csv : f->name);
	dot = strchr(buf, '.');
	if (dot)
		*dot = '_';
}

static void csv_field(struct csv *c, const struct finding_field *f, const void *finding)
{
	if (!f || !field_known(f, finding))
		csv_string(c, NULL);
	else if (f->type == VALUE_BOOL)
		csv_string(c, field_bool(f, finding) ? "true" : "false");
	else if (f->type == VALUE_COUNT)
		csv_u64(c, field_u64(f, finding));
	else if (f->type == VALUE_ID || f->type == VALUE_INT)
		csv_i64(c, field_int(f, finding));
	else if (f->type == VALUE_RATE || f->type == VALUE_PPM || f->type == VALUE_SHARE)
		csv_number(c, field_double(f, finding), field_decimals(f));
	else if (field_left(f))
		csv_string(c, field_string(f, finding));
	else
		csv_i64(c, field_i64(f, finding));
}

static const struct finding_field *find_column(const struct finding_kind *kind, const char *name)
{
	char other[32];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		if (!(kind->fields[i].in & IN_CSV))
			continue;
		column_name(other, sizeof(other), &kind->fields[i]);
		if (!strcmp(name, other))
			return &kind->fields[i];
	}
	return NULL;
}

/* The heading: the columns of @kind but for those of @before. */
static void put_columns(struct csv *c, const struct finding_kind *kind,
			const struct finding_kind *before)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		if (!(kind->fields[i].in & IN_CSV))
			continue;
		column_name(name, sizeof(name), &kind->fields[i]);
		if (!before || !find_column(before, name))
			csv_string(c, name);
	}
}

/* The values of @finding in the columns of @as, except for those of @before. */
static void put_line(struct csv *c, const struct finding_kind *kind, const void *finding,
		     const struct finding_kind *as, const struct finding_kind *before)
{
	char name[32];
	unsigned int i;

	for (i = 0; i < as->n; i++) {
		if (!(as->fields[i].in & IN_CSV))
			continue;
		column_name(name, sizeof(name), &as->fields[i]);
		if (!before || !find_column(before, name))
			csv_field(c, find_column(kind, name), finding);
	}
}

void csv_storms(struct out *o, const struct hvst_result *r)
{
	struct csv c = { .o = o };
	unsigned int i;

	put_columns(&c, &finding_storm, NULL);
	csv_end_line(&c);
	for (i = 0; i < r->nr_storms; i++) {
		put_line(&c, &finding_storm, r->storms[i], &finding_storm, NULL);
		csv_end_line(&c);
	}
}

/* Both kinds in one table: the guest's columns, then what only the host's have. */
static void clock_line(struct csv *c, const char *clock, const struct finding_kind *kind,
		       const void *finding)
{
	csv_string(c, clock);
	put_line(c, kind, finding, &finding_guest, NULL);
	put_line(c, kind, finding, &finding_reference, &finding_guest);
	csv_end_line(c);
}

void csv_clocks(struct out *o, const struct hvst_result *r)
{
	struct csv c = { .o = o };
	unsigned int i;

	csv_string(&c, "clock");
	put_columns(&c, &finding_guest, NULL);
	put_columns(&c, &finding_reference, &finding_guest);
	csv_end_line(&c);
	for (i = 0; i < r->nr_reference; i++)
		clock_line(&c, "reference", &finding_reference, r->reference[i]);
	for (i = 0; i < r->nr_guest; i++)
		clock_line(&c, "guest", &finding_guest, r->guest[i]);
}
