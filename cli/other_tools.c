// SPDX-License-Identifier: GPL-2.0
/*
 * What commands and options of trace-cmd, perf and KernelShark are called here. The nearest name by
 * edit distance would mislead: "report" is two letters away from "export".
 */
#include <stddef.h>
#include <string.h>

#include "array.h"
#include "other_tools.h"

const char *other_tools_command(const char *word)
{
	static const struct {
		const char *word, *instead;
	} known[] = {
		{ "report", "hvstimer events prints the events, hvstimer diagnose what they mean" },
		{ "script", "hvstimer events prints the events" },
		{ "show", "hvstimer events prints the events" },
		{ "dump", "hvstimer events prints the events" },
		{ "stat", "hvstimer diagnose -v counts the events" },
		{ "top", "hvstimer watch reports the storms of running guests" },
		{ "stream", "hvstimer watch reports the storms of running guests" },
		{ "start", "hvstimer record makes a recording" },
		{ "diff", "hvstimer compare takes two recordings" },
		{ "hist", "hvstimer skew and hvstimer latency print histograms" },
		{ "what-if", "hvstimer simulate tells what a workaround would have done" },
		{ "whatif", "hvstimer simulate tells what a workaround would have done" },
		{ "convert", "hvstimer export writes other formats" },
		{ "kernelshark", "hvstimer browse shows the timeline" },
		{ "timeline", "hvstimer browse shows the timeline" },
		{ "analyze", "hvstimer diagnose does that" },
		{ "analyse", "hvstimer diagnose does that" },
		{ "version", "hvstimer --version prints the version" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].word, word))
			return known[i].instead;
	return NULL;
}

const char *other_tools_option(const char *name, bool (*has)(void *ctx, const char *option),
			       void *ctx)
{
	/* of several entries with a name the first counts whose option the command has */
	static const struct {
		const char *name, *option, *instead;
	} known[] = {
		{ "F", "filter", "--filter EXPRESSION" },
		{ "comm", "filter", "--filter 'comm==\"NAME\"'" },
		{ "comm", "vm", "--vm NAME" },
		{ "t", "filter", "--filter tid==ID" },
		{ "t", "vm", "--vm ID" },
		{ "tid", "filter", "--filter tid==ID" },
		{ "tid", "vm", "--vm ID" },
		{ "p", "vm", "--vm ID" },
		{ "pid", "vm", "--vm ID" },
		{ "guest", "vm", "--vm VM" },
		{ "domain", "vm", "--vm VM" },
		{ "begin", "from", "--from TIME" },
		{ "start", "from", "--from TIME" },
		{ "since", "from", "--from TIME" },
		{ "end", "to", "--to TIME" },
		{ "stop", "to", "--to TIME" },
		{ "until", "to", "--to TIME" },
		{ "file", "input", "--input FILE" },
		{ "no-color", "color", "--color never" },
		{ "plot", "svg", "--svg FILE" },
		{ "png", "svg", "--svg FILE" },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(known[i].name, name) && has(ctx, known[i].option))
			return known[i].instead;
	return NULL;
}
