// SPDX-License-Identifier: GPL-2.0
/* The conditions and actions of policies, and their parser. */
#include <stdio.h>
#include <string.h>

#include <hvstimer/hvstimer.h>

#include "array.h"
#include "opt/value.h"
#include "policy.h"

enum term_kind { TERM_FLAG, TERM_NUMBER, TERM_DURATION };

/* One word of a policy. A sweep varies a number. */
struct policy_term {
	const char *name;
	enum term_kind kind;
	size_t at;
	unsigned long min, max;
};

#define AT(member) offsetof(struct policy, member)

static const struct policy_term terms[] = {
	{ "pad", TERM_DURATION, AT(pad_ns), 0, 0 },
	{ "from", TERM_DURATION, AT(pad_ns), 0, 0 },
	{ "max", TERM_DURATION, AT(max_ns), 0, 0 },
	{ "after", TERM_NUMBER, AT(after), 1, 1000000 },
	{ "within", TERM_DURATION, AT(within_ns), 0, 0 },
	{ "share", TERM_NUMBER, AT(share), 1, 100 },
	{ "paired", TERM_FLAG, AT(paired), 0, 0 },
	{ "clamp", TERM_FLAG, AT(clamp), 0, 0 },
};

#define MAX_DELAY_NS 1000000000LL /* a longer one is no workaround */

static const struct policy_term *find_term(const char *name)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(terms); i++)
		if (!strcmp(terms[i].name, name))
			return &terms[i];
	return NULL;
}

static void *member(struct policy *p, const struct policy_term *t)
{
	return (char *)p + t->at;
}

static bool set_number(struct policy *p, const struct policy_term *t, const char *value)
{
	unsigned long n;

	if (!parse_unsigned(value, t->max, &n) || n < t->min)
		return false;
	*(unsigned int *)member(p, t) = n;
	return true;
}

static bool set_duration(struct policy *p, const struct policy_term *t, const char *value)
{
	int64_t ns;

	if (!parse_duration(value, &ns) || ns <= 0 || ns > MAX_DELAY_NS)
		return false;
	*(int64_t *)member(p, t) = ns;
	return true;
}

/* "name=value" or "name"; @backoff: pad=backoff was seen. */
static bool set_term(struct policy *p, char *word, bool *backoff, char *why, size_t len)
{
	char *value = strchr(word, '=');
	const struct policy_term *t;
	bool ok;

	if (value)
		*value++ = 0;
	t = find_term(word);
	if (!t) {
		snprintf(why, len,
			 "'%s' is neither an action nor a condition, as in pad=10us,after=16",
			 word);
		return false;
	}
	if (!strcmp(t->name, "pad") && value && !strcmp(value, "backoff")) {
		*backoff = true;
		return true;
	}
	if (!value || t->kind == TERM_FLAG) {
		ok = !value && t->kind == TERM_FLAG;
		if (ok)
			*(bool *)member(p, t) = true;
	} else {
		ok = t->kind == TERM_NUMBER ? set_number(p, t, value) : set_duration(p, t, value);
	}
	if (!ok && t->kind == TERM_NUMBER)
		snprintf(why, len, "%s= needs a number from %lu to %lu", t->name, t->min, t->max);
	else if (!ok)
		snprintf(why, len,
			 t->kind == TERM_FLAG ? "%s takes no value"
					      : "%s= needs a time like 10us, at most 1s",
			 t->name);
	return ok;
}

/* Do the words go together? */
static bool consistent(const struct policy *p, bool backoff, bool plain, bool bounds, char *why,
		       size_t len)
{
	if (backoff && (plain || !p->pad_ns || p->max_ns < p->pad_ns))
		snprintf(why, len, "pad=backoff needs from= and max=, and max= the larger");
	else if (bounds && !backoff)
		snprintf(why, len, "from= and max= belong to pad=backoff");
	else if (!p->pad_ns && (p->after || p->within_ns || p->share))
		snprintf(why, len, "a condition needs pad=");
	else
		return true;
	return false;
}

