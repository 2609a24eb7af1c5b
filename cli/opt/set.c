// SPDX-License-Identifier: GPL-2.0
/* The functions of set.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../message.h"
#include "set.h"
#include "value.h"

static void *member(struct options *o, const struct option_desc *d)
{
	return (char *)o + d->at;
}

static bool bad_value(const struct options *o, const struct option_desc *d, const char *arg,
		      const char *want)
{
	cli_error("%s: --%s: '%s' is not %s", o->command->name, d->name, arg, want);
	return false;
}

static bool out_of_memory(void)
{
	cli_error("out of memory");
	return false;
}

bool string_list_add(struct string_list *l, const char *s)
{
	const char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v)
		return out_of_memory();
	l->v = v;
	l->v[l->n++] = s;
	return true;
}

/* --- of any option ---------------------------------------------------------------------------- */

SETTER(set_flag)
{
	(void)arg;
	*(bool *)member(o, d) = true;
	return true;
}

SETTER(set_string)
{
	*(const char **)member(o, d) = arg;
	return true;
}

SETTER(set_once)
{
	const char **s = member(o, d);

	if (*s) {
		cli_error("%s: --%s given twice", o->command->name, d->name);
		return false;
	}
	*s = arg;
	return true;
}

SETTER(set_file)
{
	if (strcmp(arg, "-"))
		return set_once(o, d, arg);
	cli_error("%s: --%s needs the name of a file, not -", o->command->name, d->name);
	return false;
}

SETTER(set_list)
{
	return string_list_add(member(o, d), arg);
}

static bool number(const struct options *o, const struct option_desc *d, const char *arg,
		   unsigned long *n)
{
	char want[80];

	if (parse_unsigned(arg, d->max, n))
		return true;
	snprintf(want, sizeof(want), "a number from 0 to %lu", d->max);
	return bad_value(o, d, arg, want);
}

SETTER(set_uint)
{
	unsigned long n;

	if (!number(o, d, arg, &n))
		return false;
	*(unsigned int *)member(o, d) = n;
	return true;
}

SETTER(set_id)
{
	unsigned long n;

	if (!number(o, d, arg, &n))
		return false;
	*(int *)member(o, d) = n;
	return true;
}

SETTER(set_duration)
{
	int64_t *ns = member(o, d);

	if (parse_duration(arg, ns) && *ns > 0)
		return true;
	return bad_value(o, d, arg, "a duration like 10ms, 200us or 1.5s");
}

SETTER(set_duration_or_0)
{
	if (parse_duration(arg, member(o, d)))
		return true;
	return bad_value(o, d, arg, "a duration like 50us, or 0");
}

SETTER(set_size)
{
	if (parse_size(arg, member(o, d)))
		return true;
	return bad_value(o, d, arg, "a size like 65536, 64M or 1G");
}

static bool parse_time_arg(struct time_arg *t, const char *arg)
{
	t->set = true;
	t->relative = *arg == '+';
	t->cycles = parse_cycles(arg + t->relative, &t->ns);
	return t->cycles || parse_duration(arg + t->relative, &t->ns);
}

SETTER(set_time)
{
	if (parse_time_arg(member(o, d), arg))
		return true;
	return bad_value(o, d, arg,
			 "a time: seconds as trace-cmd report shows them, or +TIME from the first "
			 "event; units s, ms, us, ns, and cyc for a clock that counts cycles");
}

/* "auto, always or never" */
static void list_words(char *buf, size_t len, const char *const *words)
{
	size_t at = 0;

	for (; *words && at < len; words++)
		at += snprintf(buf + at, len - at, "%s%s",
			       !at	  ? ""
			       : words[1] ? ", "
					  : " or ",
			       *words);
}

SETTER(set_word)
{
	char want[128];
	unsigned int i;

	for (i = 0; d->words[i]; i++) {
		if (strcmp(arg, d->words[i]))
			continue;
		*(unsigned int *)member(o, d) = i;
		return true;
	}
	list_words(want, sizeof(want), d->words);
	return bad_value(o, d, arg, want);
}

/* --- of one option each ----------------------------------------------------------------------- */

static bool add_cpus(struct options *o, unsigned long first, unsigned long last)
{
	size_t nr = o->nr_cpus + (last - first + 1);
	unsigned int *cpus = reallocarray(o->cpus, nr, sizeof(*cpus));

	if (!cpus)
		return out_of_memory();
	o->cpus = cpus;
	for (; first <= last; first++)
		o->cpus[o->nr_cpus++] = first;
	return true;
}

/* "0,2-4", as trace-cmd and perf take it. */
SETTER(set_cpu)
{
	unsigned long first, last;
	const char *at = arg;

	for (;; at++) {
		if (!parse_range(&at, d->max, &first, &last) || (*at && *at != ','))
			return bad_value(o, d, arg, "a CPU, or a list of CPUs like 0,2-4");
		if (!add_cpus(o, first, last))
			return false;
		if (!*at)
			return true;
	}
}

/* Of a VMM; 0 would stand for every VM. */
SETTER(set_pid)
{
	unsigned long n;

	if (!parse_unsigned(arg, d->max, &n) || !n)
		return bad_value(o, d, arg,
				 "the id of a VM's process: libvirt has it in "
				 "/run/libvirt/qemu/NAME.pid, Proxmox VE in "
				 "/run/qemu-server/VMID.pid");
	*(int *)member(o, d) = n;
	return true;
}

SETTER(set_vm)
{
	unsigned long n;

	o->vm = -1;
	o->vm_name = NULL;
	if (!*arg)
		return bad_value(o, d, arg, "the number, the name or a process id of a VM");
	if (parse_unsigned(arg, d->max, &n))
		o->vm = (int)n;
	else
		o->vm_name = arg;
	return true;
}

