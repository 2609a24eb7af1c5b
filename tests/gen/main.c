/* SPDX-License-Identifier: GPL-2.0 */
/* hvst-gen: traces of simulated hosts and guests, with the truth beside them. */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "sim.h"
#include "truth.h"

static const char help[] =
	"NAME\n"
	"    hvst-gen - write a trace.dat of simulated Hyper-V synthetic timers on KVM, and the "
	"truth beside it\n\n"
	"SYNOPSIS\n"
	"    hvst-gen [OPTION]... --scenario NAME | --random SEED | --mixture SEED |\n"
	"             --bench SIZE  -o FILE.dat\n"
	"    hvst-gen --list | --list-faults | --help\n\n"
	"DESCRIPTION\n"
	"    Simulates KVM's side of the timers and guests with good and bad clocks, and writes "
	"what the kernel's ring\n"
	"    buffer would hold: FILE.dat, FILE.truth.jsonl (what guest and VMM did) and "
	"FILE.expected.json (what an\n"
	"    analysis must find). The same arguments give the same bytes.\n\n"
	"    --scenario NAME   a named scenario; --list names them, --list-faults those\n"
	"                      of one fault each\n"
	"    --random SEED     a random one\n"
	"    --mixture SEED    several faults and what only looks like them, at random\n"
	"    --bench SIZE      storms on every vCPU until the records fill SIZE bytes (suffix K, "
	"M, G)\n"
	"    --vms N           with --bench: N VMs of 64 vCPUs at their ticks, a few of them in "
	"storms\n"
	"    -o, --output FILE where to write\n"
	"    --seed N          of the simulation's noise (default 1; for --random the scenario's "
	"own)\n\n"
	"    These overrule the scenario:\n"
	"    --format 6|7|7-zstd    file version (7 without compression)\n"
	"    --cpus N               host CPUs in the file, for --bench also vCPUs (default 4,\n"
	"                           with --vms 32)\n"
	"    --host traced|stock|padding\n"
	"    --kernel 6.12|6.18|older  whose event layouts\n"
	"    --clock mono|boot|local|global|x86-tsc|tsc2nsec\n"
	"    --sub-buffer BYTES     4096 to 65536, a power of two\n"
	"    --speed N              cost of everything: 1 as on real hardware, 30 as under "
	"emulation\n"
	"    --symbols BYTES        of kernel symbols\n"
	"    --odd                  rare kinds of ring-buffer records too\n"
	"    --no-event NAME        an event that is not recorded (repeatable)\n\n"
	"EXIT STATUS\n"
	"    0 done, 1 failed, 2 wrong usage\n";

enum {
	O_SCENARIO = 256,
	O_RANDOM,
	O_MIXTURE,
	O_BENCH,
	O_VMS,
	O_SEED,
	O_FORMAT,
	O_CPUS,
	O_HOST,
	O_KERNEL,
	O_CLOCK,
	O_SUBBUF,
	O_SPEED,
	O_SYMBOLS,
	O_ODD,
	O_NO_EVENT,
	O_LIST,
	O_LIST_FAULTS
};

static const struct option options[] = {
	{ "scenario", required_argument, NULL, O_SCENARIO },
	{ "random", required_argument, NULL, O_RANDOM },
	{ "mixture", required_argument, NULL, O_MIXTURE },
	{ "bench", required_argument, NULL, O_BENCH },
	{ "vms", required_argument, NULL, O_VMS },
	{ "seed", required_argument, NULL, O_SEED },
	{ "format", required_argument, NULL, O_FORMAT },
	{ "cpus", required_argument, NULL, O_CPUS },
	{ "host", required_argument, NULL, O_HOST },
	{ "kernel", required_argument, NULL, O_KERNEL },
	{ "clock", required_argument, NULL, O_CLOCK },
	{ "sub-buffer", required_argument, NULL, O_SUBBUF },
	{ "speed", required_argument, NULL, O_SPEED },
	{ "symbols", required_argument, NULL, O_SYMBOLS },
	{ "odd", no_argument, NULL, O_ODD },
	{ "no-event", required_argument, NULL, O_NO_EVENT },
	{ "list", no_argument, NULL, O_LIST },
	{ "list-faults", no_argument, NULL, O_LIST_FAULTS },
	{ "output", required_argument, NULL, 'o' },
	{ "help", no_argument, NULL, 'h' },
	{ 0 },
};

