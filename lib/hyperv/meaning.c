/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: hyperv. One decoder for each event that has a meaning beyond its fields. */
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "meaning.h"
#include "names.h"

#define TEXT_SIZE 256

/* Appends to the text; what does not fit is cut off. */
__attribute__((format(printf, 2, 3))) static void add(struct hvst_meaning *m, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(m->text + m->len, sizeof(m->text) - m->len, fmt, ap);
	va_end(ap);
	if (n > 0)
		m->len += (size_t)n < sizeof(m->text) - m->len ? (size_t)n
							       : sizeof(m->text) - m->len - 1;
}

static void duration(const struct hvst_meaning *m, char buf[static TEXT_SIZE], int64_t ns,
		     bool plus)
{
	hvst_duration_text_in(buf, TEXT_SIZE, ns, m->unit, plus);
}

/* ---- one decoder an event ---- */

/* The stimer events have vcpu_id and timer_index first, common_pid at @pid. */
static struct timer_event timer_event(const struct hvst_meaning *m, unsigned int pid)
{
	return (struct timer_event){ .ts = m->ts,
				     .place = m->place,
				     .pid = (int)m->v[pid],
				     .vcpu = (int)m->v[0],
				     .timer = (int)m->v[1] };
}

static void add_by_vmm(struct hvst_meaning *m, uint64_t host)
{
	if (host)
		add(m, ", by the VMM");
}

static void decode_set_config(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);
	char text[TEXT_SIZE];

	hvst_timers_config_set(m->timers, &ev, m->v[2]);
	hvst_stimer_config_text(text, sizeof(text), m->v[2]);
	add(m, "%s", text);
	add_by_vmm(m, m->v[3]);
}

/* Expiry or period: only the config tells which, and it may not have been seen. */
static void decode_set_count(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);
	char text[TEXT_SIZE];

	hvst_timers_count_set(m->timers, &ev, m->v[2]);
	duration(m, text, hvst_ref_diff_ns(m->v[2], 0), false);
	if (m->v[2] >> 63)
		add(m, "count never reached");
	else if (!m->v[2])
		add(m, m->v[3] ? "count 0" : "count 0: disables the timer");
	else
		add(m, "count %s", text);
	add_by_vmm(m, m->v[3]);
}

static void decode_cleanup(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 2);

	hvst_timers_stopped(m->timers, &ev);
	add(m, "timer stopped");
}

static const char *ordinal_suffix(unsigned int n)
{
	static const char *const suffixes[] = { "th", "st", "nd", "rd" };

	return n / 10 % 10 != 1 && n % 10 < ARRAY_SIZE(suffixes) ? suffixes[n % 10] : "th";
}

static void add_skew(struct hvst_meaning *m, uint64_t now, uint64_t count)
{
	char text[TEXT_SIZE];

	duration(m, text, hvst_ref_diff_ns(now, count), true);
	add(m, "skew %s", text);
}

static void decode_start_expired(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);
	struct start_info info = hvst_timers_start_expired(m->timers, &ev, m->v[2], m->v[3]);

	add_skew(m, m->v[2], m->v[3]);
	if (info.streak > 1)
		add(m, ", %s%u%s in a row", info.at_least ? "at least " : "", info.streak,
		    ordinal_suffix(info.streak));
}

static void add_due(struct hvst_meaning *m, uint64_t now, uint64_t at)
{
	char text[TEXT_SIZE];

	if (at < now) {
		add_skew(m, now, at);
		return;
	}
	duration(m, text, hvst_ref_diff_ns(at, now), false);
	if ((at - now) >> 63)
		add(m, "never due");
	else
		add(m, "due in %s", text);
}

static void decode_start_one_shot(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);
	struct start_info info = hvst_timers_start_ahead(m->timers, &ev, m->v[2], m->v[3]);

	add_due(m, m->v[2], m->v[3]);
	if (info.padding)
		add(m, ", host's padding of a past-due arm");
}

