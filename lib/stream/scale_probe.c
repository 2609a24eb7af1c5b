/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Passes over parts of a recording that collect readings for its cycle scale. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../clock/cycle_scale.h"
#include "../hyperv/names.h"
#include "assemble.h"
#include "scale_probe.h"
#include "source.h"
#include "source_private.h"

#define ALL_FIELDS 0xf /* of the four that kvm_msr and stimer_start_* have */

#define SCALE_BATCH  1024 /* samples taken at each of HVST_SCALE_BINS places of the recording */
#define SCALE_EVENTS 2048 /* events read for them, at most */

static bool every(const void *ctx, uint64_t ts)
{
	(void)ctx;
	(void)ts;
	return true;
}

/*
 * An estimate of where the recording ends: the latest time stamp of any CPU's last block. Blocks
 * that cannot be read are left out here: reading the samples reports them. 0 or -ENOMEM.
 */
static int last_stamp(struct hvst_source *s, int64_t *last)
{
	struct hvst_unpack *u[] = { NULL, hvst_unpack_new(HVST_COMP_ZLIB),
				    hvst_unpack_new(HVST_COMP_ZSTD) };
	int rc = u[1] && u[2] ? 0 : hvst_source_fail(s, -ENOMEM, "out of memory");

	*last = 0;
	for (unsigned int i = 0; i < s->nr_streams && !rc; i++) {
		struct hvst_cpu_stream *cs = s->streams[i];
		struct hvst_unpack *how = u[cs->file->compression];
		int64_t ts;

		if (hvst_pages_seek(&cs->pages, &cs->block, how, every, NULL) ||
		    hvst_pages_load(&cs->pages, &cs->block, how) <= 0 || cs->block.len < sizeof(ts))
			continue;
		memcpy(&ts, cs->block.data, sizeof(ts));
		if (ts > *last)
			*last = ts;
	}
	hvst_unpack_free(u[1]);
	hvst_unpack_free(u[2]);
	return rc;
}

/* Does @ev hold a reading of the reference clock: a timer's start, or a read of the counter? */
static bool reads_reference(const struct hvst_event *ev, uint64_t *ref)
{
	switch (ev->id) {
	case HVST_EV_MSR:
		*ref = ev->msr.data;
		return ev->present == ALL_FIELDS && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT &&
		       !ev->msr.write && !ev->msr.exception;
	case HVST_EV_STIMER_START_ONE_SHOT:
	case HVST_EV_STIMER_START_PERIODIC:
	case HVST_EV_STIMER_START_EXPIRED:
		*ref = ev->start.time_now;
		return ev->present == ALL_FIELDS;
	}
	return false;
}

static long take_samples(struct hvst_source *s, int64_t from_ns, struct hvst_scale_sample *to)
{
	static const uint64_t wanted = 1ull << HVST_EV_STIMER_START_ONE_SHOT |
				       1ull << HVST_EV_STIMER_START_PERIODIC |
				       1ull << HVST_EV_STIMER_START_EXPIRED | 1ull << HVST_EV_MSR;
	const struct hvst_event *const *ev;
	long n = 0, got = 0, looked = 0;
	int rc = hvst_source_start(s, wanted, HVST_SOURCE_BY_TIME, from_ns, HVST_UNKNOWN);

	if (rc)
		return rc;
	while (got < SCALE_BATCH && looked < SCALE_EVENTS && (n = hvst_source_next(s, &ev)) > 0)
		for (long i = 0; i < n && got < SCALE_BATCH && looked < SCALE_EVENTS;
		     i++, looked++) {
			to[got].pid = ev[i]->pid;
			to[got].cycles = ev[i]->ts_ns;
			if (reads_reference(ev[i], &to[got].ref))
				got++;
		}
	return n < 0 ? n : got;
}

/* Estimates the scale from samples taken all over the recording. */
static int sample_scale(struct hvst_source *s, uint32_t *mult, uint32_t *shift)
{
	struct hvst_scale_sample *samples = calloc(HVST_SCALE_BINS * SCALE_BATCH, sizeof(*samples));
	int64_t last, first;
	const struct hvst_event *const *ev;
	size_t n = 0;
	long got;
	int rc;

	if (!samples)
		return hvst_source_fail(s, -ENOMEM, "out of memory");
	rc = last_stamp(s, &last);
	if (!rc)
		rc = hvst_source_start(s, UINT64_MAX, HVST_SOURCE_BY_TIME, HVST_UNKNOWN,
				       HVST_UNKNOWN);
	got = rc ? rc : hvst_source_next(s, &ev);
	first = got > 0 ? ev[0]->ts_ns : last;
	for (int i = 0; i < HVST_SCALE_BINS && got >= 0; i++) {
		got = take_samples(s, first + (last - first) / HVST_SCALE_BINS * i, samples + n);
		n += got > 0 ? (size_t)got : 0;
	}
	rc = got < 0 ? (int)got : hvst_scale_estimate(samples, n, mult, shift);
	free(samples);
	return rc;
}

int hvst_scale_probe(const struct hvst_source_opts *o, uint32_t *mult, uint32_t *shift, char *err,
		     size_t errlen)
{
	struct hvst_source_opts all = { .paths = o->paths,
					.fds = o->fds,
					.nr_paths = o->nr_paths,
					.ignored_ids = o->ignored_ids,
					.threads = 1 };
	struct hvst_source *s;
	int rc = hvst_source_assemble(&s, &all, err, errlen);

	if (rc)
		return rc;
	rc = sample_scale(s, mult, shift);
	if (rc && errlen)
		snprintf(err, errlen, "%s", hvst_source_error(s));
	hvst_source_close(s);
	return rc;
}
