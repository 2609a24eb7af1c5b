// SPDX-License-Identifier: GPL-2.0
/* Histogram triggers: set, read, cleared. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../array.h"
#include "../record.h"
#include "hist.h"
#include "probe.h"

/* Entries of a histogram: timers of vCPU threads, and of threads that are gone. A power of two. */
#define HIST_SIZE   8192 /* as the triggers below have it */
#define HIST_FULL   (HIST_SIZE / 2)
#define HIST_BUFFER "1" /* KiB: the instance has a ring buffer, in which nothing is recorded */

#define PER_THREAD "hist:keys=common_pid,vcpu_id,timer_index:size=8192"
#define PER_TIMER  "hist:keys=vcpu_id,timer_index:size=8192"

/*
 * What is counted of each event. A refused delivery comes again or never; counted with the others
 * it would look past due.
 */
static const struct probe_event {
	enum hvst_event_id id;
	const char *trigger;
	const char *filters[2];
	enum watch_count counts[2];
	bool per_thread, optional;
} probe_events[] = {
	{ HVST_EV_STIMER_EXPIRATION,
	  PER_THREAD,
	  { " if msg_send_result == 0", " if msg_send_result != 0" },
	  { WATCH_DELIVERED, WATCH_REFUSED },
	  true,
	  false },
	{ HVST_EV_STIMER_CALLBACK, PER_TIMER, { "" }, { WATCH_CALLBACKS }, false, false },
	{ HVST_EV_STIMER_START_ONE_SHOT, PER_THREAD, { "" }, { WATCH_STARTED }, true, false },
	{ HVST_EV_STIMER_START_PERIODIC, PER_THREAD, { "" }, { WATCH_STARTED }, true, false },
	{ HVST_EV_STIMER_START_EXPIRED, PER_THREAD, { "" }, { WATCH_EXPIRED }, true, true },
};

#define NR_EVENTS ARRAY_SIZE(probe_events)

static bool counted(const struct watch_probe *p, const struct probe_event *e)
{
	return p->events & 1ULL << e->id;
}

