/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Bins of the browser's index, and their packed form. A bin takes 144 bytes, packed some 15: most
 * counts are small, and most bins have skews of one or two octaves.
 */
#ifndef HVST_BROWSE_BINS_H
#define HVST_BROWSE_BINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* 24 octaves of past-due skew and 24 of headroom, from 1 us up. */
#define BR_HIST 48

struct br_bin {
	uint32_t ahead, past, periodic, inferred; /* saturating */
	int64_t skew_min, skew_max;		  /* HVST_UNKNOWN until one is known */
	int64_t first_past, last_past;		  /* HVST_UNKNOWN until there is one */
	uint16_t hist[BR_HIST]; /* halved when one of them is full: shares, not counts */
};

#define BR_PACK	      8 /* bins packed together: a block */
#define BR_PACKED_MAX 2048

void br_bins_init(struct br_bin *bins, unsigned int n);
void br_bin_merge(struct br_bin *to, const struct br_bin *from);
uint64_t br_bin_arms(const struct br_bin *b);

/* Adds @n to a counter that stays at its maximum. */
void br_add32(uint32_t *to, uint32_t n);
/* Extends [*@min, *@max] by [@v_min, @v_max]; either may be HVST_UNKNOWN. */
void br_widen(int64_t *min, int64_t *max, int64_t v_min, int64_t v_max);
void br_hist_add(uint16_t *hist, unsigned int i, unsigned int n);

/*
 * br_pack - @bins, BR_PACK of them, into @buf of BR_PACKED_MAX bytes
 * @start: time of the first one
 * @shift: their width is 1 << @shift ns
 *
 * The number of bytes, 0 when there is no arm in any of them.
 */
size_t br_pack(const struct br_bin *bins, int64_t start, unsigned int shift, uint8_t *buf);
/* The reverse, with the same @start and @shift. */
void br_unpack(const uint8_t *buf, int64_t start, unsigned int shift, struct br_bin *bins);

#endif
