// SPDX-License-Identifier: GPL-2.0
/*
 * Text that overlays show and y writes: all attributes of a finding under the names of the JSON
 * contract; the keys.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../output/finding.h"
#include "../output/eventtext.h"
#include "../output/units.h"
#include "view.h"

static void put_evidence(FILE *f, const struct hvst_evidence_list *list)
{
	char at[UNIT_BUF];

	for (unsigned int i = 0; i < list->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &list->e[i];
		const char *name = e->event < 0 ? NULL : hvst_event_name((unsigned int)e->event);

		fprintf(f, "\nevidence: %s", e->text);
		if (e->ts_ns != HVST_UNKNOWN)
			fprintf(f, "\n  %s at %s s, CPU %d, tid %d", name ? name : "event",
				unit_time(at, e->ts_ns), e->cpu, e->tid);
		if (unit_utc_ns(e->ts_ns) != HVST_UNKNOWN)
			fprintf(f, ", %s UTC", unit_utc_time(at, e->ts_ns));
		putc('\n', f);
	}
}

/* A number as JSON has it, with what it means beside it. */
static void put_number(FILE *f, const struct finding_field *d, const void *finding)
{
	char human[FIELD_BUF];

	switch (d->type) {
	case VALUE_ID:
	case VALUE_INT:
		fprintf(f, "%d\n", field_int(d, finding));
		break;
	case VALUE_COUNT:
		fprintf(f, "%" PRIu64 "\n", field_u64(d, finding));
		break;
	case VALUE_BOOL:
		fprintf(f, "%s\n", field_bool(d, finding) ? "true" : "false");
		break;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		fprintf(f, "%.*f\n", field_decimals(d), field_double(d, finding));
		break;
	case VALUE_TIME:
		fprintf(f, "%" PRId64 "   %s s", field_i64(d, finding),
			field_text(d, finding, human, sizeof(human)));
		if (unit_utc_ns(field_i64(d, finding)) != HVST_UNKNOWN)
			fprintf(f, "   %s UTC", unit_utc_time(human, field_i64(d, finding)));
		putc('\n', f);
		break;
	default:
		fprintf(f, "%" PRId64 "   %s\n", field_i64(d, finding),
			field_text(d, finding, human, sizeof(human)));
	}
}

static void put_field(FILE *f, const struct finding_field *d, const void *finding)
{
	char text[FIELD_BUF];

	if (d->type == VALUE_EVIDENCE) {
		put_evidence(f, field_evidence(d, finding));
		return;
	}
	fprintf(f, "%-19s ", d->name);
	if (!field_known(d, finding))
		fputs("null\n", f);
	else if (d->type == VALUE_WORD)
		fprintf(f, "%s\n", field_string(d, finding));
	else if (field_left(d))
		fprintf(f, "%s\n", field_text(d, finding, text, sizeof(text)));
	else
		put_number(f, d, finding);
}

static void put_fields(FILE *f, const struct finding_kind *kind, const void *finding)
{
	for (unsigned int i = 0; i < kind->n; i++)
		if (kind->fields[i].in & IN_DETAILS)
			put_field(f, &kind->fields[i], finding);
}

char *br_view_attributes(const struct br_model *m)
{
	const struct br_finding *fd = br_model_finding(m);
	const struct hvst_result *r = m->live.result;
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	if (fd && fd->kind == BR_F_STORM)
		put_fields(f, &finding_storm, m->live.storms[fd->i]);
	else if (fd && fd->kind == BR_F_GUEST)
		put_fields(f, &finding_guest, r->guest[fd->i]);
	else if (fd && fd->kind == BR_F_REFERENCE)
		put_fields(f, &finding_reference, r->reference[fd->i]);
	else if (fd && fd->kind == BR_F_LIFE)
		put_fields(f, &finding_life, r->life[fd->i]);
	else if (fd)
		put_fields(f, &finding_verdict, r->verdicts[fd->i]);
	fclose(f);
	return text;
}

char *br_view_event(const struct br_model *m)
{
	const struct br_event *e = &m->events[m->event];
	const struct hvst_field *field;
	char at[UNIT_BUF], line[512];
	unsigned int n;
	char *text = NULL;
	size_t len;
	FILE *f = m->event < m->nr_events ? open_memstream(&text, &len) : NULL;

	if (!f)
		return NULL;
	field = hvst_event_fields(e->ev.id, &n);
	fprintf(f, "%s\n",
		e->ev.id == HVST_EV_LOST ? event_text(&e->ev, "", line, sizeof(line))
					 : hvst_event_name(e->ev.id));
	fprintf(f, "%s s, CPU %u, %s-%d", unit_time(at, e->ev.ts_ns), e->ev.cpu, br_event_task(e),
		e->ev.pid);
	if (unit_utc_ns(e->ev.ts_ns) != HVST_UNKNOWN)
		fprintf(f, "   %s", unit_utc(at, e->ev.ts_ns));
	putc('\n', f);
	if (*e->meaning)
		fprintf(f, "%s\n", e->meaning);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t v;

		if (!hvst_event_value(&e->ev, i, &v))
			continue;
		fprintf(f,
			field[i].flags & HVST_FIELD_HEX	     ? "%-19s %#" PRIx64 "\n"
			: field[i].flags & HVST_FIELD_SIGNED ? "%-19s %" PRId64 "\n"
							     : "%-19s %" PRIu64 "\n",
			field[i].name, v);
	}
	fclose(f);
	return text;
}

