/* SPDX-License-Identifier: GPL-2.0 */
/*
 * drive [--big] [--long N] [--option NAME VALUE]... [--fuzz SEED ROUNDS] FORMATS [SCRIPT]
 *
 * Prints records through libtraceevent and the plugins in $TRACEEVENT_PLUGIN_DIR, without a trace:
 * FORMATS is a directory of the kernel's format files (all taken for those of system kvm), SCRIPT
 *has one record a line, in which fields that are not named are 0:
 *
 *	EVENT [ts=N] [offset=N] [size=N] [missed=N] FIELD=VALUE...
 *	reload				(unloads and loads the plugins)
 *
 * Every record goes to two handles, as if two files were open; their texts must be equal. --big
 * writes and reads big-endian records, --long says how long a long is, --option is as -O of
 * trace-cmd report. --fuzz makes records of random bytes.
 */
#include <dirent.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <event-parse.h>

#define HANDLES	   2
#define RECORD_MAX 4096

struct drive {
	struct tep_handle *tep[HANDLES];
	struct tep_plugin_list *plugins[HANDLES];
	bool big;
};

static void die(const char *what, const char *name)
{
	fprintf(stderr, "drive: %s %s\n", what, name);
	exit(2);
}

static void load(struct drive *d)
{
	for (int i = 0; i < HANDLES; i++)
		d->plugins[i] = tep_load_plugins(d->tep[i]);
}

static void unload(struct drive *d)
{
	for (int i = 0; i < HANDLES; i++)
		tep_unload_plugins(d->plugins[i], d->tep[i]);
}

static void parse_format(struct drive *d, const char *dir, const char *name)
{
	char path[4096], buf[65536];
	size_t len;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	f = fopen(path, "r");
	if (!f)
		die("cannot open", path);
	len = fread(buf, 1, sizeof(buf), f);
	fclose(f);
	for (int i = 0; i < HANDLES; i++)
		if (tep_parse_event(d->tep[i], buf, len, "kvm"))
			die("cannot parse", path);
}

static void parse_formats(struct drive *d, const char *dir)
{
	struct dirent *e;
	DIR *dp = opendir(dir);

	if (!dp)
		die("cannot open", dir);
	while ((e = readdir(dp)))
		if (strstr(e->d_name, ".format"))
			parse_format(d, dir, e->d_name);
	closedir(dp);
}

static int record_size(const struct tep_event *event)
{
	long size = 8;

	for (const struct tep_format_field *f = event->format.fields; f; f = f->next)
		if ((long)f->offset + f->size > size)
			size = (long)f->offset + f->size;
	return size > RECORD_MAX ? RECORD_MAX : (int)(size + 3) & ~3;
}

static void put(const struct drive *d, unsigned char *p, int size, uint64_t v)
{
	for (int i = 0; i < size; i++)
		p[d->big ? size - 1 - i : i] = (unsigned char)(v >> (8 * i));
}

static void set_field(const struct drive *d, struct tep_event *event, unsigned char *data,
		      const char *name, uint64_t value)
{
	struct tep_format_field *f = tep_find_any_field(event, name);

	if (!f)
		die("no such field:", name);
	if (f->offset < 0 || f->size < 0 || f->size > RECORD_MAX ||
	    f->offset > RECORD_MAX - f->size)
		die("bad field:", name);
	put(d, data + f->offset, f->size, value);
}

/* Fields, and what the record has beside them; @data has RECORD_MAX bytes. */
static void fill(const struct drive *d, struct tep_event *event, struct tep_record *r,
		 unsigned char *data, char *words)
{
	set_field(d, event, data, "common_type", (uint64_t)event->id);
	for (char *word = strtok(words, " \t\n"); word; word = strtok(NULL, " \t\n")) {
		char *eq = strchr(word, '=');
		uint64_t value;

		if (!eq)
			die("not NAME=VALUE:", word);
		*eq = '\0';
		value = eq[1] == '-' ? (uint64_t)strtoll(eq + 1, NULL, 0)
				     : strtoull(eq + 1, NULL, 0);
		if (!strcmp(word, "ts"))
			r->ts = value;
		else if (!strcmp(word, "offset"))
			r->offset = value;
		else if (!strcmp(word, "size"))
			r->size = (int)value;
		else if (!strcmp(word, "missed"))
			r->missed_events = (long long)value;
		else
			set_field(d, event, data, word, value);
	}
}

/* A record's text, the same from every handle. Its data is copied to memory of just its size. */
static void print(struct drive *d, struct tep_record *r, const unsigned char *data, FILE *out)
{
	size_t len = r->size > 8 ? (size_t)r->size : 8;
	struct trace_seq s[HANDLES];

	r->data = malloc(len);
	if (!r->data)
		die("no memory for", "a record");
	memcpy(r->data, data, len);
	for (int i = 0; i < HANDLES; i++) {
		trace_seq_init(&s[i]);
		tep_print_event(d->tep[i], &s[i], r, "%s: %s", TEP_PRINT_NAME, TEP_PRINT_INFO);
		if (strcmp(s[i].buffer, s[0].buffer))
			die("the handles differ:", s[i].buffer);
	}
	if (out)
		fprintf(out, "%s\n", s[0].buffer);
	for (int i = 0; i < HANDLES; i++)
		trace_seq_destroy(&s[i]);
	free(r->data);
}

