/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: abi. Lists as the library hands them out: arrays of pointers. */
#ifndef HVST_ABI_LIST_H
#define HVST_ABI_LIST_H

#include <stddef.h>

/**
 * hvst_list() - turn an array into an array of pointers to its elements
 * @array: from malloc(); taken over, whatever is returned; NULL: without memory, or without
 * elements
 * @n: how many elements it has
 * @size: of an element
 *
 * A program must not index an array by the size that a struct had when the program was compiled.
 *
 * Returns the pointers, never NULL without an element, with the elements behind them in the same
 * memory: free() frees both. NULL without memory.
 */
void *hvst_list(void *array, unsigned int n, size_t size);

#endif
