// SPDX-License-Identifier: GPL-2.0
/* Escapes for XML and HTML. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "utf8.h"
#include "xml.h"

static void xml_byte(struct out *o, char c)
{
	switch (c) {
	case '<':
		out_str(o, "&lt;");
		break;
	case '>':
		out_str(o, "&gt;");
		break;
	case '&':
		out_str(o, "&amp;");
		break;
	case '"':
		out_str(o, "&quot;");
		break;
	default:
		out_char(o, c);
	}
}

void xml_text(struct out *o, const char *s)
{
	while (*s) {
		unsigned int len = utf8_printable(s);

		if (len == 1)
			xml_byte(o, *s);
		else if (len)
			out_mem(o, s, len);
		else
			out_char(o, '?');
		s += len ? len : 1;
	}
}

void xml_printf(struct out *o, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = out_format(o, fmt, ap);
	va_end(ap);
	if (text)
		xml_text(o, text);
	free(text);
}
