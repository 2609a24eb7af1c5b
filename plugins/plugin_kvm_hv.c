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

#include "../lib/hyperv/names.h"
#include "timers.h"

/*
 * perf up to Linux 6.1 has libtraceevent built in and gives its plugins but a part of it, without
 * this function: there the plugin is loaded and leaves all events alone, instead of a warning that
 * it cannot be.
 */
#pragma weak tep_print_event

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define MAX_FIELDS    8
#define TEXT_SIZE     256

struct options {
	enum hvst_unit unit;
	bool decode;
	bool streaks;
};

struct event_desc;
struct plugin;

/* What one event of one trace is decoded with: the context of its handler. */
struct handler {
	const struct event_desc *desc;
	struct plugin *plugin;
	struct tep_event *event; /* whose fields are cached */
	struct tep_format_field *field[MAX_FIELDS];
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

/* One event on its way through a handler. */
struct call {
	struct plugin *plugin;
	const struct tep_record *record;
	struct trace_seq *s;
	uint64_t v[MAX_FIELDS]; /* the fields' values, in the order of struct event_desc */
	bool said;		/* the bracket is open */
};

struct event_desc {
	const char *name;
	void (*decode)(struct call *c);
	/* Without all of these nothing is said. common_pid last, where it is wanted. */
	const char *fields[MAX_FIELDS];
};

/* ---- saying something ---- */

__attribute__((format(printf, 2, 3))) static void say(struct call *c, const char *fmt, ...)
{
	char text[2 * TEXT_SIZE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	trace_seq_puts(c->s, c->said ? "" : " [");
	trace_seq_puts(c->s, text);
	c->said = true;
}

static void duration(const struct call *c, char buf[static TEXT_SIZE], int64_t ns, bool plus)
{
	hvst_duration_text_in(buf, TEXT_SIZE, ns, c->plugin->options.unit, plus);
}

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

/* ---- one decoder an event ---- */

/*
 * Records of one ring-buffer page follow each other in the file; what the kernel lost, it lost
 * between two pages. It marks the first record after that, which need not be one of ours.
 */
static uint64_t place(const struct tep_record *record)
{
	return record->offset ? (record->offset >> 12) << 12 | (record->cpu & 0xfff) : 0;
}

/* The stimer events have vcpu_id and timer_index first, common_pid at @pid. */
static struct timer_event timer_event(const struct call *c, unsigned int pid)
{
	return (struct timer_event){ .ts = c->record->ts,
				     .place = place(c->record),
				     .pid = (int)c->v[pid],
				     .vcpu = (int)c->v[0],
				     .timer = (int)c->v[1] };
}

static void say_by_vmm(struct call *c, uint64_t host)
{
	if (host)
		say(c, ", by the VMM");
}

static void decode_set_config(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);
	char text[TEXT_SIZE];

	timers_config_set(c->plugin->timers, &ev, c->v[2]);
	hvst_stimer_config_text(text, sizeof(text), c->v[2]);
	say(c, "%s", text);
	say_by_vmm(c, c->v[3]);
}

/* Expiry or period: only the config tells, which may not be in sight. */
static void decode_set_count(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);
	char text[TEXT_SIZE];

	timers_count_set(c->plugin->timers, &ev, c->v[2]);
	duration(c, text, hvst_ref_diff_ns(c->v[2], 0), false);
	if (c->v[2] >> 63)
		say(c, "count never reached");
	else if (!c->v[2])
		say(c, c->v[3] ? "count 0" : "count 0: disables the timer");
	else
		say(c, "count %s", text);
	say_by_vmm(c, c->v[3]);
}

static void decode_cleanup(struct call *c)
{
	struct timer_event ev = timer_event(c, 2);

	timers_stopped(c->plugin->timers, &ev);
	say(c, "timer stopped");
}

static const char *ordinal_suffix(unsigned int n)
{
	static const char *const suffixes[] = { "th", "st", "nd", "rd" };

	return n / 10 % 10 != 1 && n % 10 < ARRAY_SIZE(suffixes) ? suffixes[n % 10] : "th";
}

static void say_skew(struct call *c, uint64_t now, uint64_t count)
{
	char text[TEXT_SIZE];

	duration(c, text, hvst_ref_diff_ns(now, count), true);
	say(c, "skew %s", text);
}

static void decode_start_expired(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);
	struct start_note note = timers_start_expired(c->plugin->timers, &ev, c->v[2], c->v[3]);

	say_skew(c, c->v[2], c->v[3]);
	if (note.run > 1)
		say(c, ", %s%u%s in a row", note.at_least ? "at least " : "", note.run,
		    ordinal_suffix(note.run));
}

