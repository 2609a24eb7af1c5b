// SPDX-License-Identifier: GPL-2.0
/* Documents of the contract "hvstimer/2" (tests/schema/hvstimer-2.schema.json). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "stored_private.h"

#define SCHEMA "hvstimer/2"

/* Parts of a document that have been seen. */
enum { SEEN_SCHEMA = 1, SEEN_TRACE = 2, SEEN_VERDICTS = 4, SEEN_ALL = 7 };

struct document {
	struct stored_file *f;
	struct json_reader *r;
	struct stored_recording *rec;
	const struct stored_ops *ops;
	void *ctx;
	unsigned int seen;
};

/* The reader's error, or @what. Returns -EINVAL. */
static int bad(const struct document *d, const char *what)
{
	json_fail(d->r, what);
	return stored_fail(d->f, "%s", d->r->error);
}

/* The next member or element; false at the end, and at an error, which is in *@err. */
static bool next(const struct document *d, enum json_token *t, int *err)
{
	*t = *err ? JSON_CLOSE : json_next(d->r);
	if (*t == JSON_ERROR)
		*err = bad(d, "");
	return *t != JSON_ERROR && *t != JSON_CLOSE;
}

static int skip(const struct document *d, enum json_token t)
{
	return json_skip(d->r, t) ? 0 : bad(d, "");
}

/* --- sketches --------------------------------------------------------------------------------- */

static int read_i64(const struct document *d, enum json_token t, int64_t *v)
{
	if (t == JSON_NULL) {
		*v = HVST_UNKNOWN;
		return 0;
	}
	return t == JSON_NUMBER && json_to_i64(d->r, v) ? 0 : bad(d, "not an integer");
}

static int read_u64(const struct document *d, enum json_token t, uint64_t *v)
{
	return t == JSON_NUMBER && json_to_u64(d->r, v) ? 0 : bad(d, "not a count");
}

static int read_bucket(const struct document *d, struct rebuild *b)
{
	int64_t lo = HVST_UNKNOWN, hi = HVST_UNKNOWN;
	uint64_t count = 0;
	enum json_token t;
	int err = 0;

	while (next(d, &t, &err)) {
		if (!strcmp(d->r->key, "lo"))
			err = read_i64(d, t, &lo);
		else if (!strcmp(d->r->key, "hi"))
			err = read_i64(d, t, &hi);
		else if (!strcmp(d->r->key, "count"))
			err = read_u64(d, t, &count);
		else
			err = skip(d, t);
	}
	if (!err)
		err = rebuild_bucket(b, lo, hi, count);
	return err == -EINVAL ? bad(d, "no bucket of a distribution of this version") : err;
}

static int read_buckets(const struct document *d, enum json_token t, struct rebuild *b)
{
	int err = t == JSON_ARRAY && !b->buckets ? 0 : bad(d, "no list of buckets");

	while (next(d, &t, &err))
		err = t == JSON_OBJECT ? read_bucket(d, b) : bad(d, "no bucket");
	return err;
}

static int read_distribution(const struct document *d, struct rebuild *b)
{
	int64_t min = HVST_UNKNOWN, max = HVST_UNKNOWN;
	uint64_t count = 0;
	enum json_token t;
	int err = 0;

	while (next(d, &t, &err)) {
		if (!strcmp(d->r->key, "min"))
			err = read_i64(d, t, &min);
		else if (!strcmp(d->r->key, "max"))
			err = read_i64(d, t, &max);
		else if (!strcmp(d->r->key, "count"))
			err = read_u64(d, t, &count);
		else if (!strcmp(d->r->key, "buckets"))
			err = read_buckets(d, t, b);
		else
			err = skip(d, t);
	}
	if (!err && b->count != count)
		return bad(d, "the buckets of a distribution do not add up to its count");
	if (!err)
		err = rebuild_end(b, min, max);
	return err == -EINVAL ? bad(d, "extremes of a distribution outside its buckets") : err;
}

