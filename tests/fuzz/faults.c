// SPDX-License-Identifier: GPL-2.0
/* See faults.h. */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "faults.h"

static atomic_int armed;
static atomic_long left;

void faults_arm(enum fault kind, unsigned int nth)
{
	atomic_store(&left, nth);
	atomic_store(&armed, kind);
}

void faults_disarm(void)
{
	atomic_store(&armed, FAULT_NONE);
}

bool faults_fired(void)
{
	return atomic_load(&left) < 0;
}

static int fails(enum fault kind)
{
	return atomic_load_explicit(&armed, memory_order_relaxed) == (int)kind &&
	       !atomic_fetch_sub(&left, 1);
}

static int no_memory(void)
{
	if (!fails(FAULT_MEMORY))
		return 0;
	errno = ENOMEM;
	return 1;
}

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *p, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
char *__real_strdup(const char *s);
int __real_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
ssize_t __real_pread(int fd, void *buf, size_t len, off_t at);

void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *p, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);
char *__wrap_strdup(const char *s);
int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg);
ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at);

void *__wrap_malloc(size_t size)
{
	return no_memory() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size)
{
	return no_memory() ? NULL : __real_calloc(n, size);
}

void *__wrap_realloc(void *p, size_t size)
{
	return no_memory() ? NULL : __real_realloc(p, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size)
{
	return no_memory() ? NULL : __real_reallocarray(p, n, size);
}

char *__wrap_strdup(const char *s)
{
	return no_memory() ? NULL : __real_strdup(s);
}

int __wrap_pthread_create(pthread_t *t, const pthread_attr_t *attr, void *(*start)(void *),
			  void *arg)
{
	return no_memory() ? EAGAIN : __real_pthread_create(t, attr, start, arg);
}

ssize_t __wrap_pread(int fd, void *buf, size_t len, off_t at)
{
	if (!fails(FAULT_READ))
		return __real_pread(fd, buf, len, at);
	errno = EIO;
	return -1;
}
