// SPDX-License-Identifier: GPL-2.0
/*
 * hvstimer export: the findings in the formats of other tools. One pass for the findings, and one
 * more where arms are wanted: only after the first is it known which VM a thread belongs to.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "export/jsonl.h"
#include "export/rows.h"
#include "export/sqlite.h"
#include "export/timeline.h"
#include "analyse.h"
#include "hash.h"
#include "message.h"

#define SAMPLE_SIZE (64 * 1024)
/* JSON readers that use floating point only keep the numbers of recordings exact. */
#define RECORDING_MASK ((1ULL << 53) - 1)

/* The open outputs. */
struct exporter {
	struct context r;
	struct jsonl_sink jsonl;
	struct sqlite_sink sqlite;
	struct timeline timeline;
	bool jsonl_open, sqlite_open, timeline_open;
	struct rows rows;
	int error;
};

/* --- the number of a recording ---------------------------------------------------------------- */

/* A part of a file that goes into the number; a short read is no error. */
static uint64_t hash_part(uint64_t h, int fd, off_t at)
{
	unsigned char part[SAMPLE_SIZE];
	ssize_t n = pread(fd, part, sizeof(part), at);

	return n > 0 ? hash_bytes(h, part, (size_t)n) : h;
}

/* Size, beginning, middle and end: enough to tell recordings apart, and fast to read. */
static uint64_t hash_file(uint64_t h, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0)
		return h;
	if (!fstat(fd, &st)) {
		h = hash_bytes(h, &st.st_size, sizeof(st.st_size));
		h = hash_part(h, fd, 0);
		h = hash_part(h, fd, st.st_size / 2);
		if (st.st_size > SAMPLE_SIZE)
			h = hash_part(h, fd, st.st_size - SAMPLE_SIZE);
	}
	close(fd);
	return h;
}

/*
 * The number of a recording follows from its contents and from what was selected, so that databases
 * and lines of many hosts can be joined as they are, and a recording that is added a second time is
 * recognised.
 */
static int64_t recording_number(const struct context *r)
{
	const struct hvst_trace *t = r->trace;
	const int selection[] = { r->o.vm, r->o.vcpu, r->o.timer };
	uint64_t h = HASH_EMPTY;
	unsigned int i;

	for (i = 0; i < t->nr_files; i++)
		h = hash_file(h, t->files[i]->path);
	h = hash_bytes(h, selection, sizeof(selection));
	h = hash_bytes(h, &t->first_ns, sizeof(t->first_ns));
	h = hash_bytes(h, &t->last_ns, sizeof(t->last_ns));
	h = hash_bytes(h, t->seen, HVST_EV_COUNT * sizeof(t->seen[0]));
	return (int64_t)((h ^ h >> 53) & RECORDING_MASK);
}

/* --- outputs ---------------------------------------------------------------------------------- */

static bool opened(const char *path, int err)
{
	if (err)
		cli_error("%s: %s", strcmp(path, "-") ? path : "standard output", strerror(-err));
	return !err;
}

static bool open_outputs(struct exporter *x)
{
	const struct export_options *e = &x->r.o.export;

	if (e->jsonl)
		x->jsonl_open = opened(e->jsonl, jsonl_open(&x->jsonl, e->jsonl));
	if (e->jsonl && !x->jsonl_open)
		return false;
	if (e->perfetto)
		x->timeline_open =
			opened(e->perfetto, timeline_open(&x->timeline, e->perfetto, e->detail));
	if (e->perfetto && !x->timeline_open)
		return false;
	if (e->sqlite)
		x->sqlite_open = !sqlite_open(&x->sqlite, e->sqlite);
	return !e->sqlite || x->sqlite_open;
}

static void discard_outputs(struct exporter *x)
{
	if (x->jsonl_open)
		jsonl_discard(&x->jsonl);
	if (x->timeline_open)
		timeline_discard(&x->timeline);
	if (x->sqlite_open)
		sqlite_discard(&x->sqlite);
}

/* The database last: its rows stay when another output fails afterwards. */
static bool close_outputs(struct exporter *x)
{
	const struct export_options *e = &x->r.o.export;
	bool good = true;
	int err;

	if (x->timeline_open)
		good = opened(e->perfetto, timeline_close(&x->timeline));
	x->timeline_open = false;
	err = good && x->jsonl_open ? jsonl_close(&x->jsonl) : 0;
	if (good && x->jsonl_open) {
		x->jsonl_open = false;
		good = err == -EPIPE || opened(e->jsonl, err);
	}
	if (good && x->sqlite_open) {
		x->sqlite_open = false;
		good = !sqlite_finish(&x->sqlite);
	}
	return good;
}

