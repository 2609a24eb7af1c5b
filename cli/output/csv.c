// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <string.h>

#include "csv.h"
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

static void storm_line(struct csv *c, const struct hvst_storm *s)
{
	csv_id(c, s->vm);
	csv_id(c, s->vcpu);
	csv_id(c, s->tid);
	csv_id(c, s->timer);
	csv_i64(c, s->start_ns);
	csv_i64(c, s->end_ns);
	csv_string(c, s->open ? "true" : "false");
	csv_u64(c, s->arms);
	csv_u64(c, s->past_due);
	csv_number(c, s->rate_hz, 3);
	csv_number(c, s->peak_hz, 3);
	csv_i64(c, s->skew_start_ns);
	csv_i64(c, s->skew_max_ns);
	csv_i64(c, s->skew_end_ns);
	csv_i64(c, s->skew_error_ns);
	csv_string(c, hvst_storm_kind_name(s->kind));
	csv_i64(c, s->period_ref);
	csv_i64(c, s->predicted_end_ns);
	csv_number(c, s->progress_before < 0 ? NAN : s->progress_before, 4);
	csv_number(c, s->progress_during < 0 ? NAN : s->progress_during, 4);
	csv_string(c, s->endangers_watchdog ? "true" : "false");
	csv_i64(c, s->episode);
	csv_string(c, s->trigger_event < 0 ? NULL : hvst_event_name(s->trigger_event));
	csv_i64(c, s->trigger_event < 0 ? HVST_UNKNOWN : s->trigger_ts_ns);
	csv_end_line(c);
}

void csv_storms(struct out *o, const struct hvst_result *r)
{
	struct csv c;
	unsigned int i;

	csv_start(&c, o,
		  "vm,vcpu,tid,timer,start_ns,end_ns,open,arms,past_due,rate_hz,peak_hz,skew_start_"
		  "ns,"
		  "skew_max_ns,skew_end_ns,skew_error_ns,kind,period_ref,predicted_end_ns,progress_"
		  "before,"
		  "progress_during,endangers_watchdog,episode,trigger_event,trigger_ts_ns");
	for (i = 0; i < r->nr_storms; i++)
		storm_line(&c, &r->storms[i]);
}

static void reference_line(struct csv *c, const struct hvst_ref_segment *s)
{
	csv_string(c, "reference");
	csv_id(c, s->vm);
	csv_id(c, -1);
	csv_i64(c, s->from_ns);
	csv_i64(c, s->to_ns);
	csv_string(c, NULL);
	csv_string(c, NULL);
	csv_string(c, hvst_ref_source_name(s->source));
	csv_i64(c, s->step_ns);
	csv_number(c, s->rate_ppm, 3);
	csv_string(c, NULL);
	csv_string(c, s->why);
	csv_end_line(c);
}

static void guest_line(struct csv *c, const struct hvst_guest_transition *t)
{
	csv_string(c, "guest");
	csv_id(c, t->vm);
	csv_id(c, t->vcpu);
	csv_i64(c, t->ts_ns);
	csv_i64(c, HVST_UNKNOWN);
	csv_string(c, hvst_clock_role_name(t->role));
	csv_string(c, hvst_guest_source_name(t->from));
	csv_string(c, hvst_guest_source_name(t->to));
	csv_i64(c, t->offset_ns);
	csv_number(c, t->rate_ppm, 3);
	csv_string(c, hvst_confidence_name(t->confidence));
	csv_string(c, t->evidence.n ? t->evidence.e[0].text : NULL);
	csv_end_line(c);
}

void csv_clocks(struct out *o, const struct hvst_result *r)
{
	struct csv c;
	unsigned int i;

	csv_start(&c, o,
		  "clock,vm,vcpu,from_ns,to_ns,role,from_source,to_source,step_ns,rate_ppm,"
		  "confidence,why");
	for (i = 0; i < r->nr_reference; i++)
		reference_line(&c, &r->reference[i]);
	for (i = 0; i < r->nr_guest; i++)
		guest_line(&c, &r->guest[i]);
}
