// SPDX-License-Identifier: GPL-2.0
/* The log of stimer-storm: what was done to the guest, and when, as JSON lines. */
#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>

#include "truth.h"

static FILE *out;

static const char *const clock_names[NR_CLOCKS] = {
	[CLOCK_COUNTER] = "refcount_msr",
	[CLOCK_PAGE] = "tsc_page",
	[CLOCK_STALE_PAGE] = "stale_tsc_page",
	[CLOCK_RAW_TSC] = "raw_tsc",
};

static const char *const policy_names[NR_POLICIES] = {
	[NEXT_FROM_NOW] = "next=now+period",
	[NEXT_FROM_TARGET] = "next=prev_target+period",
	[RETRY] = "retry_same_target_until_reached",
	[FIXED] = "count=period",
	[ONCE] = "once",
};

static const char *const op_names[NR_OPS] = {
	[OP_PAGE_ON] = "tsc_page_on",
	[OP_PAGE_OFF] = "tsc_page_off",
	[OP_COPY_PAGE] = "copy_tsc_page",
	[OP_CALIBRATE_TSC] = "calibrate_raw_tsc",
	[OP_TSC_FROM_ZERO] = "raw_tsc_from_zero",
	[OP_TIMERS_OFF] = "timers_off",
	[OP_WRMSR] = "wrmsr",
	[OP_HYPERCALL] = "hypercall",
};

int truth_open(const char *path)
{
	out = path ? fopen(path, "we") : stdout;
	return out ? 0 : -errno;
}

int truth_close(void)
{
	int rc = fflush(out) || ferror(out) ? -EIO : 0;

	if (out != stdout && fclose(out))
		rc = -EIO;
	return rc;
}

uint64_t mono_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

/* What every line begins with. */
static void begin(const char *type, uint64_t ns)
{
	fprintf(out, "{\"pid\":%d,\"type\":\"%s\",\"mono_ns\":%" PRIu64, getpid(), type, ns);
}

static void end(void)
{
	fputs("}\n", out);
	fflush(out);
}

void truth_meta(struct vm *vm, const struct scenario *s, uint64_t seed)
{
	const struct kvm_cpuid_entry2 *e;
	struct utsname u;
	unsigned int i;

	for (i = 0; i < vm->hv_cpuid->nent; i++) {
		e = &vm->hv_cpuid->entries[i];
		fprintf(out,
			"{\"pid\":%d,\"type\":\"hv_cpuid\",\"function\":\"0x%x\",\"eax\":\"0x%x\","
			"\"ebx\":\"0x%x\",\"ecx\":\"0x%x\",\"edx\":\"0x%x\"}\n",
			getpid(), e->function, e->eax, e->ebx, e->ecx, e->edx);
	}
	begin("meta", mono_ns());
	fprintf(out,
		",\"scenario\":\"%s\",\"seed\":%" PRIu64 ",\"nvcpu\":%u,\"tsc_khz\":%" PRIu64
		",\"kernel\":\"%s\",\"tids\":[",
		s->name, seed, vm->nr_vcpus, vm->tsc_khz, uname(&u) ? "" : u.release);
	for (i = 0; i < vm->nr_vcpus; i++)
		fprintf(out, "%s%d", i ? "," : "", vm->vcpus[i].tid);
	fputs("]", out);
	end();
}

void truth_host_action(const struct host_record *r)
{
	begin("host_action", r->begin_ns);
	fprintf(out,
		",\"mono_ns_end\":%" PRIu64
		",\"vcpus\":\"0x%x\",\"action\":\"%s\",\"msr\":\"0x%x\","
		"\"value\":%" PRId64 ",\"clock_before_ns\":%" PRIu64 ",\"clock_after_ns\":%" PRIu64
		",\"refcount_before\":%" PRIu64 ",\"refcount_after\":%" PRIu64,
		r->end_ns, r->vcpus, r->action, r->msr, r->value, r->clock_before, r->clock_after,
		r->count_before, r->count_after);
	end();
}

static bool odd(const struct phase *p, unsigned int vcpu)
{
	return !p->vcpus || p->vcpus & 1U << vcpu;
}

static void print_timers(const struct vcpu_block *b)
{
	const struct guest_timer *t;
	const char *comma = "";
	int n;

	fputs(",\"timers\":[", out);
	for (n = 0; n < MAX_TIMERS; n++) {
		t = &b->timers[n];
		if (!t->on)
			continue;
		fprintf(out,
			"%s{\"timer\":%d,\"mode\":\"%s\",\"policy\":\"%s\",\"period_100ns\":"
			"%" PRIu64 ",\"delivery\":\"%s\",\"continue\":%d,\"config_each\":%d}",
			comma, n, t->periodic ? "periodic" : "one-shot", policy_names[t->policy],
			t->period, t->message ? "message" : "direct", t->keep_target ? 2 : 0,
			t->config_each);
		comma = ",";
	}
	fputs("]", out);
}

