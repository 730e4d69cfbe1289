/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>

#include "client/connect.h"
#include "client/verbs.h"
#include "common/protocol.h"

#define INTERVAL_DEFAULT_USEC 1000000
#define INTERVAL_MIN 0.1 /* s; looking takes a millisecond or two */
#define INTERVAL_MAX 86400.0

static void print_help(void)
{
	puts("Usage: structopsctl [OPTION…] [VERB [NAME…]]\n"
	     "\n"
	     "Shows and changes what structopsd keeps attached to the kernel.\n"
	     "\n"
	     "Verbs:");
	for (const struct verb *v = verbs; v->name; v++) {
		/* printf() counts bytes, and "…" has three. */
		int width = 12 + (strstr(v->arguments, "…") ? 2 : 0);

		printf("  %-12s %-*s %s\n", v->name, width, v->arguments, v->help);
	}
	puts("\n"
	     "Options:\n"
	     "      --socket PATH  The daemon's socket (" PROTOCOL_SOCKET ")\n"
	     "      --json         Output for programs, schema 1\n"
	     "      --no-color     No colours on a terminal (as does NO_COLOR=1)\n"
	     "  -a, --all          list: also what others have attached\n"
	     "      --kernel FILE  inspect, verify: BTF or vmlinux of another kernel than the "
	     "running one\n"
	     "      --policy FILE  inspect: the object as this policy changes it\n"
	     "      --load         verify: also what the kernel's verifier says, attaching "
	     "nothing\n"
	     "      --config FILE  verify, delta: the daemon's settings\n"
	     "      --policy-path DIR[:DIR…]  verify, delta: where policies are looked for\n"
	     "      --object-path DIR[:DIR…]  verify: where objects are looked for\n"
	     "      --value        inspect: also the bytes that the kernel would receive; dump: "
	     "those it "
	     "has\n"
	     "      --once         top: one interval, and no more\n"
	     "      --interval SEC top: how long each is (1)\n"
	     "      --since WHEN   monitor: also what was since; a number, a time span or a time\n"
	     "      --state STATE  monitor: only changes to this state, or these (A,B)\n"
	     "      --merged       cat: what is in force, and where it stands\n"
	     "      --textfile FILE metrics: write this file, for node_exporter\n"
	     "      --for SPAN     switch: go back by itself after that time (2h)\n"
	     "      --until-restart  switch: go back when the daemon starts anew\n"
	     "      --back         switch: put the policy back in whose place it is\n"
	     "      --no-wait      attach, detach, restart, switch, reload: do not wait for the "
	     "outcome\n"
	     "  -h, --help         This text\n"
	     "      --version      The version\n"
	     "\n"
	     "Exit status: 0 done · 1 failed · 2 usage · 3 status: a policy that was named is not "
	     "attached ·\n"
	     "4 no such policy · 5 permission denied · 6 no daemon at the socket. Where several "
	     "policies are\n"
	     "named, the gravest counts: 6, 5, 1, 4, 3, 0.");
}

static enum exit_status usage(void)
{
	fputs("structopsctl --help tells what there is.\n", stderr);
	return EXIT_USAGE;
}

struct options {
	const char *socket;
	const char *kernel;
	const char *policy, *config, *policy_path, *object_path;
	const char *interval, *since, *state, *textfile, *span;
	bool json, no_color, no_wait, all, value, once, load, merged, until_restart, back;
	bool leave; /* nothing more to do: help or version was printed */
};

/* What getopt_long() returns for an option without a letter: which kind it is of, and where its value goes. */
enum {
	OPTION_VERSION = 0x100,
	OPTION_FLAG = 0x1000,
	OPTION_TEXT = 0x2000,
};
#define FLAG(member) no_argument, NULL, OPTION_FLAG + (int)offsetof(struct options, member)
#define TEXT(member) required_argument, NULL, OPTION_TEXT + (int)offsetof(struct options, member)

/* False: c is the letter of an option. */
static bool take_option(struct options *o, int c)
{
	if (c >= OPTION_TEXT)
		*(const char **)((char *)o + (c - OPTION_TEXT)) = optarg;
	else if (c >= OPTION_FLAG)
		*(bool *)((char *)o + (c - OPTION_FLAG)) = true;
	return c >= OPTION_FLAG;
}

/* Leaves optind at the verb. */
static enum exit_status parse_options(int argc, char **argv, struct options *o)
{
	static const struct option table[] = {
		{"socket", TEXT(socket)},
		{"json", FLAG(json)},
		{"no-color", FLAG(no_color)},
		{"no-wait", FLAG(no_wait)},
		{"all", no_argument, NULL, 'a'},
		{"kernel", TEXT(kernel)},
		{"policy", TEXT(policy)},
		{"load", FLAG(load)},
		{"config", TEXT(config)},
		{"policy-path", TEXT(policy_path)},
		{"object-path", TEXT(object_path)},
		{"value", FLAG(value)},
		{"once", FLAG(once)},
		{"interval", TEXT(interval)},
		{"since", TEXT(since)},
		{"state", TEXT(state)},
		{"merged", FLAG(merged)},
		{"textfile", TEXT(textfile)},
		{"for", TEXT(span)},
		{"until-restart", FLAG(until_restart)},
		{"back", FLAG(back)},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, OPTION_VERSION},
		{0},
	};
	int c;

	/* getopt_long() complains by that name, as complain() does. */
	argv[0] = program_invocation_short_name;
	while ((c = getopt_long(argc, argv, "ah", table, NULL)) >= 0) {
		if (take_option(o, c))
			continue;
		switch (c) {
		case 'a':
			o->all = true;
			break;
		case 'h':
			print_help();
			o->leave = true;
			return EXIT_DONE;
		case OPTION_VERSION:
			puts("structopsctl " STRUCTOPSD_VERSION);
			o->leave = true;
			return EXIT_DONE;
		default: /* getopt_long() has said what is wrong */
			return usage();
		}
	}
	return EXIT_DONE;
}

