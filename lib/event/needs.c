/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: event. The one table of the events and fields that the analysis reads. */
#include <string.h>

#include "needs.h"

#define IMPLIED_MIN 8

/* The MSRs that say which clock a guest uses: Hyper-V's, TSC, its adjust and deadline, kvmclock. */
#define CLOCK_MSRS                                                                                 \
	"(ecx>=0x40000000&&ecx<=0x400010ff)||ecx==0x10||ecx==0x3b||ecx==0x6e0||"                   \
	"ecx==0x11||ecx==0x12||ecx==0x4b564d00||ecx==0x4b564d01"
#define PM_TIMER "port==0x608||port==0xb008"
#define HPET	 "gpa>=0xfed00000&&gpa<=0xfed003ff"

struct row {
	struct hvst_event_need need;
	uint8_t implied_by; /* see hvst_not_enabled(); HVST_EV_COUNT: by none */
};

#define ROW(id, by, ...) [HVST_EV_##id] = { .need = { __VA_ARGS__ }, .implied_by = HVST_EV_##by }

static const struct row rows[HVST_EV_COUNT] = {
	ROW(STIMER_SET_CONFIG, COUNT, .fields = "vcpu_id timer_index config host",
	    .readers = "timers, VMs", .without = "a timer's mode cannot be told"),
	ROW(STIMER_SET_COUNT, STIMER_EXPIRATION, .fields = "vcpu_id timer_index count host",
	    .readers = "timers, VMs, clock sources", .without = "nothing can be analysed",
	    .essential = true),
	ROW(STIMER_START_ONE_SHOT, STIMER_CALLBACK, .fields = "vcpu_id timer_index time_now count",
	    .readers = "timers, reference clock", .without = "nothing can be analysed",
	    .essential = true),
	ROW(STIMER_START_PERIODIC, COUNT, .fields = "vcpu_id timer_index time_now exp_time",
	    .readers = "timers, reference clock",
	    .without = "arms of periodic timers cannot be told"),
	ROW(STIMER_START_EXPIRED, COUNT, .fields = "vcpu_id timer_index time_now count",
	    .readers = "timers, reference clock",
	    .without = "past-due arms are inferred; no released kernel has it yet"),
	ROW(STIMER_CALLBACK, STIMER_START_ONE_SHOT, .fields = "vcpu_id timer_index",
	    .readers = "timers, latency", .without = "lateness of timers cannot be told",
	    .task = HVST_TASK_ANY),
	ROW(STIMER_EXPIRATION, STIMER_SET_COUNT,
	    .fields = "vcpu_id timer_index direct msg_send_result", .readers = "timers, latency",
	    .without = "nothing can be analysed", .essential = true),
	ROW(MSR, STIMER_SET_COUNT, .fields = "write ecx data exception",
	    .readers = "clock sources, VMs, reference clock",
	    .without = "switches of the guest's clock source cannot be told", .filter = CLOCK_MSRS),
	ROW(HYPERCALL, COUNT, .fields = "code", .readers = "refused requests",
	    .without = "hypercalls that KVM refuses cannot be told"),
	ROW(HYPERCALL_DONE, COUNT, .fields = "result", .readers = "refused requests",
	    .without = "hypercalls that KVM refuses cannot be told"),
	ROW(WRITE_TSC_OFFSET, COUNT, .fields = "vcpu_id previous_tsc_offset next_tsc_offset",
	    .readers = "VMs, storm causes", .without = "steps of the clock cannot be explained",
	    .task = HVST_TASK_ANY),
	ROW(UPDATE_MASTER_CLOCK, COUNT, .fields = "use_master_clock",
	    .readers = "VMs, storm causes", .without = "steps of the clock cannot be explained",
	    .task = HVST_TASK_ANY),
	ROW(EXIT, STIMER_SET_COUNT, .fields = "vcpu_id exit_reason isa",
	    .readers = "activity, clock sources", .without = "a guest's progress cannot be told"),
	ROW(ENTRY, STIMER_SET_COUNT, .fields = "vcpu_id", .readers = "activity, latency",
	    .without = "a guest's progress cannot be told"),
	ROW(PIO, COUNT, .fields = "rw port", .readers = "clock sources",
	    .without = "use of the ACPI PM timer cannot be told", .filter = PM_TIMER),
	ROW(MMIO, COUNT, .fields = "type gpa", .readers = "clock sources",
	    .without = "use of the HPET cannot be told", .filter = HPET),
	ROW(SCHED_SWITCH, COUNT, .fields = "prev_pid prev_state next_pid", .readers = "activity",
	    .without = "preemption is told from exits and entries alone", .task = HVST_TASK_SWITCH),
};

const struct hvst_event_need *hvst_event_need(unsigned int id)
{
	return id < HVST_EV_COUNT && rows[id].need.fields ? &rows[id].need : NULL;
}

uint64_t hvst_needed_events(void)
{
	uint64_t ids = 0;

	for (unsigned int id = 0; id < HVST_EV_COUNT; id++)
		if (rows[id].need.fields)
			ids |= 1ULL << id;
	return ids;
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)); p += len)
		if ((p == words || p[-1] == ' ') && (!p[len] || p[len] == ' '))
			return true;
	return false;
}

uint16_t hvst_needed_fields(unsigned int id)
{
	const struct hvst_event_need *need = hvst_event_need(id);
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(id, &n);
	uint16_t bits = 0;

	for (unsigned int i = 0; need && i < n; i++)
		if (has_word(need->fields, f[i].name))
			bits |= (uint16_t)(1u << i);
	return bits;
}

/* The number of events each of which implies one of @id. */
static uint64_t implying(const uint64_t seen[HVST_EV_COUNT], unsigned int id, unsigned int by)
{
	uint64_t n = seen[by];

	/* A periodic timer's callback follows a start of the other kind. */
	if (id == HVST_EV_STIMER_START_ONE_SHOT)
		n -= n < seen[HVST_EV_STIMER_START_PERIODIC] ? n
							     : seen[HVST_EV_STIMER_START_PERIODIC];
	return n;
}

uint64_t hvst_not_enabled(const uint64_t seen[HVST_EV_COUNT], uint64_t have)
{
	uint64_t ids = 0;

	for (unsigned int id = 0; id < HVST_EV_COUNT; id++) {
		unsigned int by = rows[id].need.fields ? rows[id].implied_by : HVST_EV_COUNT;

		if (by < HVST_EV_COUNT && !seen[id] && implying(seen, id, by) >= IMPLIED_MIN)
			ids |= 1ULL << id;
	}
	return ids & have;
}