/* Each write to the file is one command; opened to be overwritten it would lose its triggers. */
static int write_trigger(struct watch_probe *p, const struct probe_event *e, const char *text)
{
	char name[128];
	int fd, rc = 0;

	snprintf(name, sizeof(name), "events/%s/%s/trigger", hvst_event_system(e->id),
		 hvst_event_name(e->id));
	errno = 0;
	fd = tracefs_instance_file_open(p->in.fs, name, O_WRONLY | O_APPEND | O_CLOEXEC);
	if (fd < 0)
		return errno ? -errno : -EIO;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* Writes @e's triggers with @command (":clear" or nothing) before the filter. */
static int write_triggers(struct watch_probe *p, const struct probe_event *e, const char *command)
{
	unsigned int i;
	char text[160];
	int rc = 0;

	for (i = 0; i < 2 && e->filters[i] && !rc; i++) {
		snprintf(text, sizeof(text), "%s%s%s\n", e->trigger, command, e->filters[i]);
		rc = write_trigger(p, e, text);
	}
	return rc;
}

static int set_triggers(struct watch_probe *p, char *err, size_t errlen)
{
	const struct probe_event *e;
	int rc;

	for (e = probe_events; e < probe_events + NR_EVENTS; e++) {
		rc = counted(p, e) ? write_triggers(p, e, "") : 0;
		if (rc) {
			snprintf(err, errlen, "%s: no histogram trigger can be set: %s%s",
				 hvst_event_name(e->id), strerror(-rc),
				 rc == -EINVAL ? " (was this kernel built without "
						 "CONFIG_HIST_TRIGGERS?)"
					       : "");
			return rc;
		}
	}
	return 0;
}

static int check_events(const struct record_host *h, char *err, size_t errlen)
{
	const struct probe_event *e;

	for (e = probe_events; e < probe_events + NR_EVENTS; e++) {
		if (e->optional || h->events & 1ULL << e->id)
			continue;
		snprintf(err, errlen,
			 h->has_kvm ? "this kernel's KVM has no event %s (built without "
				      "CONFIG_KVM_HYPERV, or too old)"
				    : "there is no event %s: load KVM (modprobe kvm_intel "
				      "or kvm_amd)",
			 hvst_event_name(e->id));
		return -ENOENT;
	}
	return 0;
}

int watch_probe_start(struct watch_probe *p, const struct record_host *h, char *err, size_t errlen)
{
	int rc = check_events(h, err, errlen);

	memset(p, 0, sizeof(*p));
	if (rc)
		return rc;
	p->events = h->events;
	rc = watch_instance_create(&p->in, "", err, errlen);
	if (rc)
		return rc;
	/* Best effort: it only returns memory. */
	tracefs_instance_file_write(p->in.fs, "buffer_size_kb", HIST_BUFFER);
	rc = set_triggers(p, err, errlen);
	if (rc)
		watch_instance_destroy(&p->in);
	return rc;
}

struct entry_ctx {
	const struct probe_event *event;
	struct watch_table *table;
};

/* Which of the event's filters @trigger has. */
static int begin_histogram(void *arg, const char *trigger, size_t len)
{
	const struct entry_ctx *c = arg;
	unsigned int i;

	for (i = 0; i < 2 && c->event->filters[i]; i++)
		if (memmem(trigger, len, c->event->filters[i], strlen(c->event->filters[i])))
			return (int)i;
	return -EINVAL;
}

static int take_entry(void *arg, unsigned int trigger, const uint64_t *keys, uint64_t hits)
{
	const struct entry_ctx *c = arg;
	const uint64_t *timer = keys + c->event->per_thread;
	struct watch_key key = { .vcpu = timer[0], .timer = timer[1] };

	if (timer[0] > UINT32_MAX || timer[1] > UINT32_MAX ||
	    (c->event->per_thread && (!keys[0] || keys[0] > INT_MAX)))
		return -EINVAL;
	key.tid = c->event->per_thread ? (int32_t)keys[0] : 0;
	return watch_table_add(c->table, &key, c->event->counts[trigger], hits);
}

static int read_event(struct watch_probe *p, const struct probe_event *e, struct watch_table *t)
{
	struct entry_ctx c = { e, t };
	struct hist_reader r = {
		.keys = { "common_pid", "vcpu_id", "timer_index" },
		.nr_keys = 3,
		.begin = begin_histogram,
		.entry = take_entry,
		.arg = &c,
	};
	char *text;
	int rc;

	if (!e->per_thread) {
		r.keys[0] = r.keys[1];
		r.keys[1] = r.keys[2];
		r.nr_keys = 2;
	}
	errno = 0;
	text = tracefs_event_file_read(p->in.fs, hvst_event_system(e->id), hvst_event_name(e->id),
				       "hist", NULL);
	if (!text)
		return errno ? -errno : -ENODATA;
	rc = hist_read(&r, text);
	free(text);
	if (!rc && r.nr_triggers != 1U + !!e->filters[1])
		rc = -ENODATA;
	if (r.entries > p->entries)
		p->entries = r.entries;
	p->dropped += r.dropped;
	return rc;
}

int watch_probe_read(struct watch_probe *p, struct watch_table *t, char *err, size_t errlen)
{
	uint64_t before = p->dropped;
	const struct probe_event *e;
	int rc;

	p->entries = p->dropped = 0;
	t->has_expired = p->events & 1ULL << HVST_EV_STIMER_START_EXPIRED;
	for (e = probe_events; e < probe_events + NR_EVENTS; e++) {
		rc = counted(p, e) ? read_event(p, e, t) : 0;
		if (rc) {
			snprintf(err, errlen, "the histogram of %s: %s", hvst_event_name(e->id),
				 rc == -ENODATA	 ? "somebody has removed it"
				 : rc == -EINVAL ? "its text is not understood"
						 : strerror(-rc));
			return rc;
		}
	}
	p->uncounted += p->dropped > before ? p->dropped - before : 0;
	return 0;
}

int watch_probe_make_room(struct watch_probe *p)
{
	const struct probe_event *e;
	int rc;

	if (p->entries < HIST_FULL && !p->dropped)
		return 0;
	for (e = probe_events; e < probe_events + NR_EVENTS; e++) {
		rc = counted(p, e) ? write_triggers(p, e, ":clear") : 0;
		if (rc)
			return rc;
	}
	p->dropped = 0;
	return 1;
}

int watch_probe_stop(struct watch_probe *p)
{
	return watch_instance_destroy(&p->in);
}
