// SPDX-License-Identifier: GPL-2.0
/*
 * trace-cmd as a child in a process group of its own: a terminal's Ctrl-C reaches only hvstimer,
 * which forwards it when trace-cmd can handle it. During trace-cmd's setup SIGINT would kill it
 * with everything half done; SIGTERM and SIGHUP always kill it, and the recording is lost.
 */
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tracefs.h>

#include "record.h"

#define POLL_NS 50000000

static bool file_begins_with(const char *name, char c)
{
	char *text = tracefs_instance_file_read(NULL, name, NULL);
	bool ok = text && *text == c;

	free(text);
	return ok;
}

/*
 * trace-cmd stops tracing first, then enables events, then starts tracing. Both on means that it
 * records, and that it has installed its handler of SIGINT.
 */
static bool recording(void)
{
	return file_begins_with("tracing_on", '1') &&
	       file_begins_with("events/kvm/kvm_hv_stimer_set_count/enable", '1');
}

static void block(sigset_t *set, sigset_t *old)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
	sigprocmask(SIG_BLOCK, set, old);
}

__attribute__((noreturn)) static void child(char **words, const sigset_t *mask, int report)
{
	int err;

	setpgid(0, 0);
	prctl(PR_SET_PDEATHSIG, SIGINT);
	signal(SIGPIPE, SIG_DFL); /* main() ignores it, and a shell SIGINT in the background */
	signal(SIGINT, SIG_DFL);
	sigprocmask(SIG_SETMASK, mask, NULL);
	execvp(words[0], words);
	err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(126);
	_exit(127);
}

/* The child's pid, or a negative errno: why it could not be started. */
static pid_t start(char **words, const sigset_t *mask)
{
	int report[2], err = 0;
	pid_t pid;

	if (pipe2(report, O_CLOEXEC))
		return -errno;
	fflush(NULL);
	pid = fork();
	if (!pid)
		child(words, mask, report[1]);
	if (pid < 0)
		err = errno;
	close(report[1]);
	if (pid > 0 && read(report[0], &err, sizeof(err)) > 0)
		waitpid(pid, NULL, 0);
	close(report[0]);
	if (err)
		return -err;
	setpgid(pid, pid); /* already done, unless the child has not come that far */
	return pid;
}

static int next_signal(const sigset_t *set, bool ready)
{
	const struct timespec poll = { .tv_nsec = POLL_NS };

	return ready ? sigwaitinfo(set, NULL) : sigtimedwait(set, NULL, &poll);
}

static void watch(pid_t pid, const sigset_t *set, struct record_run *r)
{
	int sig;

	while (!waitpid(pid, &r->status, WNOHANG)) {
		if (!r->ready && recording()) {
			r->ready = true;
			r->begun(r->arg);
		}
		sig = next_signal(set, r->ready);
		if (sig < 0 || sig == SIGCHLD)
			continue;
		r->aborted = !r->ready;
		kill(-pid, r->ready ? SIGINT : SIGKILL);
	}
}

int record_run(char **words, struct record_run *r)
{
	sigset_t set, old;
	pid_t pid;

	block(&set, &old);
	pid = start(words, &old);
	if (pid > 0) {
		watch(pid, &set, r);
		/* The sleep of --duration outlives a recording that is stopped. */
		kill(-pid, SIGTERM);
	}
	sigprocmask(SIG_SETMASK, &old, NULL);
	return pid < 0 ? pid : 0;
}

/* The files FILE.cpuN that trace-cmd's readers write and that become FILE at the end. */
static int cpu_files(const char *output, glob_t *g)
{
	static const char ending[] = ".cpu[0-9]*";
	char *pattern, *to;
	const char *from;
	int rc;

	pattern = malloc(2 * strlen(output) + sizeof(ending));
	if (!pattern)
		return -ENOMEM;
	for (from = output, to = pattern; *from; from++) {
		if (strchr("*?[\\", *from))
			*to++ = '\\';
		*to++ = *from;
	}
	memcpy(to, ending, sizeof(ending));
	rc = glob(pattern, 0, NULL, g);
	free(pattern);
	return rc ? -ENOENT : 0;
}

void record_remove_parts(const char *output)
{
	glob_t g;
	size_t i;

	if (cpu_files(output, &g))
		return;
	for (i = 0; i < g.gl_pathc; i++)
		unlink(g.gl_pathv[i]);
	globfree(&g);
}

static bool all_empty(const glob_t *g)
{
	struct stat st;
	size_t i;

	for (i = 0; i < g->gl_pathc; i++)
		if (!stat(g->gl_pathv[i], &st) && st.st_size)
			return false;
	return true;
}

static int restore_into(const char *output, const glob_t *g)
{
	char **words = calloc(g->gl_pathc + 5, sizeof(*words));
	struct record_run r = { .ready = true };
	int rc;

	if (!words)
		return -ENOMEM;
	words[0] = "trace-cmd";
	words[1] = "restore";
	words[2] = "-o";
	words[3] = (char *)output;
	memcpy(words + 4, g->gl_pathv, g->gl_pathc * sizeof(*words));
	rc = record_run(words, &r);
	free(words);
	if (!rc && (!WIFEXITED(r.status) || WEXITSTATUS(r.status)))
		rc = -EIO;
	return rc;
}

/* A path for @output's file in a new directory of $TMPDIR, NULL if there can be none. */
static char *elsewhere(const char *output)
{
	const char *tmp = getenv("TMPDIR"), *base = strrchr(output, '/');
	char *dir = NULL, *path = NULL;

	if (asprintf(&dir, "%s/hvstimer.XXXXXX", tmp && *tmp ? tmp : "/tmp") < 0)
		return NULL;
	if (!mkdtemp(dir) || asprintf(&path, "%s/%s", dir, base ? base + 1 : output) < 0)
		path = NULL;
	free(dir);
	return path;
}

/*
 * Try @output, then $TMPDIR: trace-cmd may have failed because @output's disk is full. The file
 * that it left unfinished has no readable data.
 */
static int restore_somewhere(const char *output, const glob_t *g, char **saved)
{
	int rc;

	unlink(output);
	*saved = strdup(output);
	rc = *saved ? restore_into(*saved, g) : -ENOMEM;
	if (!rc)
		return 0;
	unlink(output);
	free(*saved);
	*saved = elsewhere(output);
	return *saved ? restore_into(*saved, g) : -ENOMEM;
}

int record_salvage(const char *output, char **saved)
{
	glob_t g;
	int rc;

	*saved = NULL;
	rc = cpu_files(output, &g);
	if (rc)
		return rc;
	rc = all_empty(&g) ? -ENODATA : restore_somewhere(output, &g, saved);
	globfree(&g);
	if (!rc || rc == -ENODATA)
		record_remove_parts(output);
	return rc;
}