static int read_sketch(const struct document *d, enum json_token t, const struct finding_field *f,
		       void *finding)
{
	struct rebuild b = { 0 };
	int err;

	if (t == JSON_NULL)
		return 0;
	if (t != JSON_OBJECT || field_sketch(f, finding))
		return bad(d, "no distribution");
	err = read_distribution(d, &b);
	memcpy((char *)finding + f->offset, &b.s, sizeof(b.s));
	return err == -ENOMEM ? stored_fail(d->f, "out of memory") : err;
}

/* --- findings --------------------------------------------------------------------------------- */

static int read_integer(const struct document *d, const struct finding_field *f, void *finding)
{
	bool small = f->type == VALUE_ID || f->type == VALUE_INT;
	uint64_t count;
	int64_t v;
	int err;

	if (f->type == VALUE_COUNT) {
		err = read_u64(d, JSON_NUMBER, &count);
		v = (int64_t)count;
	} else {
		err = read_i64(d, JSON_NUMBER, &v);
	}
	if (!err && small && (v < 0 || v > INT_MAX))
		return bad(d, "number out of range");
	if (!err)
		field_set_i64(f, finding, v);
	return err;
}

static int read_number(const struct document *d, const struct finding_field *f, void *finding)
{
	double v;

	switch (f->type) {
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		if (!json_to_double(d->r, &v))
			return bad(d, "");
		field_set_double(f, finding, v);
		return 0;
	case VALUE_ID:
	case VALUE_INT:
	case VALUE_COUNT:
	case VALUE_TIME:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
		return read_integer(d, f, finding);
	case VALUE_UTC: /* no member of its own */
		return 0;
	default:
		return bad(d, "a number where there should be none");
	}
}

/* A single value. Null means unknown, which the field is already. */
static int read_value(const struct document *d, enum json_token t, const struct finding_field *f,
		      void *finding)
{
	if (f->type == VALUE_SKETCH)
		return read_sketch(d, t, f, finding);
	if (t == JSON_NUMBER)
		return read_number(d, f, finding);
	if ((t == JSON_TRUE || t == JSON_FALSE) && f->type == VALUE_BOOL)
		field_set_i64(f, finding, t == JSON_TRUE);
	else if (t == JSON_STRING && (f->type == VALUE_WORD || f->type == VALUE_EVENT))
		return field_set_word(f, finding, d->r->text) ? 0
							      : bad(d, "not a word that is known");
	return skip(d, t);
}

static const struct finding_field *find_field(const struct finding_kind *kind, const char *name)
{
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		if (kind->fields[i].name && !strcmp(kind->fields[i].name, name))
			return &kind->fields[i];
	return NULL;
}

/* Does @kind have fields "@object.something"? */
static bool has_object(const struct finding_kind *kind, const char *object)
{
	size_t len = strlen(object);
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		if (kind->fields[i].name && !strncmp(kind->fields[i].name, object, len) &&
		    kind->fields[i].name[len] == '.')
			return true;
	return false;
}

static int read_member(const struct document *d, enum json_token t, const char *object,
		       const struct finding_kind *kind, void *finding)
{
	char name[2 * sizeof(d->r->key)];
	const struct finding_field *f;

	snprintf(name, sizeof(name), "%s%s%s", object, *object ? "." : "", d->r->key);
	f = find_field(kind, name);
	return f ? read_value(d, t, f, finding) : skip(d, t);
}

static int read_members(const struct document *d, const char *object,
			const struct finding_kind *kind, void *finding)
{
	enum json_token t;
	int err = 0;

	while (next(d, &t, &err))
		err = read_member(d, t, object, kind, finding);
	return err;
}

/* A finding, after its brace; all of its fields are unknown so far. */
static int read_finding(const struct document *d, const struct finding_kind *kind, void *finding)
{
	char object[sizeof(d->r->key)];
	enum json_token t;
	int err = 0;

	while (next(d, &t, &err)) {
		memcpy(object, d->r->key, sizeof(object));
		if (t == JSON_OBJECT && has_object(kind, object))
			err = read_members(d, object, kind, finding);
		else
			err = read_member(d, t, "", kind, finding);
	}
	return err;
}

