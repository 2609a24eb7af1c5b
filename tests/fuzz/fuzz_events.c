// SPDX-License-Identifier: GPL-2.0
/*
 * Records decoded with hostile formats: [number of formats][16 bit length, text]..., then as
 * fuzz_subbuf.c.
 */
#include "cpu_stream.h"

#define MAX_FORMATS 4

static struct hvst_decoder decoder;

static void add_format(struct hvst_file *f, struct input *in)
{
	size_t len = take(in, 2);
	const char *system = len & 0x8000 ? "sched" : "kvm";
	struct input text = take_input(in, len & 0x7fff);
	int rc =
		hvst_format_parse(&f->formats[f->nr_formats], system, (const char *)text.p, text.n);

	PROMISE(rc <= 0);
	f->nr_formats += !rc;
}

static void use(struct hvst_file *f, struct input *in)
{
	struct stream_setup how = stream_setup(in);

	if (hvst_decoder_init(&decoder, f, 0)) {
		PROMISE(f->err[0]);
		return;
	}
	for (unsigned int all = 0; all < 2; all++) {
		hvst_decoder_select(&decoder, f, UINT64_MAX, all);
		stream_decode(&decoder, &how, in);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct hvst_format formats[MAX_FORMATS];
	char err[HVST_PATH_ERR] = "";
	struct hvst_file f = {
		.path = (char *)"memory", .formats = formats, .err = err, .errlen = sizeof(err)
	};
	unsigned int n = take(&in, 1) % (MAX_FORMATS + 1);

	while (f.nr_formats < n && in.n)
		add_format(&f, &in);
	use(&f, &in);
	for (unsigned int i = 0; i < f.nr_formats; i++)
		free(formats[i].fields);
	return 0;
}
