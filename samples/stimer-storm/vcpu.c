// SPDX-License-Identifier: GPL-2.0
/* A thread for each vCPU. Between phases all are parked: out of KVM_RUN, with nothing pending for
 * the VMM. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "vm.h"

#define PARK_LIMIT_S 20

static void fault(struct vcpu *v, const char *what, unsigned long long detail)
{
	struct vm *vm = v->vm;

	pthread_mutex_lock(&vm->lock);
	if (!*vm->error)
		snprintf(vm->error, sizeof(vm->error), "vCPU %u: %s 0x%llx", v->index, what,
			 detail);
	vm->quit = true;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
}

/* False: the thread is to end. */
static bool park(struct vcpu *v)
{
	struct vm *vm = v->vm;
	bool quit;

	pthread_mutex_lock(&vm->lock);
	v->parked = true;
	pthread_cond_broadcast(&vm->changed);
	while (!v->go && !vm->quit)
		pthread_cond_wait(&vm->changed, &vm->lock);
	v->go = false;
	quit = vm->quit;
	pthread_mutex_unlock(&vm->lock);
	return !quit;
}

/* What the guest left for; false: the thread is to end. */
static bool handle_exit(struct vcpu *v)
{
	const struct kvm_run *run = v->run;

	switch (run->exit_reason) {
	case KVM_EXIT_IO:
		if (run->io.port == PORT_PARKED)
			return park(v);
		fault(v, "the guest ran into an exception at",
		      *(const uint32_t *)((const char *)run + run->io.data_offset));
		return false;
	case KVM_EXIT_HYPERV: /* a SynIC register was written: KVM has done it */
		return true;
	case KVM_EXIT_INTR: /* a signal, by which vcpus_stop() ends a running guest */
		return !__atomic_load_n(&v->vm->quit, __ATOMIC_SEQ_CST);
	default:
		fault(v, "KVM_RUN ended with exit reason", run->exit_reason);
		return false;
	}
}

static void *vcpu_thread(void *arg)
{
	struct vcpu *v = arg;
	char name[16];

	v->tid = syscall(SYS_gettid);
	snprintf(name, sizeof(name), "vcpu%u", v->index);
	pthread_setname_np(pthread_self(), name);
	do {
		if (ioctl(v->fd, KVM_RUN, 0) && errno != EINTR && errno != EAGAIN) {
			fault(v, "KVM_RUN fails, errno", errno);
			break;
		}
	} while (handle_exit(v));
	return NULL;
}

static bool all_parked(const struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++)
		if (!vm->vcpus[i].parked)
			return false;
	return true;
}

/* Until all vCPUs are parked. */
static int wait_parked(struct vm *vm)
{
	struct timespec end;
	int rc = 0;

	clock_gettime(CLOCK_REALTIME, &end);
	end.tv_sec += PARK_LIMIT_S;
	pthread_mutex_lock(&vm->lock);
	while (!all_parked(vm) && !vm->quit && !rc)
		rc = pthread_cond_timedwait(&vm->changed, &vm->lock, &end);
	if (rc && !*vm->error)
		snprintf(vm->error, sizeof(vm->error), "a vCPU did not stop within %d s",
			 PARK_LIMIT_S);
	if (*vm->error)
		rc = EIO;
	pthread_mutex_unlock(&vm->lock);
	return -rc;
}

static void no_more_than_interrupt(int sig)
{
	(void)sig;
}

int vcpus_start(struct vm *vm)
{
	struct sigaction act = { .sa_handler = no_more_than_interrupt };
	unsigned int i;
	int rc;

	sigaction(SIGUSR1, &act, NULL);
	for (i = 0; i < vm->nr_vcpus; i++) {
		rc = pthread_create(&vm->vcpus[i].thread, NULL, vcpu_thread, &vm->vcpus[i]);
		if (rc) {
			fault(&vm->vcpus[i], "no thread, errno", rc);
			return -rc;
		}
		vm->vcpus[i].started = true;
	}
	return wait_parked(vm);
}

int vcpus_release(struct vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->lock);
	for (i = 0; i < vm->nr_vcpus; i++) {
		__atomic_store_n(&vm_block(vm, i)->stop, 0, __ATOMIC_SEQ_CST);
		vm->vcpus[i].parked = false;
		vm->vcpus[i].go = true;
	}
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	return *vm->error ? -EIO : 0;
}

int vcpus_park(struct vm *vm)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; i < vm->nr_vcpus; i++)
		__atomic_store_n(&vm_block(vm, i)->stop, 1, __ATOMIC_SEQ_CST);
	for (i = 0; !rc && i < vm->nr_vcpus; i++)
		rc = vm_kick(vm, i);
	return rc ? rc : wait_parked(vm);
}

/* The OUT by which a parked vCPU came here is completed only by the next KVM_RUN. */
int vcpus_complete_exit(struct vm *vm)
{
	unsigned int i;
	int rc;

	for (i = 0; i < vm->nr_vcpus; i++) {
		vm->vcpus[i].run->immediate_exit = 1;
		rc = ioctl(vm->vcpus[i].fd, KVM_RUN, 0);
		vm->vcpus[i].run->immediate_exit = 0;
		if (!rc || errno != EINTR) {
			fault(&vm->vcpus[i], "KVM_RUN does not end at once, errno", errno);
			return -EIO;
		}
	}
	return 0;
}

void vcpus_stop(struct vm *vm)
{
	unsigned int i;

	pthread_mutex_lock(&vm->lock);
	vm->quit = true;
	pthread_cond_broadcast(&vm->changed);
	pthread_mutex_unlock(&vm->lock);
	for (i = 0; i < vm->nr_vcpus; i++) {
		if (!vm->vcpus[i].started)
			continue;
		/* The flag is for a signal that comes just before KVM_RUN. */
		vm->vcpus[i].run->immediate_exit = 1;
		pthread_kill(vm->vcpus[i].thread, SIGUSR1);
		pthread_join(vm->vcpus[i].thread, NULL);
	}
}
