// SPDX-License-Identifier: GPL-2.0
#include <math.h>

#include "contract.h"

static void put_files(struct json *j, const struct hvst_trace *t)
{
	unsigned int i, b;

	json_array(j, "files");
	for (i = 0; i < t->nr_files; i++) {
		json_object(j, NULL);
		json_string(j, "file", t->files[i].path);
		json_i64(j, "version", t->files[i].version);
		json_string(j, "compression", t->files[i].compression);
		json_array(j, "buffers");
		for (b = 0; b < t->nr_buffers; b++)
			if (t->buffers[b].file == i && t->buffers[b].selected)
				json_string(j, NULL, t->buffers[b].name);
		json_end_array(j);
		json_i64(j, "truncated_at", t->files[i].truncated_at);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_scale(struct json *j, const struct hvst_trace *t)
{
	if (t->scale_source == HVST_SCALE_NONE) {
		json_null(j, "clock_scale");
		return;
	}
	json_object(j, "clock_scale");
	json_u64(j, "mult", t->scale_mult);
	json_u64(j, "shift", t->scale_shift);
	json_string(j, "source", t->scale_source == HVST_SCALE_FILE ? "file" : "estimated");
	json_end_object(j);
}

static const char *buffer_name(const struct hvst_trace *t, int buffer)
{
	return buffer >= 0 && (unsigned int)buffer < t->nr_buffers ? t->buffers[buffer].name : NULL;
}

static void put_lost(struct json *j, const struct hvst_trace *t)
{
	unsigned int i;

	json_array(j, "lost");
	for (i = 0; i < t->nr_lost; i++) {
		json_object(j, NULL);
		json_u64(j, "cpu", t->lost[i].cpu);
		json_string(j, "buffer", buffer_name(t, t->lost[i].buffer));
		json_i64(j, "ts_ns", t->lost[i].ts_ns);
		json_i64(j, "count", t->lost[i].count);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_counters(struct json *j, const struct hvst_trace *t)
{
	json_u64(j, "events", t->events);
	json_u64(j, "relevant", t->relevant);
	json_u64(j, "ignored", t->ignored);
	json_u64(j, "malformed", t->malformed);
	json_u64(j, "duplicates", t->duplicates);
	json_u64(j, "backwards", t->backwards);
	json_u64(j, "unfollowed", t->unfollowed);
	json_u64(j, "lost_places", t->lost_places);
	json_u64(j, "lost_events", t->lost_events);
	json_i64(j, "lost_ns", t->lost_ns);
}

static void put_trace(struct json *j, const struct hvst_trace *t)
{
	json_object(j, "trace");
	put_files(j, t);
	json_string(j, "clock", t->clock);
	put_scale(j, t);
	json_u64(j, "cpus", t->cpus);
	json_i64(j, "first_ns", t->first_ns);
	json_i64(j, "last_ns", t->last_ns);
	put_counters(j, t);
	put_lost(j, t);
	json_bool(j, "start_expired_recorded", t->start_expired_recorded);
	json_i64(j, "padding_ns", t->padding_ns);
	json_bool(j, "incomplete", t->incomplete);
	json_end_object(j);
}

void contract_start(struct json *j, struct out *o, const struct hvst_trace *trace)
{
	json_start(j, o, 2);
	json_object(j, NULL);
	json_string(j, "schema", "hvstimer/2");
	j->trace = trace;
	put_trace(j, trace);
}

void contract_end(struct json *j)
{
	json_end_object(j);
}

static void put_vcpus(struct json *j, const struct hvst_vm *vm)
{
	unsigned int i;

	json_array(j, "vcpus");
	for (i = 0; i < vm->nr_vcpus; i++) {
		json_object(j, NULL);
		json_i64(j, "vcpu", vm->vcpus[i].vcpu);
		json_i64(j, "tid", vm->vcpus[i].tid);
		json_string(j, "comm", vm->vcpus[i].comm);
		json_end_object(j);
	}
	json_end_array(j);
}

void contract_vms(struct json *j, const struct hvst_result *r)
{
	unsigned int i;

	json_array(j, "vms");
	for (i = 0; i < r->nr_vms; i++) {
		json_object(j, NULL);
		json_id(j, "vm", r->vms[i].vm);
		json_string(j, "name", r->vms[i].name);
		json_i64(j, "epoch_ns", r->vms[i].epoch_ns);
		put_vcpus(j, &r->vms[i]);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_percentiles(struct json *j, const struct hvst_sketch *s)
{
	static const struct {
		const char *key;
		unsigned int per_10000;
	} points[] = {
		{ "p1", 100 },	 { "p5", 500 },	  { "p25", 2500 }, { "p50", 5000 },
		{ "p75", 7500 }, { "p95", 9500 }, { "p99", 9900 }, { "p999", 9990 },
	};
	unsigned int i;

	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		json_i64(j, points[i].key,
			 s ? hvst_sketch_quantile(s, points[i].per_10000) : HVST_UNKNOWN);
}

static void put_buckets(struct json *j, const struct hvst_sketch *s)
{
	unsigned int iter = 0;
	int64_t lo, hi;
	uint64_t count;

	json_array(j, "buckets");
	while (s && hvst_sketch_next(s, &iter, &lo, &hi, &count)) {
		json_object(j, NULL);
		json_i64(j, "lo", lo);
		json_i64(j, "hi", hi);
		json_u64(j, "count", count);
		json_end_object(j);
	}
	json_end_array(j);
}

void contract_sketch(struct json *j, const char *key, const struct hvst_sketch *s)
{
	json_object(j, key);
	json_string(j, "unit", "ns");
	json_number(j, "relative_error", s ? hvst_sketch_relative_error(s) : 0, 7);
	json_u64(j, "count", s ? hvst_sketch_count(s) : 0);
	json_i64(j, "min", s ? hvst_sketch_min(s) : HVST_UNKNOWN);
	json_i64(j, "max", s ? hvst_sketch_max(s) : HVST_UNKNOWN);
	put_percentiles(j, s);
	put_buckets(j, s);
	json_end_object(j);
}

static void put_timer_id(struct json *j, int vm, int vcpu, int tid, int timer)
{
	json_id(j, "vm", vm);
	json_id(j, "vcpu", vcpu);
	json_id(j, "tid", tid);
	json_id(j, "timer", timer);
}

static void put_timer(struct json *j, const struct hvst_timer *t)
{
	json_object(j, NULL);
	put_timer_id(j, t->vm, t->vcpu, t->tid, t->timer);
	json_string(j, "mode", t->mode == HVST_MODE_NONE ? NULL : hvst_timer_mode_name(t->mode));
	json_string(j, "delivery",
		    t->delivery == HVST_DELIVERY_NONE ? NULL
						      : hvst_delivery_mode_name(t->delivery));
	json_u64(j, "arms", t->arms);
	json_u64(j, "past_due_observed", t->past_due_observed);
	json_u64(j, "past_due_inferred", t->past_due_inferred);
	json_u64(j, "restarts", t->restarts);
	json_u64(j, "fired", t->fired);
	json_u64(j, "cancelled", t->cancelled);
	json_u64(j, "failed_deliveries", t->failed_deliveries);
	contract_sketch(j, "skew", t->skew);
	contract_sketch(j, "lateness", t->lateness);
	contract_sketch(j, "delivery_latency", t->delivery_latency);
	contract_sketch(j, "entry_latency", t->entry_latency);
	json_end_object(j);
}

void contract_timers(struct json *j, const struct hvst_result *r)
{
	unsigned int i;

	json_array(j, "timers");
	for (i = 0; i < r->nr_timers; i++)
		put_timer(j, &r->timers[i]);
	json_end_array(j);
}

static void put_evidence(struct json *j, const struct hvst_evidence_list *l)
{
	unsigned int i;

	json_array(j, "evidence");
	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];
		bool one = e->ts_ns != HVST_UNKNOWN;

		json_object(j, NULL);
		json_string(j, "event", e->event < 0 ? NULL : hvst_event_name(e->event));
		json_i64(j, "ts_ns", e->ts_ns);
		if (one)
			json_u64(j, "ts_raw", e->ts_raw);
		else
			json_null(j, "ts_raw");
		json_id(j, "cpu", e->cpu);
		json_id(j, "tid", e->tid);
		json_string(j, "buffer", buffer_name(j->trace, e->buffer));
		json_string(j, "text", e->text);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_trigger(struct json *j, const struct hvst_storm *s)
{
	if (s->trigger_event < 0) {
		json_null(j, "trigger");
		return;
	}
	json_object(j, "trigger");
	json_string(j, "event", hvst_event_name(s->trigger_event));
	json_i64(j, "ts_ns", s->trigger_ts_ns);
	json_i64(j, "distance_ns", s->trigger_distance_ns);
	json_end_object(j);
}

static double share_or_null(double share)
{
	return share < 0 ? NAN : share;
}

void contract_storm(struct json *j, const struct hvst_storm *s)
{
	json_object(j, NULL);
	put_timer_id(j, s->vm, s->vcpu, s->tid, s->timer);
	json_i64(j, "start_ns", s->start_ns);
	json_i64(j, "end_ns", s->end_ns);
	json_bool(j, "open", s->open);
	json_u64(j, "arms", s->arms);
	json_u64(j, "past_due", s->past_due);
	json_number(j, "rate_hz", s->rate_hz, 3);
	json_number(j, "peak_hz", s->peak_hz, 3);
	json_i64(j, "skew_start_ns", s->skew_start_ns);
	json_i64(j, "skew_max_ns", s->skew_max_ns);
	json_i64(j, "skew_end_ns", s->skew_end_ns);
	json_i64(j, "skew_error_ns", s->skew_error_ns);
	json_string(j, "kind", hvst_storm_kind_name(s->kind));
	json_i64(j, "period_ref", s->period_ref);
	json_i64(j, "predicted_end_ns", s->predicted_end_ns);
	json_number(j, "progress_before", share_or_null(s->progress_before), 4);
	json_number(j, "progress_during", share_or_null(s->progress_during), 4);
	json_bool(j, "endangers_watchdog", s->endangers_watchdog);
	json_i64(j, "episode", s->episode);
	put_trigger(j, s);
	put_evidence(j, &s->evidence);
	json_end_object(j);
}

void contract_storms(struct json *j, const struct hvst_result *r)
{
	unsigned int i;

	json_array(j, "storms");
	for (i = 0; i < r->nr_storms; i++)
		contract_storm(j, &r->storms[i]);
	json_end_array(j);
}

void contract_past_due(struct json *j, const struct hvst_past_due *p)
{
	json_object(j, "past_due");
	json_u64(j, "isolated", p->isolated);
	json_u64(j, "bursts", p->bursts);
	json_u64(j, "short_deadline", p->short_deadline);
	json_u64(j, "preempted", p->preempted);
	json_u64(j, "unexplained", p->unexplained);
	json_end_object(j);
}

void contract_reference(struct json *j, const struct hvst_ref_segment *s)
{
	json_object(j, NULL);
	json_id(j, "vm", s->vm);
	json_i64(j, "from_ns", s->from_ns);
	json_i64(j, "to_ns", s->to_ns);
	json_string(j, "source", hvst_ref_source_name(s->source));
	json_number(j, "rate_ppm", s->rate_ppm, 3);
	json_number(j, "rate_ppm_error", s->rate_ppm_error, 3);
	json_i64(j, "step_ns", s->step_ns);
	json_string(j, "why", s->why);
	json_end_object(j);
}

void contract_guest(struct json *j, const struct hvst_guest_transition *t)
{
	json_object(j, NULL);
	json_id(j, "vm", t->vm);
	json_id(j, "vcpu", t->vcpu);
	json_string(j, "role", hvst_clock_role_name(t->role));
	json_i64(j, "ts_ns", t->ts_ns);
	json_string(j, "from", hvst_guest_source_name(t->from));
	json_string(j, "to", hvst_guest_source_name(t->to));
	json_i64(j, "offset_ns", t->offset_ns);
	json_number(j, "rate_ppm", t->rate_ppm, 3);
	json_string(j, "confidence", hvst_confidence_name(t->confidence));
	put_evidence(j, &t->evidence);
	json_end_object(j);
}

void contract_clocks(struct json *j, const struct hvst_result *r)
{
	unsigned int i;

	json_object(j, "clocks");
	json_array(j, "reference");
	for (i = 0; i < r->nr_reference; i++)
		contract_reference(j, &r->reference[i]);
	json_end_array(j);
	json_array(j, "guest");
	for (i = 0; i < r->nr_guest; i++)
		contract_guest(j, &r->guest[i]);
	json_end_array(j);
	json_end_object(j);
}

static void put_by_vm(struct json *j, const struct hvst_verdict *v)
{
	unsigned int i;

	json_array(j, "by_vm");
	for (i = 0; i < v->nr_by_vm; i++) {
		json_object(j, NULL);
		json_id(j, "vm", v->by_vm[i].vm);
		json_string(j, "answer", hvst_answer_name(v->by_vm[i].answer));
		put_evidence(j, &v->by_vm[i].evidence);
		json_end_object(j);
	}
	json_end_array(j);
}

static void put_verdict(struct json *j, const struct hvst_verdict *v)
{
	unsigned int id;

	json_object(j, NULL);
	json_string(j, "question", hvst_question_name(v->question));
	json_string(j, "answer", hvst_answer_name(v->answer));
	json_string(j, "summary", v->summary);
	put_evidence(j, &v->evidence);
	json_array(j, "missing");
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (v->missing >> id & 1)
			json_string(j, NULL, hvst_event_name(id));
	json_end_array(j);
	put_by_vm(j, v);
	json_end_object(j);
}

void contract_verdicts(struct json *j, const struct hvst_result *r)
{
	unsigned int i;

	json_array(j, "verdicts");
	for (i = 0; i < HVST_Q_COUNT; i++)
		put_verdict(j, &r->verdicts[i]);
	json_end_array(j);
}

void contract_diagnosis(struct out *o, const struct hvst_trace *trace, const struct hvst_result *r)
{
	struct json j;

	contract_start(&j, o, trace);
	json_string(&j, "headline", r->headline);
	json_string(&j, "advice", r->advice);
	contract_vms(&j, r);
	contract_timers(&j, r);
	contract_storms(&j, r);
	contract_past_due(&j, &r->past_due);
	contract_clocks(&j, r);
	contract_verdicts(&j, r);
	contract_end(&j);
}
