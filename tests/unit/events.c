// SPDX-License-Identifier: GPL-2.0
/* See events.h. */
#include "events.h"

static int keep_arm(void *ctx, const struct hvst_arm *arm)
{
	struct recording *f = ctx;

	if (!(f->nr_arms & (f->nr_arms - 1)))
		f->arms = realloc(f->arms, (f->nr_arms ? 2 * f->nr_arms : 1) * sizeof(*f->arms));
	assert_non_null(f->arms);
	f->arms[f->nr_arms++] = *arm;
	return 0;
}

static int keep_fire(void *ctx, const struct hvst_fire *fire)
{
	struct recording *f = ctx;

	if (!(f->nr_fires & (f->nr_fires - 1)))
		f->fires =
			realloc(f->fires, (f->nr_fires ? 2 * f->nr_fires : 1) * sizeof(*f->fires));
	assert_non_null(f->fires);
	f->fires[f->nr_fires++] = *fire;
	return 0;
}

static int count_storm(void *ctx, const struct hvst_storm *storm)
{
	struct recording *f = ctx;

	(void)storm;
	f->nr_storms++;
	return 0;
}

void recording_begin(struct recording *f, uint64_t ignored)
{
	recording_begin_clock(f, ignored, false);
}

void recording_begin_clock(struct recording *f, uint64_t ignored, bool per_cpu)
{
	struct hvst_analysis_opts opts = { .vm = -1, .vcpu = -1, .timer = -1 };
	struct hvst_kvm_opts kvm = {
		.starts_recorded =
			~ignored & (BIT_OF(STIMER_START_ONE_SHOT) | BIT_OF(STIMER_CALLBACK)),
		.msr_recorded = ~ignored & BIT_OF(MSR),
		.clock_per_cpu = per_cpu,
	};

	memset(f, 0, sizeof(*f));
	hvst_params_default(&f->params, sizeof(f->params));
	f->now = SEC(1000);
	f->late = US(1);
	f->ignored = ignored;
	f->trace.clock = "mono";
	f->trace.first_ns = f->trace.last_ns = HVST_UNKNOWN;
	memset(f->trace.in_format, 0xff, sizeof(f->trace.in_format));
	f->obs = (struct hvst_observer){
		.size = sizeof(f->obs), .arm = keep_arm, .fire = keep_fire, .storm = count_storm
	};
	f->kvm = hvst_kvm_new(&kvm);
	assert_non_null(f->kvm);
	opts.params = &f->params;
	opts.trace = &f->trace;
	opts.ignored = ignored;
	opts.obs = &f->obs;
	opts.obs_ctx = f;
	f->an = hvst_analysis_new(f->kvm, &opts);
	assert_non_null(f->an);
}

const struct hvst_result *recording_end(struct recording *f)
{
	struct hvst_changes changes;
	int ret;

	while ((ret = hvst_kvm_finish(f->kvm, &changes)) > 0)
		assert_int_equal(hvst_analysis_changes(f->an, &changes), 0);
	assert_int_equal(ret, 0);
	assert_int_equal(hvst_analysis_finish(f->an), 0);
	f->finished = true;
	f->r = hvst_analysis_result(f->an);
	return f->r;
}

void recording_free(struct recording *f)
{
	hvst_analysis_free(f->an);
	hvst_kvm_free(f->kvm);
	free(f->arms);
	free(f->fires);
	memset(f, 0, sizeof(*f));
}

void record(struct recording *f, const struct hvst_event *ev)
{
	if (ev->id < HVST_EV_COUNT && f->ignored >> ev->id & 1)
		return;
	if (ev->id < HVST_EV_COUNT)
		f->trace.seen[ev->id]++;
	if (f->trace.first_ns == HVST_UNKNOWN)
		f->trace.first_ns = ev->ts_ns;
	f->trace.last_ns = ev->ts_ns;
	assert_int_equal(hvst_analysis_events(f->an, &ev, 1), 0);
}

