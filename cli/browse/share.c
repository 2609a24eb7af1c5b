// SPDX-License-Identifier: GPL-2.0
/* The screen as SVG, and shell commands for the window. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../output/out.h"
#include "../output/shell.h"
#include "../output/units.h"
#include "../output/xml.h"
#include "share.h"

/* --- SVG -------------------------------------------------------------------------------------- */

#define CELL_W 8
#define CELL_H 17
#define BASE   13 /* of the text, from the top of its cell */

/* The colours of the terminal, on its usual dark ground. */
static const struct {
	const char *fg, *bg; /* bg NULL: the ground */
	bool bold;
} looks[BR_ROLES] = {
	[BR_NORMAL] = { "#d0d0d0", NULL, false },     [BR_TITLE] = { "#ffffff", "#005f87", false },
	[BR_HEAD] = { "#d0d0d0", NULL, true },	      [BR_DIM] = { "#949494", NULL, false },
	[BR_LABEL] = { "#d0d0d0", NULL, true },	      [BR_AHEAD] = { "#5fafff", NULL, false },
	[BR_PAST] = { "#ffd700", NULL, true },	      [BR_STORM] = { "#ff5f00", NULL, true },
	[BR_CLOCK_EVEN] = { "#87afaf", NULL, false }, [BR_CLOCK_ODD] = { "#d7af87", NULL, false },
	[BR_MARK] = { "#ff87ff", NULL, true },	      [BR_AXIS] = { "#949494", NULL, false },
	[BR_MEDIAN] = { "#ffffff", NULL, true },      [BR_KEY] = { "#87d7ff", NULL, true },
	[BR_ALERT] = { "#000000", "#ffd700", false }, [BR_PROMPT] = { "#ffffff", "#005f87", false },
};

#define GROUND "#1c1c1c"

static const char *foreground(const struct br_cell *c)
{
	const char *bg = looks[c->role].bg ? looks[c->role].bg : GROUND;

	return c->flags & BR_CURSOR ? bg : looks[c->role].fg;
}

/* NULL: the ground. */
static const char *background(const struct br_cell *c)
{
	return c->flags & BR_CURSOR ? looks[c->role].fg : looks[c->role].bg;
}

static bool is_shape(uint32_t ch)
{
	return (ch >= 0x2581 && ch <= 0x2588) || ch == 0x2591 || (ch >= 0x2800 && ch <= 0x28ff);
}

static bool same_look(const struct br_cell *a, const struct br_cell *b)
{
	return a->role == b->role && a->flags == b->flags && is_shape(a->ch) == is_shape(b->ch);
}

static void rect(struct out *o, double x, double y, double w, double h, const char *fill)
{
	out_printf(o, "<rect x=\"%.4g\" y=\"%.6g\" width=\"%.4g\" height=\"%.4g\" fill=\"%s\"/>\n",
		   x, y, w, h, fill);
}

/* Draw bars, shades and dots as shapes: fonts have them in differing sizes, or not at all. */
static void shape(struct out *o, const struct br_cell *c, int x, int y)
{
	static const uint8_t dots[8][2] = { { 0, 0 }, { 0, 1 }, { 0, 2 }, { 1, 0 },
					    { 1, 1 }, { 1, 2 }, { 0, 3 }, { 1, 3 } };
	const char *fill = foreground(c);

	if (c->ch == 0x2591) {
		out_printf(o,
			   "<rect x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\" fill=\"%s\" "
			   "opacity=\"0.35\"/>\n",
			   x, y, CELL_W, CELL_H, fill);
	} else if (c->ch <= 0x2588) {
		double h = CELL_H * (double)(c->ch - 0x2580) / 8;

		rect(o, x, y + CELL_H - h, CELL_W, h, fill);
	}
	for (int i = 0; c->ch >= 0x2800 && i < 8; i++)
		if (c->ch >> i & 1)
			rect(o, x + 1 + dots[i][0] * CELL_W / 2.0,
			     y + 1 + dots[i][1] * CELL_H / 4.0, 2.5, 2.5, fill);
}

static void text(struct out *o, const struct br_cell *c, int n, int x, int y)
{
	char buf[5];

	out_printf(o,
		   "<text x=\"%d\" y=\"%d\" textLength=\"%d\" lengthAdjust=\"spacingAndGlyphs\" "
		   "fill=\"%s\"%s%s>",
		   x, y + BASE, n * CELL_W, foreground(c),
		   looks[c->role].bold ? " font-weight=\"bold\"" : "",
		   c->flags & BR_SELECTED ? " text-decoration=\"underline\"" : "");
	for (int i = 0; i < n; i++)
		xml_text(o, br_utf8(c[i].ch, buf));
	out_str(o, "</text>\n");
}

/* Blanks in a row, or at an end, are not drawn alike everywhere: avoid them in texts. */
static void texts(struct out *o, const struct br_cell *c, int n, int x, int y)
{
	int end;

	for (int i = 0; i < n; i = end) {
		end = i + 1;
		if (c[i].ch == ' ')
			continue;
		while (end < n && (c[end].ch != ' ' || (end + 1 < n && c[end + 1].ch != ' ')))
			end++;
		text(o, &c[i], end - i, x + i * CELL_W, y);
	}
}

