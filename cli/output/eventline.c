// SPDX-License-Identifier: GPL-2.0
/* Events as lines, without printf(). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "eventline.h"
#include "csv.h"
#include "json.h"
#include "units.h"

#define MAX_FIELDS  16 /* as many as struct hvst_event.present has bits */
#define MAX_COLUMNS 128
#define KEY_LEN	    40

/* A field with its key as it will be written: `, "count": ` or ` count=`. */
struct key {
	char text[KEY_LEN];
	uint8_t len;
	uint8_t flags;
	uint8_t column;
};

struct eventline {
	enum format format;
	const struct hvst_trace *trace; /* NULL: it has one file */
	bool utc;			/* lines have the wall-clock time */
	struct hvst_decoder *decoder;	/* of text; else NULL */
	struct key keys[HVST_EV_COUNT][MAX_FIELDS];
	unsigned int nr_keys[HVST_EV_COUNT];
	const char *columns[MAX_COLUMNS];
	unsigned int nr_columns;
};

static unsigned int column_of(struct eventline *l, const char *name)
{
	unsigned int i;

	for (i = 0; i < l->nr_columns; i++)
		if (!strcmp(l->columns[i], name))
			return i;
	if (i < MAX_COLUMNS)
		l->columns[l->nr_columns++] = name;
	return i;
}

static void make_keys(struct eventline *l, unsigned int id)
{
	const struct hvst_field *f;
	unsigned int i, n;

	f = hvst_event_fields(id, &n);
	l->nr_keys[id] = n < MAX_FIELDS ? n : MAX_FIELDS;
	for (i = 0; i < l->nr_keys[id]; i++) {
		struct key *k = &l->keys[id][i];

		k->len = snprintf(k->text, sizeof(k->text),
				  l->format == FORMAT_JSONL ? ", \"%s\": " : " %s=", f[i].name);
		k->flags = f[i].flags;
		k->column = column_of(l, f[i].name);
	}
}

struct eventline *eventline_new(enum format format, uint64_t ids, const struct hvst_trace *trace,
				bool utc)
{
	struct eventline *l = calloc(1, sizeof(*l));
	unsigned int id;

	if (!l)
		return NULL;
	l->format = format;
	l->utc = utc;
	l->trace = trace && trace->nr_files > 1 ? trace : NULL;
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (ids >> id & 1)
			make_keys(l, id);
	if (format != FORMAT_TEXT)
		return l;
	l->decoder = hvst_decoder_new();
	if (l->decoder)
		return l;
	free(l);
	return NULL;
}

void eventline_free(struct eventline *l)
{
	if (l)
		hvst_decoder_free(l->decoder);
	free(l);
}

void eventline_pass(const struct eventline *l, const struct hvst_event *ev)
{
	char text[1];

	if (l->decoder && (ev->id <= HVST_EV_STIMER_EXPIRATION || ev->id == HVST_EV_LOST))
		hvst_decoder_text(l->decoder, ev, text, sizeof(text));
}

/* The path of the file that @ev is from, NULL if there is only one. */
static const char *file_of(const struct eventline *l, const struct hvst_event *ev)
{
	return l->trace ? l->trace->files[l->trace->buffers[ev->buffer]->file]->path : NULL;
}

static const char *name_of(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_LOST ? "lost" : hvst_event_name(ev->id);
}

static void put_value(struct out *o, uint64_t v, uint8_t flags, enum format format)
{
	if (flags & HVST_FIELD_BOOL && format == FORMAT_JSONL)
		out_str(o, v ? "true" : "false");
	else if (flags & HVST_FIELD_SIGNED)
		out_i64(o, v);
	else if (flags & HVST_FIELD_HEX && format == FORMAT_TEXT)
		out_hex(o, v);
	else
		out_u64(o, v);
}

/* The event's own fields, those that its kernel has. */
static void put_fields(const struct eventline *l, struct out *o, const struct hvst_event *ev)
{
	const struct key *k = l->keys[ev->id];
	unsigned int i;
	uint64_t v;

	for (i = 0; i < l->nr_keys[ev->id]; i++) {
		if (!hvst_event_value(ev, i, &v))
			continue;
		out_mem(o, k[i].text, k[i].len);
		put_value(o, v, k[i].flags, l->format);
	}
}

/* --- text ------------------------------------------------------------------------------------- */

static void pad_to(struct out *o, size_t start, unsigned int width)
{
	size_t used = o->len - start;

	out_pad(o, used < width ? width - used : 1, ' ');
}

