/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. The one table of events and their fields: decoding, printing and counting are all
 * driven by it. A field's place in its list is its bit in struct hvst_event.present.
 */
#include <string.h>

#include <hvstimer/event.h>

#include "../base/array.h"
#include "schema.h"

#define F(kname, member, fl)                                                                       \
	{                                                                                          \
		kname, offsetof(struct hvst_event, member),                                        \
			sizeof(((struct hvst_event *)0)->member), fl                               \
	}
#define VCPU F("vcpu_id", vcpu_id, HVST_FIELD_SIGNED)
#define S    HVST_FIELD_SIGNED
#define X    HVST_FIELD_HEX
#define B    HVST_FIELD_BOOL

static const struct hvst_field f_set_config[] = { VCPU, F("timer_index", set_config.timer_index, 0),
						  F("config", set_config.config, X),
						  F("host", set_config.host, B) };
static const struct hvst_field f_set_count[] = { VCPU, F("timer_index", set_count.timer_index, 0),
						 F("count", set_count.count, 0),
						 F("host", set_count.host, B) };
static const struct hvst_field f_timer[] = { VCPU, F("timer_index", timer.timer_index, 0) };
static const struct hvst_field f_start[] = { VCPU, F("timer_index", start.timer_index, 0),
					     F("time_now", start.time_now, 0),
					     F("count", start.count, 0) };
static const struct hvst_field f_periodic[] = { VCPU, F("timer_index", start.timer_index, 0),
						F("time_now", start.time_now, 0),
						F("exp_time", start.count, 0) };
static const struct hvst_field f_expiration[] = {
	VCPU, F("timer_index", expiration.timer_index, 0), F("direct", expiration.direct, S),
	F("msg_send_result", expiration.msg_send_result, S)
};
static const struct hvst_field f_synic_msr[] = { VCPU, F("msr", synic_msr.msr, X),
						 F("data", synic_msr.data, X),
						 F("host", synic_msr.host, B) };
static const struct hvst_field f_synic_irq[] = { VCPU, F("sint", synic_irq.sint, 0),
						 F("vector", synic_irq.vector, S),
						 F("ret", synic_irq.ret, S) };
/* The kernel declares sint and ret in kvm_hv_synic_send_eoi but never fills them in: not read. */
static const struct hvst_field f_send_eoi[] = { VCPU, F("vector", synic_irq.vector, S) };
static const struct hvst_field f_acked[] = { VCPU, F("sint", synic_irq.sint, 0) };
static const struct hvst_field f_hypercall[] = {
	F("code", hypercall.code, X),	    F("fast", hypercall.fast, B),
	F("var_cnt", hypercall.var_cnt, 0), F("rep_cnt", hypercall.rep_cnt, 0),
	F("rep_idx", hypercall.rep_idx, 0), F("ingpa", hypercall.ingpa, X),
	F("outgpa", hypercall.outgpa, X)
};
static const struct hvst_field f_hypercall_done[] = { F("result", hypercall_done.result, X) };
static const struct hvst_field f_flush_tlb[] = { F("processor_mask", flush_tlb.mask, X),
						 F("address_space", flush_tlb.address_space, X),
						 F("flags", flush_tlb.flags, X),
						 F("guest_mode", flush_tlb.guest_mode, B) };
static const struct hvst_field f_flush_tlb_ex[] = { F("valid_bank_mask", flush_tlb.mask, X),
						    F("format", flush_tlb.format, X),
						    F("address_space", flush_tlb.address_space, X),
						    F("flags", flush_tlb.flags, X),
						    F("guest_mode", flush_tlb.guest_mode, B) };
static const struct hvst_field f_send_ipi[] = { F("vector", send_ipi.vector, X),
						F("processor_mask", send_ipi.mask, X) };
static const struct hvst_field f_send_ipi_ex[] = { F("vector", send_ipi.vector, X),
						   F("format", send_ipi.format, X),
						   F("valid_bank_mask", send_ipi.mask, X) };
static const struct hvst_field f_syndbg[] = { VCPU, F("vp_index", syndbg.vp_index, 0),
					      F("msr", syndbg.msr, X), F("data", syndbg.data, X) };
static const struct hvst_field f_timer_state[] = { VCPU, F("hv_timer_in_use",
							   timer_state.hv_timer_in_use, 0) };
static const struct hvst_field f_msr[] = { F("write", msr.write, B), F("ecx", msr.ecx, X),
					   F("data", msr.data, X),
					   F("exception", msr.exception, B) };
