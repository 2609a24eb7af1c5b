// SPDX-License-Identifier: GPL-2.0
/* Keys and sizes from a file, screens to another file: for tests, and for screens in documents. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "../array.h"
#include "../now.h"
#include "../message.h"
#include "../options.h"
#include "screen.h"

#define MAX_TIMES 100000
#define MAX_LINE  4096

struct script {
	struct br_screen *s;
	FILE *out;
	const char *name;
	unsigned int line;
	bool wait;		     /* until the screen is complete after each key */
	double *answered, *complete; /* ms of each key since the last `latency` */
	unsigned int nr_times;
};

struct named {
	const char *name;
	int key;
};

static const struct named named[] = {
	{ "Up", BR_KEY_UP },
	{ "Down", BR_KEY_DOWN },
	{ "Left", BR_KEY_LEFT },
	{ "Right", BR_KEY_RIGHT },
	{ "PgUp", BR_KEY_PGUP },
	{ "PgDn", BR_KEY_PGDN },
	{ "Home", BR_KEY_HOME },
	{ "End", BR_KEY_END },
	{ "Enter", BR_KEY_ENTER },
	{ "Esc", BR_KEY_ESC },
	{ "Tab", BR_KEY_TAB },
	{ "S-Tab", BR_KEY_BACKTAB },
	{ "Backspace", BR_KEY_BACKSPACE },
	{ "Delete", BR_KEY_DELETE },
	{ "Space", ' ' },
	{ "C-u", 'u' & 0x1f },
};

static int key_by_name(const char *name)
{
	if (name[0] && !name[1])
		return (unsigned char)name[0];
	for (unsigned int i = 0; i < ARRAY_SIZE(named); i++)
		if (!strcmp(named[i].name, name))
			return named[i].key;
	return 0;
}

static int bad(const struct script *s, const char *what, const char *word)
{
	cli_error("%s:%u: %s: %s", s->name, s->line, what, word);
	return EXIT_USAGE;
}

static void press(struct script *s, const struct br_input *in)
{
	unsigned int i = s->nr_times;
	int64_t start = now_ns();

	br_screen_key(s->s, in);
	s->answered[i] = (double)(now_ns() - start) / 1e6;
	if (s->wait)
		br_screen_wait_idle(s->s);
	s->complete[i] = (double)(now_ns() - start) / 1e6;
	s->nr_times += i < MAX_TIMES - 1;
}

/* --- commands: 0 or an exit code --- */

static int do_key(struct script *s, char *args)
{
	char *save;

	for (char *w = strtok_r(args, " ", &save); w; w = strtok_r(NULL, " ", &save)) {
		int key = key_by_name(w);

		if (!key)
			return bad(s, "no such key", w);
		press(s, &(struct br_input){ .key = key });
	}
	return 0;
}

static int do_text(struct script *s, char *args)
{
	for (; *args; args++)
		press(s, &(struct br_input){ .key = (unsigned char)*args });
	return 0;
}

static int do_size(struct script *s, char *args)
{
	int w, h;

	if (sscanf(args, "%dx%d", &w, &h) != 2 || w < 1 || h < 1 || w > BR_MAX_SIDE ||
	    h > BR_MAX_SIDE)
		return bad(s, "a size is 80x24", args);
	if (br_screen_resize(s->s, w, h))
		return bad(s, "out of memory", args);
	if (s->wait)
		br_screen_wait_idle(s->s);
	return 0;
}

static int do_mouse(struct script *s, char *args)
{
	struct br_input in = { 0 };
	char what[16] = "";

	sscanf(args, "%15s %d %d %d", what, &in.x, &in.y, &in.x2);
	in.key = !strcmp(what, "click")	       ? BR_KEY_CLICK
		 : !strcmp(what, "drag")       ? BR_KEY_DRAG
		 : !strcmp(what, "wheel-up")   ? BR_KEY_WHEEL_UP
		 : !strcmp(what, "wheel-down") ? BR_KEY_WHEEL_DOWN
					       : 0;
	if (!in.key)
		return bad(s, "mouse click|wheel-up|wheel-down X Y, mouse drag X Y X2", args);
	press(s, &in);
	return 0;
}

static int do_screen(struct script *s, char *args)
{
	(void)args;
	br_screen_wait_idle(s->s);
	br_grid_write(&s->s->g, s->out);
	return 0;
}

static int do_roles(struct script *s, char *args)
{
	(void)args;
	br_screen_wait_idle(s->s);
	br_grid_write_roles(&s->s->g, s->out);
	return 0;
}

