// SPDX-License-Identifier: GPL-2.0
/* The parts of the JSON documents. */
#include <stdio.h>
#include <string.h>

#include "../array.h"
#include "contract.h"
#include "units.h"

/* The selected buffers of one file; with @previous_boot, only those that hold the previous boot. */
static void put_buffers(struct json *j, const char *key, const struct hvst_trace *t,
			unsigned int file, bool previous_boot)
{
	json_array(j, key);
	for (unsigned int i = 0; i < t->nr_buffers; i++) {
		const struct hvst_buffer_info *b = t->buffers[i];

		if (b->file == file && b->selected && (b->previous_boot || !previous_boot))
			json_string(j, NULL, b->name);
	}
	json_end_array(j);
}

static void put_files(struct json *j, const struct hvst_trace *t)
{
	unsigned int i;

	json_array(j, "files");
	for (i = 0; i < t->nr_files; i++) {
		json_object(j, NULL);
		json_string(j, "file", t->files[i]->path);
		json_i64(j, "version", t->files[i]->version);
		json_string(j, "compression", t->files[i]->compression);
		put_buffers(j, "buffers", t, i, false);
		put_buffers(j, "previous_boot", t, i, true);
		json_i64(j, "truncated_at", t->files[i]->truncated_at);
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
	return buffer >= 0 && (unsigned int)buffer < t->nr_buffers ? t->buffers[buffer]->name
								   : NULL;
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
	json_i64(j, "first_utc_ns", unit_utc_ns(t->first_ns));
	json_i64(j, "last_utc_ns", unit_utc_ns(t->last_ns));
	put_counters(j, t);
	put_lost(j, t);
	json_bool(j, "start_expired_recorded", t->start_expired_recorded);
	json_i64(j, "padding_ns", t->padding_ns);
	json_bool(j, "incomplete", t->incomplete);
	json_end_object(j);
}

static void start(struct json *j, struct out *o, const struct hvst_trace *trace,
		  unsigned int pretty)
{
	json_start(j, o, pretty);
	json_object(j, NULL);
	json_string(j, "schema", CONTRACT_SCHEMA);
	j->trace = trace;
	put_trace(j, trace);
}

void contract_start(struct json *j, struct out *o, const struct hvst_trace *trace)
{
	start(j, o, trace, 2);
}

void contract_end(struct json *j)
{
	json_end_object(j);
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

	for (i = 0; i < ARRAY_SIZE(points); i++)
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

static void put_evidence(struct json *j, const char *key, const struct hvst_evidence_list *l)
{
	unsigned int i;

	json_array(j, key);
	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];
		bool one = e->ts_ns != HVST_UNKNOWN;

		json_object(j, NULL);
		json_string(j, "event", e->event < 0 ? NULL : hvst_event_name(e->event));
		json_i64(j, "ts_ns", e->ts_ns);
		json_i64(j, "utc_ns", unit_utc_ns(e->ts_ns));
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

static void put_event_names(struct json *j, const char *key, uint64_t ids)
{
	unsigned int id;

	json_array(j, key);
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (ids >> id & 1)
			json_string(j, NULL, hvst_event_name(id));
	json_end_array(j);
}

static void put_list(struct json *j, const char *key, const struct finding_field *f,
		     const void *finding)
{
	unsigned int n;
	const void *list = field_list(f, finding, &n);

	contract_findings(j, key, f->of, list, n);
}

void contract_field(struct json *j, const char *key, const struct finding_field *f,
		    const void *finding)
{
	switch (f->type) {
	case VALUE_ID:
		json_id(j, key, field_int(f, finding));
		break;
	case VALUE_INT:
		json_i64(j, key, field_int(f, finding));
		break;
	case VALUE_BOOL:
		json_bool(j, key, field_bool(f, finding));
		break;
	case VALUE_COUNT:
		json_u64(j, key, field_u64(f, finding));
		break;
	case VALUE_TIME:
	case VALUE_UTC:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
	case VALUE_QUANTILE:
		json_i64(j, key, field_i64(f, finding));
		break;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		json_number(j, key, field_double(f, finding), field_decimals(f));
		break;
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_STRING:
	case VALUE_POINTER:
		json_string(j, key, field_string(f, finding));
		break;
	case VALUE_EVENTS:
		put_event_names(j, key, field_u64(f, finding));
		break;
	case VALUE_SKETCH:
		contract_sketch(j, key, field_sketch(f, finding));
		break;
	case VALUE_EVIDENCE:
		put_evidence(j, key, field_evidence(f, finding));
		break;
	case VALUE_LIST:
		put_list(j, key, f, finding);
		break;
	case VALUE_NONE:
	case VALUE_TEXT:
		break;
	}
}

/* "trigger.ts_ns": "trigger" into @buf; false for a name without a dot. */
static bool object_of(char *buf, size_t len, const char *name)
{
	size_t n = strcspn(name, ".");

	snprintf(buf, len, "%.*s", (int)n, name);
	return name[n];
}

/* The members of one object, from @i on; null if its first is unknown. Returns the next field. */
static unsigned int put_object(struct json *j, const struct finding_kind *kind, unsigned int i,
			       const void *finding)
{
	bool known = field_known(&kind->fields[i], finding);
	char object[32], other[32];

	object_of(object, sizeof(object), kind->fields[i].name);
	if (known)
		json_object(j, object);
	else
		json_null(j, object);
	for (; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (!f->name || !object_of(other, sizeof(other), f->name) || strcmp(object, other))
			break;
		if (known && f->in & IN_JSON)
			contract_field(j, f->name + strlen(object) + 1, f, finding);
	}
	if (known)
		json_end_object(j);
	return i;
}

void contract_finding(struct json *j, const char *key, const struct finding_kind *kind,
		      const void *finding)
{
	unsigned int i = 0;
	char object[32];

	json_object(j, key);
	while (i < kind->n) {
		const struct finding_field *f = &kind->fields[i];

		if (!(f->in & IN_JSON)) {
			i++;
		} else if (object_of(object, sizeof(object), f->name)) {
			i = put_object(j, kind, i, finding);
		} else {
			contract_field(j, f->name, f, finding);
			i++;
		}
	}
	json_end_object(j);
}

void contract_findings(struct json *j, const char *key, const struct finding_kind *kind,
		       const void *list, unsigned int n)
{
	unsigned int i;

	json_array(j, key);
	for (i = 0; i < n; i++)
		contract_finding(j, NULL, kind, finding_at(list, i));
	json_end_array(j);
}

void contract_lines(struct out *o, const struct hvst_trace *trace, const struct finding_kind *kind,
		    const void *list, unsigned int n)
{
	struct json j;
	unsigned int i;

	for (i = 0; i < n; i++) {
		json_start(&j, o, 0);
		j.trace = trace;
		contract_finding(&j, NULL, kind, finding_at(list, i));
	}
}

/* --- parts of a document ---------------------------------------------------------------------- */

void contract_vms(struct json *j, const struct hvst_result *r)
{
	contract_findings(j, "vms", &finding_vm, r->vms, r->nr_vms);
}

void contract_timers(struct json *j, const struct hvst_result *r)
{
	contract_findings(j, "timers", &finding_timer, r->timers, r->nr_timers);
}

void contract_storms(struct json *j, const struct hvst_result *r)
{
	contract_findings(j, "storms", &finding_storm, r->storms, r->nr_storms);
	contract_finding(j, "past_due", &finding_past_due, r->past_due);
}

void contract_clocks(struct json *j, const struct hvst_result *r)
{
	json_object(j, "clocks");
	contract_findings(j, "reference", &finding_reference, r->reference, r->nr_reference);
	contract_findings(j, "guest", &finding_guest, r->guest, r->nr_guest);
	contract_findings(j, "life", &finding_life, r->life, r->nr_life);
	contract_findings(j, "moves", &finding_move, r->moves, r->nr_moves);
	contract_findings(j, "points", &finding_point, r->points, r->nr_points);
	json_end_object(j);
}

/* @n texts of @size bytes each, one after the other. */
static void put_texts(struct json *j, const char *key, const char *first, size_t size,
		      unsigned int n)
{
	unsigned int i;

	json_array(j, key);
	for (i = 0; i < n; i++)
		json_string(j, NULL, first + i * size);
	json_end_array(j);
}

static void put_parts(struct json *j, const char *key, const double *part, unsigned int n)
{
	json_array(j, key);
	for (unsigned int i = 0; i < n; i++)
		json_u64(j, NULL, (uint64_t)part[i]);
	json_end_array(j);
}

static void put_unit_blocks(struct json *j, const struct unit *u, unsigned int blocks)
{
	json_object(j, NULL);
	json_id(j, "vm", u->vm);
	json_id(j, "vcpu", u->vcpu);
	json_id(j, "tid", u->tid);
	json_id(j, "timer", u->timer);
	for (unsigned int m = 0; m < MEASURES; m++) {
		if (!u->measured[m].known)
			continue;
		json_object(j, measure_name(m));
		put_parts(j, "sum", u->measured[m].part, blocks);
		put_parts(j, "of", u->measured[m].part_base, blocks);
		json_end_object(j);
	}
	json_end_object(j);
}

/* Of timers and vCPUs: a VM is made of these. */
static void put_blocks(struct json *j, const struct side *s)
{
	json_object(j, "blocks");
	json_u64(j, "blocks", s->nr_batches);
	json_i64(j, "block_ns", s->nr_batches ? s->batch_ns : HVST_UNKNOWN);
	json_array(j, "units");
	for (unsigned int i = 0; i < s->nr_units; i++)
		if (s->units[i].vcpu >= 0 || s->units[i].timer >= 0)
			put_unit_blocks(j, &s->units[i], s->nr_batches);
	json_end_array(j);
	json_end_object(j);
}

static void put_diagnosis(struct json *j, const struct hvst_result *r, const struct side *blocks)
{
	json_string(j, "headline", r->headline);
	put_texts(j, "reasons", r->reasons[0], sizeof(r->reasons[0]), r->nr_reasons);
	put_texts(j, "next", r->next[0], sizeof(r->next[0]), r->nr_next);
	json_string(j, "advice", r->advice);
	contract_vms(j, r);
	contract_timers(j, r);
	contract_storms(j, r);
	contract_clocks(j, r);
	contract_findings(j, "verdicts", &finding_verdict, r->verdicts, r->nr_verdicts);
	if (blocks)
		put_blocks(j, blocks);
	contract_end(j);
}

void contract_diagnosis(struct out *o, const struct hvst_trace *trace, const struct hvst_result *r,
			const struct side *blocks)
{
	struct json j;

	start(&j, o, trace, 2);
	put_diagnosis(&j, r, blocks);
}

void contract_diagnosis_line(struct out *o, const struct hvst_trace *trace,
			     const struct hvst_result *r)
{
	struct json j;

	start(&j, o, trace, 0);
	put_diagnosis(&j, r, NULL);
}
