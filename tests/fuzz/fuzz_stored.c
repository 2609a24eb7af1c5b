// SPDX-License-Identifier: GPL-2.0
/* Results that were written down, JSON and databases, as merge and compare read them. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../cli/difference.h"
#include "../../cli/merge.h"
#include "../../cli/result_read.h"
#include "fuzz.h"

static char path[64];
static int fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	drop_messages();
	fd = memfd_create("result", 0);
	PROMISE(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
}

/* As both sides of a comparison: a result never differs from itself. */
static void compare_with_itself(void)
{
	struct differences d = { 0 };
	struct comparison c = { 0 };
	char why[512] = "";
	int err = side_from_result(&c.side[0], path, why, sizeof(why));

	PROMISE(!err || *why);
	if (!err && !side_from_result(&c.side[1], path, why, sizeof(why)) && !comparison_pair(&c) &&
	    !differences_find(&d, &c))
		for (unsigned int i = 0; i < d.nr; i++)
			PROMISE(d.d[i].word == DIFFERENCE_NONE ||
				d.d[i].word == DIFFERENCE_CANNOT_TELL);
	differences_free(&d);
	comparison_free(&c);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint64_t n, hosts = 0;
	struct merge m;

	PROMISE(!ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	PROMISE(!merge_init(&m, 2));
	/* twice: all of it is known by then */
	for (int i = 0; i < 2; i++) {
		merge_file(&m, path);
		PROMISE(m.worst.n <= 2 && m.storm_hosts <= m.results);
		PROMISE(!hosts || m.duplicates);
		hosts += m.nr_seen;
	}
	for (unsigned int i = 0; i < MERGE_METRICS; i++) {
		merge_limit(&m, i, &n);
		PROMISE(n <= m.results);
	}
	merge_free(&m);
	compare_with_itself();
	return 0;
}
