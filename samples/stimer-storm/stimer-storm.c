// SPDX-License-Identifier: GPL-2.0
/*
 * stimer-storm: a guest on /dev/kvm whose Hyper-V timers go wrong as told, see stimer-storm(1).
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "truth.h"

enum { EXIT_DONE, EXIT_FAILED, EXIT_BAD_USAGE, EXIT_TIME_LIMIT, EXIT_HOST_LACKS = 77 };

struct options {
	const char *output;
	unsigned int vcpus, limit_s;
	uint64_t seed;
	bool quiet, check;
};

static void help(void)
{
	puts("Usage: stimer-storm [options] SCENARIO\n"
	     "\n"
	     "Runs a guest on /dev/kvm whose Hyper-V synthetic timers behave, or go wrong, as\n"
	     "SCENARIO says, and writes what it did as JSON lines. Record it meanwhile with\n"
	     "hvstimer record or trace-cmd.\n"
	     "\n"
	     "  -l, --list              list the scenarios\n"
	     "  -c, --check             only check what this host's KVM can do\n"
	     "  -o, --output FILE       write the JSON lines to FILE, not to standard output\n"
	     "  -n, --vcpus N           vCPUs, 1 to 8 (default: what the scenario needs)\n"
	     "  -s, --seed N            of the scenario \"random\" (default 1)\n"
	     "  -t, --time-limit SECS   end after SECS at the latest (default 60)\n"
	     "  -q, --quiet             no progress on standard error\n"
	     "  -h, --help              this text\n"
	     "  -V, --version           print the version\n"
	     "\n"
	     "Exit status: 0 done, 1 failed, 2 wrong usage, 3 time limit, 77 this host's KVM\n"
	     "lacks something that is named on standard error.");
}

static void list(void)
{
	unsigned int i;

	for (i = 0; i < nr_scenarios; i++)
		printf("%-20s %s\n", scenarios[i].name, scenarios[i].what);
	printf("%-20s %s\n", "random",
	       "a random walk of healthy ticks, lags, holds and jumps (--seed)");
}

static int usage(const char *what, const char *word)
{
	fprintf(stderr, "stimer-storm: %s%s%s; see stimer-storm --help\n", what, word ? ": " : "",
		word ? word : "");
	return EXIT_BAD_USAGE;
}

/* The kernel takes a VM down with its process. */
static void time_limit(int sig)
{
	static const char text[] = "stimer-storm: time limit reached\n";

	(void)sig;
	if (write(STDERR_FILENO, text, sizeof(text) - 1) < 0)
		_exit(EXIT_TIME_LIMIT);
	_exit(EXIT_TIME_LIMIT);
}

static bool number(const char *arg, uint64_t low, uint64_t high, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(arg, &end, 0);
	return *arg >= '0' && *arg <= '9' && !*end && !errno && *value >= low && *value <= high;
}

/* EXIT_DONE, or the status to exit with */
static int set_option(struct options *o, int opt, const char *word)
{
	uint64_t n;

	switch (opt) {
	case 'o':
		o->output = optarg;
		return EXIT_DONE;
	case 'q':
		o->quiet = true;
		return EXIT_DONE;
	case 'c':
		o->check = true;
		return EXIT_DONE;
	case 'n':
		if (!number(optarg, 1, MAX_VCPUS, &n))
			return usage("not a number of vCPUs from 1 to 8", optarg);
		o->vcpus = n;
		return EXIT_DONE;
	case 't':
		if (!number(optarg, 1, 86400, &n))
			return usage("not a time limit in seconds", optarg);
		o->limit_s = n;
		return EXIT_DONE;
	case 's':
		if (!number(optarg, 0, UINT64_MAX, &o->seed))
			return usage("not a seed", optarg);
		return EXIT_DONE;
	default:
		return usage(opt == ':' ? "a value is missing" : "no such option", word);
	}
}

static int check(void)
{
	struct vm vm = { 0 };
	int rc;

	pthread_mutex_init(&vm.lock, NULL);
	rc = vm_check(&vm);
	if (rc)
		fprintf(stderr, "stimer-storm: %s\n", vm.error);
	else
		puts("this host's KVM has all that is needed");
	vm_destroy(&vm);
	pthread_mutex_destroy(&vm.lock);
	return rc ? EXIT_HOST_LACKS : EXIT_DONE;
}

static int run(const struct options *o, const char *name)
{
	const struct scenario *s = find_scenario(name);
	struct scenario walk;
	int rc;

	if (!strcmp(name, "random")) {
		random_scenario(&walk, o->seed);
		s = &walk;
	}
	if (!s)
		return usage("no such scenario (--list shows them)", name);
	if (o->vcpus && o->vcpus < s->vcpus)
		return usage("too few vCPUs for this scenario", name);
	rc = truth_open(o->output);
	if (rc) {
		fprintf(stderr, "stimer-storm: %s: %s\n", o->output, strerror(-rc));
		return EXIT_FAILED;
	}
	rc = run_scenario(s, o->vcpus ? o->vcpus : s->vcpus, o->seed, o->quiet);
	if (truth_close() && !rc) {
		fprintf(stderr, "stimer-storm: %s: cannot be written\n",
			o->output ? o->output : "standard output");
		rc = -EIO;
	}
	if (rc == -ENOTSUP)
		return EXIT_HOST_LACKS;
	return rc ? EXIT_FAILED : EXIT_DONE;
}

static const struct option long_options[] = {
	{ "list", no_argument, NULL, 'l' },	    { "check", no_argument, NULL, 'c' },
	{ "output", required_argument, NULL, 'o' }, { "vcpus", required_argument, NULL, 'n' },
	{ "seed", required_argument, NULL, 's' },   { "time-limit", required_argument, NULL, 't' },
	{ "quiet", no_argument, NULL, 'q' },	    { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	    { NULL, 0, NULL, 0 },
};

int main(int argc, char **argv)
{
	struct options o = { .limit_s = 60, .seed = 1 };
	int opt, rc;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":lco:n:s:t:qhV", long_options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V' || opt == 'l') {
			if (opt == 'h')
				help();
			else if (opt == 'l')
				list();
			else
				puts("stimer-storm " HVST_VERSION);
			return fflush(stdout) ? EXIT_FAILED : EXIT_DONE;
		}
		rc = set_option(&o, opt, argv[optind - 1]);
		if (rc)
			return rc;
	}
	if (argc - optind != !o.check)
		return usage(o.check ? "--check takes no scenario" : "one scenario is wanted",
			     NULL);
	signal(SIGALRM, time_limit);
	alarm(o.limit_s);
	return o.check ? check() : run(&o, argv[optind]);
}
