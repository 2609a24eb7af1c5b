// SPDX-License-Identifier: GPL-2.0
/*
 * measure COMMAND [ARG]... >/dev/null
 * Runs a command and prints, on standard error as one JSON object: seconds elapsed, of CPU in user
 * and kernel mode, peak resident memory in KiB, exit status. The command's own standard error is
 * discarded.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double seconds(struct timeval tv)
{
	return (double)tv.tv_sec + (double)tv.tv_usec / 1e6;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void run(char **argv)
{
	int null = open("/dev/null", O_WRONLY);

	if (null >= 0)
		dup2(null, STDERR_FILENO);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	struct rusage ru;
	double start;
	pid_t pid;
	int status;

	if (argc < 2)
		return 2;
	start = now();
	pid = vfork();
	if (!pid)
		run(argv + 1);
	if (pid < 0 || wait4(pid, &status, 0, &ru) < 0)
		return 1;
	fprintf(stderr,
		"{\"wall\": %.6f, \"user\": %.6f, \"sys\": %.6f, \"rss_kib\": %ld, \"status\": "
		"%d}\n",
		now() - start, seconds(ru.ru_utime), seconds(ru.ru_stime), ru.ru_maxrss,
		WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
	return 0;
}
