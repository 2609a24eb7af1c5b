/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libtraceevent plugin: trace-cmd report, KernelShark and whatever else prints through
 * libtraceevent say in words what the Hyper-V events of KVM and the clock events around them mean.
 *
 * The kernel's own text comes first and unchanged, printed by libtraceevent from the trace's own
 * format; what is known beyond it follows in one group " [...]" at the end, without a ']' in it.
 * Everything is read through libtraceevent's field accessors (byte order, word size, field offsets
 * of the recording kernel), and within the record's bounds.
 */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <event-parse.h>

#include "../lib/hyperv/meaning.h"

/*
 * perf up to Linux 6.1 has libtraceevent built in and gives its plugins but a part of it, without
 * this function: there the plugin is loaded and leaves all events alone, instead of a warning that
 * it cannot be.
 */
#pragma weak tep_print_event

struct options {
	enum hvst_unit unit;
	bool decode;
	bool streaks;
};

struct plugin;

/* What one event of one trace is decoded with: the context of its handler. */
struct handler {
	const struct hvst_meaning_event *desc;
	struct plugin *plugin;
	struct tep_event *event; /* whose fields are cached */
	struct tep_format_field *field[HVST_MEANING_FIELDS];
	unsigned int nr_fields;
	int64_t extent; /* bytes that a whole record has at least */
};

/* One tep_handle that loaded the plugin. */
struct plugin {
	struct plugin *next;
	struct tep_handle *tep;
	struct options options;
	struct timers *timers;	   /* NULL: streaks are off, or no memory */
	struct handler handlers[]; /* one an event */
};

/* ---- the plugin and its options ---- */

enum { OPT_UNIT, OPT_DECODE, OPT_STREAKS };

static const char *const unit_words[] = {
	[HVST_UNIT_AUTO] = "auto", [HVST_UNIT_NS] = "ns",   [HVST_UNIT_US] = "us",
	[HVST_UNIT_MS] = "ms",	   [HVST_UNIT_REF] = "ref",
};
static const char *const switch_words[] = { "off", "on", "0", "1", "no", "yes", "false", "true" };

/* The number of a word in a list; with a warning and @fallback for any other. */
static unsigned int parse_option(const struct tep_plugin_option *op, const char *const *words,
				 unsigned int n, unsigned int fallback)
{
	for (unsigned int i = 0; i < n; i++)
		if (!strcasecmp(op->value, words[i]))
			return i;
	fprintf(stderr, "plugin_kvm_hv: unknown value '%s' of option '%s', using '%s'; known are:",
		op->value, op->name, words[fallback]);
	for (unsigned int i = 0; i < n; i++)
		fprintf(stderr, " %s", words[i]);
	fputc('\n', stderr);
	return fallback;
}

static bool parse_switch(const struct tep_plugin_option *op)
{
	return parse_option(op, switch_words, ARRAY_SIZE(switch_words), 1) & 1;
}

static struct options parse_options(const struct tep_plugin_option *ops)
{
	return (struct options){
		.unit = parse_option(&ops[OPT_UNIT], unit_words, ARRAY_SIZE(unit_words),
				     HVST_UNIT_AUTO),
		.decode = parse_switch(&ops[OPT_DECODE]),
		.streaks = parse_switch(&ops[OPT_STREAKS]),
	};
}

/*
 * Records of one ring-buffer page follow each other in the file; what the kernel lost, it lost
 * between two pages. It marks the first record after that, which need not be one of ours.
 */
static uint64_t place(const struct tep_record *record)
{
	return record->offset ? (record->offset >> 12) << 12 | (record->cpu & 0xfff) : 0;
}

/* ---- from a record to a decoder ---- */

static void extend(struct handler *h, const struct tep_format_field *f)
{
	int64_t end = (int64_t)f->offset + f->size;

	if (end > h->extent)
		h->extent = end;
}

/* Looks the fields up when the event is new to the handler. False when the event lacks one. */
static bool find_fields(struct handler *h, struct tep_event *event)
{
	if (h->event == event)
		return h->nr_fields > 0;
	h->event = event;
	h->nr_fields = 0;
	h->extent = 0;
	for (const struct tep_format_field *f = event->format.fields; f; f = f->next)
		extend(h, f);
	for (unsigned int i = 0; i < HVST_MEANING_FIELDS && h->desc->fields[i]; i++) {
		h->field[i] = tep_find_any_field(event, h->desc->fields[i]);
		if (!h->field[i] || h->field[i]->offset < 0 || h->field[i]->size < 0)
			return false;
		extend(h, h->field[i]);
	}
	while (h->nr_fields < HVST_MEANING_FIELDS && h->desc->fields[h->nr_fields])
		h->nr_fields++;
	return true;
}

static bool read_field(const struct tep_format_field *f, const void *data, uint64_t *value)
{
	unsigned int unused_bits = f->size < 8 ? 64 - 8 * (unsigned int)f->size : 0;
	unsigned long long v;

	if (tep_read_number_field((struct tep_format_field *)f, data, &v))
		return false;
	*value = v;
	if (f->flags & TEP_FIELD_IS_SIGNED)
		*value = (uint64_t)((int64_t)(v << unused_bits) >> unused_bits);
	return true;
}

