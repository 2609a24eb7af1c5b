/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The VM and vCPU of threads, kept from one pass for the next: while arms come in, the VM of their
 * thread may not be known yet, and a new pass frees what the one before found.
 */
#ifndef HVST_CLI_EXPORT_THREADS_H
#define HVST_CLI_EXPORT_THREADS_H

#include <hvstimer/hvstimer.h>

struct who {
	int tid, vm, vcpu;
};

/* Sorted by thread id, then VM. */
struct threads {
	struct who *v;
	unsigned int n;
};

/* 0 or -ENOMEM. threads_free() in every case. */
int threads_init(struct threads *t, const struct hvst_result *r);
void threads_free(struct threads *t);
/*
 * The thread that armed or fired. With @vm -1: the only VM that the thread belongs to, or -1 when
 * there are several.
 */
struct who threads_find(const struct threads *t, int tid, int vm, int vcpu);

#endif
