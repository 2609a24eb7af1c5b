// SPDX-License-Identifier: GPL-2.0
/*
 * The state of tracefs's top buffer: saved before trace-cmd changes it, restored afterwards.
 * trace-cmd leaves the ring buffers at their size, and everything else as well where it is killed
 * or fails.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tracefs.h>

#include "array.h"
#include "record.h"

static char *read_file(const char *name)
{
	char *text = tracefs_instance_file_read(NULL, name, NULL);

	if (text)
		text[strcspn(text, "\n")] = '\0';
	return text;
}

/* "mono" of "local [mono] global", in place. */
static void keep_bracketed(char *clocks)
{
	char *open = clocks ? strchr(clocks, '[') : NULL;
	char *end = open ? strchr(open, ']') : NULL;

	if (!end)
		return;
	*end = '\0';
	memmove(clocks, open + 1, end - open);
}

/*
 * A buffer that was never used reads "7 (expanded: 1408)". It cannot be made unused again, so
 * restore the size that its first use would have given it.
 */
static void keep_expanded(char *size)
{
	char *expanded = size ? strstr(size, "expanded: ") : NULL;

	if (expanded)
		memmove(size, expanded + 10, strcspn(expanded + 10, ")") + 1);
	if (size)
		size[strspn(size, "0123456789X")] = '\0';
}

static char *read_value(const char *name)
{
	char *value = read_file(name);

	if (!strcmp(name, "trace_clock"))
		keep_bracketed(value);
	else if (strstr(name, "buffer_size_kb"))
		keep_expanded(value);
	return value;
}

/* Files that the kernel lacks or that this user may not read are skipped. -1 without memory. */
static int keep(struct record_state *s, const char *name)
{
	struct record_setting *set;
	char *value = read_value(name);

	if (!value)
		return 0;
	set = malloc(sizeof(*set) + strlen(name) + 1);
	if (!set) {
		free(value);
		return -1;
	}
	memcpy(set->name, name, strlen(name) + 1);
	set->value = value;
	set->next = s->first;
	s->first = set;
	return 0;
}

/* "X": the CPUs' buffers differ in size. */
static int keep_buffer_sizes(struct record_state *s, unsigned int cpus)
{
	char name[64], *size = read_value("buffer_size_kb");
	bool differ = size && *size == 'X';
	unsigned int i;
	int rc = 0;

	free(size);
	if (!differ)
		return keep(s, "buffer_size_kb");
	for (i = 0; !rc && i < cpus; i++) {
		snprintf(name, sizeof(name), "per_cpu/cpu%u/buffer_size_kb", i);
		rc = keep(s, name);
	}
	return rc;
}

/* "kvm:kvm_exit" -> "events/kvm/kvm_exit/filter" */
static void filter_file(char *name, size_t len, const char *system, const char *event)
{
	snprintf(name, len, "events/%s/%s/filter", system, event);
}

static int keep_filters(struct record_state *s)
{
	char name[256], *events, *save = NULL, *word, *event;
	int rc = 0;

	if (!s->events)
		return 0;
	events = strdup(s->events);
	if (!events)
		return -1;
	for (word = strtok_r(events, "\n", &save); word && !rc;
	     word = strtok_r(NULL, "\n", &save)) {
		event = strchr(word, ':');
		if (!event)
			continue;
		*event++ = '\0';
		filter_file(name, sizeof(name), word, event);
		rc = keep(s, name);
	}
	free(events);
	return rc;
}

int record_state_save(struct record_state *s, const struct record_host *h)
{
	static const char *const names[] = { "current_tracer", "trace_clock",
					     "saved_cmdlines_size" };
	size_t i;
	int rc;

	s->first = NULL;
	s->events = tracefs_instance_file_read(NULL, "set_event", NULL);
	/*
	 * Saved first and thus restored last: tracing must not continue while the rest is restored.
	 */
	rc = keep(s, "tracing_on");
	rc = rc ? rc : keep_buffer_sizes(s, h->cpus);
	for (i = 0; !rc && i < ARRAY_SIZE(names); i++)
		rc = keep(s, names[i]);
	return rc ? rc : keep_filters(s);
}

/* trace-cmd's filters of events that nobody had enabled before. */
static void clear_filters(uint64_t events)
{
	char name[256], *filter;
	unsigned int id;

	for (id = 0; id < HVST_EV_COUNT; id++) {
		if (!(events & 1ULL << id))
			continue;
		filter_file(name, sizeof(name), hvst_event_system(id), hvst_event_name(id));
		filter = read_file(name);
		if (filter && strcmp(filter, "none"))
			tracefs_instance_file_write(NULL, name, "0");
		free(filter);
	}
}

static bool restore_events(const struct record_state *s)
{
	char *now = tracefs_instance_file_read(NULL, "set_event", NULL);
	bool same = !strcmp(now ? now : "", s->events ? s->events : "");
	bool ok = true;

	free(now);
	if (same)
		return true;
	if (tracefs_instance_file_write(NULL, "events/enable", "0") < 0)
		ok = false;
	if (s->events && *s->events &&
	    tracefs_instance_file_append(NULL, "set_event", s->events) < 0)
		ok = false;
	return ok;
}

static bool restore_setting(const struct record_setting *set)
{
	char *now = read_value(set->name);
	bool same = now && !strcmp(now, set->value);
	const char *value = set->value;

	free(now);
	if (same)
		return true;
	if (strstr(set->name, "/filter") && !strcmp(value, "none"))
		value = "0";
	return tracefs_instance_file_write(NULL, set->name, value) >= 0;
}

const char *record_state_restore(const struct record_state *s, const struct record_host *h)
{
	const struct record_setting *set;
	const char *failed = NULL;

	if (!restore_events(s))
		failed = "set_event";
	clear_filters(h->events);
	for (set = s->first; set; set = set->next)
		if (!restore_setting(set))
			failed = set->name;
	return failed;
}

void record_state_free(struct record_state *s)
{
	struct record_setting *set, *next;

	for (set = s->first; set; set = next) {
		next = set->next;
		free(set->value);
		free(set);
	}
	free(s->events);
}
