/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * One decoded trace event. Fields are located by the formats in the trace file. A field that the
 * recording kernel lacks is *absent*: its bit in @present is clear, and its value is meaningless.
 */
#ifndef HVSTIMER_EVENT_H
#define HVSTIMER_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/*
 * Every event that hvstimer decodes. Later versions add events before HVST_EV_COUNT: ignore an id
 * that is neither below it nor HVST_EV_LOST. In files write the name, not the id.
 */
enum hvst_event_id {
	HVST_EV_STIMER_SET_CONFIG,
	HVST_EV_STIMER_SET_COUNT,
	HVST_EV_STIMER_CLEANUP,
	HVST_EV_STIMER_START_ONE_SHOT,
	HVST_EV_STIMER_START_PERIODIC,
	HVST_EV_STIMER_START_EXPIRED,
	HVST_EV_STIMER_CALLBACK,
	HVST_EV_STIMER_EXPIRATION,
	HVST_EV_SYNIC_SET_MSR,
	HVST_EV_SYNIC_SET_IRQ,
	HVST_EV_SYNIC_SEND_EOI,
	HVST_EV_NOTIFY_ACKED_SINT,
	HVST_EV_HYPERCALL,
	HVST_EV_HYPERCALL_DONE,
	HVST_EV_FLUSH_TLB,
	HVST_EV_FLUSH_TLB_EX,
	HVST_EV_SEND_IPI,
	HVST_EV_SEND_IPI_EX,
	HVST_EV_SYNDBG_SET_MSR,
	HVST_EV_SYNDBG_GET_MSR,
	HVST_EV_TIMER_STATE,
	HVST_EV_MSR,
	HVST_EV_WRITE_TSC_OFFSET,
	HVST_EV_TRACK_TSC,
	HVST_EV_UPDATE_MASTER_CLOCK,
	HVST_EV_PVCLOCK_UPDATE,
	HVST_EV_EXIT,
	HVST_EV_ENTRY,
	HVST_EV_PIO,
	HVST_EV_MMIO,
	HVST_EV_APIC,
	HVST_EV_SCHED_SWITCH,
	HVST_EV_COUNT,	    /* number of kernel events in this header */
	HVST_EV_LIMIT = 63, /* ids of kernel events stay below it: a set of them is 64 bits */
	HVST_EV_LOST = HVST_EV_LIMIT, /* no kernel event: records of one CPU were lost */
};

struct hvst_ev_set_config {
	uint64_t config;
	uint32_t timer_index;
	uint8_t host;
};
struct hvst_ev_set_count {
	uint64_t count;
	uint32_t timer_index;
	uint8_t host;
};
/* start_one_shot, start_expired, and start_periodic, whose exp_time is in @count. */
struct hvst_ev_start {
	uint64_t time_now;
	uint64_t count;
	uint32_t timer_index;
};
struct hvst_ev_timer {
	uint32_t timer_index;
}; /* cleanup, callback */
struct hvst_ev_expiration {
	uint32_t timer_index;
	int32_t direct;
	int32_t msg_send_result;
};
struct hvst_ev_synic_msr {
	uint64_t data;
	uint32_t msr;
	uint8_t host;
};
struct hvst_ev_synic_irq {
	uint32_t sint;
	int32_t vector;
	int32_t ret;
}; /* set_irq, send_eoi, acked */
struct hvst_ev_hypercall {
	uint64_t ingpa;
	uint64_t outgpa;
	uint16_t code;
	uint16_t var_cnt;
	uint16_t rep_cnt;
	uint16_t rep_idx;
	uint8_t fast;
};
struct hvst_ev_hypercall_done {
	uint64_t result;
};
struct hvst_ev_flush_tlb {
	uint64_t mask;
	uint64_t address_space;
	uint64_t flags;
	uint64_t format;
	uint8_t guest_mode;
}; /* mask: processor_mask or valid_bank_mask */
struct hvst_ev_send_ipi {
	uint64_t mask;
	uint64_t format;
	uint32_t vector;
};
struct hvst_ev_syndbg {
	uint64_t data;
	uint32_t vp_index;
	uint32_t msr;
};
struct hvst_ev_timer_state {
	uint32_t hv_timer_in_use;
};
struct hvst_ev_msr {
	uint64_t data;
	uint32_t ecx;
	uint32_t write;
	uint8_t exception;
};
struct hvst_ev_tsc_offset {
	uint64_t previous_tsc_offset;
	uint64_t next_tsc_offset;
};
struct hvst_ev_track_tsc {
	uint32_t nr_vcpus_matched_tsc;
	uint32_t online_vcpus;
	uint32_t host_clock;
	uint8_t use_master_clock;
};
struct hvst_ev_master_clock {
	uint32_t host_clock;
	uint8_t use_master_clock;
	uint8_t offset_matched;
};
struct hvst_ev_pvclock {
	uint64_t tsc_timestamp;
	uint64_t system_time;
	uint32_t version;
	uint32_t tsc_to_system_mul;
	int8_t tsc_shift;
	uint8_t flags;
};
struct hvst_ev_exit {
	uint64_t guest_rip;
	uint64_t info1;
	uint64_t info2;
	uint32_t exit_reason;
	uint32_t isa;
	uint32_t intr_info;
	uint32_t error_code;
};
struct hvst_ev_entry {
	uint64_t rip;
	uint8_t immediate_exit;
};
struct hvst_ev_pio {
	uint32_t rw;
	uint32_t port;
	uint32_t size;
	uint32_t count;
	uint32_t val;
};
struct hvst_ev_mmio {
	uint64_t gpa;
	uint64_t val;
	uint32_t type;
	uint32_t len;
};
struct hvst_ev_apic {
	uint64_t val;
	uint32_t rw;
	uint32_t reg;
};
struct hvst_ev_sched {
	int64_t prev_state;
	int32_t prev_pid;
	int32_t prev_prio;
	int32_t next_pid;
	int32_t next_prio;
};
/*
 * @count: records lost before this point on this CPU and buffer; 0: the ring buffer does not tell
 * how many.
 */
