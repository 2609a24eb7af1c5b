/* SPDX-License-Identifier: GPL-2.0 */
/* Which VM a thread belongs to, from /proc. */
#ifndef HVST_CLI_WATCH_WHO_H
#define HVST_CLI_WATCH_WHO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct watch_who - a thread
 * @tid: 0: none
 * @pid: its process, the VMM; 0: the thread is gone
 * @name: the VM's name where the VMM was told one (QEMU's -name), else the VMM's own
 */
struct watch_who {
	int32_t tid, pid;
	char name[64];
};

/* What was looked up, by thread. Zero-initialised; watch_names_free(). */
struct watch_names {
	struct watch_who *v;
	size_t nr, cap;
};

/* Looks a thread up, or returns the cached entry; never NULL. */
const struct watch_who *watch_who(struct watch_names *n, int32_t tid);
/* Makes the next lookups read /proc again: threads end, and their ids are reused. */
void watch_names_forget(struct watch_names *n);
void watch_names_free(struct watch_names *n);

/* The name in a QEMU command line, @len bytes with a NUL after each word; false: none. */
bool watch_vm_name(const char *cmdline, size_t len, char *name, size_t size);

#endif