/* @n cells of the same look. */
static void cells(struct out *o, const struct br_cell *c, int n, int x, int y)
{
	if (background(c))
		rect(o, x, y, n * CELL_W, CELL_H, background(c));
	if (!is_shape(c->ch))
		texts(o, c, n, x, y);
	for (int i = 0; i < n && is_shape(c->ch); i++)
		shape(o, &c[i], x + i * CELL_W, y);
}

static void row(struct out *o, const struct br_grid *g, int y)
{
	int end;

	for (int x = 0; x < g->w; x = end) {
		const struct br_cell *c = br_cell(g, x, y);

		for (end = x + 1; end < g->w && same_look(c, br_cell(g, end, y)); end++)
			;
		cells(o, c, end - x, x * CELL_W, y * CELL_H);
	}
}

void br_share_svg(const struct br_grid *g, int rows, struct out *o)
{
	int w = g->w * CELL_W, h = rows * CELL_H;

	out_printf(o,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
		   "viewBox=\"0 0 %d %d\" font-family=\"DejaVu Sans Mono, Menlo, Consolas, "
		   "monospace\" font-size=\"13\">\n"
		   "<title>hvstimer browse</title>\n",
		   w, h, w, h);
	rect(o, 0, 0, w, h, GROUND);
	for (int y = 0; y < rows && y < g->h; y++)
		row(o, g, y);
	out_str(o, "</svg>\n");
}

/* --- commands --------------------------------------------------------------------------------- */

/*
 * A file or an expression, quoted so that it is neither taken for an option nor reaches the
 * terminal.
 */
static void put_word(FILE *f, const char *word)
{
	char *copy = strdup(word);

	if (!copy)
		return;
	for (char *c = copy; *c; c++)
		if (*c >= 0 && *c < 0x20)
			*c = '?';
	if (*copy == '-')
		fputs("./", f);
	shell_put_word(f, copy);
	free(copy);
}

/* Seconds to the nanosecond, as trace-cmd and --from take them. */
static void put_seconds(FILE *f, int64_t ns)
{
	uint64_t abs = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;

	fprintf(f, "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "", abs / 1000000000,
		abs % 1000000000);
}

/* trace-cmd split's seconds are its raw time stamps divided by 10^9: for a cycle clock, cycles. */
static int64_t split_time(const struct hvst_trace *t, int64_t ns)
{
	if (!t->cycles || !t->scale_mult || t->scale_shift > 63)
		return ns;
	return (int64_t)(((__int128)ns << t->scale_shift) / t->scale_mult);
}

static void put_split(FILE *f, const struct br_model *m, int64_t from, int64_t to)
{
	const struct hvst_trace *t = m->live.trace;

	for (unsigned int i = 0; i < t->nr_files; i++) {
		fputs("\n  trace-cmd split -i ", f);
		put_word(f, t->files[i]->path);
		fprintf(f, " -o window%.0u.dat ", t->nr_files > 1 ? i + 1 : 0);
		put_seconds(f, split_time(t, from));
		putc(' ', f);
		put_seconds(f, split_time(t, to));
	}
	fputs("\n\nwhich writes window.dat.1 (window.dat from trace-cmd 3.3 on).", f);
}

/* The filter may be about something that the command does not have. */
static bool suits(const struct br_model *m, const char *command)
{
	char why[FILTER_WHY];
	struct filter *f = filter_parse(
		filter_text(m->filter),
		strcmp(command, "events") ? FILTER_ANY : FILTER_BIT(FILTER_EVENT), why);

	filter_free(f);
	return f;
}

static void put_hvstimer(FILE *f, const struct br_model *m, const char *command, bool filter,
			 int64_t from, int64_t to)
{
	const struct hvst_trace *t = m->live.trace;

	fprintf(f, "\n  hvstimer %s --from ", command);
	put_seconds(f, from);
	fputs(" --to ", f);
	put_seconds(f, to);
	if (filter && m->filter && suits(m, command)) {
		fputs(" --filter ", f);
		put_word(f, filter_text(m->filter));
	}
	for (unsigned int i = 0; i < t->nr_files; i++) {
		putc(' ', f);
		put_word(f, t->files[i]->path);
	}
}

char *br_share_commands(const struct br_model *m)
{
	bool stretch = m->select_from != HVST_UNKNOWN;
	int64_t from = stretch ? m->select_from : m->from;
	int64_t to = stretch ? m->select_to : br_model_end(m);
	char a[UNIT_BUF], d[UNIT_BUF], *text_made = NULL;
	size_t len;
	FILE *f = m->live.trace ? open_memstream(&text_made, &len) : NULL;

	if (!f)
		return strdup("The recording is still being read.\n");
	fprintf(f, "The %s, %s from %s s on, is cut out by\n",
		stretch ? "selected stretch" : "window", unit_duration(d, to - from),
		unit_time(a, from));
	put_split(f, m, from, to);
	fputs("\n\nThe same part for hvstimer:\n", f);
	put_hvstimer(f, m, "browse", true, from, to);
	put_hvstimer(f, m, "diagnose", false, from, to);
	put_hvstimer(f, m, "events", true, from, to);
	putc('\n', f);
	fclose(f);
	return text_made;
}
