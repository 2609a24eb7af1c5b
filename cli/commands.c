// SPDX-License-Identifier: GPL-2.0
/* The table of commands. */
#include <stddef.h>
#include <string.h>

#include "commands.h"

const struct command commands[] = {
	{ "diagnose", CMD_DIAGNOSE, cmd_diagnose,
	  "the whole picture on one screen: who is stuck, since when, why",
	  "Reads the recording and answers: is there an interrupt storm, whose fault is it, since "
	  "when, what set it off, what to do next. -v shows all evidence." },
	{ "skew", CMD_SKEW, cmd_skew, "how far in the past (+) or ahead (-) timers were programmed",
	  "Histogram of skew: the hypervisor's reference time minus the expiry that the guest "
	  "asked for. Positive: already past due." },
	{ "storms", CMD_STORMS, cmd_storms, "the storm windows, with all that is known of each",
	  "Lists each interval in which a timer was past due over and over." },
	{ "clocks", CMD_CLOCKS, cmd_clocks,
	  "the host's reference clock and the guest's clock sources over time",
	  "Segments and steps of each VM's reference clock, and when a guest changed the clock it "
	  "uses, with evidence and confidence." },
	{ "latency", CMD_LATENCY, cmd_latency, "how late timers fired and were delivered",
	  "Histograms of lateness (deadline to callback), delivery (callback to expiration) and "
	  "entry (expiration to the next kvm_entry)." },
	{ "simulate", CMD_SIMULATE, cmd_simulate,
	  "what a workaround in the host would have done to each arm",
	  "Puts every arm of the recording to one or more policies, such as a delay of 10 us from "
	  "the 16th past-due arm in a row on, and says what each would have done to the storms "
	  "and to the harmless arms outside them." },
	{ "compare", CMD_COMPARE, cmd_compare,
	  "two recordings: what got better, what worse, and how sure that is",
	  "Compares recording B with recording A: before and after a change, one host or kernel "
	  "with another. For each timer and VM in the same role: skew, lateness, storm time, "
	  "past-due share and progress, with the difference and its 97 % interval, and whether it "
	  "is better, worse, or no difference that these recordings could show." },
	{ "events", CMD_EVENTS, cmd_events, "the decoded events, one a line",
	  "Prints the events that hvstimer understands, with what it derived: VM, skew, inferred "
	  "arms." },
	{ "browse", CMD_BROWSE, cmd_browse,
	  "the timeline on the terminal: storms, clocks, events, at any zoom",
	  "Shows each vCPU's timers over time in the terminal. n goes to the next storm, z zooms "
	  "to it, ? lists "
	  "all keys." },
	{ "export", CMD_EXPORT, cmd_export, "findings as SQLite, JSON lines or a Perfetto trace",
	  "Writes what was found, and on request every arm, in the formats of other tools: tables "
	  "for SQL, and a trace for ui.perfetto.dev. Several formats may be asked for at once." },
	{ "merge", CMD_MERGE, cmd_merge, "the results of many hosts as one",
	  "Merges what diagnose --json or export --sqlite wrote on many hosts: distributions of "
	  "all of them, storm time for each hour of a host, the worst hosts, and those that are "
	  "unlike the others." },
	{ "record", CMD_RECORD, cmd_record, "record what diagnose needs, with trace-cmd",
	  "Records what hvstimer diagnose needs, with trace-cmd: the events, filters, clock and "
	  "buffer sizes that fit this host. Until Ctrl-C, or for --duration." },
	{ "watch", CMD_WATCH, cmd_watch, "always on: report storms of running guests as they come",
	  "Counts, in the kernel, what KVM does with the timers of all guests, and reports a storm "
	  "within two seconds. Costs next to nothing; with --ring it saves the last seconds for "
	  "diagnose, with --diagnose it diagnoses all the time. Until Ctrl-C, or for --duration." },
	{ NULL, 0, NULL, NULL, NULL },
};

const struct command *command_find(const char *name)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (!strcmp(c->name, name))
			return c;
	return NULL;
}

const struct command *command_by_bit(enum command_bit bit)
{
	const struct command *c;

	for (c = commands; c->name; c++)
		if (c->bit == bit)
			return c;
	return NULL;
}