struct hvst_ev_lost {
	uint64_t count;
};

/**
 * struct hvst_event - one decoded event
 * @ts_ns: time stamp in ns on the trace clock; cycles of a cycle clock are converted
 * @ts_raw: the time stamp as trace-cmd report shows it: equal to @ts_ns, or in cycles if the
 *	file has no scale for a cycle clock
 * @pid: common_pid, the task that was running: the vCPU thread for events in vCPU context
 * @cpu: host CPU whose ring buffer held it
 * @buffer: index into buffers of struct hvst_trace
 * @id: enum hvst_event_id
 * @reserved: 0
 * @present: bit i is set when field i of hvst_event_fields(@id) was in the record
 * @vcpu_id: the event's vcpu_id; -1 if the event has no such field in the recording kernel
 */
struct hvst_event {
	int64_t ts_ns;
	uint64_t ts_raw;
	int32_t pid;
	uint16_t cpu;
	uint16_t buffer;
	uint8_t id;
	uint8_t reserved;
	uint16_t present;
	int32_t vcpu_id;
	union {
		struct hvst_ev_set_config set_config;
		struct hvst_ev_set_count set_count;
		struct hvst_ev_start start;
		struct hvst_ev_timer timer;
		struct hvst_ev_expiration expiration;
		struct hvst_ev_synic_msr synic_msr;
		struct hvst_ev_synic_irq synic_irq;
		struct hvst_ev_hypercall hypercall;
		struct hvst_ev_hypercall_done hypercall_done;
		struct hvst_ev_flush_tlb flush_tlb;
		struct hvst_ev_send_ipi send_ipi;
		struct hvst_ev_syndbg syndbg;
		struct hvst_ev_timer_state timer_state;
		struct hvst_ev_msr msr;
		struct hvst_ev_tsc_offset tsc_offset;
		struct hvst_ev_track_tsc track_tsc;
		struct hvst_ev_master_clock master_clock;
		struct hvst_ev_pvclock pvclock;
		struct hvst_ev_exit exit;
		struct hvst_ev_entry entry;
		struct hvst_ev_pio pio;
		struct hvst_ev_mmio mmio;
		struct hvst_ev_apic apic;
		struct hvst_ev_sched sched;
		struct hvst_ev_lost lost;
	};
};

/* How to print a field. */
enum hvst_field_flags {
	HVST_FIELD_SIGNED = 1,
	HVST_FIELD_HEX = 2, /* MSR numbers, masks, addresses */
	HVST_FIELD_BOOL = 4,
};

/**
 * struct hvst_field - one field of an event
 * @name: the kernel's field name
 * @offset: of the value in struct hvst_event, in bytes
 * @size: of the value: 1, 2, 4 or 8 bytes
 * @flags: enum hvst_field_flags
 */
struct hvst_field {
	const char *name;
	uint16_t offset;
	uint8_t size;
	uint8_t flags;
};

/**
 * hvst_event_name() - the kernel's name of an event
 * @id: enum hvst_event_id
 *
 * Returns a constant string such as "kvm_hv_stimer_callback", "lost_events" for HVST_EV_LOST; NULL
 * for an unknown id.
 */
const char *hvst_event_name(unsigned int id);

/**
 * hvst_event_system() - the event system that an event belongs to
 * @id: enum hvst_event_id
 *
 * Returns a constant string such as "kvm" or "sched"; NULL for an unknown id.
 */
const char *hvst_event_system(unsigned int id);

/**
 * hvst_event_by_name() - the id of an event
 * @name: the kernel's name, with or without "system:" before it
 *
 * Returns the id, -1 for an unknown name.
 */
int hvst_event_by_name(const char *name);

/**
 * hvst_event_fields() - the fields of an event
 * @id: enum hvst_event_id
 * @n: set to the number of fields; 0 for an unknown id
 *
 * Returns an array in static storage: field i belongs to bit i of @present in struct hvst_event.
 */
const struct hvst_field *hvst_event_fields(unsigned int id, unsigned int *n);

/* Which task records an event. Tells how to filter a recording for one VM. */
enum hvst_event_task {
	HVST_TASK_VCPU,	  /* the thread of the VMM that caused it */
	HVST_TASK_ANY,	  /* any task: an interrupted one, or a kernel worker */
	HVST_TASK_SWITCH, /* the task switched from; the event names the one switched to */
};

/**
 * struct hvst_event_need - what the analysis needs an event for
 * @fields: names of the fields that are read, separated by spaces
 * @readers: the parts of the analysis that read them
 * @without: what the analysis cannot tell without the event
 * @filter: keeps the events that matter, for trace-cmd record -f; NULL: all of them matter
 * @task: which task records it
 * @essential: nothing can be analysed without it
 */
struct hvst_event_need {
	const char *fields;
	const char *readers;
	const char *without;
	const char *filter;
	enum hvst_event_task task;
	bool essential;
};

/**
 * hvst_event_need() - what the analysis needs an event for
 * @id: enum hvst_event_id
 *
 * Returns static storage; NULL if the analysis does not read the event.
 */
const struct hvst_event_need *hvst_event_need(unsigned int id);

/**
 * hvst_event_value() - read a field of an event
 * @ev: the event
 * @i: index into hvst_event_fields()
 * @val: set to the value, sign-extended if the field is signed
 *
 * Returns true if the field was in the record; else false, with *@val unchanged.
 */
bool hvst_event_value(const struct hvst_event *ev, unsigned int i, uint64_t *val);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
