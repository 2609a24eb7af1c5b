/* SPDX-License-Identifier: GPL-2.0 */
/* The report page: everything diagnose knows, in one self-contained file without scripts. */
#ifndef HVST_CLI_HTML_H
#define HVST_CLI_HTML_H

#include "svg.h"

/* @argv: the command line, for the reader to repeat it; ends with NULL. */
void html_report(struct out *o, const struct svg_context *ctx, char *const *argv);

#endif
