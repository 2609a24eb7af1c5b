/* SPDX-License-Identifier: LGPL-2.1 */
/* Passes over a recording while it is being opened. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "scale.h"
#include "source_private.h"

#define SCALE_BATCH  1024 /* samples from each of HVST_SCALE_BINS places of the recording ... */
#define SCALE_EVENTS 2048 /* ... of so many events */

static bool every(const void *ctx, uint64_t ts)
{
	(void)ctx;
	(void)ts;
	return true;
}

/* About where the recording ends: the latest stamp of a last block. */
static int64_t last_stamp(struct hvst_source *s)
{
	struct hvst_unpack *u[] = { NULL, hvst_unpack_new(HVST_COMP_ZLIB),
				    hvst_unpack_new(HVST_COMP_ZSTD) };
	int64_t last = 0;

	for (unsigned int i = 0; i < s->nr_lanes && u[1] && u[2]; i++) {
		struct hvst_lane *l = s->lanes[i];
		struct hvst_unpack *how = u[l->file->compression];
		int64_t ts;

		if (hvst_pages_seek(&l->pages, &l->block, how, every, NULL) ||
		    hvst_pages_load(&l->pages, &l->block, how) <= 0 || l->block.len < sizeof(ts))
			continue;
		memcpy(&ts, l->block.data, sizeof(ts));
		if (ts > last)
			last = ts;
	}
	hvst_unpack_free(u[1]);
	hvst_unpack_free(u[2]);
	return last;
}

/* A reading of the reference clock: a timer's start, or the guest's read of the counter. */
static bool reading_of(const struct hvst_event *ev, uint64_t *ref)
{
	if (ev->id == HVST_EV_MSR) {
		*ref = ev->msr.data;
		return ev->present == 0xf && ev->msr.ecx == 0x40000020 && !ev->msr.write &&
		       !ev->msr.exception;
	}
	*ref = ev->start.time_now;
	return ev->id <= HVST_EV_STIMER_START_EXPIRED && ev->id >= HVST_EV_STIMER_START_ONE_SHOT &&
	       ev->present == 0xf;
}

static long take_samples(struct hvst_source *s, int64_t from_ns, struct hvst_scale_sample *to)
{
	static const uint64_t wanted = 1ull << HVST_EV_STIMER_START_ONE_SHOT |
				       1ull << HVST_EV_STIMER_START_PERIODIC |
				       1ull << HVST_EV_STIMER_START_EXPIRED | 1ull << HVST_EV_MSR;
	const struct hvst_event *const *ev;
	long n = 0, got = 0, looked = 0;
	int rc = hvst_source_start(s, wanted, false, from_ns, HVST_UNKNOWN);

	if (rc)
		return rc;
	while (got < SCALE_BATCH && looked < SCALE_EVENTS && (n = hvst_source_next(s, &ev)) > 0)
		for (long i = 0; i < n && got < SCALE_BATCH && looked < SCALE_EVENTS;
		     i++, looked++) {
			to[got].pid = ev[i]->pid;
			to[got].cycles = ev[i]->ts_ns;
			if (reading_of(ev[i], &to[got].ref))
				got++;
		}
	return n < 0 ? n : got;
}

/* Samples from all over the recording @s, which has no scale yet. */
static int sample_scale(struct hvst_source *s, uint32_t *mult, uint32_t *shift)
{
	struct hvst_scale_sample *samples = calloc(HVST_SCALE_BINS * SCALE_BATCH, sizeof(*samples));
	int64_t last = last_stamp(s), first;
	const struct hvst_event *const *ev;
	size_t n = 0;
	long got;
	int rc;

	if (!samples)
		return -ENOMEM;
	rc = hvst_source_start(s, UINT64_MAX, false, HVST_UNKNOWN, HVST_UNKNOWN);
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

int hvst_probe_scale(const struct hvst_source_opts *o, uint32_t *mult, uint32_t *shift, char *err,
		     size_t errlen)
{
	struct hvst_source_opts all = { .paths = o->paths,
					.nr_paths = o->nr_paths,
					.ignored_ids = o->ignored_ids,
					.threads = 1 };
	struct hvst_source *s;
	int rc = hvst_source_open_unscaled(&s, &all, err, errlen);

	if (rc)
		return rc;
	rc = sample_scale(s, mult, shift);
	if (rc && errlen)
		snprintf(err, errlen, "%s", hvst_source_error(s));
	hvst_source_close(s);
	return rc;
}

/* A record that claims more bytes than there are makes libtracecmd read behind its buffers. */
int hvst_probe_vet(const char *path, char *err, size_t errlen)
{
	struct hvst_source_opts o = {
		.paths = &path, .nr_paths = 1, .threads = 1, .reader = HVST_READER_PAGES
	};
	const struct hvst_event *const *ev;
	struct hvst_source *s;
	long n;
	int rc = hvst_source_open_unscaled(&s, &o, err, errlen);

	/*
	 * what the page reader declines it cannot judge either: then the walk over the sections
	 * must do
	 */
	if (rc)
		return rc == -EOPNOTSUPP ? 0 : rc;
	rc = hvst_source_start(s, 0, false, HVST_UNKNOWN, HVST_UNKNOWN);
	while (!rc && (n = hvst_source_next(s, &ev)))
		rc = n < 0 ? (int)n : 0;
	if (rc)
		snprintf(err, errlen, "%s", hvst_source_error(s));
	else if (hvst_source_trace(s)->malformed)
		rc = snprintf(err, errlen,
			      "%s: corrupt: libtracecmd is not given a file with %llu sub-buffers "
			      "that "
			      "make no sense; use --reader=pages",
			      path, (unsigned long long)hvst_source_trace(s)->malformed) < 0
			     ? -EIO
			     : -EBADMSG;
	hvst_source_close(s);
	return rc;
}