uint64_t ref_now(const struct recording *f, const struct host *h)
{
	return (uint64_t)(f->now + h->o + (int64_t)(h->ppm * (double)(f->now - h->since) / 1e6)) /
	       100;
}

void host_step(const struct recording *f, struct host *h, int64_t ns)
{
	(void)f;
	h->o += ns;
}

void host_rate(const struct recording *f, struct host *h, double ppm)
{
	h->o += (int64_t)(h->ppm * (double)(f->now - h->since) / 1e6);
	h->since = f->now;
	h->ppm = ppm;
}

/* The event at f->now, which then moves on. */
static struct hvst_event event(struct recording *f, int id, int pid, unsigned int cpu, int vcpu)
{
	struct hvst_event ev = {
		.ts_ns = f->now,
		.ts_raw = (uint64_t)f->now,
		.pid = pid,
		.cpu = (uint16_t)cpu,
		.id = (uint8_t)id,
		.present = 0xffff,
		.vcpu_id = vcpu,
	};

	f->now += US(1);
	return ev;
}

static struct hvst_event event_of(struct recording *f, int id, const struct who *w)
{
	return event(f, id, w->tid, w->cpu, w->vcpu);
}

void ev_set_config(struct recording *f, const struct who *w, unsigned int timer, uint64_t config,
		   bool host)
{
	struct hvst_event ev = event_of(f, HVST_EV_STIMER_SET_CONFIG, w);

	ev.set_config = (struct hvst_ev_set_config){ config, timer, host };
	record(f, &ev);
	ev_cleanup(f, w, timer);
}

void ev_set_count(struct recording *f, const struct who *w, unsigned int timer, uint64_t count,
		  bool host)
{
	struct hvst_event ev = event_of(f, HVST_EV_STIMER_SET_COUNT, w);

	ev.set_count = (struct hvst_ev_set_count){ count, timer, host };
	record(f, &ev);
	ev_cleanup(f, w, timer);
}

void ev_cleanup(struct recording *f, const struct who *w, unsigned int timer)
{
	struct hvst_event ev = event_of(f, HVST_EV_STIMER_CLEANUP, w);

	ev.timer.timer_index = timer;
	record(f, &ev);
}

void ev_start(struct recording *f, const struct who *w, int id, unsigned int timer,
	      uint64_t time_now, uint64_t count)
{
	struct hvst_event ev = event_of(f, id, w);

	ev.start = (struct hvst_ev_start){ time_now, count, timer };
	record(f, &ev);
}

void ev_callback(struct recording *f, const struct who *w, unsigned int timer, int pid,
		 unsigned int cpu)
{
	struct hvst_event ev = event(f, HVST_EV_STIMER_CALLBACK, pid, cpu, w->vcpu);

	ev.timer.timer_index = timer;
	record(f, &ev);
}

void ev_expiration(struct recording *f, const struct who *w, unsigned int timer, bool direct,
		   int result)
{
	struct hvst_event ev = event_of(f, HVST_EV_STIMER_EXPIRATION, w);

	ev.expiration = (struct hvst_ev_expiration){ timer, direct, result };
	record(f, &ev);
}

void ev_msr(struct recording *f, const struct who *w, bool write, uint32_t ecx, uint64_t data)
{
	struct hvst_event ev = event_of(f, HVST_EV_MSR, w);

	ev.vcpu_id = -1;
	ev.msr = (struct hvst_ev_msr){ .data = data, .ecx = ecx, .write = write };
	record(f, &ev);
}

void ev_msr_refused(struct recording *f, const struct who *w, bool write, uint32_t ecx)
{
	struct hvst_event ev = event_of(f, HVST_EV_MSR, w);

	ev.vcpu_id = -1;
	ev.msr = (struct hvst_ev_msr){ .ecx = ecx, .write = write, .exception = 1 };
	record(f, &ev);
}

