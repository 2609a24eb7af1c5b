// SPDX-License-Identifier: GPL-2.0
/*
 * tracecmd_loop FILE
 * What a tool on top of libtracecmd would do at the very least: all events in order of time, and of
 * the timers' starts the two fields that a skew needs.
 */
#include <stdio.h>

#include <trace-cmd.h>

struct sums {
	struct tep_event *starts[2];
	unsigned long long events, starts_seen, skew;
};

static int on_event(struct tracecmd_input *in, struct tep_record *rec, int cpu, void *ctx)
{
	struct sums *s = ctx;
	unsigned long long now, count;
	int type;

	(void)cpu;
	s->events++;
	type = tep_data_type(tracecmd_get_tep(in), rec);
	for (int i = 0; i < 2; i++) {
		if (!s->starts[i] || s->starts[i]->id != type)
			continue;
		if (!tep_get_field_val(NULL, s->starts[i], "time_now", rec, &now, 0) &&
		    !tep_get_field_val(NULL, s->starts[i], "count", rec, &count, 0)) {
			s->skew += now - count;
			s->starts_seen++;
		}
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct sums s = { 0 };
	struct tracecmd_input *in =
		argc == 2 ? tracecmd_open(argv[1], TRACECMD_FL_LOAD_NO_PLUGINS) : NULL;

	if (!in)
		return 3;
	s.starts[0] =
		tep_find_event_by_name(tracecmd_get_tep(in), "kvm", "kvm_hv_stimer_start_one_shot");
	s.starts[1] =
		tep_find_event_by_name(tracecmd_get_tep(in), "kvm", "kvm_hv_stimer_start_expired");
	tracecmd_iterate_events(in, NULL, 0, on_event, &s);
	printf("%llu events, %llu starts, sum of skews %llu\n", s.events, s.starts_seen, s.skew);
	tracecmd_close(in);
	return 0;
}
