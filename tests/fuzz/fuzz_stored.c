// SPDX-License-Identifier: GPL-2.0
/* Results that were written down, JSON and databases, as merge reads them. */
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "../../cli/merge.h"
#include "fuzz.h"

static char path[64];
static int fd;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	drop_complaints();
	fd = memfd_create("result", 0);
	PROMISE(fd >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return 0;
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
	return 0;
}