static enum exit_status unknown_verb(const char *name)
{
	const struct verb *nearest = verb_nearest(name);

	if (nearest)
		complain("there is no verb '%s'; did you mean '%s'?", name, nearest->name);
	else
		complain("there is no verb '%s'", name);
	return usage();
}

/*
 * An option that would have no effect is a misunderstanding, and is said to be one. Not --socket and --no-color: they
 * say where and how rather than what, and an alias may give them to all verbs.
 */
static bool has_misplaced_option(const struct options *o, const struct verb *verb)
{
	const struct {
		const char *name;
		bool given, fits;
		const char *place;
	} placed[] = {
		{"--json", o->json, !verb->measures, "the other verbs"},
		{"--no-wait", o->no_wait, verb->changes, "verbs that wait for an outcome"},
		{"--all", o->all, verb->takes_all, "'list'"},
		{"--kernel", o->kernel, verb->inspects || verb->verifies, "'inspect' and 'verify'"},
		{"--policy", o->policy, verb->inspects, "'inspect'"},
		{"--load", o->load, verb->verifies, "'verify'"},
		{"--config", o->config, verb->verifies || verb->compares, "'verify' and 'delta'"},
		{"--policy-path", o->policy_path, verb->verifies || verb->compares,
		 "'verify' and 'delta'"},
		{"--object-path", o->object_path, verb->verifies, "'verify'"},
		{"--value", o->value, verb->takes_value, "'inspect' and 'dump'"},
		{"--once", o->once, verb->repeats, "'top'"},
		{"--interval", o->interval, verb->repeats, "'top'"},
		{"--since", o->since, verb->monitors, "'monitor'"},
		{"--state", o->state, verb->monitors, "'monitor'"},
		{"--merged", o->merged, verb->merges, "'cat'"},
		{"--for", o->span, verb->switches, "'switch'"},
		{"--until-restart", o->until_restart, verb->switches, "'switch'"},
		{"--back", o->back, verb->switches, "'switch'"},
		{"--textfile", o->textfile, verb->measures, "'metrics'"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(placed); i++) {
		if (!placed[i].given || placed[i].fits)
			continue;
		complain("%s says nothing to '%s'; it is for %s", placed[i].name, verb->name,
			 placed[i].place);
		return true;
	}
	return false;
}

/* Seconds, with a fraction perhaps; µs are kept. */
static bool parse_interval(const char *text, uint64_t *ret_usec)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end != '\0' || !(seconds >= INTERVAL_MIN && seconds <= INTERVAL_MAX)) {
		complain("--interval %s: seconds from %g to %g", text, INTERVAL_MIN, INTERVAL_MAX);
		return false;
	}
	*ret_usec = (uint64_t)(seconds * 1e6);
	return true;
}

/* *ret_verb is written when the command line makes sense. */
static enum exit_status choose_verb(const struct options *o, const char *name, size_t n_arguments,
				    const struct verb **ret_verb)
{
	const struct verb *verb = verb_find(name);

	if (!verb)
		return unknown_verb(name);
	if (n_arguments < verb->min || n_arguments > verb->max) {
		complain("'%s' takes %s: structopsctl %s%s%s", verb->name,
			 verb->max == 0   ? "no name"
			 : verb->inspects ? "one file"
			 : verb->max == 1 ? "one name"
					  : "at least one name",
			 verb->name, *verb->arguments ? " " : "", verb->arguments);
		return usage();
	}
	if (has_misplaced_option(o, verb))
		return usage();
	*ret_verb = verb;
	return EXIT_DONE;
}

static enum exit_status run(int argc, char **argv)
{
	struct options options = {.socket = PROTOCOL_SOCKET};
	const struct verb *verb = NULL;
	struct client client;
	uint64_t interval_usec = INTERVAL_DEFAULT_USEC;
	enum exit_status status;
	char **names;
	size_t n;

	status = parse_options(argc, argv, &options);
	if (status != EXIT_DONE || options.leave)
		return status;

	names = argv + MIN(optind + 1, argc);
	n = (size_t)(argv + argc - names);
	status = choose_verb(&options, optind < argc ? argv[optind] : VERB_DEFAULT, n, &verb);
	if (status != EXIT_DONE)
		return status;
	if (options.interval && !parse_interval(options.interval, &interval_usec))
		return usage();

	client = (struct client){
		.socket = options.socket,
		.json = options.json,
		.all = options.all,
		.kernel = options.kernel,
		.policy = options.policy,
		.load = options.load,
		.config = options.config,
		.policy_path = options.policy_path,
		.object_path = options.object_path,
		.value = options.value,
		.once = options.once,
		.interval_usec = interval_usec,
		.since = options.since,
		.state = options.state,
		.merged = options.merged,
		.textfile = options.textfile,
		.span = options.span,
		.until_restart = options.until_restart,
		.back = options.back,
		.wait = !options.no_wait,
		.style = style_of_stdout(!options.no_color),
	};
	status = verb->connects_itself ? EXIT_DONE : client_connect(&client);
	if (status == EXIT_DONE)
		status = verb->run(&client, verb, names, n);
	sd_bus_close_unref(client.bus);
	return status;
}

int main(int argc, char **argv)
{
	enum exit_status status = run(argc, argv);

	/* Only now a full disk shows. */
	if (fflush(stdout) != 0)
		status = exit_status_gravest(status, written(-errno));
	return (int)status;
}
