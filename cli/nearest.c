// SPDX-License-Identifier: GPL-2.0
/* The nearest word by edit distance. */
#include <limits.h>
#include <string.h>

#include "nearest.h"

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Levenshtein distance of words of up to 63 characters. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], i, j, diagonal, old;
	size_t n = strlen(b);

	if (n > 63 || strlen(a) > 63)
		return UINT_MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			old = row[j];
			row[j] =
				min3(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = old;
		}
	}
	return row[n];
}

const char *nearest(const char *word, const char *const *words)
{
	unsigned int best = strlen(word) / 3 + 2;
	const char *found = NULL;

	for (; *words; words++) {
		unsigned int d = distance(word, *words);

		if (d < best) {
			best = d;
			found = *words;
		}
	}
	return found;
}
