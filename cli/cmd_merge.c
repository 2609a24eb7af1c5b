// SPDX-License-Identifier: GPL-2.0
/* hvstimer merge: results of many hosts as one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "merge.h"
#include "message.h"
#include "options.h"
#include "output/merged.h"

static int write_merged(const struct options *o, const struct merge *m)
{
	struct out out;
	int err = out_open(&out, o->output, o->color);

	if (!err) {
		if (o->format == FORMAT_JSON)
			merged_json(&out, m);
		else
			merged_text(&out, m);
		err = out_close(&out);
	}
	if (!err || err == -EPIPE)
		return EXIT_OK;
	cli_error("%s: %s", o->output ? o->output : "standard output", strerror(-err));
	return EXIT_INPUT;
}

/* A file that cannot be read does not prevent merging the others. */
static int merge_files(const struct options *o, struct merge *m)
{
	int code = EXIT_OK, written;

	for (unsigned int i = 0; i < o->files.n; i++) {
		int err = merge_file(m, o->files.v[i]);

		if (err == -ENOMEM)
			return EXIT_INPUT;
		if (err)
			code = EXIT_INPUT;
	}
	if (!m->results) {
		if (!code)
			cli_error("%s: no result in it", o->files.v[0]);
		return code ? code : EXIT_NOTHING;
	}
	if (m->duplicates && !o->quiet)
		cli_warn("left out what is of a recording merged before: %" PRIu64 " of %" PRIu64
			 " results",
			 m->duplicates, m->duplicates + m->results);
	written = write_merged(o, m);
	return written ? written : code;
}

int cmd_merge(int argc, char **argv)
{
	struct options o;
	struct merge m;
	enum parse_result parsed = options_parse(&o, command_by_bit(CMD_MERGE), argc, argv);
	int code = parse_exit_code(parsed);

	if (parsed == PARSE_GO) {
		if (merge_init(&m, o.top)) {
			cli_error("out of memory");
			code = EXIT_INPUT;
		} else {
			code = merge_files(&o, &m);
		}
		merge_free(&m);
	}
	options_free(&o);
	return code;
}
