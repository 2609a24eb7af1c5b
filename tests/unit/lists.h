/* SPDX-License-Identifier: GPL-2.0 */
/* Lists of hand-made findings. */
#ifndef HVST_TEST_LISTS_H
#define HVST_TEST_LISTS_H

/* Fills the array of pointers @list with the addresses of the elements of the array @from. */
#define LIST(list, from)                                                                           \
	do {                                                                                       \
		for (size_t at = 0; at < sizeof(list) / sizeof((list)[0]); at++)                   \
			(list)[at] = &(from)[at];                                                  \
	} while (0)

#endif
