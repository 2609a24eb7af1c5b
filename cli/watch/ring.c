// SPDX-License-Identifier: GPL-2.0
/* A private ring buffer with a limited size, and the events recorded into it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "../array.h"
#include "../record.h"
#include "ring.h"

#define BIT(id) (1ULL << (id))

/* Left out: too many for a host that is watched for weeks. */
#define NEVER (BIT(HVST_EV_SCHED_SWITCH) | BIT(HVST_EV_APIC))
#define EXITS (BIT(HVST_EV_EXIT) | BIT(HVST_EV_ENTRY))

static int enable_event(struct watch_ring *r, unsigned int id)
{
	const char *system = hvst_event_system(id), *name = hvst_event_name(id);
	const char *filter = hvst_event_need(id)->filter;

	errno = 0;
	if ((filter && tracefs_event_file_write(r->in.fs, system, name, "filter", filter) < 0) ||
	    tracefs_event_file_write(r->in.fs, system, name, "enable", "1") < 0)
		return errno ? -errno : -EIO;
	return 0;
}

static int set_up(struct watch_ring *r, unsigned long kb, char *err, size_t errlen)
{
	const struct {
		const char *file, *value;
	} settings[] = { { "trace_clock", WATCH_CLOCK }, { "options/overwrite", "1" } };
	unsigned int i;
	char size[32];
	int rc;

	for (i = 0; i < ARRAY_SIZE(settings); i++) {
		errno = 0;
		if (tracefs_instance_file_write(r->in.fs, settings[i].file, settings[i].value) >= 0)
			continue;
		rc = errno ? -errno : -EIO;
		snprintf(err, errlen, "cannot set %s of the ring buffer: %s", settings[i].file,
			 strerror(-rc));
		return rc;
	}
	snprintf(size, sizeof(size), "%lu", kb);
	errno = 0;
	if (tracefs_instance_file_write(r->in.fs, "buffer_size_kb", size) < 0) {
		rc = errno ? -errno : -EIO;
		snprintf(err, errlen, "a ring buffer of %lu KiB a CPU cannot be had: %s", kb,
			 strerror(-rc));
		return rc;
	}
	for (i = 0; i < HVST_EV_COUNT; i++) {
		rc = r->events & BIT(i) ? enable_event(r, i) : 0;
		if (rc) {
			snprintf(err, errlen, "cannot record %s: %s", hvst_event_name(i),
				 strerror(-rc));
			return rc;
		}
	}
	return 0;
}

/* What the analysis reads and this host has. */
static uint64_t wanted_events(const struct record_host *h, bool exits)
{
	uint64_t events = h->events & ~NEVER & (exits ? ~0ULL : ~EXITS);
	unsigned int i;

	for (i = 0; i < HVST_EV_COUNT; i++)
		if (!hvst_event_need(i))
			events &= ~BIT(i);
	return events;
}

int watch_ring_start(struct watch_ring *r, const struct record_host *h, unsigned long kb,
		     bool exits, char *err, size_t errlen)
{
	int rc;

	memset(r, 0, sizeof(*r));
	r->events = wanted_events(h, exits);
	rc = watch_instance_create(&r->in, "-ring", err, errlen);
	if (rc)
		return rc;
	rc = set_up(r, kb, err, errlen);
	if (rc)
		watch_instance_destroy(&r->in);
	return rc;
}

int watch_ring_set(struct watch_ring *r, bool on)
{
	errno = 0;
	if (tracefs_instance_file_write(r->in.fs, "tracing_on", on ? "1" : "0") < 0)
		return errno ? -errno : -EIO;
	return 0;
}

int watch_ring_stop(struct watch_ring *r)
{
	return watch_instance_destroy(&r->in);
}
