/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Opens a source; estimates its scale where the recording has none. */
#include <errno.h>
#include <stdio.h>

#include "assemble.h"
#include "open.h"
#include "scale_probe.h"
#include "source.h"
#include "source_private.h"

/* Without readings of the reference clock in the recording, times remain in cycles. */
static int estimate_scale(struct hvst_source *s, const struct hvst_source_opts *o)
{
	uint32_t mult, shift;
	int rc = hvst_scale_probe(o, &mult, &shift, s->err, sizeof(s->err));

	if (rc)
		return rc == -ENODATA ? 0 : rc;
	s->trace.scale_source = HVST_SCALE_ESTIMATED;
	s->trace.scale_mult = mult;
	s->trace.scale_shift = shift;
	for (unsigned int i = 0; i < s->nr_streams; i++) {
		s->streams[i]->timebase.cycle_mult = mult;
		s->streams[i]->timebase.cycle_shift = shift;
		s->streams[i]->timebase.plain = false;
	}
	return 0;
}

int hvst_source_open(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
		     size_t errlen)
{
	struct hvst_source *s;
	int rc = hvst_source_assemble(&s, opts, err, errlen);

	if (rc)
		return rc;
	if (s->trace.cycles)
		rc = estimate_scale(s, opts);
	if (rc) {
		if (errlen)
			snprintf(err, errlen, "%s", s->err);
		hvst_source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}