static void decode_start_periodic(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);

	hvst_timers_start_periodic(m->timers, &ev, m->v[2], m->v[3]);
	add_due(m, m->v[2], m->v[3]);
}

static void decode_callback(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 2);
	char text[TEXT_SIZE];
	int64_t ns = 0;

	switch (hvst_timers_fired(m->timers, &ev, &ns)) {
	case FIRED_LATE:
		duration(m, text, ns < 0 ? -ns : ns, false);
		add(m, "%s %s", text, ns < 0 ? "early" : "late");
		break;
	case FIRED_AFTER_LAST_SEEN:
		duration(m, text, ns, false);
		add(m, "%s after the deadline of the last start seen", text);
		break;
	case FIRED_UNKNOWN:
		add(m, "timer fired");
		break;
	}
}

static void decode_expiration(struct hvst_meaning *m)
{
	struct timer_event ev = timer_event(m, 4);

	hvst_timers_delivered(m->timers, &ev);
	add(m, "%s", hvst_send_result_text((int)m->v[2], (int)m->v[3]));
}

/* "HV_SIMP enable, page 0x7ffe1": an MSR by name and what its value means. */
static void add_msr(struct hvst_meaning *m, uint32_t msr, uint64_t value)
{
	const char *name = hvst_msr_name(msr);
	char text[TEXT_SIZE];

	hvst_msr_value_text(text, sizeof(text), msr, value, m->unit);
	add(m, "%s%s%s", name ? name : "unknown Hyper-V MSR", *text ? " " : "", text);
}

static void decode_synic_set_msr(struct hvst_meaning *m)
{
	add_msr(m, (uint32_t)m->v[1], m->v[2]);
	add_by_vmm(m, m->v[3]);
}

static void decode_synic_set_irq(struct hvst_meaning *m)
{
	int ret = (int)m->v[3];

	add(m, "SINT%u vector 0x%x %s", (unsigned int)m->v[1], (unsigned int)m->v[2],
	    ret > 0 ? "delivered"
	    : ret   ? "has no receiver"
		    : "not accepted by the LAPIC");
}

/* The kernel declares sint and ret, but never fills them in. */
static void decode_send_eoi(struct hvst_meaning *m)
{
	add(m, "vector 0x%x ended", (unsigned int)m->v[1]);
}

static void decode_acked_sint(struct hvst_meaning *m)
{
	add(m, "SINT%u ended, its message slot may be free", (unsigned int)m->v[1]);
}

static void decode_hypercall(struct hvst_meaning *m)
{
	const char *name = hvst_hypercall_name((uint32_t)m->v[0]);

	add(m, "%s", name ? name : "unknown hypercall");
	if (m->v[1])
		add(m, ", from repetition %u of %u", (unsigned int)m->v[2], (unsigned int)m->v[1]);
}

static void decode_hypercall_done(struct hvst_meaning *m)
{
	const char *name = hvst_hypercall_status_name(HVST_HYPERCALL_STATUS(m->v[0]));
	unsigned int reps = HVST_HYPERCALL_REPS_DONE(m->v[0]);

	add(m, "%s", name ? name : "unknown status");
	if (reps)
		add(m, ", %u repetition%s done", reps, reps == 1 ? "" : "s");
}

static void add_flush_flags(struct hvst_meaning *m, uint64_t flags)
{
	char text[TEXT_SIZE];

	if (hvst_flush_flags_text(text, sizeof(text), flags))
		add(m, ", %s", text);
}

static void decode_flush_tlb(struct hvst_meaning *m)
{
	char text[TEXT_SIZE];

	/* With "all processors" the mask has no meaning. */
	if (m->v[1] & HVST_FLUSH_ALL_PROCESSORS) {
		hvst_flush_flags_text(text, sizeof(text), m->v[1]);
		add(m, "%s", text);
		return;
	}
	hvst_mask_text(text, sizeof(text), m->v[0], 0);
	add(m, "VPs %s", text);
	add_flush_flags(m, m->v[1]);
}

