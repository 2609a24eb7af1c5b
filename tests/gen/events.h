/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The events that are written, their fields in the order in which values are given, and their
 * layouts.
 */
#ifndef GEN_EVENTS_H
#define GEN_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* clang-format off */
/* id, system, the kernel's name, fields */
#define GEN_EVENTS(X) \
	X(SET_CONFIG, kvm, kvm_hv_stimer_set_config, "vcpu_id timer_index config host") \
	X(SET_COUNT, kvm, kvm_hv_stimer_set_count, "vcpu_id timer_index count host") \
	X(CLEANUP, kvm, kvm_hv_stimer_cleanup, "vcpu_id timer_index") \
	X(START_ONE_SHOT, kvm, kvm_hv_stimer_start_one_shot, "vcpu_id timer_index time_now count") \
	X(START_PERIODIC, kvm, kvm_hv_stimer_start_periodic, "vcpu_id timer_index time_now exp_time") \
	X(START_EXPIRED, kvm, kvm_hv_stimer_start_expired, "vcpu_id timer_index time_now count") \
	X(CALLBACK, kvm, kvm_hv_stimer_callback, "vcpu_id timer_index") \
	X(EXPIRATION, kvm, kvm_hv_stimer_expiration, "vcpu_id timer_index direct msg_send_result") \
	X(SYNIC_SET_MSR, kvm, kvm_hv_synic_set_msr, "vcpu_id msr data host") \
	X(SYNIC_SET_IRQ, kvm, kvm_hv_synic_set_irq, "vcpu_id sint vector ret") \
	X(SYNIC_SEND_EOI, kvm, kvm_hv_synic_send_eoi, "vcpu_id vector") \
	X(ACKED_SINT, kvm, kvm_hv_notify_acked_sint, "vcpu_id sint") \
	X(HYPERCALL, kvm, kvm_hv_hypercall, "code fast var_cnt rep_cnt rep_idx ingpa outgpa") \
	X(HYPERCALL_DONE, kvm, kvm_hv_hypercall_done, "result") \
	X(FLUSH_TLB, kvm, kvm_hv_flush_tlb, "processor_mask address_space flags guest_mode") \
	X(FLUSH_TLB_EX, kvm, kvm_hv_flush_tlb_ex, "valid_bank_mask format address_space flags guest_mode") \
	X(SEND_IPI, kvm, kvm_hv_send_ipi, "vector processor_mask") \
	X(SEND_IPI_EX, kvm, kvm_hv_send_ipi_ex, "vector format valid_bank_mask") \
	X(SYNDBG_SET_MSR, kvm, kvm_hv_syndbg_set_msr, "vcpu_id vp_index msr data") \
	X(SYNDBG_GET_MSR, kvm, kvm_hv_syndbg_get_msr, "vcpu_id vp_index msr data") \
	X(TIMER_STATE, kvm, kvm_hv_timer_state, "vcpu_id hv_timer_in_use") \
	X(MSR, kvm, kvm_msr, "write ecx data exception") \
	X(WRITE_TSC_OFFSET, kvm, kvm_write_tsc_offset, "vcpu_id previous_tsc_offset next_tsc_offset") \
	X(TRACK_TSC, kvm, kvm_track_tsc, \
	  "vcpu_id nr_vcpus_matched_tsc online_vcpus use_master_clock host_clock") \
	X(MASTER_CLOCK, kvm, kvm_update_master_clock, "use_master_clock host_clock offset_matched") \
	X(PVCLOCK, kvm, kvm_pvclock_update, \
	  "vcpu_id version tsc_timestamp system_time tsc_to_system_mul tsc_shift flags") \
	X(EXIT, kvm, kvm_exit, "vcpu_id exit_reason guest_rip isa info1 info2 intr_info error_code") \
	X(ENTRY, kvm, kvm_entry, "vcpu_id rip immediate_exit") \
	X(PIO, kvm, kvm_pio, "rw port size count val") \
	X(MMIO, kvm, kvm_mmio, "type len gpa val") \
	X(APIC, kvm, kvm_apic, "rw reg val") \
	X(EOI, kvm, kvm_eoi, "apicid vector") \
	X(INJ_VIRQ, kvm, kvm_inj_virq, "vector soft reinjected") \
	X(ACCEPT_IRQ, kvm, kvm_apic_accept_irq, "apicid dm tm vec") \
	X(WAKEUP, kvm, kvm_vcpu_wakeup, "ns waited valid") \
	X(SWITCH, sched, sched_switch, \
	  "prev_comm prev_pid prev_prio prev_state next_comm next_pid next_prio")

/* clang-format on */

enum gen_event {
#define X(id, system, name, fields) EV_##id,
	GEN_EVENTS(X)
#undef X
		EV_PRINT, /* ftrace's own, of any length: the long records of the ring buffer */
	EV_COUNT
};

enum gen_kernel { KERNEL_6_12, KERNEL_6_18, KERNEL_OLDER, KERNEL_COUNT };

#define EV_BIT(id)     (1ull << EV_##id)
#define GEN_MAX_FIELDS 8
#define GEN_MAX_RECORD 512

struct gen_field {
	uint16_t offset;
	uint16_t size; /* 0: this kernel has no such field */
};

struct gen_layout {
	const char *system;
	const char *name;
	const char *format; /* the text that goes into the file */
	uint16_t id;
	uint16_t size;
	uint8_t nr_fields;
	struct gen_field fields[GEN_MAX_FIELDS];
};

extern const char *const gen_header_page, *const gen_header_event;

/* Fills @layouts[EV_COUNT] for a kernel; false when a format can't be understood. */
bool gen_layouts(struct gen_layout *layouts, enum gen_kernel kernel);

/*
 * Writes one record to @buf (GEN_MAX_RECORD bytes) and returns its length. @vals: one per field;
 * fields wider than 8 bytes and strings are given by address.
 */
unsigned int gen_encode(const struct gen_layout *l, uint8_t *buf, int pid, const uint64_t *vals);

/* The event of a name; -1 when there is none. */
int gen_event_by_name(const char *name);

#endif
