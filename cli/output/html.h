/* SPDX-License-Identifier: GPL-2.0 */
/* The report page: everything diagnose knows, in one self-contained file without scripts. */
#ifndef HVST_CLI_HTML_H
#define HVST_CLI_HTML_H

#include "../notes.h"
#include "svg.h"

/* @notes: bookmarks of the browser's user. @argv: the command line, for the reader to repeat it;
 * ends with NULL. */
void html_report(struct out *o, const struct svg_context *ctx, const struct notes *notes,
		 char *const *argv);

#endif