/* A paragraph is one line, broken where the box ends. */
static const char legend[] =
	"\nThe timeline: for each timer the arms in view, and a column for a stretch of time:\n"
	"  low to high bars (. : ; + * %)  arms ahead, few to many\n"
	"  !                               at least one past-due arm\n"
	"  full block (#)                  past-due arms in a storm\n"
	"  shade (~)                       inside a storm, no arm in this column\n"
	"Marks above it: S1 a storm; T the guest changed its clock (t: its first one became "
	"known); R the host's reference clock stepped or changed; * both; x events were lost; "
	"a, b what these keys mark; other letters and digits bookmarks.\n"
	"On the host's row a diamond (L): the VM was created, reset, restored, migrated in, "
	"resumed or gone.\n"
	"Sources of clocks that do not fit: page is the TSC page, itself the TSC itself.\n"
	"Two clocks: which of the host's reference clock and the guest's clock left the trace "
	"clock. With a row of clocks selected the plot shows both.\n"
	"Skew: + how far in the past timers were set, - how far ahead, on a logarithmic scale.\n"
	"Findings: S, T, t, R, L as above; then the answers: ! yes, ? cannot tell, - no.\n"
	"The whole recording: a click goes there, a drag shows that stretch or, from inside the "
	"window's mark, moves the window.\n"
	"A number with ~ is from the index and about to be read exactly; the median always has "
	"one, as it is known to within a factor of 1.42.\n"
	"An ellipsis (>): the rest did not fit.\n"
	"Mouse: click, drag a stretch, wheel to zoom or scroll.\n"
	"Ctrl-L draws the screen anew, Ctrl-Z suspends.\n";

char *br_view_help(const struct br_model *m)
{
	char *text;

	if (asprintf(&text, "%s%s", m->keys_text ? m->keys_text : "", legend) < 0)
		return NULL;
	return text;
}

int br_line_length(const char *text, int w)
{
	int len = (int)strcspn(text, "\n"), cut = w;

	if (len <= w || w < 2)
		return len < w ? len : w < 1 ? 1 : w;
	while (cut > w / 2 && text[cut] != ' ')
		cut--;
	return text[cut] == ' ' ? cut : w;
}

const char *br_line_next(const char *text, int w)
{
	text += br_line_length(text, w);
	if (*text == '\n')
		return text + 1;
	return text + strspn(text, " ");
}

static void draw_frame(struct br_grid *g, const struct br_rect *r)
{
	static const uint32_t lines[] = { 0x2500, 0x2502, 0x250c, 0x2510, 0x2514, 0x2518 };
	static const uint32_t plain[] = { '-', '|', '+', '+', '+', '+' };
	const uint32_t *ch = g->ascii ? plain : lines;
	int right = r->x + r->w - 1, bottom = r->y + r->h - 1;

	br_fill(g, r, ' ', BR_NORMAL);
	br_fill(g, &(struct br_rect){ r->x, r->y, r->w, 1 }, ch[0], BR_HEAD);
	br_fill(g, &(struct br_rect){ r->x, bottom, r->w, 1 }, ch[0], BR_HEAD);
	br_fill(g, &(struct br_rect){ r->x, r->y, 1, r->h }, ch[1], BR_HEAD);
	br_fill(g, &(struct br_rect){ right, r->y, 1, r->h }, ch[1], BR_HEAD);
	br_put(g, r->x, r->y, ch[2], BR_HEAD);
	br_put(g, right, r->y, ch[3], BR_HEAD);
	br_put(g, r->x, bottom, ch[4], BR_HEAD);
	br_put(g, right, bottom, ch[5], BR_HEAD);
}

void br_draw_text(struct br_grid *g, const struct br_rect *r, const char *title, const char *text,
		  int top)
{
	static const char keys[] = " Esc closes, arrows scroll, y writes to a file ";
	int y = r->y + 1, w = r->w - BR_FRAME;

	draw_frame(g, r);
	br_printf(g, r->x + 2, r->y, w, BR_HEAD, " %s ", title);
	for (; *text && y < r->y + r->h - 1; text = br_line_next(text, w))
		if (top-- <= 0)
			br_printf(g, r->x + 2, y++, w, BR_NORMAL, "%.*s", br_line_length(text, w),
				  text);
	br_text(g, r->x + 2, r->y + r->h - 1, w, BR_DIM, keys);
}
