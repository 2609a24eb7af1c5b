// SPDX-License-Identifier: GPL-2.0
/* Names and texts of values: [function][room][a, 4 bytes][b, 8 bytes]... */
#include "../../lib/hyperv/names.h"
#include "fuzz.h"

static size_t stimer_config(char *buf, size_t len, uint32_t a, uint64_t b)
{
	(void)a;
	return hvst_stimer_config_text(buf, len, b);
}

static size_t sint(char *buf, size_t len, uint32_t a, uint64_t b)
{
	(void)a;
	return hvst_sint_text(buf, len, b);
}

/* The units come with the numbers of MSRs, of which the upper bits say little. */
static size_t msr_value(char *buf, size_t len, uint32_t a, uint64_t b)
{
	return hvst_msr_value_text(buf, len, a & 0x4fffffff, b,
				   (enum hvst_unit)((a >> 28 & 3) + HVST_UNIT_NS));
}

static size_t guest_os(char *buf, size_t len, uint32_t a, uint64_t b)
{
	(void)a;
	return hvst_guest_os_text(buf, len, b);
}

static size_t mask(char *buf, size_t len, uint32_t a, uint64_t b)
{
	return hvst_mask_text(buf, len, b, a);
}

static size_t flush_flags(char *buf, size_t len, uint32_t a, uint64_t b)
{
	(void)a;
	return hvst_flush_flags_text(buf, len, b);
}

static size_t duration(char *buf, size_t len, uint32_t a, uint64_t b)
{
	return hvst_duration_text_in(buf, len, (int64_t)b,
				     (enum hvst_unit)(a % (HVST_UNIT_REF + 1)), a & 8);
}

static size_t (*const texts[])(char *buf, size_t len, uint32_t a, uint64_t b) = {
	stimer_config, sint, msr_value, guest_os, mask, flush_flags, duration,
};

/* In memory of just that size. */
static void check_text(unsigned int which, size_t room, uint32_t a, uint64_t b)
{
	char *buf = malloc(room ? room : 1);
	size_t n;

	if (!buf)
		return;
	n = texts[which % (sizeof(texts) / sizeof(texts[0]))](buf, room, a, b);
	PROMISE(room ? n < room && strlen(buf) == n && !memchr(buf, ']', n) : !n);
	free(buf);
}

static void check_name(const char *name)
{
	PROMISE(!name || (*name && !strchr(name, ']')));
}

static void check_names(uint32_t a, uint64_t b)
{
	check_name(hvst_msr_name(a));
	check_name(hvst_hypercall_name(a));
	check_name(hvst_hypercall_status_name(a));
	check_name(hvst_exit_reason_name((unsigned int)b & 3, a));
	check_name(hvst_apic_reg_name(a));
	check_name(hvst_clock_mode_name(a));
	PROMISE(hvst_send_result_text((int)a & 1, (int)b));
	PROMISE(!hvst_msr_is_stimer(a) || (hvst_msr_stimer_index(a) < 4 && hvst_msr_is_hyperv(a)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	while (in.n) {
		unsigned int which = (unsigned int)take(&in, 1);
		size_t room = take(&in, 1);
		uint32_t a = (uint32_t)take(&in, 4);
		uint64_t b = take(&in, 8);

		check_text(which, room, a, b);
		check_names(a, b);
	}
	return 0;
}