static void run_line(struct drive *d, char *line)
{
	char *name = strsep(&line, " \t\n");
	unsigned char data[RECORD_MAX] = { 0 };
	struct tep_record r = { .offset = 0x1010 };
	struct tep_event *event;

	if (!*name || *name == '#')
		return;
	if (!strcmp(name, "reload")) {
		unload(d);
		load(d);
		return;
	}
	event = tep_find_event_by_name(d->tep[0], "kvm", name);
	if (!event)
		die("no such event:", name);
	r.size = record_size(event);
	fill(d, event, &r, data, line);
	print(d, &r, data, stdout);
}

static void run_script(struct drive *d, const char *path)
{
	FILE *f = fopen(path, "r");
	char line[1024];

	if (!f)
		die("cannot open", path);
	while (fgets(line, sizeof(line), f))
		run_line(d, line);
	fclose(f);
}

static uint64_t next_random(uint64_t *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 16 ^ *state << 40;
}

/* A random record: any size up to twice the right one, any bytes, often of one of a few timers. */
static void fuzz_once(struct drive *d, uint64_t *state, uint64_t *ts)
{
	uint64_t nr_events = (uint64_t)tep_get_events_count(d->tep[0]);
	struct tep_event *event = tep_get_event(d->tep[0], (int)(next_random(state) % nr_events));
	int whole = record_size(event);
	unsigned char data[RECORD_MAX];
	struct tep_record r = { 0 };

	for (size_t i = 0; i < sizeof(data); i += 8) {
		uint64_t v = next_random(state);

		memcpy(data + i, &v, 8);
	}
	set_field(d, event, data, "common_type", (uint64_t)event->id);
	if (next_random(state) % 4 && tep_find_field(event, "timer_index")) {
		set_field(d, event, data, "timer_index", next_random(state) % 4);
		set_field(d, event, data, "vcpu_id", next_random(state) % 300);
		set_field(d, event, data, "common_pid", next_random(state) % 50);
	}
	r.size = next_random(state) % 4 ? whole : (int)(next_random(state) % (uint64_t)(2 * whole));
	r.missed_events = next_random(state) % 50 ? 0 : -1;
	*ts = next_random(state) % 20 ? *ts + next_random(state) % 100000000 : next_random(state);
	r.ts = *ts;
	r.offset = next_random(state) % 4 * 0x1000;
	print(d, &r, data, NULL);
}

static void fuzz(struct drive *d, uint64_t seed, unsigned long rounds)
{
	uint64_t state = seed, ts = 1;

	for (unsigned long i = 0; i < rounds; i++) {
		fuzz_once(d, &state, &ts);
		if (i % 100000 == 99999) {
			unload(d);
			load(d);
		}
	}
	printf("# %lu random records, seed %llu\n", rounds, (unsigned long long)seed);
}

static void setup(struct drive *d, int long_size)
{
	for (int i = 0; i < HANDLES; i++) {
		d->tep[i] = tep_alloc();
		if (!d->tep[i])
			die("no memory for", "a handle");
		tep_set_file_bigendian(d->tep[i], d->big ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
		tep_set_local_bigendian(d->tep[i],
					tep_is_bigendian() ? TEP_BIG_ENDIAN : TEP_LITTLE_ENDIAN);
		tep_set_long_size(d->tep[i], long_size);
		/* not the plugins that are installed: ours may be among them */
		tep_set_flag(d->tep[i], TEP_DISABLE_SYS_PLUGINS);
	}
}

int main(int argc, char **argv)
{
	unsigned long rounds = 0;
	struct drive d = { 0 };
	uint64_t seed = 0;
	int long_size = 8, i = 1;

	for (; i < argc && !strncmp(argv[i], "--", 2); i++) {
		if (!strcmp(argv[i], "--big")) {
			d.big = true;
		} else if (!strcmp(argv[i], "--long") && i + 1 < argc) {
			long_size = atoi(argv[++i]);
		} else if (!strcmp(argv[i], "--option") && i + 2 < argc) {
			tep_plugin_add_option(argv[i + 1], argv[i + 2]);
			i += 2;
		} else if (!strcmp(argv[i], "--fuzz") && i + 2 < argc) {
			seed = strtoull(argv[++i], NULL, 0);
			rounds = strtoul(argv[++i], NULL, 0);
		} else {
			die("unknown option", argv[i]);
		}
	}
	if (i >= argc)
		die("usage: drive [options]", "FORMATS [SCRIPT]");
	setup(&d, long_size);
	load(&d);
	parse_formats(&d, argv[i]);
	if (rounds)
		fuzz(&d, seed, rounds);
	if (i + 1 < argc)
		run_script(&d, argv[i + 1]);
	unload(&d);
	for (int h = 0; h < HANDLES; h++)
		tep_free(d.tep[h]);
	return 0;
}
