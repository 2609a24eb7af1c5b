// SPDX-License-Identifier: GPL-2.0
/* Makes rows of findings and hands them to the sinks. */
#include "rows.h"

/* Hand a row to every sink. Returns its number in its table. */
static uint64_t put(struct rows *rows, enum export_table_id table, const void *of,
		    const void *finding)
{
	const struct export_row row = {
		.table = &export_tables[table],
		.recording = rows->recording,
		.id = ++rows->last_id[table],
		.of = of,
		.finding = finding,
	};
	unsigned int i;

	for (i = 0; !rows->error && i < rows->nr_sinks; i++)
		rows->error = rows->sinks[i]->row(rows->sinks[i], &row);
	return row.id;
}

static void put_recording(struct rows *rows, const struct hvst_result *r)
{
	const struct hvst_trace *t = rows->trace;
	const struct hvst_file_info *f = t->files[0];
	const struct recording_row row = {
		.file = f->path,
		.files = (int)t->nr_files,
		.version = f->version,
		.compression = f->compression,
		.uname = f->uname,
		.truncated_at = f->truncated_at,
		.headline = r->headline,
		.advice = r->advice,
	};

	put(rows, TABLE_RECORDINGS, &row, t);
}

static void put_vms(struct rows *rows, const struct hvst_result *r)
{
	unsigned int i, j;

	for (i = 0; i < r->nr_vms; i++) {
		const struct vm_owner owner = { r->vms[i]->vm };

		put(rows, TABLE_VMS, NULL, r->vms[i]);
		for (j = 0; j < r->vms[i]->nr_vcpus; j++)
			put(rows, TABLE_VCPUS, &owner, r->vms[i]->vcpus[j]);
	}
}

static const char *buffer_name(const struct hvst_trace *t, int buffer)
{
	return buffer >= 0 && (unsigned int)buffer < t->nr_buffers ? t->buffers[buffer]->name
								   : NULL;
}

static void put_evidence(struct rows *rows, enum export_table_id table, uint64_t id,
			 const struct hvst_evidence_list *l)
{
	unsigned int i;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];
		bool one = e->ts_ns != HVST_UNKNOWN;
		const struct evidence_row row = {
			.finding_table = export_tables[table].name,
			.finding_id = id,
			.event = e->event < 0 ? NULL : hvst_event_name(e->event),
			.ts_ns = e->ts_ns,
			.ts_raw = one ? (int64_t)e->ts_raw : HVST_UNKNOWN,
			.cpu = e->cpu,
			.tid = e->tid,
			.buffer = buffer_name(rows->trace, e->buffer),
			.text = e->text,
		};

		put(rows, TABLE_EVIDENCE, NULL, &row);
	}
}

/* All findings of one table, each with its evidence where its kind has some. */
static void put_findings(struct rows *rows, enum export_table_id table, const void *of,
			 const void *list, unsigned int n)
{
	const struct finding_kind *kind = export_tables[table].kind;
	unsigned int i, f;

	for (i = 0; i < n; i++) {
		const void *finding = finding_at(list, i);
		uint64_t id = put(rows, table, of, finding);

		for (f = 0; f < kind->n; f++)
			if (kind->fields[f].type == VALUE_EVIDENCE)
				put_evidence(rows, table, id,
					     field_evidence(&kind->fields[f], finding));
	}
}

static void put_sketch(struct rows *rows, const struct hvst_timer *t, const struct finding_field *f)
{
	const struct hvst_sketch *sketch = field_sketch(f, t);
	struct sketch_row row = {
		.metric = f->name,
		.vm = t->vm,
		.vcpu = t->vcpu,
		.tid = t->tid,
		.timer = t->timer,
	};
	unsigned int iter = 0;

	while (sketch &&
	       hvst_sketch_next(sketch, &iter, &row.bucket_low, &row.bucket_high, &row.count))
		put(rows, TABLE_SKETCH, NULL, &row);
}

static void put_sketches(struct rows *rows, const struct hvst_result *r)
{
	unsigned int i, f;

	for (i = 0; i < r->nr_timers; i++)
		for (f = 0; f < finding_timer.n; f++)
			if (finding_timer.fields[f].type == VALUE_SKETCH)
				put_sketch(rows, r->timers[i], &finding_timer.fields[f]);
}

static void put_verdicts(struct rows *rows, const struct hvst_result *r)
{
	unsigned int i;

	put_findings(rows, TABLE_VERDICTS, NULL, r->verdicts, r->nr_verdicts);
	for (i = 0; i < r->nr_verdicts; i++) {
		const struct hvst_verdict *v = r->verdicts[i];
		const struct question_owner owner = { hvst_question_name(v->question) };

		put_findings(rows, TABLE_VM_VERDICTS, &owner, v->by_vm, v->nr_by_vm);
	}
}

int rows_result(struct rows *rows, const struct hvst_result *r)
{
	put_recording(rows, r);
	put_vms(rows, r);
	put_findings(rows, TABLE_TIMERS, NULL, r->timers, r->nr_timers);
	put_findings(rows, TABLE_STORMS, NULL, r->storms, r->nr_storms);
	put_findings(rows, TABLE_PAST_DUE, NULL, &r->past_due, 1);
	put_findings(rows, TABLE_STEPS, NULL, r->reference, r->nr_reference);
	put_findings(rows, TABLE_TRANSITIONS, NULL, r->guest, r->nr_guest);
	put_findings(rows, TABLE_LIFE, NULL, r->life, r->nr_life);
	put_findings(rows, TABLE_MOVES, NULL, r->moves, r->nr_moves);
	put_findings(rows, TABLE_POINTS, NULL, r->points, r->nr_points);
	put_verdicts(rows, r);
	put_sketches(rows, r);
	return rows->error;
}

/* Reference time; 0 stands for unknown, and no VM is 29,000 years old. */
static int64_t reference_time(uint64_t v)
{
	return v && v <= INT64_MAX ? (int64_t)v : HVST_UNKNOWN;
}

int rows_notes(struct rows *rows, const struct notes *notes)
{
	for (unsigned int i = 0; i < notes->n; i++)
		put(rows, TABLE_NOTES, NULL, &notes->note[i]);
	return rows->error;
}

int rows_arm(struct rows *rows, const struct hvst_arm *arm, const struct who *who)
{
	static const char *const kinds[] = {
		[HVST_ARM_AHEAD] = "ahead",
		[HVST_ARM_PAST_DUE] = "past_due",
		[HVST_ARM_PERIODIC] = "periodic",
	};
	const struct arm_row row = {
		.vm = who->vm,
		.vcpu = who->vcpu,
		.tid = arm->tid,
		.timer = arm->timer,
		.cpu = arm->cpu,
		.kind = kinds[arm->kind],
		.ts_ns = arm->ts_ns,
		.ts_raw = (int64_t)arm->ts_raw,
		.time_now = reference_time(arm->time_now),
		.count = arm->count,
		.skew_ns = arm->skew_ns,
		.error_ns = arm->skew_ns == HVST_UNKNOWN ? HVST_UNKNOWN : arm->error_ns,
		.period_ref = reference_time(arm->period_ref),
		.inferred = arm->flags & HVST_ARM_INFERRED,
		.restart = arm->flags & HVST_ARM_RESTART,
		.padded = arm->flags & HVST_ARM_PADDED,
		.host = arm->flags & HVST_ARM_HOST,
		.parked = arm->flags & HVST_ARM_PARKED,
	};

	put(rows, TABLE_ARMS, NULL, &row);
	return rows->error;
}
