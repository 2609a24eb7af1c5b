/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Threads with all signals blocked. */
#ifndef HVST_STREAM_THREAD_H
#define HVST_STREAM_THREAD_H

#include <pthread.h>

/*
 * Starts a thread of the library, in which all signals are blocked: a program's
 * handlers run in the program's own threads. Returns 0, or an errno as pthread_create() does.
 */
int hvst_thread_start(pthread_t *thread, void *(*main)(void *), void *arg);

#endif
