/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: session. The words of the JSON schema for the enums of a result; default thresholds. */
#include <string.h>

#include <hvstimer/hvstimer.h>

#include "base/array.h"

#define NAME(fn, type, ...)                                                                        \
	const char *fn(type v)                                                                     \
	{                                                                                          \
		static const char *const names[] = { __VA_ARGS__ };                                \
                                                                                                   \
		return (unsigned int)v < ARRAY_SIZE(names) ? names[v] : "unknown";                 \
	}

NAME(hvst_storm_kind_name, enum hvst_storm_kind, "unknown", "backlog", "constant", "growing",
     "livelock")
NAME(hvst_storm_cause_name, enum hvst_storm_cause, "not_seen", "host_step", "source_switch",
     "vcpu_held")
NAME(hvst_response_name, enum hvst_response, "unknown", "same_target", "now_plus_period",
     "previous_plus_period")
NAME(hvst_ref_source_name, enum hvst_ref_source, "unknown", "tsc_page", "kvmclock")
NAME(hvst_guest_source_name, enum hvst_guest_source, "unknown", "reference_counter", "tsc_page",
     "tsc_page_disabled", "tsc_emulated", "raw_tsc", "kvmclock", "acpi_pm", "hpet")
NAME(hvst_life_kind_name, enum hvst_life_kind, "created", "reset", "restored",
     "restored_or_migrated", "resumed", "gone")
NAME(hvst_clock_role_name, enum hvst_clock_role, "unknown", "stimer", "timekeeping")
NAME(hvst_confidence_name, enum hvst_confidence, "suspected", "inferred", "observed")
NAME(hvst_question_name, enum hvst_question, "storm", "guest_clock_behind", "guest_backlog",
     "guest_clock_rate", "guest_clocksource_switch", "host_reference_step", "host_reference_rate",
     "host_kvmclock_fallback", "host_unpaired_clock_reads", "preemption", "guest_clock_ahead",
     "guest_time_restore", "tsc_reference_offset", "vmm_resume_order", "vcpu_tsc_mismatch",
     "timer_livelock", "lost_timer", "restored_timer_fired", "slow_clock_path", "refused_requests")
NAME(hvst_answer_name, enum hvst_answer, "cannot_tell", "no", "yes")
NAME(hvst_timer_mode_name, enum hvst_timer_mode, "unknown", "one_shot", "periodic", "both")
NAME(hvst_delivery_mode_name, enum hvst_delivery_mode, "unknown", "direct", "message", "both")

const char *hvst_version(void)
{
	return HVST_VERSION;
}

void hvst_params_default(struct hvst_params *p, size_t size)
{
	static const struct hvst_params defaults = {
		.storm_min_arms = 64,
		.storm_min_share = 80,
		.storm_max_ahead = 8,
		.storm_min_ns = 1000 * 1000,
		.storm_max_gap_ns = 200 * 1000 * 1000,
		.burst_min_arms = 8,
		/* Half of the shortest watchdogs: Linux soft lockup and Windows DPC, 20 s. */
		.watchdog_ns = 10LL * 1000 * 1000 * 1000,
		.short_deadline_ns = 0,
	};

	memset(p, 0, size);
	memcpy(p, &defaults, size < sizeof(defaults) ? size : sizeof(defaults));
	memcpy(p, &size, size < sizeof(size) ? size : sizeof(size));
}
