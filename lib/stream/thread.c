/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Starts threads with all signals blocked. */
#include <signal.h>

#include "thread.h"

int hvst_thread_start(pthread_t *thread, void *(*main)(void *), void *arg)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(thread, NULL, main, arg);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return err;
}