/* --- passes ----------------------------------------------------------------------------------- */

/*
 * The thread that armed or fired at @ts_ns. With @vm -1, as while arms come in: in the VM that the
 * pass before found.
 */
static struct who who_is(const struct exporter *x, int tid, int64_t ts_ns, int vm, int vcpu)
{
	struct who who = { tid, vm, vcpu };
	int known;

	if (vm >= 0)
		return who;
	hvst_session_who_at(x->r.s, tid, ts_ns, &who.vm, &known);
	if (vcpu < 0)
		who.vcpu = known;
	return who;
}

static bool selected(const struct exporter *x, const struct who *who)
{
	return x->r.o.vm < 0 || who->vm == x->r.o.vm;
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	struct exporter *x = ctx;
	struct who who = who_is(x, arm->tid, arm->ts_ns, arm->vm, arm->vcpu);

	if (!selected(x, &who))
		return 0;
	if (x->r.o.export.arms)
		x->error = rows_arm(&x->rows, arm, &who);
	if (!x->error && x->timeline_open)
		x->error = timeline_arm(&x->timeline, arm, &who);
	return x->error;
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	struct exporter *x = ctx;
	struct who who = who_is(x, fire->tid, fire->expiration_ns, fire->vm, fire->vcpu);

	if (selected(x, &who))
		x->error = timeline_fire(&x->timeline, fire, &who);
	return x->error;
}

static void start_rows(struct exporter *x)
{
	if (x->jsonl_open)
		x->rows.sinks[x->rows.nr_sinks++] = &x->jsonl.sink;
	if (x->sqlite_open)
		x->rows.sinks[x->rows.nr_sinks++] = &x->sqlite.sink;
	x->rows.trace = x->r.trace;
	x->rows.recording = recording_number(&x->r);
}

/* Exports the findings while the results of the pass exist. */
static int write_findings(struct exporter *x)
{
	int err;
	char why[NOTES_MESSAGE];
	struct notes notes;

	start_rows(x);
	err = rows_result(&x->rows, x->r.result);
	if (!err && notes_read(&notes, x->r.o.files.v[0], NULL, why))
		cli_warn("%s", why);
	if (!err)
		err = rows_notes(&x->rows, &notes);
	if (!err && x->timeline_open)
		err = timeline_findings(&x->timeline, x->r.trace, x->r.result);
	return err;
}

static bool wants_arms(const struct exporter *x)
{
	return x->r.o.export.arms || (x->timeline_open && x->timeline.detail != DETAIL_FINDINGS);
}

static int write_arms(struct exporter *x)
{
	const struct hvst_observer arms = {
		.size = sizeof(arms),
		.arm = on_arm,
		.fire = x->timeline_open && x->timeline.detail == DETAIL_ALL ? on_fire : NULL,
	};

	if (!wants_arms(x))
		return 0;
	if (!ctx_pass(&x->r, HVST_NEED_ANALYSIS, &arms, x))
		return -EIO;
	return x->error;
}

/* Reports an error; those of the database and of reading are reported already. */
static void report(const struct exporter *x, int err)
{
	if (x->jsonl_open && x->jsonl.out.err)
		opened(x->r.o.export.jsonl, -x->jsonl.out.err);
	else if (x->timeline_open && x->timeline.pf.out.err)
		opened(x->r.o.export.perfetto, -x->timeline.pf.out.err);
	else if (err == -ENOMEM)
		cli_error("out of memory");
}

static int export(struct exporter *x)
{
	int err, code = analyse_recording(&x->r, STIMER_IDS, NULL, NULL);

	if (code)
		return code;
	if (x->r.interrupted)
		return EXIT_INTERRUPTED;
	if (!open_outputs(x))
		return EXIT_INPUT;
	err = write_findings(x);
	if (!err)
		err = write_arms(x);
	if (err == -EPIPE && !x->sqlite_open && !x->timeline_open)
		return EXIT_OK;
	if (err) {
		report(x, err);
		return EXIT_INPUT;
	}
	if (x->r.interrupted)
		return EXIT_INTERRUPTED;
	return close_outputs(x) ? EXIT_OK : EXIT_INPUT;
}

int cmd_export(int argc, char **argv)
{
	struct exporter x = { 0 };
	int code;

	if (!ctx_start(&x.r, CMD_EXPORT, argc, argv, &code))
		return code;
	code = export(&x);
	discard_outputs(&x);
	if (code == EXIT_INTERRUPTED)
		cli_warn("interrupted: nothing was written");
	return code ? ctx_fail(&x.r, code) : ctx_end(&x.r, false);
}
