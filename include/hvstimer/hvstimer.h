/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libhvstimer: why is a guest stuck in Hyper-V synthetic timer interrupts? Includes all other
 * headers.
 *
 * A program runs with later versions of the library without being recompiled as long as the soname
 * stays the same. Later versions add functions, struct members and enumerators:
 *
 * - A struct that a program fills in starts with its size, which the program sets to sizeof: struct
 *   hvst_params, hvst_observer, hvst_live_ops. Members that an older program lacks get their
 *   default, or are NULL. A program that is newer than the library leaves members that the library
 *   does not know zero; with any other value the function fails with -E2BIG. With a size below that
 *   of the first version, such as one that was not set, it fails with -EINVAL.
 * - A struct that the library returns gets new members at its end. A copy has the members that the
 *   program was compiled with. Lists are arrays of pointers, because a program must not index the
 *   library's memory by its own sizeof.
 * - struct hvst_field, hvst_lost, hvst_evidence and hvst_evidence_list never change: they are
 *   elements of arrays, or embedded in other structs. The size of struct hvst_event never changes,
 *   so that programs can keep arrays of it; its union gets members for further events.
 * - An enumeration gets new values after the existing ones: handle values that you do not know.
 */
#ifndef HVSTIMER_HVSTIMER_H
#define HVSTIMER_HVSTIMER_H

#define HVST_VERSION_MAJOR 0
#define HVST_VERSION_MINOR 1
#define HVST_VERSION_PATCH 0

#include <hvstimer/event.h>
#include <hvstimer/names.h>
#include <hvstimer/result.h>
#include <hvstimer/session.h>
#include <hvstimer/text.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * hvst_version() - the version of the library at run time
 *
 * Returns a constant string such as "0.1.0".
 */
const char *hvst_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
