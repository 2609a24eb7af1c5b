/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: abi. Structs that a program passes in, of its version, and the library's version of them.
 */
#ifndef HVST_ABI_SIZED_H
#define HVST_ABI_SIZED_H

#include <stddef.h>

/**
 * hvst_sized_copy() - copy a public struct whose first member is its size, a size_t
 * @to: the library's version, with the defaults of members that the program may lack
 * @size: of @to
 * @first: of the first version of the struct
 * @from: as the program passed it
 *
 * As for struct perf_event_attr: what the program has is copied, what it lacks stays as it is in
 * @to. Members that the library lacks must be zero, which asks for nothing. @to then has @size.
 *
 * Returns 0; -EINVAL: smaller than @first; -E2BIG: a member that the library lacks is not zero.
 * After an error @to is as it was.
 */
int hvst_sized_copy(void *to, size_t size, size_t first, const void *from);

#endif
