/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * libhvstimer: why is a guest stuck in Hyper-V synthetic-timer interrupts? One include for all of
 * it.
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