static int read_timer(const struct document *d)
{
	struct hvst_timer timer;
	int err;

	finding_set_unknown(&finding_timer, &timer);
	err = read_finding(d, &finding_timer, &timer);
	if (!err)
		err = d->ops->timer(d->ctx, &timer);
	stored_timer_free(&timer);
	return err;
}

static int read_storm(const struct document *d)
{
	struct hvst_storm storm;
	int err;

	finding_set_unknown(&finding_storm, &storm);
	err = read_finding(d, &finding_storm, &storm);
	if (!err && (storm.start_ns == HVST_UNKNOWN || storm.end_ns < storm.start_ns))
		err = bad(d, "a storm without beginning or end");
	return err ? err : d->ops->storm(d->ctx, &storm);
}

static int read_verdict(const struct document *d)
{
	struct hvst_verdict verdict;
	int err;

	stored_verdict_start(&verdict);
	err = read_finding(d, &finding_verdict, &verdict);
	if (!err && !stored_verdict_known(&verdict))
		err = bad(d, "a verdict without question or answer");
	return err ? err : d->ops->verdict(d->ctx, &verdict);
}

static int read_findings(const struct document *d, enum json_token t,
			 int (*read)(const struct document *d))
{
	int err = t == JSON_ARRAY ? 0 : bad(d, "no list of findings");

	while (next(d, &t, &err))
		err = t == JSON_OBJECT ? read(d) : bad(d, "no finding");
	return err;
}

/* --- VMs and blocks of time ------------------------------------------------------------------- */

static int read_id(const struct document *d, enum json_token t, int *id)
{
	int64_t v;
	int err = read_i64(d, t, &v);

	if (!err && v != HVST_UNKNOWN && (v < 0 || v > INT_MAX))
		return bad(d, "number out of range");
	*id = err || v == HVST_UNKNOWN ? -1 : (int)v;
	return err;
}

static int read_vm(const struct document *d)
{
	char name[sizeof(((struct side_vm *)NULL)->name)] = "";
	enum json_token t;
	int vm = -1, err = 0;

	while (next(d, &t, &err)) {
		bool named = t == JSON_STRING && !strcmp(d->r->key, "name");

		if (named)
			snprintf(name, sizeof(name), "%.*s", (int)sizeof(name) - 1, d->r->text);
		err = strcmp(d->r->key, "vm") ? skip(d, t) : read_id(d, t, &vm);
	}
	return err || !*name || !d->ops->vm ? err : d->ops->vm(d->ctx, vm, name);
}

/* One number for each block; integers up to 2^53, so that their sums stay exact. */
static int read_sums(const struct document *d, enum json_token t, double *part, double *sum)
{
	int err = t == JSON_ARRAY ? 0 : bad(d, "no list of sums");
	uint64_t v = 0;

	for (unsigned int i = 0; next(d, &t, &err); i++) {
		err = read_u64(d, t, &v);
		if (!err && (i == MAX_BLOCKS || v > 1ull << 53))
			return bad(d, "more blocks, or a larger sum, than there can be");
		if (err)
			break;
		part[i] = (double)v;
		*sum += (double)v;
	}
	return err;
}

static int read_measure(const struct document *d, enum json_token t, struct measured *m)
{
	int err = t == JSON_OBJECT ? 0 : bad(d, "no sums");

	memset(m, 0, sizeof(*m));
	while (next(d, &t, &err)) {
		if (!strcmp(d->r->key, "sum"))
			err = read_sums(d, t, m->part, &m->sum);
		else if (!strcmp(d->r->key, "of"))
			err = read_sums(d, t, m->part_base, &m->base);
		else
			err = skip(d, t);
	}
	return err;
}

static int read_unit_member(const struct document *d, enum json_token t, struct unit *u)
{
	const char *key = d->r->key;

	if (!strcmp(key, "vm"))
		return read_id(d, t, &u->vm);
	if (!strcmp(key, "vcpu"))
		return read_id(d, t, &u->vcpu);
	if (!strcmp(key, "tid"))
		return read_id(d, t, &u->tid);
	if (!strcmp(key, "timer"))
		return read_id(d, t, &u->timer);
	for (unsigned int m = 0; m < MEASURES; m++)
		if (!strcmp(key, measure_name(m)))
			return read_measure(d, t, &u->measured[m]);
	return skip(d, t);
}

