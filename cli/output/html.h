/* SPDX-License-Identifier: GPL-2.0 */
/* The report page: everything diagnose knows, in one self-contained file without scripts. */
#ifndef HVST_CLI_HTML_H
#define HVST_CLI_HTML_H

#include "../notes.h"
#include "svg.h"

/*
 * The beginning of a page up to the heading, and its end. @title writes the subject, which is shown
 * in the title and above the heading.
 */
void html_begin(struct out *o, void (*title)(struct out *o, const void *ctx), const void *ctx);
void html_end(struct out *o);
/* An element with text in it, escaped; @class may be NULL. */
void html_tag(struct out *o, const char *name, const char *class, const char *text);

/*
 * @notes: bookmarks of the browser's user. @argv: the command line, for the reader to repeat it;
 * ends with NULL.
 */
void html_report(struct out *o, const struct svg_context *ctx, const struct notes *notes,
		 char *const *argv);

#endif
