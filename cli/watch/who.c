// SPDX-License-Identifier: GPL-2.0
/* Threads, their VMMs and the VMs' names, from /proc. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../record.h"
#include "who.h"

/* Bytes of a file below /proc/@pid, with a NUL behind them. */
static size_t read_proc(int32_t pid, const char *file, char *buf, size_t size)
{
	char path[PATH_MAX];
	size_t n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%d/%s", record_proc_root(), pid, file);
	f = fopen(path, "re");
	if (f) {
		n = fread(buf, 1, size - 1, f);
		fclose(f);
	}
	buf[n] = '\0';
	return n;
}

static int32_t process_of(int32_t tid)
{
	char text[4096];
	const char *line;
	int pid = 0;

	read_proc(tid, "status", text, sizeof(text));
	line = strstr(text, "\nTgid:");
	return line && sscanf(line, "\nTgid: %d", &pid) == 1 && pid > 0 ? pid : 0;
}

/* "guest=NAME,debug-threads=on" or "NAME,..." */
static bool guest_name(const char *arg, char *name, size_t size)
{
	const char *guest = strstr(arg, "guest=");
	size_t len;

	if (guest == arg || (guest && guest[-1] == ','))
		arg = guest + strlen("guest=");
	len = strcspn(arg, ",");
	if (!len || len >= size || memchr(arg, '=', len))
		return false;
	memcpy(name, arg, len);
	name[len] = '\0';
	return true;
}

bool watch_vm_name(const char *cmdline, size_t len, char *name, size_t size)
{
	const char *p = cmdline, *end = cmdline + len;
	bool next = false;

	for (; p < end; p += strnlen(p, end - p) + 1) {
		if (next)
			return guest_name(p, name, size);
		next = !strcmp(p, "-name") || !strcmp(p, "--name");
	}
	return false;
}

static void look_up(struct watch_who *w, int32_t tid)
{
	char text[8192];
	size_t n;

	memset(w, 0, sizeof(*w));
	w->tid = tid;
	w->pid = process_of(tid);
	if (!w->pid)
		return;
	n = read_proc(w->pid, "cmdline", text, sizeof(text));
	if (watch_vm_name(text, n, w->name, sizeof(w->name)))
		return;
	read_proc(w->pid, "comm", text, sizeof(text));
	text[strcspn(text, "\n")] = '\0';
	snprintf(w->name, sizeof(w->name), "%.60s", text);
}

/* Where @tid is, or belongs. */
static size_t position(const struct watch_names *n, int32_t tid)
{
	size_t lo = 0, hi = n->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (n->v[mid].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct watch_who *watch_who(struct watch_names *n, int32_t tid)
{
	static const struct watch_who nobody;
	size_t at = position(n, tid);

	if (at < n->nr && n->v[at].tid == tid)
		return &n->v[at];
	if (n->nr == n->cap) {
		size_t cap = n->cap ? 2 * n->cap : 64;
		struct watch_who *v = reallocarray(n->v, cap, sizeof(*v));

		if (!v)
			return &nobody;
		n->v = v;
		n->cap = cap;
	}
	memmove(n->v + at + 1, n->v + at, (n->nr - at) * sizeof(*n->v));
	n->nr++;
	look_up(&n->v[at], tid);
	return &n->v[at];
}

void watch_names_forget(struct watch_names *n)
{
	n->nr = 0;
}

void watch_names_free(struct watch_names *n)
{
	free(n->v);
	memset(n, 0, sizeof(*n));
}