SETTER(set_utc)
{
	const char *equals = strchr(arg, '=');
	char time[64];

	if (equals && equals - arg < (int)sizeof(time)) {
		snprintf(time, sizeof(time), "%.*s", (int)(equals - arg), arg);
		if (parse_time_arg(&o->utc.at, time) && parse_utc(equals + 1, &o->utc.epoch_ns)) {
			o->date = true;
			return true;
		}
	}
	return bad_value(o, d, arg,
			 "TIME=WALL: a time as for --from, and its wall-clock time as in "
			 "2026-11-28T21:20:03.5");
}

static bool unknown_event(const struct options *o, const char *arg)
{
	const char *like = nearest_event(arg);

	if (like)
		cli_error("%s: no event is called '%s'; did you mean %s?", o->command->name, arg,
			  like);
	else
		cli_error("%s: no event that hvstimer knows is called '%s'", o->command->name, arg);
	return false;
}

SETTER(set_ignore)
{
	(void)d;
	if (hvst_event_by_name(arg) < 0)
		return unknown_event(o, arg);
	return string_list_add(&o->ignore, arg);
}

/* "kvm_msr,kvm_hv_stimer_*", as perf takes it. */
SETTER(set_event)
{
	char name[128];

	(void)d;
	for (;; arg++) {
		size_t len = strcspn(arg, ",");
		uint64_t ids;

		snprintf(name, sizeof(name), "%.*s", (int)len, arg);
		ids = events_matching(name);
		if (!ids)
			return unknown_event(o, name);
		o->events |= ids;
		arg += len;
		if (!*arg)
			return true;
	}
}

/* What a command's expression can be about. */
static unsigned int filter_about(const struct options *o)
{
	switch (o->command->bit) {
	case CMD_EVENTS:
		return FILTER_BIT(FILTER_EVENT);
	case CMD_SKEW:
		return FILTER_BIT(FILTER_ARM);
	case CMD_LATENCY:
		return FILTER_BIT(FILTER_FIRING);
	case CMD_STORMS:
		return FILTER_BIT(FILTER_STORM);
	default:
		return FILTER_ANY;
	}
}

SETTER(set_filter)
{
	char why[FILTER_WHY];

	if (o->filter) {
		cli_error("%s: --%s given twice; && joins expressions", o->command->name, d->name);
		return false;
	}
	o->filter = filter_parse(arg, filter_about(o), why);
	if (!o->filter)
		cli_error("%s: --%s '%s': %s", o->command->name, d->name, arg, why);
	return o->filter;
}

SETTER(set_by)
{
	static const char *const words[] = { "vm", "vcpu", "timer" };
	unsigned int i;

	o->by = 0;
	o->by_set = true;
	if (!strcmp(arg, "all"))
		return true;
	while (*arg) {
		size_t len = strcspn(arg, ",");

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (len == strlen(words[i]) && !strncmp(arg, words[i], len))
				break;
		if (i == ARRAY_SIZE(words))
			return bad_value(o, d, arg, "a list of vm, vcpu, timer; or all");
		o->by |= 1u << i;
		arg += len + (arg[len] == ',');
	}
	return true;
}

SETTER(set_bucket)
{
	o->scale = SCALE_LINEAR;
	return set_duration(o, d, arg);
}

SETTER(set_linear)
{
	(void)d;
	(void)arg;
	o->scale = SCALE_LINEAR;
	return true;
}

SETTER(set_log)
{
	(void)d;
	(void)arg;
	o->log_set = true;
	return true;
}

SETTER(set_percentiles)
{
	const char *at = arg;
	char *end;

	o->percentiles_set = true;
	for (o->nr_percentiles = 0; o->nr_percentiles < MAX_PERCENTILES; at = end + 1) {
		if (!parse_percentile(at, &end, &o->percentiles[o->nr_percentiles++]))
			break;
		if (!*end)
			return true;
		if (*end != ',')
			break;
	}
	return bad_value(o, d, arg, "a list of at most 16 percentiles like 50,99,99.9");
}

SETTER(set_policy)
{
	struct policy *more;
	char why[128];

	(void)d;
	if (o->nr_policies == MAX_POLICIES) {
		cli_error("%s: more than %d policies", o->command->name, MAX_POLICIES);
		return false;
	}
	more = reallocarray(o->policies, o->nr_policies + 1, sizeof(*more));
	if (!more)
		return out_of_memory();
	o->policies = more;
	if (policy_parse(&o->policies[o->nr_policies], arg, why, sizeof(why))) {
		o->nr_policies++;
		return true;
	}
	cli_error("%s: '%s' is no policy: %s", o->command->name, arg, why);
	return false;
}

SETTER(set_sweep)
{
	char why[128];

	if (policy_parse_sweep(&o->sweep, arg, why, sizeof(why)))
		return true;
	cli_error("%s: --%s '%s': %s", o->command->name, d->name, arg, why);
	return false;
}

static bool set_format(struct options *o, enum format f)
{
	if (o->format != FORMAT_TEXT && o->format != f) {
		cli_error("%s: choose one of --json, --jsonl and --csv", o->command->name);
		return false;
	}
	o->format = f;
	return true;
}

SETTER(set_json)
{
	(void)d;
	(void)arg;
	return set_format(o, FORMAT_JSON);
}

SETTER(set_jsonl)
{
	(void)d;
	(void)arg;
	return set_format(o, FORMAT_JSONL);
}

SETTER(set_csv)
{
	(void)d;
	(void)arg;
	return set_format(o, FORMAT_CSV);
}
