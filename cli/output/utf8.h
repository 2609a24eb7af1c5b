/* SPDX-License-Identifier: GPL-2.0 */
/* UTF-8 sequences. */
#ifndef HVST_CLI_UTF8_H
#define HVST_CLI_UTF8_H

/* The length of the UTF-8 sequence at @s; 0: it is none. Overlong forms and surrogates are none. */
unsigned int utf8_length(const char *s);

/* The same; 0 also for control characters, those from U+0080 to U+009F included. */
unsigned int utf8_printable(const char *s);

#endif
