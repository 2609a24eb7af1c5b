// SPDX-License-Identifier: GPL-2.0
/* The host as tracefs and /proc show it: see record.h. */
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tracefs.h>

#include "record.h"

/* The kernel takes a page (4 KiB) for a filter, which may hold two lists of threads. */
#define TID_FILTER_ROOM 1800

const char *record_proc_root(void)
{
	const char *dir = getenv("HVSTIMER_PROC");

	return dir && *dir ? dir : "/proc";
}

static int find_tracefs(struct record_host *h, char *err, size_t errlen)
{
	char *dir = getenv("HVSTIMER_TRACEFS");

	tracefs_set_loglevel(TEP_LOG_NONE);
	if (dir && *dir && tracefs_set_tracing_dir(dir)) {
		snprintf(err, errlen, "out of memory");
		return -ENOMEM;
	}
	h->dir = tracefs_tracing_dir();
	if (!h->dir || access(h->dir, F_OK)) {
		snprintf(err, errlen,
			 "tracefs is not there; as root: mount -t tracefs nodev "
			 "/sys/kernel/tracing");
		return -ENODEV;
	}
	if (access(h->dir, R_OK | X_OK)) {
		snprintf(err, errlen, "%s: %s; run as root", h->dir, strerror(errno));
		return -EACCES;
	}
	return 0;
}

/* Adds the events of @system that hvstimer understands. False: no such system here. */
static bool look_up_events(struct record_host *h, const char *system)
{
	char **names = tracefs_system_events(NULL, system);
	unsigned int i;
	int id;

	if (!names)
		return false;
	for (i = 0; names[i]; i++) {
		id = hvst_event_by_name(names[i]);
		if (id >= 0 && !strcmp(hvst_event_system(id), system))
			h->events |= 1ULL << id;
	}
	tracefs_list_free(names);
	return true;
}

/* Recording uses the whole top buffer, and trace-cmd resets what others set there. */
static void look_for_tracers(struct record_host *h)
{
	char *tracer = tracefs_instance_file_read(NULL, "current_tracer", NULL);
	char *events = tracefs_instance_file_read(NULL, "events/enable", NULL);

	if (tracer)
		tracer[strcspn(tracer, "\n")] = '\0';
	if (tracer && *tracer && strcmp(tracer, "nop"))
		snprintf(h->busy, sizeof(h->busy), "the tracer \"%.40s\" is running", tracer);
	else if (events && (*events == '1' || *events == 'X')) /* all or some of them */
		snprintf(h->busy, sizeof(h->busy), "trace events are enabled (see %.60s/set_event)",
			 h->dir);
	free(tracer);
	free(events);
}

static bool may_access(const char *name, int mode)
{
	char *file = tracefs_get_tracing_file(name);
	bool ok = file && !access(file, mode);

	tracefs_put_tracing_file(file);
	return ok;
}

static unsigned int count_cpus(void)
{
	char *dir = tracefs_get_tracing_file("per_cpu");
	DIR *d = dir ? opendir(dir) : NULL;
	struct dirent *e;
	unsigned int n = 0;

	while (d && (e = readdir(d)))
		n += !strncmp(e->d_name, "cpu", 3) && isdigit((unsigned char)e->d_name[3]);
	if (d)
		closedir(d);
	tracefs_put_tracing_file(dir);
	return n ? n : 1;
}

static uint64_t available_memory(void)
{
	char path[PATH_MAX], line[128];
	unsigned long long kb = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/meminfo", record_proc_root());
	f = fopen(path, "r");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f) && sscanf(line, "MemAvailable: %llu", &kb) != 1)
		;
	fclose(f);
	return kb;
}

int record_host_read(struct record_host *h, char *err, size_t errlen)
{
	int rc;

	memset(h, 0, sizeof(*h));
	rc = find_tracefs(h, err, errlen);
	if (rc)
		return rc;
	h->has_kvm = look_up_events(h, "kvm");
	look_up_events(h, "sched");
	look_for_tracers(h);
	h->clocks = tracefs_instance_file_read(NULL, "trace_clock", NULL);
	if (h->clocks)
		h->clocks[strcspn(h->clocks, "\n")] = '\0';
	h->saved_cmdlines = may_access("saved_cmdlines_size", F_OK);
	h->cpus = count_cpus();
	h->mem_kb = available_memory();
	return 0;
}

void record_host_free(struct record_host *h)
{
	free(h->clocks);
	tracefs_set_tracing_dir(NULL);
}