static int read_unit(const struct document *d)
{
	struct unit u = { .vm = -1, .vcpu = -1, .tid = -1, .timer = -1 };
	enum json_token t;
	int err = 0;

	while (next(d, &t, &err))
		err = read_unit_member(d, t, &u);
	return err || !d->ops->unit ? err : d->ops->unit(d->ctx, &u);
}

static int read_blocks(const struct document *d, enum json_token t)
{
	int err = t == JSON_OBJECT ? 0 : bad(d, "no blocks of time");
	uint64_t n = 0;

	while (next(d, &t, &err)) {
		if (!strcmp(d->r->key, "blocks"))
			err = read_u64(d, t, &n);
		else if (!strcmp(d->r->key, "block_ns"))
			err = read_i64(d, t, &d->rec->block_ns);
		else if (!strcmp(d->r->key, "units"))
			err = read_findings(d, t, read_unit);
		else
			err = skip(d, t);
	}
	if (!err && (n > MAX_BLOCKS || (n && d->rec->block_ns <= 0)))
		return bad(d, "more blocks than there can be, or of no length");
	d->rec->blocks = (unsigned int)n;
	return err;
}

/* --- the document ----------------------------------------------------------------------------- */

/* The name of the first file. */
static int read_files(const struct document *d, enum json_token t)
{
	enum json_token member;
	int err = t == JSON_ARRAY ? 0 : bad(d, "no list of files");

	while (next(d, &t, &err)) {
		if (t != JSON_OBJECT)
			return bad(d, "no file");
		while (next(d, &member, &err)) {
			bool name = member == JSON_STRING && !strcmp(d->r->key, "file");

			if (name && !*d->rec->file)
				memcpy(d->rec->file, d->r->text, sizeof(d->rec->file));
			err = skip(d, member);
		}
	}
	return err;
}

static int read_trace(const struct document *d, enum json_token t)
{
	int err = t == JSON_OBJECT ? 0 : bad(d, "no trace");

	while (next(d, &t, &err))
		err = strcmp(d->r->key, "files")
			      ? read_member(d, t, "", stored_trace_kind(), &d->rec->trace)
			      : read_files(d, t);
	return err;
}

static int read_schema(const struct document *d, enum json_token t)
{
	if (t == JSON_STRING && !strcmp(d->r->text, SCHEMA))
		return 0;
	return stored_fail(d->f, "the document is of schema '%.64s', not " SCHEMA,
			   t == JSON_STRING ? d->r->text : "?");
}

static int read_part(struct document *d, enum json_token t)
{
	static const struct {
		const char *key;
		unsigned int seen;
		int (*read)(const struct document *d);
	} lists[] = {
		{ "vms", 0, read_vm },
		{ "timers", 0, read_timer },
		{ "storms", 0, read_storm },
		{ "verdicts", SEEN_VERDICTS, read_verdict },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(lists); i++) {
		if (strcmp(d->r->key, lists[i].key))
			continue;
		d->seen |= lists[i].seen;
		return read_findings(d, t, lists[i].read);
	}
	if (!strcmp(d->r->key, "trace")) {
		d->seen |= SEEN_TRACE;
		return read_trace(d, t);
	}
	if (!strcmp(d->r->key, "blocks"))
		return read_blocks(d, t);
	if (strcmp(d->r->key, "schema"))
		return skip(d, t);
	d->seen |= SEEN_SCHEMA;
	return read_schema(d, t);
}

int stored_json_next(struct stored_file *f, struct stored_recording *rec,
		     const struct stored_ops *ops, void *ctx)
{
	struct document d = { f, &f->json, rec, ops, ctx, 0 };
	enum json_token t = json_next(d.r);
	int err = 0;

	if (t == JSON_END)
		return 0;
	if (t != JSON_OBJECT)
		return bad(&d, "no result of diagnose");
	while (next(&d, &t, &err))
		err = read_part(&d, t);
	if (!err && d.seen != SEEN_ALL)
		err = bad(&d, "no result of diagnose (schema, trace or verdicts are missing)");
	return err ? err : 1;
}
