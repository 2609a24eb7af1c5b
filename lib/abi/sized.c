// SPDX-License-Identifier: LGPL-2.1
/* Stage: abi. Takes structs from programs that may be older or newer than the library. */
#include <errno.h>
#include <string.h>

#include "sized.h"

int hvst_sized_copy(void *to, size_t size, size_t first, const void *from)
{
	const unsigned char *p = from;
	size_t theirs;

	memcpy(&theirs, from, sizeof(theirs));
	if (theirs < first)
		return -EINVAL;
	for (size_t i = size; i < theirs; i++)
		if (p[i])
			return -E2BIG;
	memcpy(to, from, theirs < size ? theirs : size);
	memcpy(to, &size, sizeof(size));
	return 0;
}