void ev_hypercall(struct recording *f, const struct who *w, uint16_t code, uint16_t status)
{
	struct hvst_event ev = event_of(f, HVST_EV_HYPERCALL, w);

	ev.vcpu_id = -1;
	ev.hypercall = (struct hvst_ev_hypercall){ .code = code };
	record(f, &ev);
	ev = event_of(f, HVST_EV_HYPERCALL_DONE, w);
	ev.vcpu_id = -1;
	ev.hypercall_done.result = status;
	record(f, &ev);
}

void ev_entry(struct recording *f, const struct who *w)
{
	struct hvst_event ev = event_of(f, HVST_EV_ENTRY, w);

	record(f, &ev);
}

void ev_exit(struct recording *f, const struct who *w, unsigned int isa, uint32_t reason)
{
	struct hvst_event ev = event_of(f, HVST_EV_EXIT, w);

	ev.exit = (struct hvst_ev_exit){ .exit_reason = reason, .isa = isa };
	record(f, &ev);
}

void ev_lost(struct recording *f, unsigned int cpu, uint64_t count)
{
	struct hvst_event ev = event(f, HVST_EV_LOST, -1, cpu, -1);

	ev.lost.count = count;
	record(f, &ev);
}

void ev_master(struct recording *f, int pid, unsigned int cpu, bool use)
{
	struct hvst_event ev = event(f, HVST_EV_UPDATE_MASTER_CLOCK, pid, cpu, -1);

	ev.master_clock =
		(struct hvst_ev_master_clock){ .use_master_clock = use, .offset_matched = 1 };
	record(f, &ev);
}

void ev_tsc_offset(struct recording *f, const struct who *w, uint64_t from, uint64_t to)
{
	struct hvst_event ev = event_of(f, HVST_EV_WRITE_TSC_OFFSET, w);

	ev.tsc_offset = (struct hvst_ev_tsc_offset){ from, to };
	record(f, &ev);
}

void ev_switch(struct recording *f, int prev, int prev_state, int next, unsigned int cpu)
{
	struct hvst_event ev = event(f, HVST_EV_SCHED_SWITCH, prev, cpu, -1);

	ev.sched = (struct hvst_ev_sched){ .prev_state = prev_state,
					   .prev_pid = prev,
					   .next_pid = next };
	record(f, &ev);
}

void ev_pio_read(struct recording *f, const struct who *w, uint32_t port)
{
	struct hvst_event ev = event_of(f, HVST_EV_PIO, w);

	ev.vcpu_id = -1;
	ev.pio = (struct hvst_ev_pio){ .rw = 0, .port = port, .size = 4, .count = 1 };
	record(f, &ev);
}

void ev_mmio_read(struct recording *f, const struct who *w, uint64_t gpa)
{
	struct hvst_event ev = event_of(f, HVST_EV_MMIO, w);

	ev.vcpu_id = -1;
	ev.mmio = (struct hvst_ev_mmio){ .gpa = gpa, .type = 1, .len = 4 };
	record(f, &ev);
}

void guest_setup(struct recording *f, const struct who *w, unsigned int timer)
{
	ev_set_config(f, w, timer, CONFIG_DIRECT | CONFIG_AUTO, false);
}

void guest_write(struct recording *f, const struct who *w, unsigned int timer, uint64_t count,
		 bool read)
{
	if (read) {
		ev_exit(f, w, 2, 0x7c);
		ev_msr(f, w, false, MSR_REF_COUNT, ref_now(f, w->host));
		ev_entry(f, w);
	}
	ev_exit(f, w, 2, 0x7c);
	ev_set_count(f, w, timer, count, false);
	ev_msr(f, w, true, MSR_STIMER0_COUNT + 2 * timer, count);
}

bool host_start(struct recording *f, const struct who *w, unsigned int timer, uint64_t count)
{
	uint64_t time_now = ref_now(f, w->host);

	f->now += f->late;
	if (time_now < count) {
		ev_start(f, w, HVST_EV_STIMER_START_ONE_SHOT, timer, time_now, count);
		ev_entry(f, w);
		return false;
	}
	if (w->host->kernel != STOCK)
		ev_start(f, w, HVST_EV_STIMER_START_EXPIRED, timer, time_now, count);
	if (w->host->kernel == PADDED)
		ev_start(f, w, HVST_EV_STIMER_START_ONE_SHOT, timer, time_now, time_now + 100);
	return true;
}