static void say_due(struct call *c, uint64_t now, uint64_t at)
{
	char text[TEXT_SIZE];

	if (at < now) {
		say_skew(c, now, at);
		return;
	}
	duration(c, text, hvst_ref_diff_ns(at, now), false);
	if ((at - now) >> 63)
		say(c, "never due");
	else
		say(c, "due in %s", text);
}

static void decode_start_one_shot(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);
	struct start_note note = timers_start_ahead(c->plugin->timers, &ev, c->v[2], c->v[3]);

	say_due(c, c->v[2], c->v[3]);
	if (note.padding)
		say(c, ", host's padding of a past-due arm");
}

static void decode_start_periodic(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);

	timers_start_periodic(c->plugin->timers, &ev, c->v[2], c->v[3]);
	say_due(c, c->v[2], c->v[3]);
}

static void decode_callback(struct call *c)
{
	struct timer_event ev = timer_event(c, 2);
	char text[TEXT_SIZE];
	int64_t ns = 0;

	switch (timers_fired(c->plugin->timers, &ev, &ns)) {
	case FIRED_LATE:
		duration(c, text, ns < 0 ? -ns : ns, false);
		say(c, "%s %s", text, ns < 0 ? "early" : "late");
		break;
	case FIRED_AFTER_LAST_SEEN:
		duration(c, text, ns, false);
		say(c, "%s after the deadline of the last start seen", text);
		break;
	case FIRED_UNKNOWN:
		say(c, "timer fired");
		break;
	}
}

static void decode_expiration(struct call *c)
{
	struct timer_event ev = timer_event(c, 4);

	timers_delivered(c->plugin->timers, &ev);
	say(c, "%s", hvst_send_result_text((int)c->v[2], (int)c->v[3]));
}

/* "HV_SIMP enable, page 0x7ffe1": an MSR by name and what its value means. */
static void say_msr(struct call *c, uint32_t msr, uint64_t value)
{
	const char *name = hvst_msr_name(msr);
	char text[TEXT_SIZE];

	hvst_msr_value_text(text, sizeof(text), msr, value, c->plugin->options.unit);
	say(c, "%s%s%s", name ? name : "unknown Hyper-V MSR", *text ? " " : "", text);
}

static void decode_synic_set_msr(struct call *c)
{
	say_msr(c, (uint32_t)c->v[1], c->v[2]);
	say_by_vmm(c, c->v[3]);
}

static void decode_synic_set_irq(struct call *c)
{
	int ret = (int)c->v[3];

	say(c, "SINT%u vector 0x%x %s", (unsigned int)c->v[1], (unsigned int)c->v[2],
	    ret > 0 ? "delivered"
	    : ret   ? "has no receiver"
		    : "not accepted by the LAPIC");
}

/* sint and ret are declared by the kernel, but never filled. */
static void decode_send_eoi(struct call *c)
{
	say(c, "vector 0x%x ended", (unsigned int)c->v[1]);
}

static void decode_acked_sint(struct call *c)
{
	say(c, "SINT%u ended, its message slot may be free", (unsigned int)c->v[1]);
}

static void decode_hypercall(struct call *c)
{
	const char *name = hvst_hypercall_name((uint32_t)c->v[0]);

	say(c, "%s", name ? name : "unknown hypercall");
	if (c->v[1])
		say(c, ", from repetition %u of %u", (unsigned int)c->v[2], (unsigned int)c->v[1]);
}

static void decode_hypercall_done(struct call *c)
{
	const char *name = hvst_hypercall_status_name(HVST_HYPERCALL_STATUS(c->v[0]));
	unsigned int reps = HVST_HYPERCALL_REPS_DONE(c->v[0]);

	say(c, "%s", name ? name : "unknown status");
	if (reps)
		say(c, ", %u repetition%s done", reps, reps == 1 ? "" : "s");
}

static void say_flush_flags(struct call *c, uint64_t flags)
{
	char text[TEXT_SIZE];

	if (hvst_flush_flags_text(text, sizeof(text), flags))
		say(c, ", %s", text);
}

static void decode_flush_tlb(struct call *c)
{
	char text[TEXT_SIZE];

	/* With "all processors" the mask means nothing. */
	if (c->v[1] & HVST_FLUSH_ALL_PROCESSORS) {
		hvst_flush_flags_text(text, sizeof(text), c->v[1]);
		say(c, "%s", text);
		return;
	}
	hvst_mask_text(text, sizeof(text), c->v[0], 0);
	say(c, "VPs %s", text);
	say_flush_flags(c, c->v[1]);
}

/* A sparse set of VPs: the mask names banks of 64, whose contents are not traced. */
static void say_vp_set(struct call *c, uint64_t format, uint64_t banks)
{
	char text[TEXT_SIZE];

	hvst_mask_text(text, sizeof(text), banks, 0);
	if (!format)
		say(c, "VPs in banks %s of 64", text);
	else
		say(c, format == 1 ? "all VPs" : "unknown set of VPs");
}

