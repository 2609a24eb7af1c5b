/* SPDX-License-Identifier: GPL-2.0 */
/* The vCPU thread that armed or fired a timer. */
#ifndef HVST_CLI_EXPORT_WHO_H
#define HVST_CLI_EXPORT_WHO_H

struct who {
	int tid, vm, vcpu; /* -1: unknown */
};

#endif