/* As without the plugin: the trace's own format, printed by libtraceevent. */
static void print_kernel_text(struct tep_event *event, struct trace_seq *s,
			      struct tep_record *record)
{
	event->flags |= TEP_EVENT_FL_NOHANDLE;
	tep_print_event(event->tep, s, record, "%s", TEP_PRINT_INFO);
	event->flags &= ~TEP_EVENT_FL_NOHANDLE;
}

/* Returns 0 when it printed the event, -1 to leave it to libtraceevent. */
static int handle(struct trace_seq *s, struct tep_record *record, struct tep_event *event,
		  void *context)
{
	struct handler *h = context;
	struct hvst_meaning m = { .timers = h->plugin->timers,
				  .unit = h->plugin->options.unit,
				  .ts = record->ts,
				  .place = place(record) };

	if (record->missed_events)
		hvst_timers_forget(m.timers);
	if (!find_fields(h, event))
		return -1;
	if (record->size < h->extent) {
		/* The kernel's text would be read from beyond its end. */
		trace_seq_printf(s, "[record of %d bytes, %" PRId64 " expected]", record->size,
				 h->extent);
		return 0;
	}
	for (unsigned int i = 0; i < h->nr_fields; i++)
		if (!read_field(h->field[i], record->data, &m.v[i]))
			return -1;
	print_kernel_text(event, s, record);
	h->desc->decode(&m);
	if (m.len)
		trace_seq_printf(s, " [%s]", m.text);
	return 0;
}

/* ---- loading and unloading ---- */

/*
 * libtraceevent keeps pointers to the options of a plugin, one list for the process, and tells the
 * unloader only the handle: hence these two. It is not safe against threads in any of this itself.
 */
static struct plugin *plugins;
static struct tep_plugin_option plugin_options[4];

static void add_options(void)
{
#define OPTION(opt_name, initial_value, text)                                                      \
	{                                                                                          \
		.file = "plugin_kvm_hv", .name = opt_name, .plugin_alias = "kvm_hv",               \
		.value = initial_value, .description = text                                        \
	}
	static const struct tep_plugin_option initial[] = {
		[OPT_UNIT] = OPTION("unit", "auto",
				    "Unit of times in brackets: auto, ns, us, ms, ref (100 ns)"),
		[OPT_DECODE] =
			OPTION("decode", "on",
			       "Say in brackets what Hyper-V and clock events mean: on, off"),
		[OPT_STREAKS] =
			OPTION("streaks", "on",
			       "Also say what takes memory of earlier events: past-due arms "
			       "in a row, lateness, padding: on, off"),
		{ 0 },
	};
#undef OPTION

	memcpy(plugin_options, initial, sizeof(initial));
	tep_plugin_add_options("kvm_hv", plugin_options);
}

static void register_handlers(struct plugin *p)
{
	unsigned int n;
	const struct hvst_meaning_event *events = hvst_meaning_events(&n);

	for (unsigned int i = 0; i < n; i++) {
		p->handlers[i] = (struct handler){ .desc = &events[i], .plugin = p };
		tep_register_event_handler(p->tep, -1, "kvm", events[i].name, handle,
					   &p->handlers[i]);
	}
}

int tep_plugin_loader(struct tep_handle *tep);
int tep_plugin_unloader(struct tep_handle *tep);

__attribute__((visibility("default"))) int tep_plugin_loader(struct tep_handle *tep)
{
	struct plugin *p;
	unsigned int n;

	hvst_meaning_events(&n);
	p = calloc(1, sizeof(*p) + n * sizeof(struct handler));
	if (!p)
		return -1;
	if (!plugins)
		add_options();
	p->tep = tep;
	p->options = parse_options(plugin_options);
	if (!tep_print_event)
		p->options.decode = false;
	p->timers = p->options.streaks ? hvst_timers_new() : NULL;
	p->next = plugins;
	plugins = p;
	if (p->options.decode)
		register_handlers(p);
	return 0;
}

static void unregister_handlers(struct plugin *p)
{
	unsigned int n;
	const struct hvst_meaning_event *events = hvst_meaning_events(&n);

	for (unsigned int i = 0; i < n; i++)
		tep_unregister_event_handler(p->tep, -1, "kvm", events[i].name, handle,
					     &p->handlers[i]);
}

__attribute__((visibility("default"))) int tep_plugin_unloader(struct tep_handle *tep)
{
	struct plugin **link = &plugins;
	struct plugin *p;

	while (*link && (*link)->tep != tep)
		link = &(*link)->next;
	p = *link;
	if (!p)
		return -1;
	*link = p->next;
	if (p->options.decode)
		unregister_handlers(p);
	hvst_timers_free(p->timers);
	free(p);
	if (!plugins)
		tep_plugin_remove_options(plugin_options);
	return 0;
}
