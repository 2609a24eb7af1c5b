// SPDX-License-Identifier: GPL-2.0
/*
 * The timeline browser: sessions, options and the choice between terminal and script; the rest is
 * browse/.
 */
#include <errno.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "browse/app.h"
#include "browse/find.h"
#include "browse/loader.h"
#include "message.h"
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

static int run_script(struct br_app *a, const struct options *o)
{
	FILE *f = strcmp(o->script, "-") ? fopen(o->script, "r") : stdin;
	int code;

	if (!f) {
		cli_error("%s: %s", o->script, strerror(errno));
		return EXIT_USAGE;
	}
	code = br_script_run(a, f, o->script, stdout);
	if (f != stdin)
		fclose(f);
	if (fflush(stdout) || ferror(stdout))
		return errno == EPIPE ? code : EXIT_INPUT;
	return code;
}

/* The exit code follows from how the index pass ended. */
static int outcome(struct br_app *a, const struct options *o)
{
	int code = EXIT_OK;

	br_model_lock(&a->m);
	if (a->m.live.err && a->m.live.err != -ECANCELED) {
		cli_error("%s", a->m.live.error);
		code = EXIT_INPUT;
	} else if (a->m.live.trace && !a->m.live.err && !a->m.live.trace->relevant) {
		cli_error("%s: none of its events is one that browse can use", o->files.v[0]);
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

static int browse(const struct options *o, struct br_source *src)
{
	bool ascii = o->ascii || (!o->script && !br_term_utf8());
	struct br_app a;
	char name[64], filter[FILTER_LEN + 80];
	int code = EXIT_INPUT;

	name_files(&o->files, name, sizeof(name));
	if (br_app_init(&a, src, name, SCRIPT_W, SCRIPT_H, ascii)) {
		cli_error("out of memory");
		goto out;
	}
	first_filter(o, filter, sizeof(filter));
	br_model_lock(&a.m);
	if (!br_find_filter(&a.m, filter))
		cli_error("browse: %s", a.m.message);
	br_model_unlock(&a.m);
	if (keeps(o))
		br_app_keep(&a, o->files.v[0], o->state && *o->state ? o->state : NULL, !*filter);
	code = o->script ? run_script(&a, o) : br_term_run(&a, !getenv("NO_COLOR"));
	if (!br_app_save(&a))
		cli_warn("browse: %s", a.m.message);
	if (!code)
		code = outcome(&a, o);
out:
	br_app_free(&a);
	return code;
}

int cmd_browse(int argc, char **argv)
{
	struct hvst_session *reads, *searches;
	struct br_source *src = NULL;
	struct context r;
	int code;

	setlocale(LC_CTYPE, "");
	if (!ctx_start(&r, CMD_BROWSE, argc, argv, &code))
		return code;
	code = EXIT_INPUT;
	reads = ctx_new_session(&r.o);
	searches = ctx_new_session(&r.o);
	if (!reads || !searches)
		goto out;
	/*
	 * --vm, --vcpu, --timer and --filter set the filter of the screen, which can be changed:
	 * the sessions read everything.
	 */
	hvst_session_set_filter(r.s, -1, -1, -1);
	hvst_session_set_filter(reads, -1, -1, -1);
	hvst_session_set_filter(searches, -1, -1, -1);
	src = br_loader_new(r.s, reads, searches, r.from_ns, r.to_ns);
	if (src)
		code = browse(&r.o, src);
	else
		cli_error("out of memory");
out:
	br_loader_free(src);
	hvst_session_free(reads);
	hvst_session_free(searches);
	return ctx_fail(&r, code);
}