static void decode_flush_tlb_ex(struct call *c)
{
	say_vp_set(c, c->v[1], c->v[0]);
	say_flush_flags(c, c->v[2]);
}

static void decode_send_ipi(struct call *c)
{
	char text[TEXT_SIZE];

	hvst_mask_text(text, sizeof(text), c->v[1], 0);
	say(c, "vector 0x%x to VPs %s", (unsigned int)c->v[0], text);
}

static void decode_send_ipi_ex(struct call *c)
{
	say(c, "vector 0x%x to ", (unsigned int)c->v[0]);
	say_vp_set(c, c->v[1], c->v[2]);
}

static void decode_syndbg_msr(struct call *c)
{
	say_msr(c, (uint32_t)c->v[0], c->v[1]);
}

static void decode_timer_state(struct call *c)
{
	say(c, "LAPIC timer by %s", c->v[0] ? "the VMX preemption timer" : "a host timer");
}

/* Only MSRs of Hyper-V, TSC and kvmclock; nothing is added to the others. */
static void decode_msr(struct call *c)
{
	uint32_t msr = (uint32_t)c->v[0];

	if (!hvst_msr_name(msr) && !hvst_msr_is_hyperv(msr))
		return;
	say_msr(c, msr, c->v[1]);
	if (c->v[2])
		say(c, ", refused");
}

static void decode_tsc_offset(struct call *c)
{
	uint64_t moved = c->v[1] - c->v[0];

	if (moved)
		say(c, "moved by %+" PRId64 " cycles", (int64_t)moved);
	else
		say(c, "not moved");
}

static void say_clock_mode(struct call *c, uint64_t mode)
{
	const char *name = mode <= UINT32_MAX ? hvst_clock_mode_name((uint32_t)mode) : NULL;

	say(c, ", host clock %s", name ? name : "unknown");
}

/* The kernel counts the vCPUs that match the first one: all match when that is all but one. */
static void decode_track_tsc(struct call *c)
{
	say(c, "master clock %s", c->v[2] ? "on" : "off");
	say_clock_mode(c, c->v[3]);
	say(c, ", TSCs %s", c->v[0] + 1 == c->v[1] ? "match" : "differ");
}

static void decode_master_clock(struct call *c)
{
	say(c, "master clock %s", c->v[0] ? "on" : "off: no TSC page can be computed");
	say_clock_mode(c, c->v[1]);
	say(c, ", TSCs %s", c->v[2] ? "match" : "differ");
}

/* ns = ((cycles << shift) * mul) >> 32, so a second has ((10^9 << 32) / mul) >> shift cycles. */
static uint64_t pvclock_hz(uint32_t mul, int shift)
{
	unsigned __int128 hz = (unsigned __int128)1000000000 << 32;

	if (!mul || shift < -31 || shift > 31)
		return 0;
	hz /= mul;
	return (uint64_t)(shift < 0 ? hz << -shift : hz >> shift);
}

static void decode_pvclock(struct call *c)
{
	uint64_t hz = pvclock_hz((uint32_t)c->v[1], (int)c->v[2]);
	char text[TEXT_SIZE];

	duration(c, text, c->v[0] > INT64_MAX ? INT64_MAX : (int64_t)c->v[0], false);
	say(c, "system time %s", text);
	if (hz)
		say(c, ", TSC %" PRIu64 ".%03" PRIu64 " MHz", hz / 1000000, hz / 1000 % 1000);
	say(c, ", %s", c->v[3] & 1 ? "stable" : "not stable across vCPUs");
	if (c->v[3] & 2)
		say(c, ", guest was stopped");
}

