/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Memory, threads and reading that fail at one chosen place. The calls get here by the linker's
 * --wrap (fuzz.mk); what libraries do inside stays as it is.
 */
#ifndef HVST_FUZZ_FAULTS_H
#define HVST_FUZZ_FAULTS_H

#include <stdbool.h>

enum fault { FAULT_NONE, FAULT_MEMORY, FAULT_READ };

/* The @nth call of this kind from now on fails; 0: the first. */
void faults_arm(enum fault kind, unsigned int nth);
void faults_disarm(void);
/* Has that call come? */
bool faults_fired(void);

#endif
