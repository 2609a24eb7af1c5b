/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libhvstimer: why is a guest stuck in Hyper-V synthetic-timer interrupts? One include for all of
 * it.
 *
 * Later versions of the library add members to structs. A program that was compiled before runs
 * with them as it is, because:
 *
 * - A struct that a program fills in has its size as its first member: struct hvst_params, struct
 *   hvst_observer, struct hvst_live_ops. Set it to sizeof. For members that the program does not
 *   have, the library takes the default or NULL. A program that is newer than the library may
 *   leave the members that the library does not have zero; with another value the function fails
 *   with -E2BIG. -EINVAL: the size is smaller than that of the first version, or was not set.
 * - A struct that the library hands out gets new members at its end. A copy has the members that
 *   the program knows of. Lists are arrays of pointers, for a program must not index the library's
 *   memory by the size of such a struct.
 * - Final are the structs that programs index by their size, or that others embed: struct
 *   hvst_event in its size, struct hvst_field, hvst_evidence, hvst_evidence_list and hvst_lost.
 *   They never change.
 * - Enumerations get new values behind the old ones. Handle a value that is not known.
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

/** hvst_version - "0.1.0", of the library that is running */
const char *hvst_version(void);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