/* Print what the screen shows as integers, for tests that compare it with the other commands. */
static void print_timer(const struct script *s, const struct br_row *row)
{
	const struct br_model *m = &br_screen_app(s->s)->m;
	const struct br_timer *l = br_model_timer(m, row);
	struct br_sum sum;

	if (!l)
		return;
	br_sum_init(&sum);
	br_model_sum_row(m, row, m->from, br_model_end(m), false, &sum);
	fprintf(s->out,
		"timer vm=%d vcpu=%d tid=%d timer=%d ahead=%" PRIu64 " past=%" PRIu64
		" periodic=%" PRIu64 " inferred=%" PRIu64 "\n",
		l->vm, l->vcpu, l->tid, l->timer, sum.ahead, sum.past, sum.periodic, sum.inferred);
}

static void print_event(const struct script *s, const struct br_event *e)
{
	fprintf(s->out, "event %" PRId64 " cpu=%u pid=%d vm=%d %s\n", e->ev.ts_ns, e->ev.cpu,
		e->ev.pid, e->vm, e->ev.id == HVST_EV_LOST ? "lost" : hvst_event_name(e->ev.id));
}

static int do_numbers(struct script *s, char *args)
{
	struct br_model *m = &br_screen_app(s->s)->m;

	(void)args;
	br_screen_wait_idle(s->s);
	br_model_lock(m);
	fprintf(s->out, "window %" PRId64 " %" PRId64 " %s\n", m->from, br_model_end(m),
		br_model_exact(m) ? "exact" : "index");
	for (unsigned int i = 0; i < m->nr_rows; i++)
		print_timer(s, &m->rows[i]);
	for (unsigned int i = 0; i < m->nr_findings; i++)
		fprintf(s->out, "finding %d %u %" PRId64 "\n", m->findings[i].kind,
			m->findings[i].i, m->findings[i].ts_ns);
	for (unsigned int i = 0; m->events_shown && i < m->nr_events; i++)
		print_event(s, &m->events[i]);
	br_model_unlock(m);
	return 0;
}

static int do_print(struct script *s, char *args)
{
	fprintf(s->out, "%s\n", args);
	return 0;
}

static int do_wait(struct script *s, char *args)
{
	s->wait = strcmp(args, "no");
	if (s->wait)
		br_screen_wait_idle(s->s);
	return 0;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static void print_times(struct script *s, const char *what, double *ms)
{
	unsigned int n = s->nr_times;

	qsort(ms, n, sizeof(*ms), by_value);
	fprintf(s->out, "%u keys %s: median %.2f ms, worst %.2f ms\n", n, what, ms[n / 2],
		ms[n - 1]);
}

static int do_latency(struct script *s, char *args)
{
	(void)args;
	if (s->nr_times) {
		print_times(s, "answered", s->answered);
		print_times(s, "complete", s->complete);
	}
	s->nr_times = 0;
	return 0;
}

struct word {
	const char *name;
	int (*run)(struct script *s, char *args);
};

static const struct word words[] = {
	{ "key", do_key },	   { "text", do_text },	    { "size", do_size },
	{ "mouse", do_mouse },	   { "screen", do_screen }, { "roles", do_roles },
	{ "print", do_print },	   { "wait", do_wait },	    { "latency", do_latency },
	{ "numbers", do_numbers },
};

static int run_line(struct script *s, char *line)
{
	char *args;

	line[strcspn(line, "\r\n")] = 0;
	if (!*line || *line == '#')
		return 0;
	args = line + strcspn(line, " ");
	if (*args)
		*args++ = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(words[i].name, line))
			return words[i].run(s, args);
	return bad(s, "no such command", line);
}

/* Returns whether there is a line; @code is set where it cannot be taken. */
static bool next_line(struct script *s, FILE *script, char line[MAX_LINE], int *code)
{
	if (!fgets(line, MAX_LINE, script)) {
		if (ferror(script)) {
			cli_error("%s: %s", s->name, strerror(errno));
			*code = EXIT_USAGE;
		}
		return false;
	}
	s->line++;
	if (!strchr(line, '\n') && !feof(script))
		*code = bad(s, "no script", "a line is too long or holds a zero byte");
	return !*code;
}

int br_script_run(struct br_screen *screen, FILE *script, const char *name, FILE *out)
{
	struct script s = { .s = screen, .out = out, .name = name, .wait = true };
	char line[MAX_LINE];
	int code = 0;

	s.answered = malloc(MAX_TIMES * sizeof(*s.answered));
	s.complete = malloc(MAX_TIMES * sizeof(*s.complete));
	if (!s.answered || !s.complete) {
		cli_error("out of memory");
		code = EXIT_INPUT;
	}
	br_screen_wait_idle(screen);
	while (!code && !br_screen_quit(screen) && next_line(&s, script, line, &code))
		code = run_line(&s, line);
	free(s.answered);
	free(s.complete);
	return code;
}
