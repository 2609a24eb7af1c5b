// SPDX-License-Identifier: LGPL-2.1
/* Stage: abi. Makes lists for programs from arrays. */
#include <stdlib.h>
#include <string.h>

#include "list.h"

void *hvst_list(void *array, unsigned int n, size_t size)
{
	size_t head = ((size_t)n + 1) * sizeof(void *); /* realloc() to 0 bytes may return NULL */
	char *list = array || !n ? realloc(array, head + n * size) : NULL;

	if (!list) {
		free(array);
		return NULL;
	}
	memmove(list + head, list, n * size);
	for (unsigned int i = 0; i < n; i++) {
		const char *element = list + head + i * size;

		memcpy(list + i * sizeof(element), &element, sizeof(element));
	}
	memset(list + n * sizeof(void *), 0, sizeof(void *));
	return list;
}
