// SPDX-License-Identifier: GPL-2.0
/*
 * The timeline browser: sessions, options and the choice between terminal and script; the rest is
 * browse/.
 */
#include <errno.h>
#include <locale.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "browse/find.h"
#include "browse/loader.h"
#include "browse/screen.h"
#include "message.h"
#include "output/units.h"
#include "options.h"
#include "context.h"

#define SCRIPT_W 80
#define SCRIPT_H 24

/* "trace.dat", "a.dat and 2 more": what the title calls the recording. */
static void name_files(const struct string_list *files, char *buf, size_t len)
{
	const char *slash = strrchr(files->v[0], '/');

	snprintf(buf, len, files->n > 1 ? "%.40s and %u more" : "%.60s",
		 slash ? slash + 1 : files->v[0], files->n - 1);
}

static int run_script(struct br_screen *s, const struct options *o)
{
	FILE *f = strcmp(o->script, "-") ? fopen(o->script, "r") : stdin;
	int code;

	if (!f) {
		cli_error("%s: %s", o->script, strerror(errno));
		return EXIT_USAGE;
	}
	code = br_script_run(s, f, o->script, stdout);
	if (f != stdin)
		fclose(f);
	if (!fflush(stdout) && !ferror(stdout))
		return code;
	if (errno == EPIPE)
		return code;
	cli_error("standard output: %s", strerror(errno));
	return EXIT_INPUT;
}

/* The exit code follows from how the index pass ended. */
static int outcome(struct br_app *a, const char *file)
{
	int code = EXIT_OK;

	br_model_lock(&a->m);
	if (a->m.live.err && a->m.live.err != -ECANCELED) {
		cli_error("%s", a->m.live.error);
		code = EXIT_INPUT;
	} else if (a->m.live.trace && !a->m.live.err && !a->m.live.trace->relevant) {
		cli_error("%s: none of its events is one that browse can use", file);
		code = EXIT_NOTHING;
	}
	br_model_unlock(&a->m);
	return code;
}

/* "vm==0 && (skew>1ms)": --vm, --vcpu, --timer and --filter as one expression. */
static void first_filter(const struct options *o, char *buf, size_t len)
{
	const char *const names[] = { "vm", "vcpu", "timer" };
	const int ids[] = { o->vm, o->vcpu, o->timer };
	size_t at = 0;

	*buf = 0;
	for (unsigned int i = 0; i < 3; i++)
		if (ids[i] >= 0)
			at += (size_t)snprintf(buf + at, len - at, "%s%s==%d", at ? " && " : "",
					       names[i], ids[i]);
	if (o->filter)
		snprintf(buf + at, len - at, at ? " && (%s)" : "%s", filter_text(o->filter));
}

/* A script leaves nothing behind unless it is told to. */
static bool keeps(const struct options *o)
{
	if (reads_stdin(o))
		return false;
	return o->state ? *o->state : !o->script;
}

/* One recording: the sessions that read it, and what shows it. */
struct pane {
	struct options o; /* those of the command, with its own files */
	struct hvst_session *sessions[3];
	struct br_source *src;
	struct br_app app;
	int64_t utc_of_zero; /* as for unit_set_utc() */
	bool shown;	     /* @app is initialised */
};

/* @index: an open session, the pane's from now on; NULL: one of its own. False after a message. */
static bool pane_open(struct pane *p, struct hvst_session *index, int64_t from_ns, int64_t to_ns)
{
	p->sessions[0] = index;
	p->utc_of_zero = unit_utc_ns(0); /* --utc-at is about the first recording */
	for (int i = 0; i < 3; i++) {
		if (!p->sessions[i])
			p->sessions[i] = ctx_new_session(&p->o);
		if (!p->sessions[i])
			return false;
		/*
		 * --vm, --vcpu, --timer and --filter set the filter of the screen, which can be
		 * changed: the sessions read everything.
		 */
		hvst_session_set_filter(p->sessions[i], -1, -1, -1);
	}
	if (!index)
		p->utc_of_zero = ctx_dated(hvst_session_trace(p->sessions[0])) ? 0 : HVST_UNKNOWN;
	p->src = br_loader_new(p->sessions[0], p->sessions[1], p->sessions[2], from_ns, to_ns);
	if (!p->src)
		cli_error("out of memory");
	return p->src;
}

static bool pane_show(struct pane *p, bool keep)
{
	const struct options *o = &p->o;
	bool ascii = o->ascii || (!o->script && !br_term_utf8());
	char name[64], filter[FILTER_LEN + 80];

	name_files(&o->files, name, sizeof(name));
	if (br_app_init(&p->app, p->src, name, SCRIPT_W, SCRIPT_H, ascii)) {
		cli_error("out of memory");
		return false;
	}
	p->shown = true;
	first_filter(o, filter, sizeof(filter));
	p->app.m.utc_of_zero = p->utc_of_zero;
	br_model_lock(&p->app.m);
	if (!br_find_filter(&p->app.m, filter))
		cli_error("browse: %s", p->app.m.message);
	br_model_unlock(&p->app.m);
	if (keep)
		br_app_keep(&p->app, o->files.v[0], o->state && *o->state ? o->state : NULL,
			    !*filter);
	return true;
}

/* What the pane leaves behind, and how it ended. */
static int pane_end(struct pane *p)
{
	if (!br_app_save(&p->app))
		cli_warn("browse: %s", p->app.m.message);
	return outcome(&p->app, p->o.files.v[0]);
}

static void pane_free(struct pane *p)
{
	if (p->shown)
		br_app_free(&p->app);
	br_loader_free(p->src);
	for (int i = 1; i < 3; i++)
		hvst_session_free(p->sessions[i]);
}

static int run(struct pane *first, struct pane *second)
{
	const struct options *o = &first->o;
	struct br_screen s;
	int code, other = EXIT_OK;

	if (br_screen_init(&s, &first->app, second ? &second->app : NULL)) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	code = o->script ? run_script(&s, o) : br_term_run(&s, !getenv("NO_COLOR"));
	br_screen_free(&s);
	if (second && !code)
		other = pane_end(second);
	if (!code)
		code = pane_end(first);
	return code ? code : other;
}

int cmd_browse(int argc, char **argv)
{
	struct pane first = { 0 }, second = { 0 };
	struct context r;
	bool beside;
	int code;

	/*
	 * Threads allocate little while they read. With an arena of its own for each, what one has
	 * freed stays in memory while another one takes more.
	 */
	mallopt(M_ARENA_MAX, 1);
	setlocale(LC_CTYPE, "");
	if (!ctx_start(&r, CMD_BROWSE, argc, argv, &code))
		return code;
	code = EXIT_INPUT;
	beside = r.o.beside;
	first.o = second.o = r.o;
	second.o.files = (struct string_list){ &r.o.beside, 1 };
	second.o.state = NULL;
	if (pane_open(&first, r.s, r.from_ns, r.to_ns) && pane_show(&first, keeps(&r.o)) &&
	    (!beside || (pane_open(&second, NULL, HVST_UNKNOWN, HVST_UNKNOWN) &&
			 pane_show(&second, !r.o.state && !r.o.script))))
		code = run(&first, beside ? &second : NULL);
	pane_free(&second);
	hvst_session_free(second.sessions[0]);
	pane_free(&first);
	return ctx_fail(&r, code);
}