static const struct hvst_field f_tsc_offset[] = {
	VCPU, F("previous_tsc_offset", tsc_offset.previous_tsc_offset, 0),
	F("next_tsc_offset", tsc_offset.next_tsc_offset, 0)
};
static const struct hvst_field f_track_tsc[] = {
	VCPU, F("nr_vcpus_matched_tsc", track_tsc.nr_vcpus_matched_tsc, 0),
	F("online_vcpus", track_tsc.online_vcpus, 0),
	F("use_master_clock", track_tsc.use_master_clock, B),
	F("host_clock", track_tsc.host_clock, 0)
};
static const struct hvst_field f_master_clock[] = {
	F("use_master_clock", master_clock.use_master_clock, B),
	F("host_clock", master_clock.host_clock, 0),
	F("offset_matched", master_clock.offset_matched, B)
};
static const struct hvst_field f_pvclock[] = { VCPU,
					       F("version", pvclock.version, 0),
					       F("tsc_timestamp", pvclock.tsc_timestamp, 0),
					       F("system_time", pvclock.system_time, 0),
					       F("tsc_to_system_mul", pvclock.tsc_to_system_mul, 0),
					       F("tsc_shift", pvclock.tsc_shift, S),
					       F("flags", pvclock.flags, X) };
static const struct hvst_field f_exit[] = { VCPU,
					    F("exit_reason", exit.exit_reason, X),
					    F("guest_rip", exit.guest_rip, X),
					    F("isa", exit.isa, 0),
					    F("info1", exit.info1, X),
					    F("info2", exit.info2, X),
					    F("intr_info", exit.intr_info, X),
					    F("error_code", exit.error_code, X) };
static const struct hvst_field f_entry[] = { VCPU, F("rip", entry.rip, X),
					     F("immediate_exit", entry.immediate_exit, B) };
static const struct hvst_field f_pio[] = { F("rw", pio.rw, 0), F("port", pio.port, X),
					   F("size", pio.size, 0), F("count", pio.count, 0),
					   F("val", pio.val, X) };
static const struct hvst_field f_mmio[] = { F("type", mmio.type, 0), F("len", mmio.len, 0),
					    F("gpa", mmio.gpa, X), F("val", mmio.val, X) };
static const struct hvst_field f_apic[] = { F("rw", apic.rw, 0), F("reg", apic.reg, X),
					    F("val", apic.val, X) };
static const struct hvst_field f_sched[] = { F("prev_pid", sched.prev_pid, S),
					     F("prev_prio", sched.prev_prio, S),
					     F("prev_state", sched.prev_state, S),
					     F("next_pid", sched.next_pid, S),
					     F("next_prio", sched.next_prio, S) };
static const struct hvst_field f_lost[] = { F("count", lost.count, 0) };

