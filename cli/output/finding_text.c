// SPDX-License-Identifier: GPL-2.0
/* Tables and lists of findings by their fields. */
#include <stdio.h>
#include <string.h>

#include "finding_text.h"
#include "table.h"
#include "units.h"

#define DROP_NUMBER 3 /* the column "#" */
#define LIST_INDENT 2
#define LIST_TITLE  11

static unsigned int make_columns(struct column *columns, const struct finding_kind *kind,
				 bool numbered)
{
	const struct finding_field *clock = finding_clock(kind, IN_TABLE);
	unsigned int i, n = 0;

	if (numbered)
		columns[n++] = (struct column){ .title = "#", .drop = DROP_NUMBER };
	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (f->in & IN_TABLE)
			columns[n++] = (struct column){ .title = f->title,
							.left = field_left(f),
							.drop = f->drop,
							.flexible = f->flexible,
							.hide_zero = f->hide_zero };
		if (f == clock)
			columns[n++] =
				(struct column){ .title = "UTC", .drop = 2, .hide_zero = true };
	}
	return n;
}

static void put_row(struct table *t, const struct finding_kind *kind, const void *finding)
{
	const struct finding_field *clock = finding_clock(kind, IN_TABLE);
	char buf[FIELD_BUF];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (f->in & IN_TABLE)
			table_cell(t, field_role(kind, f, finding),
				   field_text(f, finding, buf, sizeof(buf)));
		if (f == clock)
			table_cell(t, ROLE_NONE, unit_utc_time(buf, field_i64(f, finding)));
	}
}

void finding_table(struct out *o, const struct finding_kind *kind, const void *list, unsigned int n,
		   const bool *shown, unsigned int indent, bool numbered)
{
	struct column columns[FINDING_MAX_FIELDS + 2];
	struct table *t = table_new(columns, make_columns(columns, kind, numbered));
	unsigned int i;

	for (i = 0; i < n; i++) {
		if (shown && !shown[i])
			continue;
		if (numbered)
			table_printf(t, ROLE_NONE, "%u", i + 1);
		put_row(t, kind, finding_at(list, i));
	}
	table_end_labelled(t, o, indent);
}

void finding_list(struct out *o, const struct finding_kind *kind, const void *finding)
{
	char buf[FIELD_BUF];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (!(f->in & IN_LIST) || !field_known(f, finding))
			continue;
		out_printf(o, "%*s%-*s ", LIST_INDENT, "", LIST_TITLE, f->title);
		out_wrap(o, LIST_INDENT + LIST_TITLE + 1, LIST_INDENT + LIST_TITLE + 1, 0,
			 field_text(f, finding, buf, sizeof(buf)));
	}
}

void finding_evidence(struct out *o, const struct hvst_evidence_list *l, unsigned int indent)
{
	unsigned int i;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];
		char head[160] = "- ", time[UNIT_BUF], wall[UNIT_BUF];
		const char *name = e->event >= 0 ? hvst_event_name(e->event) : NULL;

		if (e->ts_ns != HVST_UNKNOWN)
			snprintf(head, sizeof(head), "- %s%s%s%s%s: ", unit_time(time, e->ts_ns),
				 unit_utc_ns(e->ts_ns) != HVST_UNKNOWN ? " " : "",
				 unit_utc_ns(e->ts_ns) != HVST_UNKNOWN
					 ? unit_utc_time(wall, e->ts_ns)
					 : "",
				 name ? " " : "", name ? name : "");
		if (e->ts_ns != HVST_UNKNOWN && e->cpu >= 0)
			snprintf(head + strlen(head) - 2, sizeof(head) - strlen(head),
				 " [%03d]: ", e->cpu);
		out_pad(o, indent, ' ');
		out_in(o, ROLE_DIM, head);
		out_wrap(o, indent + strlen(head), indent + 2, 0, e->text);
	}
}
