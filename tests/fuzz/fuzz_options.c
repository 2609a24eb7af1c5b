// SPDX-License-Identifier: GPL-2.0
/* Options one by one: [version][id, 16 bit length, data]... */
#include "../../lib/clock/timebase.h"
#include "../../lib/file/option.h"
#include "fuzz.h"

static void use_timebase(const struct hvst_file *f, const uint8_t *data, size_t size)
{
	static const uint64_t stamps[] = { 0, 1, INT64_MAX, UINT64_MAX, 1ull << 59 };
	struct hvst_file_buffer top = { .name = (char *)"" };
	struct hvst_file with_top = *f;
	struct hvst_timebase tb;
	uint64_t ts = 0;

	with_top.buffers = &top;
	memcpy(&ts, data, size < sizeof(ts) ? size : sizeof(ts));
	for (unsigned int cpu = 0; cpu < 2; cpu++) {
		hvst_timebase_init(&tb, &with_top, 0, cpu);
		hvst_timebase_ns(&tb, hvst_timebase_report(&tb, ts));
		for (size_t i = 0; i < sizeof(stamps) / sizeof(stamps[0]); i++)
			PROMISE(hvst_timebase_ns(&tb, hvst_timebase_report(&tb, stamps[i])) >= 0);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char err[HVST_PATH_ERR] = "";
	struct hvst_file f = {
		.io = { .fd = -1, .mem = data, .size = size },
		.path = strdup("memory"),
		.truncated_at = -1,
		.page_size = 4096,
		.err = err,
		.errlen = sizeof(err),
	};
	int rc = 0;

	f.version = take(&in, 1) & 1 ? 6 : 7;
	while (f.path && in.n && !rc) {
		unsigned int id = (unsigned int)take(&in, 1);
		size_t len = take(&in, 2);
		struct input opt = take_input(&in, len);

		rc = hvst_file_option(&f, id, opt.p, (uint32_t)opt.n);
		PROMISE(rc <= 0 && (!rc || err[0]));
	}
	use_timebase(&f, data, size);
	hvst_file_close(&f);
	return 0;
}
