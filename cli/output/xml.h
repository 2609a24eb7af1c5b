/* SPDX-License-Identifier: GPL-2.0 */
/* Text in XML and HTML: escapes, and '?' for what neither allows. */
#ifndef HVST_CLI_XML_H
#define HVST_CLI_XML_H

#include "out.h"

void xml_text(struct out *o, const char *s);
/* printf with its result escaped. */
void xml_printf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
