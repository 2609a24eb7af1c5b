// SPDX-License-Identifier: GPL-2.0
/* first-storm FILE: prints the first interrupt storm. Exit 0: found. */
#include <errno.h>
#include <inttypes.h>

#include "sample.h"

static int on_storm(void *ctx, const struct hvst_storm *storm)
{
	*(int *)ctx = 1;
	printf("storm on vcpu %d timer %d: %" PRIu64 " past-due arms from %" PRId64 " to %" PRId64
	       " ns, %.0f a second, kind %s\n",
	       storm->vcpu, storm->timer, storm->past_due, storm->start_ns, storm->end_ns,
	       storm->rate_hz, hvst_storm_kind_name(storm->kind));
	return 1; /* enough: hvst_session_run() returns -ECANCELED */
}

int main(int argc, char **argv)
{
	const struct hvst_observer observer = { .size = sizeof(observer), .storm = on_storm };
	struct hvst_session *s;
	int rc, found = 0;

	if (argc != 2) {
		fprintf(stderr, "usage: first-storm FILE\n");
		return 2;
	}
	s = open_recording(argv[1]);
	if (!s)
		return 2;
	rc = hvst_session_set_observer(s, &observer, &found);
	if (!rc)
		rc = hvst_session_run(s);
	if (finish(s, rc == -ECANCELED ? 0 : rc))
		return 2;
	return found ? 0 : 1;
}
