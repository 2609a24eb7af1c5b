/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: base, which any other may include. The number of elements of an array. */
#ifndef HVST_BASE_ARRAY_H
#define HVST_BASE_ARRAY_H

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

#endif
