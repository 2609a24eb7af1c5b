/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libhvstimer: why is a guest stuck in Hyper-V synthetic-timer interrupts? One include for all of
 * it.
 *
 * Programs run with later versions of the library without being compiled again, as long as the
 * number in the library's name stays. Later versions add functions, members of structs and values
 * of enumerations:
 *
 * - A struct that a program fills in begins with its size, which the program sets to sizeof: struct
 *   hvst_params, hvst_observer, hvst_live_ops. What a program does not have yet is its default, or
 *   NULL. A program that is newer than the library leaves members that the library does not have
 *   zero; with any other value the function fails with -E2BIG. With a size below that of the first
 *   version, such as one that was not set, it fails with -EINVAL.
 * - A struct that the library hands out gets new members at its end. A copy has those that the
 *   program knows of. Lists are arrays of pointers, since a program must not index the library's
 *   memory by a size of its own.
 * - Final are struct hvst_field, hvst_lost, hvst_evidence and hvst_evidence_list: their lists are
 *   arrays, or others embed them. So is the size of struct hvst_event, of which programs may keep
 *   many: its union gets members for further events.
 * - An enumeration gets new values behind the old ones: handle one that is not known.
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
