/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Results of many hosts merged into one. Memory does not follow the number of results, except for
 * eight bytes each by which a recording that is given twice is recognised: distributions are merged
 * as they come, and of hosts only the worst are kept.
 */
#ifndef HVST_CLI_MERGE_H
#define HVST_CLI_MERGE_H

#include <hvstimer/hvstimer.h>

#include "output/finding.h"

struct stored_recording;

#define MERGE_METRICS	   4 /* the distributions of struct hvst_timer */
#define MERGE_KINDS	   5 /* of storms */
#define MERGE_MIN_HOSTS	   8 /* with fewer there are no outliers */
#define MERGE_SPREAD_TIMES 3 /* see merge_limit() */

/**
 * struct merge_storms - storms added up
 * @ns: their time; storms of several timers at once count each
 * @past_due: arms in them
 */
struct merge_storms {
	uint64_t n, ns, past_due;
};

/**
 * struct merge_host - one result
 * @result: file that it was read from, and its number there if it is not the first
 * @file: recording that it is about
 * @recorded_ns: length of the recording
 * @skew_max_ns: highest of all storms; HVST_UNKNOWN
 * @watchdogs: storms that endanger a watchdog
 * @yes: bit per enum hvst_question that is answered with yes
 * @p99_ns: of each distribution; HVST_UNKNOWN: it is empty
 * @number: in order of reading
 * @lists: how many lists have it
 */
struct merge_host {
	char *result, *file;
	uint64_t recorded_ns;
	struct merge_storms storms;
	int64_t skew_max_ns;
	uint64_t watchdogs, yes;
	int64_t p99_ns[MERGE_METRICS];
	uint64_t number;
	unsigned int lists;
};

/* Hosts, the worst first. */
struct merge_list {
	struct merge_host **v;
	unsigned int n;
};

/**
 * struct merge - everything merged so far
 * @top: length of the lists
 * @one: the result that is being read
 * @one_sketch: its distributions
 * @answers: by question and answer
 * @host_p99: distribution of the hosts' 99th percentiles
 * @worst: by storm time an hour
 * @highest: by 99th percentile of each distribution
 * @seen: recordings merged, as a hash table of @seen_size places
 */
struct merge {
	unsigned int top;
	uint64_t results, duplicates, unreadable;
	uint64_t recorded_ns, events, lost_events, storm_hosts;
	struct merge_storms storms, kinds[MERGE_KINDS];
	uint64_t answers[HVST_Q_COUNT][3];
	const struct finding_field *metric[MERGE_METRICS];
	struct hvst_sketch *sketch[MERGE_METRICS], *host_p99[MERGE_METRICS];
	struct merge_list worst, highest[MERGE_METRICS];
	uint64_t *seen;
	size_t seen_size, nr_seen;
	struct merge_host one;
	struct merge_storms one_kinds[MERGE_KINDS];
	unsigned char one_answers[HVST_Q_COUNT]; /* enum hvst_answer + 1; 0: not asked */
	struct hvst_sketch *one_sketch[MERGE_METRICS];
	uint64_t one_hash;
};

/* 0 or -ENOMEM. merge_free() in every case. @top: how many hosts a list names. */
int merge_init(struct merge *m, unsigned int top);
void merge_free(struct merge *m);
/*
 * Merges all results of a file. Returns 0; -EINVAL after a message: it could not be read to its
 * end, and what was read before the error is merged; -ENOMEM after a message: nothing more can be
 * merged.
 */
int merge_file(struct merge *m, const char *path);

/* Storm time for each hour recorded, in ns; NaN: nothing was recorded. */
double merge_per_hour(uint64_t storm_ns, uint64_t recorded_ns);
/*
 * From which 99th percentile on a host is an outlier: more than MERGE_SPREAD_TIMES the distance of
 * the quartiles above the upper one. HVST_UNKNOWN: there are too few hosts. @n: how many there are.
 */
int64_t merge_limit(const struct merge *m, unsigned int metric, uint64_t *n);

#endif