static void print_actions(const struct vcpu_block *b, bool results)
{
	const struct guest_action *a;
	const char *comma = "";
	int i;

	fputs(",\"guest_actions\":[", out);
	for (i = 0; i < GUEST_ACTIONS; i++) {
		a = &b->actions[i];
		if (!a->op || (b->index && !a->all_vcpus))
			continue;
		fprintf(out, "%s{\"action\":\"%s\",\"msr\":\"0x%x\",\"value\":\"0x%" PRIx64 "\"",
			comma, op_names[a->op], a->msr, a->value);
		if (results)
			fprintf(out, ",\"result\":\"0x%" PRIx64 "\",\"refused\":%s", a->result,
				a->faulted ? "true" : "false");
		fputs("}", out);
		comma = ",";
	}
	fputs("]", out);
}

static void print_kinds(unsigned int kinds)
{
	static const char *const names[] = { "backlog", "constant", "growing" };
	const char *comma = "";
	unsigned int i;

	fputs(",\"expect_kinds\":[", out);
	for (i = 0; i < 3; i++) {
		if (!(kinds & 1U << i))
			continue;
		fprintf(out, "%s\"%s\"", comma, names[i]);
		comma = ",";
	}
	fputs("]", out);
}

void truth_phase_start(struct vm *vm, unsigned int vcpu, unsigned int number, const struct phase *p,
		       uint64_t ns, uint64_t count)
{
	const struct vcpu_block *b = vm_block(vm, vcpu);
	unsigned int kinds = odd(p, vcpu) ? p->kinds : 0;

	begin("phase_start", ns);
	fprintf(out,
		",\"vcpu\":%u,\"tid\":%d,\"phase\":%u,\"name\":\"%s\",\"expect\":\"%s\",\"expect_"
		"storm\":%s",
		vcpu, vm->vcpus[vcpu].tid, number, p->name, odd(p, vcpu) ? p->expect : "none",
		kinds ? "true" : "false");
	print_kinds(kinds);
	fprintf(out,
		",\"clock\":\"%s\",\"guest_lag_100ns\":%" PRId64 ",\"raw_scale_ppm\":%" PRId64
		",\"halt\":%u,\"secs\":%u.%03u,\"refcount\":%" PRIu64,
		clock_names[b->clock], b->lag, b->ppm, b->halt, p->ms / 1000, p->ms % 1000, count);
	print_timers(b);
	print_actions(b, false);
	fprintf(out, ",\"note\":\"%s\"", p->note ? p->note : "");
	end();
}

static void print_counts(const char *name, const struct vcpu_block *b, size_t offset)
{
	int n;

	fprintf(out, ",\"%s\":[", name);
	for (n = 0; n < MAX_TIMERS; n++)
		fprintf(out, "%s%" PRIu64, n ? "," : "",
			*(const uint64_t *)((const char *)&b->timers[n] + offset));
	fputs("]", out);
}

void truth_phase_end(struct vm *vm, unsigned int vcpu, unsigned int number, const struct phase *p)
{
	const struct vcpu_block *b = vm_block(vm, vcpu);
	int64_t behind = 0;
	int n;

	begin("phase_end", mono_ns());
	fprintf(out, ",\"vcpu\":%u,\"phase\":%u,\"name\":\"%s\"", vcpu, number, p->name);
	print_counts("ticks", b, offsetof(struct guest_timer, ticks));
	print_counts("arms", b, offsetof(struct guest_timer, arms));
	print_counts("past_arms_seen_by_guest", b, offsetof(struct guest_timer, past));
	print_counts("retries", b, offsetof(struct guest_timer, retries));
	for (n = 0; n < MAX_TIMERS; n++)
		if (b->timers[n].behind > behind)
			behind = b->timers[n].behind;
	fprintf(out,
		",\"max_behind_100ns\":%" PRId64 ",\"spurious\":%" PRIu64
		",\"tsc_page_seq0_reads\":%" PRIu64 ",\"counter_reads\":%" PRIu64
		",\"loops\":%" PRIu64,
		behind, b->spurious, b->sequence_0, b->clock_reads, b->loops);
	print_actions(b, true);
	end();
}

void truth_end(uint64_t ns, uint64_t count)
{
	begin("end", ns);
	fprintf(out, ",\"refcount\":%" PRIu64, count);
	end();
}
