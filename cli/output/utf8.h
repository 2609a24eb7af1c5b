/* SPDX-License-Identifier: GPL-2.0 */
#ifndef HVST_CLI_UTF8_H
#define HVST_CLI_UTF8_H

/*
 * The length of the UTF-8 sequence at @s, 0 when it is none (overlong forms and surrogates
 * included).
 */
unsigned int utf8_length(const char *s);

#endif
