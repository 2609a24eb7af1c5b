/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Trace instances (buffers) made by this program. They are named after the process, and locked
 * while it lives, so that the next run can tell what a killed one left behind from what is in use.
 */
#ifndef HVST_CLI_WATCH_INSTANCE_H
#define HVST_CLI_WATCH_INSTANCE_H

#include <stddef.h>

#include <tracefs.h>

/**
 * struct watch_instance - one instance
 * @fs: libtracefs's handle; NULL: there is none
 * @lock: its directory, held with flock(2) until the process ends
 */
struct watch_instance {
	struct tracefs_instance *fs;
	int lock;
};

/* Makes "hvstimer-watch-PID-START@suffix". 0, or a negative errno with the reason in @err. */
int watch_instance_create(struct watch_instance *in, const char *suffix, char *err, size_t errlen);
/* Remove it with everything that was set in it. 0, also when there is none, or a negative errno. */
int watch_instance_destroy(struct watch_instance *in);
/*
 * Removes instances left by killed runs: made by this user, with a process that is gone and a free
 * lock. Returns the number removed.
 */
unsigned int watch_instances_reap(void);

#endif
