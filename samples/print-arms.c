// SPDX-License-Identifier: GPL-2.0
/* print-arms FILE: one line for each time that a guest's timer was armed. */
#include <errno.h>
#include <inttypes.h>

#include "sample.h"

static const char *const kind_name[] = {
	[HVST_ARM_AHEAD] = "ahead",
	[HVST_ARM_PAST_DUE] = "past due",
	[HVST_ARM_PERIODIC] = "periodic",
};

static int print_arm(void *ctx, const struct hvst_arm *arm)
{
	(void)ctx;
	if (arm->flags & HVST_ARM_RESTART)
		return 0; /* the host looked again: the guest did nothing */
	printf("%" PRId64 " vcpu %d timer %d %s%s", arm->ts_ns, arm->vcpu, arm->timer,
	       kind_name[arm->kind], arm->flags & HVST_ARM_INFERRED ? " (inferred)" : "");
	if (arm->skew_ns != HVST_UNKNOWN)
		printf(" skew %+" PRId64 " ns", arm->skew_ns);
	putchar('\n');
	return ferror(stdout); /* stops the run: nobody is listening any more */
}

int main(int argc, char **argv)
{
	const struct hvst_observer observer = { .size = sizeof(observer), .arm = print_arm };
	struct hvst_session *s;
	int rc;

	if (argc != 2) {
		fprintf(stderr, "usage: print-arms FILE\n");
		return 2;
	}
	s = open_recording(argv[1]);
	if (!s)
		return 1;
	rc = hvst_session_set_observer(s, &observer, NULL);
	if (!rc)
		rc = hvst_session_run(s);
	return finish(s, rc == -ECANCELED ? 0 : rc);
}