/* Seconds with nine digits, right-aligned like trace-cmd report's. */
static void put_seconds(struct out *o, int64_t ns)
{
	uint64_t abs = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	uint64_t s = abs / 1000000000, frac = abs % 1000000000, scale;

	for (scale = 10000; scale > 1 && s < scale; scale /= 10)
		out_char(o, ' ');
	out_char(o, ns < 0 ? '-' : ' ');
	out_u64(o, s);
	out_char(o, '.');
	for (scale = 100000000; scale; scale /= 10)
		out_char(o, '0' + frac / scale % 10);
}

static void put_cpu(struct out *o, unsigned int cpu)
{
	out_str(o, " [");
	out_pad(o, cpu < 10 ? 2 : cpu < 100 ? 1 : 0, '0');
	out_u64(o, cpu);
	out_str(o, "] ");
}

static void text_lost(struct out *o, const struct hvst_event *ev)
{
	out_role(o, ROLE_WARN);
	if (ev->lost.count)
		out_u64(o, ev->lost.count);
	else
		out_str(o, "an unknown number of");
	out_str(o, " events lost here");
	out_plain(o);
}

/*
 * What the event means, coloured by whether it arms past due or ahead. False: nothing beyond its
 * fields, or they do not suffice.
 */
static bool text_meaning(const struct eventline *l, struct out *o, const struct hvst_event *ev,
			 const struct derived *d)
{
	enum role role = d->skew_ns == HVST_UNKNOWN ? ROLE_NONE
			 : d->skew_ns >= 0	    ? ROLE_BAD
						    : ROLE_GOOD;
	char text[256];

	if (!hvst_decoder_text(l->decoder, ev, text, sizeof(text)))
		return false;
	out_str(o, " [");
	out_in(o, role, text);
	out_char(o, ']');
	return true;
}

/* @skew: it has not been printed yet. */
static void text_derived(struct out *o, const struct derived *d, bool skew)
{
	char buf[UNIT_BUF];

	if (d->inferred)
		out_str(o, " (an arm past due, inferred)");
	if (skew && d->skew_ns != HVST_UNKNOWN) {
		out_role(o, d->skew_ns >= 0 ? ROLE_BAD : ROLE_GOOD);
		out_str(o, " skew=");
		out_str(o, unit_signed(buf, d->skew_ns));
		out_plain(o);
	}
	if (d->arm && (!strcmp(d->arm, "restart") || !strcmp(d->arm, "padding"))) {
		out_str(o, " (");
		out_str(o, d->arm);
		out_char(o, ')');
	}
}

