// SPDX-License-Identifier: GPL-2.0
/* The browser's key script on a recording made up in memory. Files that `y` writes go nowhere. */
#include "../../cli/output/out.h"
#include "../../cli/browse/screen.h"
#include "../unit/browse_fake.h"
#include "fuzz.h"

int __wrap_out_open(struct out *o, const char *path, enum color_mode color);

int __wrap_out_open(struct out *o, const char *path, enum color_mode color)
{
	PROMISE(path && color == COLOR_NEVER);
	out_open_memory(o);
	return 0;
}

/* Each drawing adds up all bins: with few of them it is several times as fast. */
#define INDEX_BYTES (100 << 10)

static struct fake *recording;
static FILE *screens;

static void make_coarse(struct fake *f)
{
	br_index_free(f->index);
	f->index = br_index_new(INDEX_BYTES);
	PROMISE(f->index);
	for (unsigned int i = 0; i < f->nr_arms; i++)
		br_index_add(f->index, &f->arms[i]);
	f->live.index = f->index;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	drop_messages();
	recording = fake_new();
	make_coarse(recording);
	screens = fopen("/dev/null", "w");
	PROMISE(screens);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	FILE *script = size ? fmemopen((void *)(uintptr_t)data, size, "r") : NULL;
	struct br_screen s;
	struct br_app a;

	if (!script)
		return 0;
	recording->src.cancel(&recording->src);
	PROMISE(!br_app_init(&a, &recording->src, "fake.dat", 80, 24, false));
	PROMISE(!br_screen_init(&s, &a, NULL));
	br_script_run(&s, script, "script", screens);
	br_screen_free(&s);
	br_app_free(&a);
	fclose(script);
	return 0;
}
