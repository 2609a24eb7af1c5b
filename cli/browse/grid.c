// SPDX-License-Identifier: GPL-2.0
/* The grid of cells, and its output as text. */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "grid.h"

int br_grid_resize(struct br_grid *g, int w, int h)
{
	struct br_cell *cells;

	w = w < 1 ? 1 : w > BR_MAX_SIDE ? BR_MAX_SIDE : w;
	h = h < 1 ? 1 : h > BR_MAX_SIDE ? BR_MAX_SIDE : h;
	cells = calloc((size_t)w * h, sizeof(*cells));
	if (!cells)
		return -ENOMEM;
	free(g->cells);
	g->cells = cells;
	g->w = w;
	g->h = h;
	br_grid_clear(g);
	return 0;
}

void br_grid_free(struct br_grid *g)
{
	free(g->cells);
	g->cells = NULL;
}

void br_grid_clear(struct br_grid *g)
{
	br_fill(g, &(struct br_rect){ 0, 0, g->w, g->h }, ' ', BR_NORMAL);
}

static struct br_cell *at(const struct br_grid *g, int x, int y)
{
	if (x < 0 || y < 0 || x >= g->w || y >= g->h)
		return NULL;
	return &g->cells[(size_t)y * g->w + x];
}

const struct br_cell *br_cell(const struct br_grid *g, int x, int y)
{
	return at(g, x, y);
}

void br_put(struct br_grid *g, int x, int y, uint32_t ch, enum br_role role)
{
	struct br_cell *c = at(g, x, y);

	if (c)
		*c = (struct br_cell){ .ch = ch, .role = role };
}

void br_fill(struct br_grid *g, const struct br_rect *r, uint32_t ch, enum br_role role)
{
	for (int y = r->y; y < r->y + r->h; y++)
		for (int x = r->x; x < r->x + r->w; x++)
			br_put(g, x, y, ch, role);
}

/* Decodes one character; a byte that is no UTF-8, a control or a wide character becomes '?'. */
static const char *decode(const char *s, uint32_t *ch)
{
	const unsigned char *p = (const unsigned char *)s;

	*ch = *p < 0x20 || *p >= 0x7f ? '?' : *p;
	if ((*p & 0xe0) == 0xc0 && (p[1] & 0xc0) == 0x80) {
		uint32_t v = (*p & 0x1fu) << 6 | (p[1] & 0x3fu);

		*ch = v >= 0xa0 && v < 0x300 ? v : '?';
		return s + 2;
	}
	return s + 1;
}

int br_text(struct br_grid *g, int x, int y, int max, enum br_role role, const char *s)
{
	int n = 0;

	while (*s && n < max) {
		uint32_t ch;

		s = decode(s, &ch);
		br_put(g, x + n++, y, g->ascii && ch >= 0x7f ? '?' : ch, role);
	}
	return n;
}

/* Columns that br_text() would take. */
static int columns(const char *s)
{
	int n = 0;

	for (uint32_t ch; *s; n++)
		s = decode(s, &ch);
	return n;
}

int br_text_cut(struct br_grid *g, int x, int y, int max, enum br_role role, const char *s)
{
	int n = br_text(g, x, y, max, role, s);

	if (n > 0 && n == max && columns(s) > max)
		br_put(g, x + n - 1, y, g->ascii ? '>' : 0x2026, role);
	return n;
}

int br_printf(struct br_grid *g, int x, int y, int max, enum br_role role, const char *fmt, ...)
{
	char buf[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	return br_text(g, x, y, max, role, buf);
}

void br_flag(struct br_grid *g, int x, int y, int w, enum br_flags flag)
{
	for (int i = 0; i < w; i++) {
		struct br_cell *c = at(g, x + i, y);

		if (c)
			c->flags |= flag;
	}
}

char *br_utf8(uint32_t ch, char *buf)
{
	char *p = buf;

	if (ch < 0x80) {
		*p++ = (char)ch;
	} else if (ch < 0x800) {
		*p++ = (char)(0xc0 | ch >> 6);
		*p++ = (char)(0x80 | (ch & 0x3f));
	} else {
		*p++ = (char)(0xe0 | (ch >> 12 & 0xf));
		*p++ = (char)(0x80 | (ch >> 6 & 0x3f));
		*p++ = (char)(0x80 | (ch & 0x3f));
	}
	*p = 0;
	return buf;
}

static int row_end(const struct br_grid *g, int y)
{
	int end = g->w;

	while (end > 0 && at(g, end - 1, y)->ch == ' ')
		end--;
	return end;
}

void br_grid_write(const struct br_grid *g, FILE *f)
{
	char buf[5];

	for (int y = 0; y < g->h; y++) {
		for (int x = 0, end = row_end(g, y); x < end; x++)
			fputs(br_utf8(at(g, x, y)->ch, buf), f);
		putc('\n', f);
	}
}

char br_role_letter(enum br_role role)
{
	static const char letters[BR_ROLES + 1] = ".thdlapsxymbvkwi";

	return role < BR_ROLES ? letters[role] : '?';
}

void br_grid_write_roles(const struct br_grid *g, FILE *f)
{
	for (int y = 0; y < g->h; y++) {
		for (int x = 0; x < g->w; x++) {
			const struct br_cell *c = at(g, x, y);
			char l = br_role_letter(c->role);

			putc(c->flags ? toupper(l) : l, f);
		}
		putc('\n', f);
	}
}
