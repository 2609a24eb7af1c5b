/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: abi. Lists that the library returns to programs: arrays of pointers. */
#ifndef HVST_ABI_LIST_H
#define HVST_ABI_LIST_H

#include <stddef.h>

/**
 * hvst_list() - turn an array into an array of pointers to its elements
 * @array: from malloc(); owned by this function, even if it fails. NULL with @n 0 is an empty
 *	array; NULL with elements is an allocation that failed
 * @n: number of elements
 * @size: of an element, in bytes
 *
 * Structs grow: a program must not index an array by the size that it was compiled with.
 *
 * Returns an array of pointers, not NULL even if @n is 0, in one block with the elements: free()
 * frees both. NULL without memory.
 */
void *hvst_list(void *array, unsigned int n, size_t size);

#endif