/* A sparse set of VPs: the mask selects banks of 64, whose contents are not traced. */
static void add_vp_set(struct hvst_meaning *m, uint64_t format, uint64_t banks)
{
	char text[TEXT_SIZE];

	hvst_mask_text(text, sizeof(text), banks, 0);
	if (!format)
		add(m, "VPs in banks %s of 64", text);
	else
		add(m, format == 1 ? "all VPs" : "unknown set of VPs");
}

static void decode_flush_tlb_ex(struct hvst_meaning *m)
{
	add_vp_set(m, m->v[1], m->v[0]);
	add_flush_flags(m, m->v[2]);
}

static void decode_send_ipi(struct hvst_meaning *m)
{
	char text[TEXT_SIZE];

	hvst_mask_text(text, sizeof(text), m->v[1], 0);
	add(m, "vector 0x%x to VPs %s", (unsigned int)m->v[0], text);
}

static void decode_send_ipi_ex(struct hvst_meaning *m)
{
	add(m, "vector 0x%x to ", (unsigned int)m->v[0]);
	add_vp_set(m, m->v[1], m->v[2]);
}

static void decode_syndbg_msr(struct hvst_meaning *m)
{
	add_msr(m, (uint32_t)m->v[0], m->v[1]);
}

static void decode_timer_state(struct hvst_meaning *m)
{
	add(m, "LAPIC timer by %s", m->v[0] ? "the VMX preemption timer" : "a host timer");
}

/* Only MSRs of Hyper-V, TSC and kvmclock; nothing is added for others. */
static void decode_msr(struct hvst_meaning *m)
{
	uint32_t msr = (uint32_t)m->v[0];

	if (!hvst_msr_name(msr) && !hvst_msr_is_hyperv(msr))
		return;
	add_msr(m, msr, m->v[1]);
	if (m->v[2])
		add(m, ", refused");
}

static void decode_tsc_offset(struct hvst_meaning *m)
{
	uint64_t moved = m->v[1] - m->v[0];

	if (moved)
		add(m, "moved by %+" PRId64 " cycles", (int64_t)moved);
	else
		add(m, "not moved");
}

static void add_clock_mode(struct hvst_meaning *m, uint64_t mode)
{
	const char *name = mode <= UINT32_MAX ? hvst_clock_mode_name((uint32_t)mode) : NULL;

	add(m, ", host clock %s", name ? name : "unknown");
}

/* The kernel counts the vCPUs that match the first one: all match when the count is all but one. */
static void decode_track_tsc(struct hvst_meaning *m)
{
	add(m, "master clock %s", m->v[2] ? "on" : "off");
	add_clock_mode(m, m->v[3]);
	add(m, ", TSCs %s", m->v[0] + 1 == m->v[1] ? "match" : "differ");
}

static void decode_master_clock(struct hvst_meaning *m)
{
	add(m, "master clock %s", m->v[0] ? "on" : "off: no TSC page can be computed");
	add_clock_mode(m, m->v[1]);
	add(m, ", TSCs %s", m->v[2] ? "match" : "differ");
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

static void decode_pvclock(struct hvst_meaning *m)
{
	uint64_t hz = pvclock_hz((uint32_t)m->v[1], (int)m->v[2]);
	char text[TEXT_SIZE];

	duration(m, text, m->v[0] > INT64_MAX ? INT64_MAX : (int64_t)m->v[0], false);
	add(m, "system time %s", text);
	if (hz)
		add(m, ", TSC %" PRIu64 ".%03" PRIu64 " MHz", hz / 1000000, hz / 1000 % 1000);
	add(m, ", %s", m->v[3] & 1 ? "stable" : "not stable across vCPUs");
	if (m->v[3] & 2)
		add(m, ", guest was stopped");
}

#define TIMER_FIELDS "vcpu_id", "timer_index"
static const struct hvst_meaning_event events[] = {
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

const struct hvst_meaning_event *hvst_meaning_events(unsigned int *n)
{
	*n = ARRAY_SIZE(events);
	return events;
}
