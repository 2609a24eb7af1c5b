// SPDX-License-Identifier: GPL-2.0
/* Files with notes: what is taken of one is within its bounds and fit for a terminal. */
#include "../../cli/notes.h"
#include "fuzz.h"

static void fit_for_terminal(const char *text, size_t room)
{
	size_t len = strnlen(text, room);

	PROMISE(len < room);
	for (size_t i = 0; i < len; i++)
		PROMISE(text[i] >= 0x20 && text[i] < 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	struct notes n;
	int64_t bytes;

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = 0;
	if (!notes_parse(&n, text, &bytes)) {
		PROMISE(n.n <= NOTES_MAX && n.nr_folded <= NOTES_FOLDED);
		for (unsigned int i = 0; i < n.n; i++) {
			PROMISE(notes_slot(n.note[i].name[0]) >= 0 && !n.note[i].name[1]);
			fit_for_terminal(n.note[i].text, sizeof(n.note[i].text));
		}
		fit_for_terminal(n.filter, sizeof(n.filter));
		PROMISE(!n.viewed || n.from_ns < n.to_ns);
	}
	free(text);
	return 0;
}
