// SPDX-License-Identifier: GPL-2.0
/*
 * evdump [-r pages|libtracecmd] [-j THREADS] [-b BUFFER] [-c CPU] [-f FROM_NS] [-t TO_NS] [-x
 * EVENT] [-n] FILE... Prints the typed events, one a line, then the counters. -n: only the
 * counters; twice: analysis' fields only.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../lib/stream/open.h"
#include "../../lib/stream/source.h"

static void print_event(const struct hvst_event *ev)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(ev->id, &n);

	printf("%" PRId64 " %" PRIu64 " b%u c%u p%d %s", ev->ts_ns, ev->ts_raw, ev->buffer, ev->cpu,
	       ev->pid, hvst_event_name(ev->id));
	for (unsigned int i = 0; i < n; i++) {
		uint64_t v;

		if (hvst_event_value(ev, i, &v))
			printf(f[i].flags & HVST_FIELD_SIGNED ? " %s=%" PRId64 : " %s=%" PRIu64,
			       f[i].name, v);
	}
	putchar('\n');
}

static void print_trace(const struct hvst_trace *t)
{
	printf("# clock %s cycles %d scale %d %u/%u cpus %u\n", t->clock, t->cycles,
	       (int)t->scale_source, t->scale_mult, t->scale_shift, t->cpus);
	for (unsigned int i = 0; i < t->nr_files; i++)
		printf("# file version %d compression %s truncated %" PRId64 " uname %s\n",
		       t->files[i]->version,
		       t->files[i]->compression ? t->files[i]->compression : "none",
		       t->files[i]->truncated_at, t->files[i]->uname ? t->files[i]->uname : "?");
	for (unsigned int i = 0; i < t->nr_buffers; i++)
		printf("# buffer %u \"%s\" clock %s cpus %u selected %d\n", i, t->buffers[i]->name,
		       t->buffers[i]->clock, t->buffers[i]->cpus, t->buffers[i]->selected);
	printf("# first %" PRId64 " last %" PRId64 " events %" PRIu64 " relevant %" PRIu64
	       " ignored %" PRIu64 " malformed %" PRIu64 " duplicates %" PRIu64
	       " backwards %" PRIu64 " lost places %" PRIu64 " events %" PRIu64 " ns %" PRId64 "\n",
	       t->first_ns, t->last_ns, t->events, t->relevant, t->ignored, t->malformed,
	       t->duplicates, t->backwards, t->lost_places, t->lost_events, t->lost_ns);
	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		if (t->seen[i])
			printf("# seen %s %" PRIu64 "\n", hvst_event_name(i), t->seen[i]);
}

static enum hvst_reader reader_of(const char *s)
{
	if (!strcmp(s, "pages"))
		return HVST_READER_PAGES;
	return strcmp(s, "libtracecmd") ? HVST_READER_AUTO : HVST_READER_LIBTRACECMD;
}

struct args {
	struct hvst_source_opts o;
	const char *buffers[16];
	unsigned int cpus[16];
	int64_t from, to;
	int quiet;
};

static int parse(struct args *a, int argc, char **argv)
{
	int c;

	while ((c = getopt(argc, argv, "r:j:b:c:f:t:x:n")) != -1) {
		if (c == 'r')
			a->o.reader = reader_of(optarg);
		else if (c == 'j')
			a->o.threads = (unsigned int)atoi(optarg);
		else if (c == 'b' && a->o.nr_buffers < 16)
			a->buffers[a->o.nr_buffers++] = optarg;
		else if (c == 'c' && a->o.nr_cpus < 16)
			a->cpus[a->o.nr_cpus++] = (unsigned int)atoi(optarg);
		else if (c == 'f')
			a->from = strtoll(optarg, NULL, 0);
		else if (c == 't')
			a->to = strtoll(optarg, NULL, 0);
		else if (c == 'x' && hvst_event_by_name(optarg) >= 0)
			a->o.ignored_ids |= 1ull << hvst_event_by_name(optarg);
		else if (c == 'n')
			a->quiet++;
		else
			return 2;
	}
	a->o.buffers = a->buffers;
	a->o.cpus = a->cpus;
	a->o.paths = (const char *const *)argv + optind;
	a->o.nr_paths = (unsigned int)(argc - optind);
	return 0;
}

int main(int argc, char **argv)
{
	struct args a = { .from = HVST_UNKNOWN, .to = HVST_UNKNOWN };
	const struct hvst_event *const *ev;
	struct hvst_source *s;
	char err[512];
	long n;
	int rc = parse(&a, argc, argv);

	if (rc)
		return rc;
	rc = hvst_source_open(&s, &a.o, err, sizeof(err));
	if (!rc)
		rc = hvst_source_start(s, UINT64_MAX,
				       HVST_SOURCE_BY_TIME |
					       (a.quiet < 2 ? HVST_SOURCE_ALL_FIELDS : 0),
				       a.from, a.to);
	if (rc) {
		fprintf(stderr, "evdump: %s\n", err);
		return 3;
	}
	while ((n = hvst_source_next(s, &ev)) > 0)
		for (long i = 0; i < n && !a.quiet; i++)
			print_event(ev[i]);
	print_trace(hvst_source_trace(s));
	if (n < 0)
		fprintf(stderr, "evdump: %s\n", hvst_source_error(s));
	hvst_source_close(s);
	return n < 0 ? 3 : 0;
}
