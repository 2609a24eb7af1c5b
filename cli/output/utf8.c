// SPDX-License-Identifier: GPL-2.0
/* Checks of UTF-8 sequences. */
#include <stdint.h>

#include "utf8.h"

unsigned int utf8_length(const char *text)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	const unsigned char *s = (const unsigned char *)text;
	unsigned int len = s[0] < 0x80	  ? 1
			   : s[0] >= 0xf0 ? 4
			   : s[0] >= 0xe0 ? 3
			   : s[0] >= 0xc0 ? 2
					  : 0;
	uint32_t code = len == 1 ? s[0] : s[0] & (0xff >> (len + 1));
	unsigned int i;

	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (s[i] & 0x3f);
	}
	if (!len || code < least[len] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000) ||
	    s[0] > 0xf7)
		return 0;
	return len;
}

unsigned int utf8_printable(const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	if (s[0] < ' ' || s[0] == 127 || (s[0] == 0xc2 && s[1] < 0xa0))
		return 0;
	return utf8_length(text);
}
