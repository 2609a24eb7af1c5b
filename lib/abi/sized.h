/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: abi. Structs that a program passes in: from its version to the library's. */
#ifndef HVST_ABI_SIZED_H
#define HVST_ABI_SIZED_H

#include <stddef.h>

/**
 * hvst_sized_copy() - copy a public struct whose first member is its size, a size_t
 * @to: the library's struct, filled with the defaults of members that the program may lack
 * @size: of the library's struct, in bytes
 * @first: size of the first version of the struct, in bytes
 * @from: the program's struct
 *
 * Works as for struct perf_event_attr: members that the program lacks keep their default, members
 * that the library lacks must be zero. Sets the size in @to to @size.
 *
 * Returns 0; -EINVAL: @from is smaller than @first; -E2BIG: a member that the library lacks is not
 * zero. After an error @to is unchanged.
 */
int hvst_sized_copy(void *to, size_t size, size_t first, const void *from);

#endif