bool record_host_has_clock(const struct record_host *h, const char *clock)
{
	size_t len = strlen(clock), n;
	const char *p = h->clocks ? h->clocks : "";

	for (; *(p += strspn(p, "[] \n")); p += n) {
		n = strcspn(p, "[] \n");
		if (n == len && !strncmp(p, clock, len))
			return true;
	}
	return false;
}

bool record_host_writable(void)
{
	return may_access("tracing_on", W_OK);
}

/* The names that QEMU, crosvm, Firecracker and Cloud Hypervisor give their vCPU threads. */
static bool is_vcpu_name(const char *comm)
{
	int n, end = 0;

	return (sscanf(comm, "CPU %d/KVM%n", &n, &end) == 1 && end) ||
	       sscanf(comm, "fc_vcpu %d", &n) == 1 || sscanf(comm, "crosvm_vcpu%d", &n) == 1 ||
	       sscanf(comm, "vcpu%d", &n) == 1;
}

static bool is_vcpu_thread(int pid, const char *tid)
{
	char path[PATH_MAX], comm[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/task/%s/comm", record_proc_root(), pid, tid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (!fgets(comm, sizeof(comm), f))
		comm[0] = '\0';
	fclose(f);
	return is_vcpu_name(comm);
}

static int add_tid(int **list, unsigned int *n, int tid)
{
	int *p = realloc(*list, (*n + 1) * sizeof(*p));

	if (!p)
		return -ENOMEM;
	*list = p;
	p[(*n)++] = tid;
	return 0;
}

static int by_number(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

static int add_thread(struct record_tids *t, int pid, const char *name)
{
	int tid = atoi(name);

	if (tid <= 0)
		return 0;
	if (add_tid(&t->all, &t->nr_all, tid))
		return -ENOMEM;
	return is_vcpu_thread(pid, name) ? add_tid(&t->vcpu, &t->nr_vcpu, tid) : 0;
}

static int all_are_vcpus(struct record_tids *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_all; i++)
		if (add_tid(&t->vcpu, &t->nr_vcpu, t->all[i]))
			return -ENOMEM;
	return 0;
}

int record_tids_read(struct record_tids *t, int pid, char *err, size_t errlen)
{
	char path[PATH_MAX];
	struct dirent *e;
	int rc = 0;
	DIR *d;

	memset(t, 0, sizeof(*t));
	snprintf(path, sizeof(path), "%s/%d/task", record_proc_root(), pid);
	d = opendir(path);
	if (!d) {
		snprintf(err, errlen, "no process %d: %s: %s", pid, path, strerror(errno));
		return -ESRCH;
	}
	while (!rc && (e = readdir(d)))
		rc = add_thread(t, pid, e->d_name);
	closedir(d);
	t->named = t->nr_vcpu > 0;
	if (!rc && !t->named)
		rc = all_are_vcpus(t);
	if (!rc && !t->nr_all)
		rc = -ESRCH;
	if (rc) {
		snprintf(err, errlen, "process %d: %s", pid, strerror(-rc));
		record_tids_free(t);
		return rc;
	}
	qsort(t->all, t->nr_all, sizeof(int), by_number);
	qsort(t->vcpu, t->nr_vcpu, sizeof(int), by_number);
	return 0;
}

void record_tids_free(struct record_tids *t)
{
	free(t->all);
	free(t->vcpu);
	memset(t, 0, sizeof(*t));
}

static void print_range(FILE *f, const char *field, int from, int to)
{
	if (from == to)
		fprintf(f, "%s==%d", field, from);
	else
		fprintf(f, "(%s>=%d&&%s<=%d)", field, from, field, to);
}

static void print_ranges(FILE *f, const int *tids, unsigned int n, const char *field)
{
	unsigned int i, first = 0;

	for (i = 1; i <= n; i++) {
		if (i < n && tids[i] == tids[i - 1] + 1)
			continue;
		fputs(first ? "||" : "", f);
		print_range(f, field, tids[first], tids[i - 1]);
		first = i;
	}
}

char *record_tid_filter(const int *tids, unsigned int n, const char *field)
{
	char *text = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	print_ranges(f, tids, n, field);
	if (fclose(f))
		goto fail;
	if (len <= TID_FILTER_ROOM)
		return text;
	free(text);
	f = open_memstream(&text, &len);
	if (!f)
		return NULL;
	print_range(f, field, tids[0], tids[n - 1]);
	if (!fclose(f))
		return text;
fail:
	free(text);
	return NULL;
}
