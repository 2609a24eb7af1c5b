/* SPDX-License-Identifier: GPL-2.0 */
/* Event layouts, read from the kernels' own format texts, and the encoding of one record. */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "events.h"

/* The files are taken in whole, so that the program runs from anywhere. */
#define EMBED(sym, file)                                                                           \
	__asm__(".section .rodata\n" #sym ":\n.incbin \"tests/gen/formats/" file                   \
		"\"\n.byte 0\n.previous\n");                                                       \
	extern const char sym[] __attribute__((visibility("hidden")))

#define X(id, system, name, fields)                                                                \
	EMBED(fmt_6_12_##name, "linux-6.12/" #name ".format");                                     \
	EMBED(fmt_6_18_##name, "linux-6.18/" #name ".format");
GEN_EVENTS(X)
#undef X
EMBED(fmt_older_kvm_exit, "linux-older/kvm_exit.format");
EMBED(fmt_older_kvm_entry, "linux-older/kvm_entry.format");
EMBED(fmt_print, "print.format");
EMBED(text_header_page, "header_page");
EMBED(text_header_event, "header_event");

const char *const gen_header_page = text_header_page, *const gen_header_event = text_header_event;

static const struct {
	const char *system, *name, *fields, *format[2];
} events[EV_COUNT] = {
#define X(id, system, name, fields)                                                                \
	[EV_##id] = { #system, #name, fields, { fmt_6_12_##name, fmt_6_18_##name } },
	GEN_EVENTS(X)
#undef X
		[EV_PRINT] = { "ftrace", "print", "ip buf", { fmt_print, fmt_print } },
};

static const char *format_text(int ev, enum gen_kernel kernel)
{
	if (kernel == KERNEL_OLDER && ev == EV_EXIT)
		return fmt_older_kvm_exit;
	if (kernel == KERNEL_OLDER && ev == EV_ENTRY)
		return fmt_older_kvm_entry;
	return events[ev].format[kernel == KERNEL_6_18];
}

/*
 * Finds "NAME;" or "NAME[16];" at the end of a declaration: "\tfield:TYPE
 * NAME;\toffset:8;\tsize:4;..."
 */
static struct gen_field field_of(const char *format, const char *name, size_t len)
{
	struct gen_field f = { 0, 0 };
	const char *p = format;
	unsigned int offset, size;

	while ((p = strstr(p, "\tfield:"))) {
		const char *end = strchr(p, ';'), *last = end;

		p += 7;
		if (!end || sscanf(end, "; offset:%u; size:%u;", &offset, &size) != 2)
			return f;
		if (last[-1] == ']')
			while (*last != '[')
				last--;
		if ((size_t)(last - p) > len && last[-1 - (long)len] == ' ' &&
		    !memcmp(last - len, name, len)) {
			f.offset = offset;
			f.size = size;
			return f;
		}
	}
	return f;
}

/* A record is as long as its format says, with fields that are not given values too. */
static unsigned int record_size(const char *format)
{
	unsigned int end = 8, align = 4, offset, size;

	for (const char *p = strstr(format, "offset:"); p; p = strstr(p + 1, "offset:")) {
		if (sscanf(p, "offset:%u; size:%u;", &offset, &size) != 2)
			continue;
		if (offset + size > end)
			end = offset + size;
		if (size == 8)
			align = 8;
	}
	return (end + align - 1) & ~(align - 1);
}

static void layout_fields(struct gen_layout *l, const char *names)
{
	while (*names) {
		size_t len = strcspn(names, " ");

		l->fields[l->nr_fields++] = field_of(l->format, names, len);
		names += len + (names[len] == ' ');
	}
	l->size = record_size(l->format);
}

bool gen_layouts(struct gen_layout *layouts, enum gen_kernel kernel)
{
	for (int i = 0; i < EV_COUNT; i++) {
		struct gen_layout *l = &layouts[i];
		const char *id;

		memset(l, 0, sizeof(*l));
		l->system = events[i].system;
		l->name = events[i].name;
		l->format = format_text(i, kernel);
		id = strstr(l->format, "\nID: ");
		if (!id)
			return false;
		l->id = strtoul(id + 5, NULL, 10);
		layout_fields(l, events[i].fields);
	}
	/* A string to the end of the record: its length is not in the layout. */
	layouts[EV_PRINT].fields[1].offset = 16;
	layouts[EV_PRINT].fields[1].size = 0;
	return true;
}

static unsigned int encode_print(const struct gen_layout *l, uint8_t *buf, const uint64_t *vals)
{
	const char *text = (const char *)(uintptr_t)vals[1];
	size_t len = strlen(text) + 1;

	if (len > GEN_MAX_RECORD - 32)
		len = GEN_MAX_RECORD - 32;
	memcpy(buf + l->fields[0].offset, &vals[0], 8);
	memcpy(buf + 16, text, len);
	memset(buf + 16 + len, 0, 4);
	return 16 + ((len + 3) & ~3u);
}

unsigned int gen_encode(const struct gen_layout *l, uint8_t *buf, int pid, const uint64_t *vals)
{
	uint32_t common[2] = { l->id, pid };

	memset(buf, 0, l->size);
	memcpy(buf, common, sizeof(common));
	if (l->system[0] == 'f')
		return encode_print(l, buf, vals);
	for (unsigned int i = 0; i < l->nr_fields; i++) {
		const struct gen_field *f = &l->fields[i];

		if (f->size > 8)
			memcpy(buf + f->offset, (const void *)(uintptr_t)vals[i], f->size);
		else
			memcpy(buf + f->offset, &vals[i], f->size);
	}
	return l->size;
}

int gen_event_by_name(const char *name)
{
	for (int i = 0; i < EV_COUNT; i++)
		if (!strcmp(events[i].name, name))
			return i;
	return -1;
}
