// SPDX-License-Identifier: GPL-2.0
/* The words that people read instead of the JSON contract's identifiers. */
#include "../array.h"
#include "words.h"

static const struct {
	const char *question, *topic;
} questions[HVST_Q_COUNT] = {
	[HVST_Q_STORM] = { "Is there a timer storm?", "timer storm" },
	[HVST_Q_GUEST_CLOCK_BEHIND] = { "Does the guest's clock lag the host's?",
					"guest clock behind" },
	[HVST_Q_GUEST_BACKLOG] = { "Does the guest replay ticks that it missed?",
				   "replay of missed ticks" },
	[HVST_Q_GUEST_CLOCK_RATE] = { "Does the guest's clock run at a wrong rate?",
				      "guest clock rate" },
	[HVST_Q_GUEST_CLOCKSOURCE_SWITCH] = { "Did the guest change its clock source?",
					      "guest clock source" },
	[HVST_Q_HOST_REFERENCE_STEP] = { "Did the host's reference clock step?",
					 "host clock step" },
	[HVST_Q_HOST_REFERENCE_RATE] = { "Does the host's reference clock run at a wrong rate?",
					 "host clock rate" },
	[HVST_Q_HOST_KVMCLOCK_FALLBACK] = { "Was the guest armed past due without a TSC page?",
					    "no TSC page" },
	[HVST_Q_HOST_UNPAIRED_CLOCK_READS] = { "Do the host's two clock readings lie far apart?",
					       "unpaired clock reads" },
	[HVST_Q_PREEMPTION] = { "Was a vCPU kept from running when timers were due?",
				"preempted vCPU" },
	[HVST_Q_GUEST_CLOCK_AHEAD] = { "Does the guest's clock lead the host's?",
				       "guest clock ahead" },
	[HVST_Q_GUEST_TIME_RESTORE] = { "Did the guest ask for its time to be restored?",
					"request to restore time" },
	[HVST_Q_TSC_REFERENCE_OFFSET] = { "Did the guest's TSC begin later than its reference "
					  "clock?",
					  "TSC offset" },
	[HVST_Q_VMM_RESUME_ORDER] = { "Did the VMM let vCPUs run before it set the clock?",
				      "order of the restore" },
	[HVST_Q_VCPU_TSC_MISMATCH] = { "Did vCPUs of one VM have different TSCs?", "unequal TSCs" },
	[HVST_Q_TIMER_LIVELOCK] = { "Does KVM handle one arm over and over?", "timer livelock" },
	[HVST_Q_LOST_TIMER] = { "Did nothing come of an armed timer?", "lost timer" },
	[HVST_Q_RESTORED_TIMER_FIRED] = { "Did a timer expire that the VMM restored as expired?",
					  "restored timer" },
	[HVST_Q_SLOW_CLOCK_PATH] = { "Does the guest read its clock by way of the host?",
				     "slow clock path" },
	[HVST_Q_REFUSED_REQUESTS] = { "Did KVM refuse the guest a request?", "refused requests" },
};

const char *words_question(enum hvst_question q)
{
	return questions[q].question ? questions[q].question : hvst_question_name(q);
}

const char *words_topic(enum hvst_question q)
{
	return questions[q].topic ? questions[q].topic : hvst_question_name(q);
}

const char *words_answer(enum hvst_answer a)
{
	return a == HVST_CANNOT_TELL ? "cannot tell" : hvst_answer_name(a);
}

const char *words_ref_source(enum hvst_ref_source s)
{
	static const char *const words[] = {
		[HVST_REF_UNKNOWN] = "not known",
		[HVST_REF_TSC_PAGE] = "TSC page",
		[HVST_REF_KVMCLOCK] = "kvmclock",
	};

	return s < ARRAY_SIZE(words) && words[s] ? words[s] : hvst_ref_source_name(s);
}

const char *words_life(enum hvst_life_kind k)
{
	static const char *const words[] = {
		[HVST_LIFE_CREATED] = "created",
		[HVST_LIFE_RESET] = "reset in place",
		[HVST_LIFE_RESTORED] = "restored in place",
		[HVST_LIFE_RESTORED_OR_MIGRATED] = "restored or migrated in",
		[HVST_LIFE_RESUMED] = "resumed by the guest itself",
		[HVST_LIFE_GONE] = "gone",
	};

	return k < ARRAY_SIZE(words) && words[k] ? words[k] : hvst_life_kind_name(k);
}

const struct word glossary[] = {
	{ "arm", "The guest programs a timer to expire at a time of the reference clock." },
	{ "past due", "An arm whose time has already gone by: KVM expires it at once, and a guest "
		      "that arms again in the interrupt handler never leaves it." },
	{ "skew", "The reference time when KVM starts the timer minus the time asked for: positive "
		  "is past due, negative lies ahead." },
	{ "storm", "Past-due arms in close succession that keep the guest from its work." },
	{ "backlog", "A storm in which the guest replays the ticks that it missed, one arm each; "
		     "it ends when it has caught up." },
	{ "constant", "A storm in which the guest's clock lags the host's by the same amount all "
		      "the time; it does not end by itself." },
	{ "growing", "A storm in which the guest's clock runs too slowly and lags more and more." },
	{ "livelock", "KVM starts or delivers one arm of a timer over and over, without effect." },
	{ "progress", "The share of time that the vCPU spent in the guest without a timer "
		      "interrupt to handle: what is left for its work." },
	{ "reference clock", "The Hyper-V reference time of a VM, in units of 100 ns, as KVM "
			     "computes it; timers are compared with it." },
	{ "TSC page", "A page from which the guest computes the reference time out of the TSC, "
		      "without leaving the guest." },
	{ "reference counter", "The register HV_TIME_REF_COUNT: the guest reads the reference "
			       "time from KVM, one exit each time." },
	{ "TSC itself", "The guest takes the time from the TSC by a rate of its own, not from "
			"what KVM tells it." },
	{ "observed", "The event that proves it was recorded." },
	{ "inferred", "No event was recorded; others prove it." },
	{ "suspected", "The timers behave as if; nothing proves it." },
};

const unsigned int nr_glossary = ARRAY_SIZE(glossary);
