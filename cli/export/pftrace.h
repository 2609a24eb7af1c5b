/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Writer of Perfetto traces: track descriptors and track events, packet by packet. An event is
 * begun, annotated, and written by pftrace_done(). Events may come in any order of time, for the
 * reader sorts them; what begins and ends at the same time stays in the order it was written.
 */
#ifndef HVST_CLI_EXPORT_PFTRACE_H
#define HVST_CLI_EXPORT_PFTRACE_H

#include "../output/finding.h"
#include "../output/out.h"

/* Lists of interned strings; the values are field numbers of InternedData. */
enum intern_list { INTERN_CATEGORY = 1, INTERN_EVENT = 2, INTERN_ANNOTATION = 3, INTERN_LISTS };

#define INTERN_SLOTS 1024 /* a power of two, well above the number of words in all tables */

struct interned {
	const char *s[INTERN_SLOTS];
	uint64_t iid[INTERN_SLOTS];
	unsigned int n;
};

/**
 * struct pftrace - a trace being written
 * @packet: the packet begun
 * @fresh: InternedData of the packet begun: strings that it uses first
 * @mark: where the TrackEvent of @packet begins
 */
struct pftrace {
	struct out out, packet, fresh;
	struct interned interned[INTERN_LISTS];
	uint64_t last_track;
	size_t mark;
	bool begun;
};

/* A track on which slices never overlap: the end of the one written last. */
struct pf_track {
	uint64_t uuid;
	int64_t last_end;
};

/* 0 or a negative errno. */
int pftrace_open(struct pftrace *p, const char *path);
/* Give the file its name. 0 or the negative errno of the first failure. */
int pftrace_close(struct pftrace *p);
void pftrace_discard(struct pftrace *p);

/* Tracks; their number. @parent 0: none. */
uint64_t pftrace_process(struct pftrace *p, int pid, const char *name);
uint64_t pftrace_thread(struct pftrace *p, int pid, int tid, const char *name);
uint64_t pftrace_track(struct pftrace *p, uint64_t parent, const char *name);
/* A counter in ns. */
uint64_t pftrace_counter(struct pftrace *p, uint64_t parent, const char *name);

/*
 * Events. @category and @name are interned and kept by pointer: words of fixed tables only. Times
 * before zero count as zero, as the format has none.
 */
void pftrace_instant(struct pftrace *p, uint64_t track, int64_t ts, const char *category,
		     const char *name);
/* A slice, from where the one before it on the track ends at the earliest. */
void pftrace_slice(struct pftrace *p, struct pf_track *track, int64_t from, int64_t to,
		   const char *category, const char *name);
/* The end of the last slice, after its pftrace_done(). */
void pftrace_slice_end(struct pftrace *p, const struct pf_track *track);
void pftrace_value(struct pftrace *p, uint64_t track, int64_t ts, int64_t v);
void pftrace_done(struct pftrace *p);

/* Of the event begun; @name as above. */
void pftrace_flow(struct pftrace *p, uint64_t flow, bool ends);
void pftrace_int(struct pftrace *p, const char *name, int64_t v);
void pftrace_uint(struct pftrace *p, const char *name, uint64_t v);
void pftrace_text(struct pftrace *p, const char *name, const char *v);
/* All that is known of a finding, by the names of its fields. */
void pftrace_finding(struct pftrace *p, const struct finding_kind *kind, const void *finding);

#endif