#define MAX_NO_EVENTS 16

struct args {
	const char *scenario, *output, *random, *mixture, *bench, *format, *host, *kernel, *clock;
	const char *no_event[MAX_NO_EVENTS];
	unsigned int nr_no_event;
	uint64_t seed, cpus, vms, page_size, speed, symbols;
	bool odd;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "hvst-gen: %s '%s' (see --help)\n", what, value);
	return 2;
}

/* A number with K, M or G; 0 is none. */
static bool number(const char *s, uint64_t *n)
{
	static const char suffixes[] = "KMG";
	char *end;

	errno = 0;
	*n = strtoull(s, &end, 0);
	if (errno || end == s)
		return false;
	for (int i = 0; i < 3; i++)
		if (*end == suffixes[i] && !end[1]) {
			*n <<= 10 * (i + 1);
			return true;
		}
	return !*end;
}

static int option_number(int c, struct args *a)
{
	uint64_t *where = c == O_SEED	  ? &a->seed
			  : c == O_CPUS	  ? &a->cpus
			  : c == O_VMS	  ? &a->vms
			  : c == O_SUBBUF ? &a->page_size
			  : c == O_SPEED  ? &a->speed
					  : &a->symbols;

	return number(optarg, where) && *where ? 0 : usage_error("not a number:", optarg);
}

static int option_text(int c, struct args *a)
{
	const char **where = c == O_SCENARIO  ? &a->scenario
			     : c == O_RANDOM  ? &a->random
			     : c == O_MIXTURE ? &a->mixture
			     : c == O_BENCH   ? &a->bench
			     : c == O_FORMAT  ? &a->format
			     : c == O_HOST    ? &a->host
			     : c == O_KERNEL  ? &a->kernel
			     : c == O_CLOCK   ? &a->clock
					      : &a->output;

	*where = optarg;
	return 0;
}

static int option_no_event(struct args *a)
{
	if (a->nr_no_event == MAX_NO_EVENTS)
		return usage_error("too many:", "--no-event");
	a->no_event[a->nr_no_event++] = optarg;
	return 0;
}

static int parse(int argc, char **argv, struct args *a)
{
	int c, rc = 0;

	while (!rc && (c = getopt_long(argc, argv, "o:h", options, NULL)) != -1) {
		switch (c) {
		case 'h':
			fputs(help, stdout);
			exit(0);
		case O_LIST_FAULTS:
			scenario_list_faults(stdout);
			exit(0);
		case O_LIST:
			scenario_list(stdout);
			exit(0);
		case O_ODD:
			a->odd = true;
			break;
		case O_NO_EVENT:
			rc = option_no_event(a);
			break;
		case O_SEED:
		case O_CPUS:
		case O_VMS:
		case O_SUBBUF:
		case O_SPEED:
		case O_SYMBOLS:
			rc = option_number(c, a);
			break;
		case '?':
			rc = 2;
			break;
		default:
			rc = option_text(c, a);
		}
	}
	if (rc || optind < argc)
		return rc ? rc : usage_error("one output only, by -o:", argv[optind]);
	if (!!a->scenario + !!a->random + !!a->mixture + !!a->bench != 1)
		return usage_error("give one of", "--scenario, --random, --mixture, --bench");
	if (a->vms && !a->bench)
		return usage_error("only with --bench:", "--vms");
	return a->output ? 0 : usage_error("missing", "-o FILE");
}

static struct scenario *choose(struct args *a, int *rc)
{
	const char *seed = a->random ? a->random : a->mixture;
	struct scenario *sc = NULL;
	struct rng rng;
	uint64_t n;

	*rc = 1;
	if (a->scenario) {
		sc = scenario_by_name(a->scenario);
		if (!sc)
			*rc = usage_error("no such scenario:", a->scenario);
	} else if (!number(seed ? seed : a->bench, &n)) {
		*rc = usage_error("not a number:", seed ? seed : a->bench);
	} else if (seed) {
		rng_seed(&rng, n);
		sc = a->random ? scenario_random(&rng) : scenario_mixture(&rng);
		a->seed = a->seed ? a->seed : n;
	} else if (a->cpus > GEN_MAX_CPUS || a->vms > GEN_MAX_VMS) {
		*rc = usage_error("too many:", a->vms > GEN_MAX_VMS ? "--vms" : "--cpus");
	} else if (a->vms) {
		sc = scenario_bench_host(n, a->vms, a->cpus ? a->cpus : 32);
	} else {
		sc = scenario_bench(n, a->cpus ? a->cpus : 4);
	}
	return sc;
}