static void put_text(const struct eventline *l, struct out *o, const struct hvst_event *ev,
		     const char *comm, const struct derived *d)
{
	const char *file = file_of(l, ev);
	char wall[UNIT_BUF];
	size_t start;
	bool explained;

	out_room(o, 512); /* no flush within the line: columns are counted in the buffer */
	if (file) {
		out_safe(o, file);
		out_char(o, ':');
	}
	start = o->len;
	put_seconds(o, ev->ts_ns);
	if (l->utc) {
		out_char(o, ' ');
		out_str(o, unit_utc_time(wall, ev->ts_ns));
	}
	put_cpu(o, ev->cpu);
	if (ev->id == HVST_EV_LOST) {
		eventline_pass(l, ev);
		text_lost(o, ev);
		out_char(o, '\n');
		return;
	}
	out_safe(o, comm);
	out_char(o, '-');
	out_i64(o, ev->pid);
	pad_to(o, start, l->utc ? 57 : 44);
	out_str(o, "vm");
	if (d->vm < 0)
		out_char(o, '?');
	else
		out_u64(o, d->vm);
	out_char(o, ' ');
	out_in(o, ROLE_TITLE, name_of(ev));
	out_char(o, ':');
	put_fields(l, o, ev);
	explained = text_meaning(l, o, ev, d);
	text_derived(o, d, d->inferred || !explained);
	out_char(o, '\n');
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void put_id(struct out *o, int id)
{
	if (id < 0)
		out_str(o, "null");
	else
		out_u64(o, id);
}

static void json_derived(struct out *o, const struct derived *d)
{
	if (d->arm) {
		out_str(o, ", \"arm\": \"");
		out_str(o, d->arm);
		out_char(o, '"');
	}
	if (d->inferred)
		out_str(o, ", \"inferred\": true");
	if (d->skew_ns != HVST_UNKNOWN) {
		out_str(o, ", \"skew_ns\": ");
		out_i64(o, d->skew_ns);
	} else if (d->inferred) {
		out_str(o, ", \"skew_ns\": null");
	}
	if (d->inferred && d->skew_ns != HVST_UNKNOWN) {
		out_str(o, ", \"skew_error_ns\": ");
		out_i64(o, d->skew_error_ns);
	}
}

static void put_json(const struct eventline *l, struct out *o, const struct hvst_event *ev,
		     const char *comm, const struct derived *d)
{
	const char *file = file_of(l, ev);
	char wall[UNIT_BUF];

	out_str(o, "{\"ts_ns\": ");
	out_i64(o, ev->ts_ns);
	if (l->utc) {
		out_str(o, ", \"utc\": ");
		json_quote(o, unit_utc(wall, ev->ts_ns));
	}
	if (file) {
		out_str(o, ", \"file\": ");
		json_quote(o, file);
	}
	out_str(o, ", \"cpu\": ");
	out_u64(o, ev->cpu);
	out_str(o, ", \"tid\": ");
	put_id(o, ev->id == HVST_EV_LOST ? -1 : ev->pid);
	out_str(o, ", \"comm\": ");
	json_quote(o, comm);
	out_str(o, ", \"vm\": ");
	put_id(o, d->vm);
	out_str(o, ", \"event\": \"");
	out_str(o, name_of(ev));
	out_char(o, '"');
	if (ev->id == HVST_EV_LOST) {
		out_str(o, ", \"count\": ");
		if (ev->lost.count)
			out_u64(o, ev->lost.count);
		else
			out_str(o, "null");
	} else {
		put_fields(l, o, ev);
		json_derived(o, d);
	}
	out_str(o, "}\n");
}

/* --- CSV -------------------------------------------------------------------------------------- */

void eventline_head(const struct eventline *l, struct out *o)
{
	unsigned int i;

	if (l->format != FORMAT_CSV)
		return;
	out_str(o, l->utc ? "ts_ns,utc," : "ts_ns,");
	out_str(o, l->trace ? "file,cpu,tid,comm,vm,event" : "cpu,tid,comm,vm,event");
	for (i = 0; i < l->nr_columns; i++) {
		out_char(o, ',');
		out_str(o, l->columns[i]);
	}
	out_str(o, ",arm,inferred,skew_ns,skew_error_ns\n");
}

static void csv_fields(const struct eventline *l, struct out *o, const struct hvst_event *ev)
{
	uint64_t value[MAX_COLUMNS];
	uint8_t flags[MAX_COLUMNS];
	bool have[MAX_COLUMNS] = { false };
	unsigned int i, c;

	for (i = 0; ev->id < HVST_EV_COUNT && i < l->nr_keys[ev->id]; i++) {
		c = l->keys[ev->id][i].column;
		if (c >= MAX_COLUMNS)
			continue;
		have[c] = hvst_event_value(ev, i, &value[c]);
		flags[c] = l->keys[ev->id][i].flags;
	}
	for (c = 0; c < l->nr_columns; c++) {
		out_char(o, ',');
		if (have[c])
			put_value(o, value[c], flags[c], FORMAT_CSV);
	}
}

static void csv_derived(struct out *o, const struct derived *d)
{
	out_char(o, ',');
	out_str(o, d->arm ? d->arm : "");
	out_str(o, d->inferred ? ",true," : ",,");
	if (d->skew_ns != HVST_UNKNOWN)
		out_i64(o, d->skew_ns);
	out_char(o, ',');
	if (d->skew_ns != HVST_UNKNOWN && d->inferred)
		out_i64(o, d->skew_error_ns);
	out_char(o, '\n');
}

static void put_csv(const struct eventline *l, struct out *o, const struct hvst_event *ev,
		    const char *comm, const struct derived *d)
{
	const char *file = file_of(l, ev);
	char wall[UNIT_BUF];

	out_i64(o, ev->ts_ns);
	out_char(o, ',');
	if (l->utc) {
		out_str(o, unit_utc(wall, ev->ts_ns));
		out_char(o, ',');
	}
	if (file) {
		csv_quote(o, file);
		out_char(o, ',');
	}
	out_u64(o, ev->cpu);
	out_char(o, ',');
	if (ev->id != HVST_EV_LOST)
		out_i64(o, ev->pid);
	out_char(o, ',');
	csv_quote(o, comm);
	out_char(o, ',');
	if (d->vm >= 0)
		out_u64(o, d->vm);
	out_char(o, ',');
	out_str(o, name_of(ev));
	csv_fields(l, o, ev);
	csv_derived(o, d);
}

void eventline_put(const struct eventline *l, struct out *o, const struct hvst_event *ev,
		   const char *comm, const struct derived *d)
{
	if (l->format == FORMAT_JSONL)
		put_json(l, o, ev, comm, d);
	else if (l->format == FORMAT_CSV)
		put_csv(l, o, ev, comm, d);
	else
		put_text(l, o, ev, comm, d);
}
