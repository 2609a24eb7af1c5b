// SPDX-License-Identifier: GPL-2.0
/*
 * Text that overlays show and y writes: all attributes of a finding under the names of the JSON
 * contract; the keys.
 */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../output/units.h"
#include "input.h"
#include "view.h"

static void put_i64(FILE *f, const char *name, int64_t v, const char *human)
{
	if (v == HVST_UNKNOWN)
		fprintf(f, "%-18s null\n", name);
	else
		fprintf(f, "%-18s %" PRId64 "%s%s\n", name, v, *human ? "   " : "", human);
}

static void put_ns(FILE *f, const char *name, int64_t v)
{
	char buf[UNIT_BUF];

	put_i64(f, name, v, unit_signed(buf, v));
}

static void put_time(FILE *f, const char *name, int64_t v)
{
	char buf[UNIT_BUF];

	put_i64(f, name, v, strcat(unit_time(buf, v), " s"));
}

static void put_double(FILE *f, const char *name, double v, int decimals, bool known)
{
	if (known)
		fprintf(f, "%-18s %.*f\n", name, decimals, v);
	else
		fprintf(f, "%-18s null\n", name);
}

static void put_text(FILE *f, const char *name, const char *v)
{
	fprintf(f, "%-18s %s\n", name, v);
}

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
		putc('\n', f);
	}
}

static void storm_attributes(FILE *f, const struct hvst_storm *s)
{
	const char *trigger =
		s->trigger_event < 0 ? NULL : hvst_event_name((unsigned int)s->trigger_event);

	put_i64(f, "vm", s->vm < 0 ? HVST_UNKNOWN : s->vm, "");
	put_i64(f, "vcpu", s->vcpu, "");
	put_i64(f, "tid", s->tid, "");
	put_i64(f, "timer", s->timer, "");
	put_time(f, "start_ns", s->start_ns);
	put_time(f, "end_ns", s->end_ns);
	put_text(f, "open", s->open ? "true" : "false");
	fprintf(f, "%-18s %" PRIu64 "\n%-18s %" PRIu64 "\n", "arms", s->arms, "past due",
		s->past_due);
	put_double(f, "rate_hz", s->rate_hz, 3, isfinite(s->rate_hz));
	put_double(f, "peak_hz", s->peak_hz, 3, isfinite(s->peak_hz));
	put_ns(f, "skew_start_ns", s->skew_start_ns);
	put_ns(f, "skew_max_ns", s->skew_max_ns);
	put_ns(f, "skew_end_ns", s->skew_end_ns);
	put_ns(f, "skew_error_ns", s->skew_error_ns);
	put_text(f, "kind", hvst_storm_kind_name(s->kind));
	put_i64(f, "period_ref", s->period_ref, "");
	put_time(f, "predicted_end_ns", s->predicted_end_ns);
	put_double(f, "progress_before", s->progress_before, 4, s->progress_before >= 0);
	put_double(f, "progress_during", s->progress_during, 4, s->progress_during >= 0);
	put_text(f, "endangers_watchdog", s->endangers_watchdog ? "true" : "false");
	put_i64(f, "episode", s->episode, "");
	put_text(f, "trigger", trigger ? trigger : "null");
	if (trigger) {
		put_time(f, "  ts_ns", s->trigger_ts_ns);
		put_ns(f, "  distance_ns", s->trigger_distance_ns);
	}
	put_evidence(f, &s->evidence);
}

static void guest_attributes(FILE *f, const struct hvst_guest_transition *t)
{
	put_i64(f, "vm", t->vm < 0 ? HVST_UNKNOWN : t->vm, "");
	put_i64(f, "vcpu", t->vcpu < 0 ? HVST_UNKNOWN : t->vcpu, "");
	put_text(f, "role", hvst_clock_role_name(t->role));
	put_time(f, "ts_ns", t->ts_ns);
	put_text(f, "from", hvst_guest_source_name(t->from));
	put_text(f, "to", hvst_guest_source_name(t->to));
	put_ns(f, "offset_ns", t->offset_ns);
	put_double(f, "rate_ppm", t->rate_ppm, 3, isfinite(t->rate_ppm));
	put_text(f, "confidence", hvst_confidence_name(t->confidence));
	put_evidence(f, &t->evidence);
}

static void reference_attributes(FILE *f, const struct hvst_ref_segment *s)
{
	put_i64(f, "vm", s->vm < 0 ? HVST_UNKNOWN : s->vm, "");
	put_time(f, "from_ns", s->from_ns);
	put_time(f, "to_ns", s->to_ns);
	put_text(f, "source", hvst_ref_source_name(s->source));
	put_double(f, "rate_ppm", s->rate_ppm, 3, isfinite(s->rate_ppm));
	put_double(f, "rate_ppm_error", s->rate_ppm_error, 3, isfinite(s->rate_ppm_error));
	put_ns(f, "step_ns", s->step_ns);
	put_text(f, "why", s->why);
}

static void verdict_attributes(FILE *f, const struct hvst_verdict *v)
{
	put_text(f, "question", hvst_question_name(v->question));
	put_text(f, "answer", hvst_answer_name(v->answer));
	fprintf(f, "\n%s\n", v->summary);
	put_evidence(f, &v->evidence);
	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		if (v->missing >> i & 1)
			fprintf(f, "not recorded: %s\n", hvst_event_name(i));
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
		storm_attributes(f, &m->live.storms[fd->i]);
	else if (fd && fd->kind == BR_F_GUEST)
		guest_attributes(f, &r->guest[fd->i]);
	else if (fd && fd->kind == BR_F_REFERENCE)
		reference_attributes(f, &r->reference[fd->i]);
	else if (fd)
		verdict_attributes(f, &r->verdicts[fd->i]);
	fclose(f);
	return text;
}

static const char legend[] =
	"\nThe timeline, a column for a stretch of time:\n"
	"  low to high bars (. : ; + * %)  arms ahead, few to many\n"
	"  !                               at least one past-due arm\n"
	"  full block (#)                  past-due arms in a storm\n"
	"  shade (~)                       inside a storm, no arm in this column\n"
	"Marks above it: S1 a storm, T the guest changed its clock (t: its first\n"
	"one became known), R the host's reference clock stepped or changed, x events\n"
	"were lost, a b marks, others bookmarks.\n"
	"A number with ~ is from the index and about to be read exactly.\n"
	"Mouse: click, drag a stretch, wheel to zoom or scroll.\n"
	"Ctrl-L draws the screen anew, Ctrl-Z suspends.\n";

char *br_view_help(void)
{
	unsigned int n;
	const struct br_key *keys = br_keys(&n);
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (unsigned int i = 0; i < n; i++)
		fprintf(f, "%-8s %s\n", keys[i].name, keys[i].help);
	fputs(legend, f);
	fclose(f);
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