static int choice(const char *value, const char *const *names, int n)
{
	for (int i = 0; i < n; i++)
		if (!strcmp(value, names[i]))
			return i;
	return -1;
}

static int overrule_names(struct scenario *sc, const struct args *a)
{
	static const char *const hosts[] = { "traced", "stock", "padding" };
	static const char *const kernels[] = { "6.12", "6.18", "older" };
	static const char *const formats[] = { "6", "7", "7-zstd" };
	int host = a->host ? choice(a->host, hosts, 3) : (int)sc->host;
	int kernel = a->kernel ? choice(a->kernel, kernels, 3) : (int)sc->trace.kernel;
	int clock = a->clock ? gen_clock_by_name(a->clock) : (int)sc->trace.clock;
	int format = a->format ? choice(a->format, formats, 3) : 0;

	if (host < 0 || kernel < 0 || clock < 0 || format < 0)
		return usage_error("unknown value of --host, --kernel, --clock or --format, one of",
				   host < 0	? a->host
				   : kernel < 0 ? a->kernel
				   : clock < 0	? a->clock
						: a->format);
	sc->host = host;
	sc->trace.kernel = kernel;
	sc->trace.clock = clock;
	if (a->format) {
		sc->trace.version = format ? 7 : 6;
		sc->trace.compress = format == 2;
	}
	return 0;
}

static int overrule(struct scenario *sc, const struct args *a)
{
	int rc = overrule_names(sc, a);

	if (rc)
		return rc;
	if (a->page_size &&
	    (a->page_size < 4096 || a->page_size > 65536 || (a->page_size & (a->page_size - 1))))
		return usage_error("not a size of sub-buffers:", "--sub-buffer");
	if (a->cpus && (a->cpus > GEN_MAX_CPUS || a->cpus < 1))
		return usage_error("not a number of CPUs:", "--cpus");
	sc->trace.page_size = a->page_size ? a->page_size : sc->trace.page_size;
	sc->trace.cpus = a->cpus ? a->cpus : sc->trace.cpus;
	sc->trace.kallsyms = a->symbols ? a->symbols : sc->trace.kallsyms;
	sc->speed = a->speed ? a->speed : sc->speed;
	sc->trace.odd |= a->odd;
	/* A vCPU that waits for its CPU comes back later than the others, maybe after the end. */
	sc->trace.end = sc->max_ns ? START_NS + sc->max_ns : 0;
	for (unsigned int i = 0; i < a->nr_no_event; i++) {
		int ev = gen_event_by_name(a->no_event[i]);

		if (ev < 0)
			return usage_error("no such event:", a->no_event[i]);
		for (unsigned int b = 0; b < sc->trace.nr_buffers; b++)
			sc->trace.buffers[b].events &= ~(1ull << ev);
	}
	return 0;
}

static void sim_free(struct sim *sim)
{
	for (unsigned int i = 0; sim->vms && i < sim->sc->nr_vms; i++)
		free(sim->vms[i].vcpus);
	free(sim->vms);
	free(sim->all);
	free(sim->cpu_owner);
}

static int generate(const struct scenario *sc, const struct args *a)
{
	struct sim sim = { .sc = sc };
	int rc = trace_open(&sim.trace, &sc->trace, a->output), err;

	if (rc)
		return rc;
	sim.truth = truth_new(sc, a->output);
	rng_seed(&sim.rng, a->seed ? a->seed : 1);
	rc = sim.truth ? sim_run(&sim) : -ENOMEM;
	err = sim.truth && !rc ? truth_close(sim.truth, &sim) : 0;
	rc = rc ? rc : err;
	err = trace_close(sim.trace);
	sim_free(&sim);
	return rc ? rc : err;
}

int main(int argc, char **argv)
{
	struct args a = { 0 };
	struct scenario *sc;
	int rc = parse(argc, argv, &a);

	if (rc)
		return rc;
	sc = choose(&a, &rc);
	if (!sc)
		return rc;
	rc = overrule(sc, &a);
	if (!rc) {
		rc = generate(sc, &a);
		if (rc) {
			fprintf(stderr, "hvst-gen: %s: %s\n", a.output, strerror(-rc));
			rc = 1;
		}
	}
	scenario_free(sc);
	return rc;
}
