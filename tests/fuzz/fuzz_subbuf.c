// SPDX-License-Identifier: GPL-2.0
/* Sub-buffers of the ring buffer, with the formats of a real kernel. See lane_setup() for the input's head. */
#include <dirent.h>

#include "lane.h"

static struct hvst_decoder *decoder;
static struct hvst_file kernel;		/* its formats */

static void add_format(const char *path)
{
	static struct hvst_format formats[64];
	char text[16384];
	FILE *f = fopen(path, "r");
	const char *system = strstr(path, "sched_") ? "sched" : "kvm";

	PROMISE(f && kernel.nr_formats < 64);
	kernel.formats = formats;
	PROMISE(!hvst_format_parse(&formats[kernel.nr_formats++], system, text, fread(text, 1, sizeof(text), f)));
	fclose(f);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char dir[] = FUZZ_SOURCE "/tests/gen/formats/linux-6.12";
	struct dirent *e;
	char path[4096];
	DIR *d = opendir(dir);

	(void)argc;
	(void)argv;
	PROMISE(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			add_format(path);
	}
	closedir(d);
	decoder = malloc(sizeof(*decoder));
	PROMISE(decoder && !hvst_decoder_init(decoder, &kernel, 0));
	hvst_decoder_select(decoder, &kernel, UINT64_MAX, true);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct lane_setup how = lane_setup(&in);

	lane_run(decoder, &how, &in);
	return 0;
}
