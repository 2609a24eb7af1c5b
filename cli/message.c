// SPDX-License-Identifier: GPL-2.0
/* Messages to standard error. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "message.h"
#include "output/utf8.h"

static void print(const char *kind, const char *fmt, va_list ap)
{
	char *text;

	fflush(stdout);
	if (vasprintf(&text, fmt, ap) < 0)
		return;
	for (char *p = text; *p; p++) {
		unsigned int len = utf8_printable(p);

		if (!len)
			*p = '?';
		p += len ? len - 1 : 0;
	}
	fprintf(stderr, "hvstimer: %s%s\n", kind, text);
	free(text);
}

void cli_error(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print("", fmt, ap);
	va_end(ap);
}

void cli_warn(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	print("warning: ", fmt, ap);
	va_end(ap);
}
