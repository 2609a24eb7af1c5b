/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writer of the protobuf wire format, into memory. A trace takes six message types and no reading:
 * that is less than what generated code would add to the build.
 */
#ifndef HVST_CLI_EXPORT_WIRE_H
#define HVST_CLI_EXPORT_WIRE_H

#include "../output/out.h"

void wire_varint(struct out *o, uint64_t v);
void wire_u64(struct out *o, unsigned int field, uint64_t v);
void wire_i64(struct out *o, unsigned int field, int64_t v); /* int64, not sint64 */
void wire_fixed64(struct out *o, unsigned int field, uint64_t v);
void wire_double(struct out *o, unsigned int field, double v);
/* Bytes that are not printable UTF-8 become '?': decoders refuse a string that is not UTF-8. */
void wire_string(struct out *o, unsigned int field, const char *s);
void wire_bytes(struct out *o, unsigned int field, const void *p, size_t len);

/* A message within a message: what is written between the two calls. */
size_t wire_open(struct out *o, unsigned int field);
void wire_close(struct out *o, size_t mark);

#endif