bool guest_arm(struct recording *f, const struct who *w, unsigned int timer, uint64_t count)
{
	bool past;

	guest_write(f, w, timer, count, false);
	past = host_start(f, w, timer, count);
	if (past && w->host->kernel == PADDED)
		ev_entry(f, w);
	if (!past || w->host->kernel == PADDED) {
		int64_t wait = past ? US(10) : (int64_t)(count - ref_now(f, w->host)) * 100;

		f->now += wait > 0 ? wait : 0;
		ev_callback(f, w, timer, w->tid, w->cpu);
		ev_exit(f, w, 2, 0x60);
	}
	ev_expiration(f, w, timer, true, 0);
	ev_cleanup(f, w, timer);
	ev_entry(f, w);
	return past;
}

void guest_ticks(struct recording *f, const struct who *w, unsigned int n, int64_t delay)
{
	for (unsigned int i = 0; i < n; i++) {
		f->now += 300 + i * 37 % 50 * 100; /* until the guest reads its clock */
		guest_arm(f, w, 0, ref_now(f, w->host) + (uint64_t)delay / 100);
	}
}

void guest_lags(struct recording *f, const struct who *w, unsigned int n, int64_t behind)
{
	for (unsigned int i = 0; i < n; i++)
		assert_true(guest_arm(f, w, 0, ref_now(f, w->host) - (uint64_t)behind / 100));
}

const struct hvst_timer *timer_find(const struct recording *f, int tid, unsigned int timer)
{
	const struct hvst_result *r = f->r;

	assert_true(f->finished);
	for (unsigned int i = 0; i < r->nr_timers; i++)
		if (r->timers[i]->tid == tid && r->timers[i]->timer == (int)timer)
			return r->timers[i];
	fail_msg("no timer %u of thread %d", timer, tid);
	return NULL;
}

const struct hvst_verdict *verdict_of(const struct recording *f, enum hvst_question q)
{
	assert_true(f->finished);
	assert_int_equal(f->r->verdicts[q]->question, q);
	return f->r->verdicts[q];
}

void recording_show(const struct recording *f)
{
	const struct hvst_result *r = f->r;

	for (unsigned int i = 0; i < r->nr_storms; i++)
		printf("storm vcpu %d timer %d [%lld %lld] %llu/%llu %s open %d\n",
		       r->storms[i]->vcpu, r->storms[i]->timer, (long long)r->storms[i]->start_ns,
		       (long long)r->storms[i]->end_ns, (unsigned long long)r->storms[i]->past_due,
		       (unsigned long long)r->storms[i]->arms,
		       hvst_storm_kind_name(r->storms[i]->kind), r->storms[i]->open);
	for (unsigned int i = 0; i < r->nr_guest; i++)
		printf("guest vm %d vcpu %d %s -> %s at %lld %s rate %g role %d\n", r->guest[i]->vm,
		       r->guest[i]->vcpu, hvst_guest_source_name(r->guest[i]->from),
		       hvst_guest_source_name(r->guest[i]->to), (long long)r->guest[i]->ts_ns,
		       hvst_confidence_name(r->guest[i]->confidence), r->guest[i]->rate_ppm,
		       r->guest[i]->role);
	for (unsigned int i = 0; i < r->nr_reference; i++)
		printf("reference vm %d [%lld %lld] %s step %lld rate %g +- %g samples %llu: %s\n",
		       r->reference[i]->vm, (long long)r->reference[i]->from_ns,
		       (long long)r->reference[i]->to_ns,
		       hvst_ref_source_name(r->reference[i]->source),
		       (long long)r->reference[i]->step_ns, r->reference[i]->rate_ppm,
		       r->reference[i]->rate_ppm_error,
		       (unsigned long long)r->reference[i]->samples, r->reference[i]->why);
}
