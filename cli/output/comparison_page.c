// SPDX-License-Identifier: GPL-2.0
/* The plots and the page of a comparison. */
#include <math.h>
#include <stdio.h>

#include "comparison.h"
#include "html.h"
#include "svg.h"
#include "units.h"
#include "xml.h"

#define MAX_PLOTS 16

void comparison_svg(struct out *o, const struct comparison_view *v)
{
	svg_overlays(o, v->d, MAX_PLOTS);
}

static void put_title(struct out *o, const void *ctx)
{
	const struct comparison *c = ctx;

	xml_printf(o, "Hyper-V timers: A, %s, and B, %s", c->side[0].path, c->side[1].path);
}

static const char *class_of(enum difference_word w)
{
	return w == DIFFERENCE_WORSE	? "bad"
	       : w == DIFFERENCE_BETTER ? "good"
	       : w == DIFFERENCE_OTHER	? "warn"
					: NULL;
}

static void row(struct out *o, const struct difference *d)
{
	char text[96];

	out_str(o, "<tr>");
	html_tag(o, "td", NULL, comparison_who(text, d->pair));
	html_tag(o, "td", NULL, measure_title(d->measure));
	for (unsigned int k = 0; k < 2; k++)
		html_tag(o, "td", "n", measure_text(text, d->measure, d->value[k]));
	html_tag(o, "td", "n", difference_text(text, d->measure, d->value[1] - d->value[0]));
	html_tag(o, "td", "n", interval_text(text, d));
	html_tag(o, "td", class_of(d->word), difference_word_text(d->word));
	html_tag(o, "td", NULL, needed_text(text, d));
	out_str(o, "</tr>\n");
}

static void rows(struct out *o, const struct differences *d)
{
	html_tag(o, "h2", NULL, "Values");
	out_str(o, "<div class=\"scroll\"><table>\n<tr><th></th><th></th><th class=\"n\">A</th>"
		   "<th class=\"n\">B</th><th class=\"n\">B - A</th><th class=\"n\">97 % interval"
		   "</th><th></th><th>needs</th></tr>\n");
	for (unsigned int i = 0; i < d->nr; i++)
		row(o, &d->d[i]);
	out_str(o, "</table></div>\n");
}

static void side(struct out *o, const struct side *s, const char *name)
{
	char span[UNIT_BUF], block[UNIT_BUF], storms[96];

	html_tag(o, "dt", NULL, name);
	out_str(o, "<dd>");
	xml_printf(o, "%s, %s%s", s->path, unit_duration(span, s->span_ns), side_storms(storms, s));
	if (s->nr_batches)
		xml_printf(o, ": %u blocks of %s", s->nr_batches,
			   unit_duration(block, s->batch_ns));
	out_str(o, "</dd>\n");
}

void comparison_html(struct out *o, const struct comparison_view *v)
{
	char text[1024];

	comparison_sentence(text, sizeof(text), v);
	html_begin(o, put_title, v->c);
	html_tag(o, "h1", NULL, text);
	out_str(o, "<dl>\n");
	side(o, &v->c->side[0], "A");
	side(o, &v->c->side[1], "B");
	out_str(o, "</dl>\n");
	rows(o, v->d);
	html_tag(o, "h2", NULL, "Distributions");
	for (unsigned int i = 0; i < v->d->nr_shapes && i < MAX_PLOTS; i++) {
		out_str(o, "<figure>");
		svg_overlay(o, &v->d->shapes[i]);
		out_str(o, "</figure>\n");
	}
	html_end(o);
}
