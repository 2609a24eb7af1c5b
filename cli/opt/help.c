// SPDX-License-Identifier: GPL-2.0
/* --help: the options of a command by section. */
#include <stdio.h>
#include <string.h>

#include "../output/units.h"
#include "table.h"

#define HELP_COLUMN 26

static const char *const section_titles[SEC_COUNT] = {
	[SEC_INPUT] = "Input",
	[SEC_RECORD] = "What to record",
	[SEC_WATCH] = "What to do",
	[SEC_SELECT] = "What to look at",
	[SEC_STORM] = "What counts as a storm",
	[SEC_HISTOGRAM] = "Histogram",
	[SEC_COMPARE] = "What is compared",
	[SEC_POLICY] = "What the host would do",
	[SEC_OUTPUT] = "Output",
	[SEC_OTHER] = "Other",
};

/* " (default 64)": of an option that has a threshold behind it. */
static void default_text(char *buf, size_t len, const struct option_desc *d)
{
	struct options o;
	char unit[UNIT_BUF];
	const char *at = (const char *)&o + d->at;

	options_init(&o, NULL);
	if (d->shown == DEFAULT_NUMBER)
		snprintf(buf, len, " (default %u)", *(const unsigned int *)at);
	else if (d->shown == DEFAULT_DURATION)
		snprintf(buf, len, " (default %s)", unit_edge(unit, *(const int64_t *)at));
	else if (d->shown == DEFAULT_SIZE)
		snprintf(buf, len, " (default %luM)", *(const unsigned long *)at / 1024);
	else
		buf[0] = 0;
}

static void help_option(struct out *out, const struct option_desc *d)
{
	char letter[8], head[64], text[256], dflt[64];
	unsigned int column;

	snprintf(letter, sizeof(letter), "-%c, ", d->letter);
	snprintf(head, sizeof(head), "  %s--%s%s%s", d->letter ? letter : "    ", d->name,
		 d->arg ? " " : "", d->arg ? d->arg : "");
	default_text(dflt, sizeof(dflt), d);
	snprintf(text, sizeof(text), "%s%s", d->help, dflt);
	column = strlen(head) + 2 > HELP_COLUMN ? strlen(head) + 2 : HELP_COLUMN;
	out_str(out, head);
	out_pad(out, column - strlen(head), ' ');
	out_wrap(out, column, HELP_COLUMN, 0, text);
}

void options_help(struct out *out, const struct command *cmd)
{
	unsigned int s, i;

	out_printf(out, "Usage: hvstimer %s [options]%s\n\n", cmd->name,
		   cmd->bit == CMD_MERGE     ? " RESULT..."
		   : cmd->bit == CMD_COMPARE ? " A B"
		   : takes_files(cmd)	     ? " [FILE...]"
					     : "");
	out_wrap(out, 0, 0, 0, cmd->about);
	for (s = 0; s < SEC_COUNT; s++) {
		bool titled = false;

		for (i = 0; i < nr_option_table; i++) {
			if (option_table[i].section != s || !(option_table[i].commands & cmd->bit))
				continue;
			if (!titled)
				out_printf(out, "\n%s:\n", section_titles[s]);
			titled = true;
			help_option(out, &option_table[i]);
		}
	}
	out_printf(out, "\n%sMore: man hvstimer-%s\n",
		   takes_files(cmd) && !(cmd->bit & (CMD_MERGE | CMD_COMPARE))
			   ? "FILE defaults to trace.dat. "
			   : "",
		   cmd->name);
}