bool policy_parse(struct policy *p, const char *text, char *why, size_t len)
{
	bool backoff = false, plain = false, bounds = false;
	char copy[POLICY_NAME], *word, *save = NULL;

	memset(p, 0, sizeof(*p));
	if (!*text || strlen(text) >= sizeof(copy)) {
		snprintf(why, len, "it is empty or too long");
		return false;
	}
	snprintf(p->name, sizeof(p->name), "%s", text);
	if (!strcmp(text, "none"))
		return true;
	snprintf(copy, sizeof(copy), "%s", text);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save)) {
		plain |= !strncmp(word, "pad=", 4) && strcmp(word, "pad=backoff");
		bounds |= !strncmp(word, "from=", 5) || !strncmp(word, "max=", 4);
		if (!set_term(p, word, &backoff, why, len))
			return false;
	}
	return consistent(p, backoff, plain, bounds, why, len);
}

bool policy_parse_sweep(struct policy_sweep *s, const char *text, char *why, size_t len)
{
	const char *equals = strchr(text, '='), *dots = strstr(text, "..");
	unsigned long from, to;
	char word[32];

	snprintf(why, len, "a sweep is a condition and a range of at most %d values: after=1..64",
		 MAX_POLICIES);
	if (!equals || !dots || dots < equals)
		return false;
	snprintf(word, sizeof(word), "%.*s", (int)(equals - text), text);
	s->term = find_term(word);
	if (!s->term || s->term->kind != TERM_NUMBER)
		return false;
	snprintf(word, sizeof(word), "%.*s", (int)(dots - equals - 1), equals + 1);
	if (!parse_unsigned(word, s->term->max, &from) ||
	    !parse_unsigned(dots + 2, s->term->max, &to) || from < s->term->min || to <= from ||
	    to - from >= MAX_POLICIES)
		return false;
	s->from = from;
	s->to = to;
	return true;
}

const char *policy_sweep_name(const struct policy_sweep *s)
{
	return s->term->name;
}

/* The name of @base with the word of the sweep replaced, or added. */
static void name_variant(struct policy *p, const char *base, const char *term, unsigned int value)
{
	char copy[POLICY_NAME], *word, *save = NULL;
	size_t at = 0;

	snprintf(copy, sizeof(copy), "%s", base);
	for (word = strtok_r(copy, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (strncmp(word, term, strlen(term)) || word[strlen(term)] != '=')
			at += snprintf(p->name + at, sizeof(p->name) - at, "%s,", word);
	if (at >= sizeof(p->name))
		return;
	snprintf(p->name + at, sizeof(p->name) - at, "%s=%u", term, value);
}

void policy_vary(struct policy *p, const struct policy *base, const struct policy_sweep *s,
		 unsigned int value)
{
	*p = *base;
	*(unsigned int *)member(p, s->term) = value;
	name_variant(p, base->name, s->term->name, value);
}

/* --- one arm ---------------------------------------------------------------------------------- */

static bool row_ends(const struct policy *p, const struct policy_state *s,
		     const struct policy_history *h, int64_t ts_ns)
{
	int64_t pause;

	if (!p->within_ns || h->last_past_ns == HVST_UNKNOWN)
		return false;
	/* The delay of the previous arm would have moved this one by the same amount. */
	if (__builtin_sub_overflow(ts_ns, h->last_past_ns, &pause) ||
	    __builtin_add_overflow(pause, s->delay_ns, &pause))
		return true;
	return pause > p->within_ns;
}

static int64_t delay_of(const struct policy *p, const struct policy_state *s)
{
	int64_t delay = p->pad_ns;
	unsigned int i;

	for (i = 0; p->max_ns && i < s->delayed && delay < p->max_ns; i++)
		delay *= 2;
	return p->max_ns && delay > p->max_ns ? p->max_ns : delay;
}

int64_t policy_arm(const struct policy *p, struct policy_state *s, const struct policy_history *h,
		   bool past_due, int64_t ts_ns)
{
	unsigned int share = (unsigned int)__builtin_popcountll(h->past_due) * 100;

	if (!past_due || row_ends(p, s, h, ts_ns))
		*s = (struct policy_state){ 0 };
	if (!past_due)
		return 0;
	s->row += s->row < UINT32_MAX;
	s->delay_ns = 0;
	if (s->row >= p->after && share >= p->share * POLICY_HISTORY)
		s->delay_ns = delay_of(p, s);
	s->delayed += s->delay_ns > 0;
	return s->delay_ns;
}