#define E(id, system, name, fields) [id] = { system, name, fields, ARRAY_SIZE(fields) }
static const struct hvst_event_desc events[HVST_EV_COUNT] = {
	E(HVST_EV_STIMER_SET_CONFIG, "kvm", "kvm_hv_stimer_set_config", f_set_config),
	E(HVST_EV_STIMER_SET_COUNT, "kvm", "kvm_hv_stimer_set_count", f_set_count),
	E(HVST_EV_STIMER_CLEANUP, "kvm", "kvm_hv_stimer_cleanup", f_timer),
	E(HVST_EV_STIMER_START_ONE_SHOT, "kvm", "kvm_hv_stimer_start_one_shot", f_start),
	E(HVST_EV_STIMER_START_PERIODIC, "kvm", "kvm_hv_stimer_start_periodic", f_periodic),
	E(HVST_EV_STIMER_START_EXPIRED, "kvm", "kvm_hv_stimer_start_expired", f_start),
	E(HVST_EV_STIMER_CALLBACK, "kvm", "kvm_hv_stimer_callback", f_timer),
	E(HVST_EV_STIMER_EXPIRATION, "kvm", "kvm_hv_stimer_expiration", f_expiration),
	E(HVST_EV_SYNIC_SET_MSR, "kvm", "kvm_hv_synic_set_msr", f_synic_msr),
	E(HVST_EV_SYNIC_SET_IRQ, "kvm", "kvm_hv_synic_set_irq", f_synic_irq),
	E(HVST_EV_SYNIC_SEND_EOI, "kvm", "kvm_hv_synic_send_eoi", f_send_eoi),
	E(HVST_EV_NOTIFY_ACKED_SINT, "kvm", "kvm_hv_notify_acked_sint", f_acked),
	E(HVST_EV_HYPERCALL, "kvm", "kvm_hv_hypercall", f_hypercall),
	E(HVST_EV_HYPERCALL_DONE, "kvm", "kvm_hv_hypercall_done", f_hypercall_done),
	E(HVST_EV_FLUSH_TLB, "kvm", "kvm_hv_flush_tlb", f_flush_tlb),
	E(HVST_EV_FLUSH_TLB_EX, "kvm", "kvm_hv_flush_tlb_ex", f_flush_tlb_ex),
	E(HVST_EV_SEND_IPI, "kvm", "kvm_hv_send_ipi", f_send_ipi),
	E(HVST_EV_SEND_IPI_EX, "kvm", "kvm_hv_send_ipi_ex", f_send_ipi_ex),
	E(HVST_EV_SYNDBG_SET_MSR, "kvm", "kvm_hv_syndbg_set_msr", f_syndbg),
	E(HVST_EV_SYNDBG_GET_MSR, "kvm", "kvm_hv_syndbg_get_msr", f_syndbg),
	E(HVST_EV_TIMER_STATE, "kvm", "kvm_hv_timer_state", f_timer_state),
	E(HVST_EV_MSR, "kvm", "kvm_msr", f_msr),
	E(HVST_EV_WRITE_TSC_OFFSET, "kvm", "kvm_write_tsc_offset", f_tsc_offset),
	E(HVST_EV_TRACK_TSC, "kvm", "kvm_track_tsc", f_track_tsc),
	E(HVST_EV_UPDATE_MASTER_CLOCK, "kvm", "kvm_update_master_clock", f_master_clock),
	E(HVST_EV_PVCLOCK_UPDATE, "kvm", "kvm_pvclock_update", f_pvclock),
	E(HVST_EV_EXIT, "kvm", "kvm_exit", f_exit),
	E(HVST_EV_ENTRY, "kvm", "kvm_entry", f_entry),
	E(HVST_EV_PIO, "kvm", "kvm_pio", f_pio),
	E(HVST_EV_MMIO, "kvm", "kvm_mmio", f_mmio),
	E(HVST_EV_APIC, "kvm", "kvm_apic", f_apic),
	E(HVST_EV_SCHED_SWITCH, "sched", "sched_switch", f_sched),
};
static const struct hvst_event_desc lost = { "", "lost_events", f_lost, ARRAY_SIZE(f_lost) };

const struct hvst_event_desc *hvst_event_desc(unsigned int id)
{
	if (id == HVST_EV_LOST)
		return &lost;
	return id < HVST_EV_COUNT ? &events[id] : NULL;
}

const char *hvst_event_name(unsigned int id)
{
	const struct hvst_event_desc *d = hvst_event_desc(id);

	return d ? d->name : NULL;
}

const char *hvst_event_system(unsigned int id)
{
	const struct hvst_event_desc *d = hvst_event_desc(id);

	return d ? d->system : NULL;
}

int hvst_event_by_name(const char *name)
{
	const char *colon = strchr(name, ':');

	for (unsigned int id = 0; id < HVST_EV_COUNT; id++) {
		const struct hvst_event_desc *d = &events[id];

		if (colon) {
			size_t len = (size_t)(colon - name);

			if (strlen(d->system) != len || strncmp(name, d->system, len))
				continue;
		}
		if (!strcmp(colon ? colon + 1 : name, d->name))
			return (int)id;
	}
	return -1;
}

const struct hvst_field *hvst_event_fields(unsigned int id, unsigned int *n)
{
	const struct hvst_event_desc *d = hvst_event_desc(id);

	*n = d ? d->nr_fields : 0;
	return d ? d->fields : NULL;
}

bool hvst_event_value(const struct hvst_event *ev, unsigned int i, uint64_t *val)
{
	const struct hvst_event_desc *d = hvst_event_desc(ev->id);
	const struct hvst_field *f;
	const char *p;
	uint64_t v = 0;

	if (!d || i >= d->nr_fields || !(ev->present >> i & 1))
		return false;
	f = &d->fields[i];
	p = (const char *)ev + f->offset;
	switch (f->size) {
	case 1:
		v = *(const uint8_t *)p;
		break;
	case 2:
		v = *(const uint16_t *)(const void *)p;
		break;
	case 4:
		v = *(const uint32_t *)(const void *)p;
		break;
	case 8:
		v = *(const uint64_t *)(const void *)p;
		break;
	}
	if (f->flags & HVST_FIELD_SIGNED && f->size < 8) {
		unsigned int shift = 64 - 8 * f->size;

		v = (uint64_t)((int64_t)(v << shift) >> shift);
	}
	*val = v;
	return true;
}
