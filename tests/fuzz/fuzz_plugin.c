// SPDX-License-Identifier: GPL-2.0
/*
 * The plugin's handlers: [event][flags][time, 4 bytes][length][data]... in records of the formats
 * of a real kernel.
 */
#include <dirent.h>

#include <event-parse.h>

#include "fuzz.h"

int tep_plugin_loader(struct tep_handle *tep);
int tep_plugin_unloader(struct tep_handle *tep);

static struct tep_handle *tep;

static void add_format(const char *path)
{
	char text[16384];
	FILE *f = fopen(path, "r");

	PROMISE(f);
	PROMISE(!tep_parse_event(tep, text, fread(text, 1, sizeof(text), f), "kvm"));
	fclose(f);
}

/*
 * Only what the plugin decodes: libtraceevent 1.7.1 itself reads past the end of a short record of
 * any other event, which is not ours to mend.
 */
static bool decoded(const char *file)
{
	static const char *const others[] = { "kvm_msr.", "kvm_write_tsc_offset.", "kvm_track_tsc.",
					      "kvm_update_master_clock.", "kvm_pvclock_update." };

	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (!strncmp(file, others[i], strlen(others[i])))
			return true;
	return !strncmp(file, "kvm_hv_", 7);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static const char dir[] = FUZZ_SOURCE "/tests/gen/formats/linux-6.12";
	struct dirent *e;
	char path[4096];
	DIR *d = opendir(dir);

	(void)argc;
	(void)argv;
	tep = tep_alloc();
	PROMISE(d && tep);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (decoded(e->d_name))
			add_format(path);
	}
	closedir(d);
	return 0;
}

/* The record's data in memory of just its size. */
static void print(struct tep_event *event, struct tep_record *r, const struct input *data)
{
	uint16_t type = (uint16_t)event->id;
	struct trace_seq s;

	r->size = (int)data->n;
	r->data = malloc(data->n);
	PROMISE(r->data);
	memcpy(r->data, data->p, data->n);
	memcpy(r->data, &type, sizeof(type));
	trace_seq_init(&s);
	tep_print_event(tep, &s, r, "%s", TEP_PRINT_INFO);
	PROMISE(s.state == TRACE_SEQ__GOOD);
	trace_seq_destroy(&s);
	free(r->data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint64_t ts = 0;

	PROMISE(!tep_plugin_loader(tep));
	while (in.n) {
		struct tep_event *event = tep_get_event(
			tep, (int)(take(&in, 1) % (uint64_t)tep_get_events_count(tep)));
		unsigned int flags = (unsigned int)take(&in, 1);
		uint64_t step = take(&in, 4);
		struct input part = take_input(&in, take(&in, 1));
		struct tep_record r = { .missed_events = flags & 1 ? -1 : 0 };

		ts += flags & 2 ? step << 32 : step;
		r.ts = ts;
		/* libtraceevent itself reads the common fields of any record */
		if (part.n >= 8)
			print(event, &r, &part);
	}
	PROMISE(!tep_plugin_unloader(tep));
	return 0;
}
