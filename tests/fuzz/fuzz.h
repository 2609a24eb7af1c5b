/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the fuzz targets share. A target is one fuzz_NAME.c with the entry point of libFuzzer, which
 * AFL++ takes too; with any other compiler replay.c gives it a main() that runs files, so that
 * `make check` can replay what was once found.
 */
#ifndef HVST_FUZZ_H
#define HVST_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

/* A promise that must hold for every input; unlike assert() it is never compiled out. */
#define PROMISE(cond)                                                                              \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			dprintf(2, "%s:%d: broken promise: %s\n", __FILE__, __LINE__, #cond);      \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

/* Drop the messages of the command line: printing them would be most of the work. */
static inline void drop_messages(void)
{
	stderr = fopen("/dev/null", "w");
	PROMISE(stderr);
}

/* The input, eaten from the front; zeroes behind its end. */
struct input {
	const uint8_t *p;
	size_t n;
};

static inline uint64_t take(struct input *in, size_t bytes)
{
	uint64_t v = 0;

	if (bytes > in->n)
		bytes = in->n;
	if (bytes)
		memcpy(&v, in->p, bytes);
	in->p += bytes;
	in->n -= bytes;
	return v;
}

/* At most @n bytes of it as an input of their own. */
static inline struct input take_input(struct input *in, size_t n)
{
	struct input part = { in->p, n < in->n ? n : in->n };

	in->p += part.n;
	in->n -= part.n;
	return part;
}

#endif
