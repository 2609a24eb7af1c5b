// SPDX-License-Identifier: GPL-2.0
/* Expressions: each one is refused with a reason, or evaluated for one thing of every kind. */
#include "../../cli/filter/filter.h"
#include "fuzz.h"

static void evaluate(const struct filter *f)
{
	const struct hvst_arm arm = { .skew_ns = 1 };
	const struct hvst_fire fire = { .callback_ns = 7 };
	const struct hvst_storm storm = { .rate_hz = 1 };
	const struct hvst_guest_transition guest = { .vm = 1 };
	const struct hvst_ref_segment reference = { .rate_ppm = 1 };
	const struct filter_timer timer = { .vm = 1 };

	for (unsigned int id = 0; id <= HVST_EV_LOST; id++) {
		const struct hvst_event ev = { .id = (uint8_t)id, .present = 0xffff };
		const struct filter_event e = { .ev = &ev, .comm = "CPU 0/KVM", .text = "text" };

		filter_eval(f, FILTER_EVENT, &e);
	}
	filter_eval(f, FILTER_ARM, &arm);
	filter_eval(f, FILTER_FIRING, &fire);
	filter_eval(f, FILTER_STORM, &storm);
	filter_eval(f, FILTER_GUEST, &guest);
	filter_eval(f, FILTER_REFERENCE, &reference);
	filter_eval(f, FILTER_TIMER, &timer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);
	char why[FILTER_WHY];
	struct filter *f;

	PROMISE(text);
	memcpy(text, data, size);
	text[size] = 0;
	f = filter_parse(text, FILTER_ANY, why);
	PROMISE(f ? !*why : *why);
	if (f) {
		PROMISE(!strcmp(filter_text(f), text));
		evaluate(f);
	}
	filter_free(f);
	free(text);
	return 0;
}
