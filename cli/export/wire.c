// SPDX-License-Identifier: GPL-2.0
/* The protobuf wire format. */
#include "../output/utf8.h"
#include "wire.h"

enum wire_type { WIRE_VARINT = 0, WIRE_FIXED64 = 1, WIRE_BYTES = 2 };

#define VARINT_MAX 10

static unsigned int encode(unsigned char *p, uint64_t v)
{
	unsigned int n = 0;

	for (; v >= 0x80; v >>= 7)
		p[n++] = (unsigned char)v | 0x80;
	p[n++] = (unsigned char)v;
	return n;
}

void wire_varint(struct out *o, uint64_t v)
{
	unsigned char p[VARINT_MAX];
	unsigned int n = encode(p, v);

	out_mem(o, p, n);
}

static void tag(struct out *o, unsigned int field, enum wire_type type)
{
	wire_varint(o, (uint64_t)field << 3 | type);
}

void wire_u64(struct out *o, unsigned int field, uint64_t v)
{
	tag(o, field, WIRE_VARINT);
	wire_varint(o, v);
}

void wire_i64(struct out *o, unsigned int field, int64_t v)
{
	wire_u64(o, field, (uint64_t)v);
}

void wire_fixed64(struct out *o, unsigned int field, uint64_t v)
{
	unsigned char p[8];
	unsigned int i;

	for (i = 0; i < sizeof(p); i++)
		p[i] = (unsigned char)(v >> 8 * i);
	tag(o, field, WIRE_FIXED64);
	out_mem(o, p, sizeof(p));
}

void wire_double(struct out *o, unsigned int field, double v)
{
	uint64_t bits;

	memcpy(&bits, &v, sizeof(bits));
	wire_fixed64(o, field, bits);
}

void wire_bytes(struct out *o, unsigned int field, const void *p, size_t len)
{
	tag(o, field, WIRE_BYTES);
	wire_varint(o, len);
	out_mem(o, p, len);
}

void wire_string(struct out *o, unsigned int field, const char *s)
{
	size_t mark = wire_open(o, field);

	out_safe(o, s);
	wire_close(o, mark);
}

/* One byte is left for the length; a message of 128 bytes or more is moved up when it is closed. */
size_t wire_open(struct out *o, unsigned int field)
{
	tag(o, field, WIRE_BYTES);
	out_char(o, 0);
	return o->len;
}

void wire_close(struct out *o, size_t mark)
{
	size_t len = o->len - mark;
	unsigned char p[VARINT_MAX];
	unsigned int n = encode(p, len);

	out_mem(o, p, n - 1); /* makes room */
	if (o->err)
		return;
	memmove(o->buf + mark + n - 1, o->buf + mark, len);
	memcpy(o->buf + mark - 1, p, n);
}
