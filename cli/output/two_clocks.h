/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The reference clock and the guest's clock over time, from the points of struct hvst_result: as
 * stretches in which the two agree or are apart. The picture's contents, in words.
 */
#ifndef HVST_CLI_TWO_CLOCKS_H
#define HVST_CLI_TWO_CLOCKS_H

#include <hvstimer/hvstimer.h>

struct out;

enum clock_left { LEFT_NONE, LEFT_GUEST, LEFT_REFERENCE };

/**
 * struct clock_stretch - a stretch in which two clocks keep together, or apart
 * @vcpu: whose arms show the guest's clock; -1: none do, the reference clock alone
 * @reference_ns, @reference_end_ns: the reference clock off the trace clock, first and last
 * @apart_ns: the guest's clock less the reference clock, further in a tenth of the points; 0:
 * together
 * @left: which of the two moved when they came apart; LEFT_NONE: they were so from the first arm on
 */
struct clock_stretch {
	int vm, vcpu;
	int64_t from_ns, to_ns;
	int64_t reference_ns, reference_end_ns;
	int64_t apart_ns;
	enum clock_left left;
};

/* Clocks that differ by less than this agree: arms do not show it better everywhere. */
#define CLOCKS_TOGETHER_NS 1000000

/* All stretches, by VM, vCPU, time, in an array that the caller frees; NULL: none, or no memory. */
struct clock_stretch *clock_stretches(const struct hvst_result *r, unsigned int *n);

/* The guest's clock less the reference clock at a point, by their sharp edges; HVST_UNKNOWN. */
int64_t clock_apart(const struct hvst_clock_point *p);

/* Was the VM's reference clock read at all? */
bool clock_read(const struct clock_stretch *list, unsigned int n, int vm);

/* One line each, for people: the VM's two clocks, and its reference clock. Return @buf. */
char *clock_summary(char *buf, size_t len, const struct hvst_result *r, int vm);
char *clock_summary_reference(char *buf, size_t len, const struct hvst_result *r, int vm);

/* The stretch in which the VM's clocks are furthest apart; NULL: they agree. */
const struct clock_stretch *clock_furthest(const struct clock_stretch *list, unsigned int n,
					   int vm);

/*
 * The stretches as a table; without @verbose no vCPU whose clock agreed with the reference clock.
 */
void text_two_clocks(struct out *o, const struct hvst_result *r, bool verbose);

#endif