#define TIMER_FIELDS "vcpu_id", "timer_index"
static const struct event_desc event_descs[] = {
	{ "kvm_hv_stimer_set_config",
	  decode_set_config,
	  { TIMER_FIELDS, "config", "host", "common_pid" } },
	{ "kvm_hv_stimer_set_count",
	  decode_set_count,
	  { TIMER_FIELDS, "count", "host", "common_pid" } },
	{ "kvm_hv_stimer_cleanup", decode_cleanup, { TIMER_FIELDS, "common_pid" } },
	{ "kvm_hv_stimer_start_one_shot",
	  decode_start_one_shot,
	  { TIMER_FIELDS, "time_now", "count", "common_pid" } },
	{ "kvm_hv_stimer_start_periodic",
	  decode_start_periodic,
	  { TIMER_FIELDS, "time_now", "exp_time", "common_pid" } },
	{ "kvm_hv_stimer_start_expired",
	  decode_start_expired,
	  { TIMER_FIELDS, "time_now", "count", "common_pid" } },
	{ "kvm_hv_stimer_callback", decode_callback, { TIMER_FIELDS, "common_pid" } },
	{ "kvm_hv_stimer_expiration",
	  decode_expiration,
	  { TIMER_FIELDS, "direct", "msg_send_result", "common_pid" } },
	{ "kvm_hv_synic_set_msr", decode_synic_set_msr, { "vcpu_id", "msr", "data", "host" } },
	{ "kvm_hv_synic_set_irq", decode_synic_set_irq, { "vcpu_id", "sint", "vector", "ret" } },
	{ "kvm_hv_synic_send_eoi", decode_send_eoi, { "vcpu_id", "vector" } },
	{ "kvm_hv_notify_acked_sint", decode_acked_sint, { "vcpu_id", "sint" } },
	{ "kvm_hv_hypercall", decode_hypercall, { "code", "rep_cnt", "rep_idx" } },
	{ "kvm_hv_hypercall_done", decode_hypercall_done, { "result" } },
	{ "kvm_hv_flush_tlb", decode_flush_tlb, { "processor_mask", "flags" } },
	{ "kvm_hv_flush_tlb_ex", decode_flush_tlb_ex, { "valid_bank_mask", "format", "flags" } },
	{ "kvm_hv_send_ipi", decode_send_ipi, { "vector", "processor_mask" } },
	{ "kvm_hv_send_ipi_ex", decode_send_ipi_ex, { "vector", "format", "valid_bank_mask" } },
	{ "kvm_hv_syndbg_set_msr", decode_syndbg_msr, { "msr", "data" } },
	{ "kvm_hv_syndbg_get_msr", decode_syndbg_msr, { "msr", "data" } },
	{ "kvm_hv_timer_state", decode_timer_state, { "hv_timer_in_use" } },
	{ "kvm_msr", decode_msr, { "ecx", "data", "exception" } },
	{ "kvm_write_tsc_offset", decode_tsc_offset, { "previous_tsc_offset", "next_tsc_offset" } },
	{ "kvm_track_tsc",
	  decode_track_tsc,
	  { "nr_vcpus_matched_tsc", "online_vcpus", "use_master_clock", "host_clock" } },
	{ "kvm_update_master_clock",
	  decode_master_clock,
	  { "use_master_clock", "host_clock", "offset_matched" } },
	{ "kvm_pvclock_update",
	  decode_pvclock,
	  { "system_time", "tsc_to_system_mul", "tsc_shift", "flags" } },
};

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
	for (unsigned int i = 0; i < MAX_FIELDS && h->desc->fields[i]; i++) {
		h->field[i] = tep_find_any_field(event, h->desc->fields[i]);
		if (!h->field[i] || h->field[i]->offset < 0 || h->field[i]->size < 0)
			return false;
		extend(h, h->field[i]);
	}
	while (h->nr_fields < MAX_FIELDS && h->desc->fields[h->nr_fields])
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
	struct call c = { .plugin = h->plugin, .record = record, .s = s };

	if (record->missed_events)
		timers_forget(c.plugin->timers);
	if (!find_fields(h, event))
		return -1;
	if (record->size < h->extent) {
		/* The kernel's text would be read from beyond its end. */
		trace_seq_printf(s, "[record of %d bytes, %" PRId64 " expected]", record->size,
				 h->extent);
		return 0;
	}
	for (unsigned int i = 0; i < h->nr_fields; i++)
		if (!read_field(h->field[i], record->data, &c.v[i]))
			return -1;
	print_kernel_text(event, s, record);
	h->desc->decode(&c);
	if (c.said)
		trace_seq_putc(s, ']');
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
	for (unsigned int i = 0; i < ARRAY_SIZE(event_descs); i++) {
		p->handlers[i] = (struct handler){ .desc = &event_descs[i], .plugin = p };
		tep_register_event_handler(p->tep, -1, "kvm", event_descs[i].name, handle,
					   &p->handlers[i]);
	}
}

int tep_plugin_loader(struct tep_handle *tep);
int tep_plugin_unloader(struct tep_handle *tep);

__attribute__((visibility("default"))) int tep_plugin_loader(struct tep_handle *tep)
{
	struct plugin *p = calloc(1, sizeof(*p) + ARRAY_SIZE(event_descs) * sizeof(struct handler));

	if (!p)
		return -1;
	if (!plugins)
		add_options();
	p->tep = tep;
	p->options = parse_options(plugin_options);
	if (!tep_print_event)
		p->options.decode = false;
	p->timers = p->options.streaks ? timers_new() : NULL;
	p->next = plugins;
	plugins = p;
	if (p->options.decode)
		register_handlers(p);
	return 0;
}

static void unregister_handlers(struct plugin *p)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(event_descs); i++)
		tep_unregister_event_handler(p->tep, -1, "kvm", event_descs[i].name, handle,
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
	timers_free(p->timers);
	free(p);
	if (!plugins)
		tep_plugin_remove_options(plugin_options);
	return 0;
}
