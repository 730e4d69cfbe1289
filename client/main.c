/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <getopt.h>

#include "client/connect.h"
#include "client/verbs.h"
#include "common/protocol.h"

static void print_help(void)
{
	puts("Usage: structopsctl [OPTION…] [VERB [NAME…]]\n"
	     "\n"
	     "Shows and changes what structopsd keeps attached to the kernel.\n"
	     "\n"
	     "Verbs:");
	for (const struct verb *v = verbs; v->name; v++) {
		/* printf() counts bytes, and "…" has three. */
		int width = 10 + (strstr(v->arguments, "…") ? 2 : 0);

		printf("  %-12s %-*s %s\n", v->name, width, v->arguments, v->help);
	}
	puts("\n"
	     "Options:\n"
	     "      --socket PATH  The daemon's socket (" PROTOCOL_SOCKET ")\n"
	     "      --json         Output for programs, schema 1\n"
	     "      --no-color     No colours on a terminal (as does NO_COLOR=1)\n"
	     "  -a, --all          list: also what others have attached\n"
	     "      --kernel FILE  inspect: BTF or vmlinux of another kernel than the running one\n"
	     "      --value        inspect: also the bytes that the kernel would receive\n"
	     "      --no-wait      attach, detach, restart, reload: do not wait for the outcome\n"
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
	bool json, no_color, no_wait, all, value;
	bool leave; /* nothing more to do: help or version was printed */
};

/* Leaves optind at the verb. */
static enum exit_status parse_options(int argc, char **argv, struct options *o)
{
	enum {
		OPTION_SOCKET = 0x100,
		OPTION_JSON,
		OPTION_NO_COLOR,
		OPTION_NO_WAIT,
		OPTION_KERNEL,
		OPTION_VALUE,
		OPTION_VERSION
	};
	static const struct option table[] = {
		{"socket", required_argument, NULL, OPTION_SOCKET},
		{"json", no_argument, NULL, OPTION_JSON},
		{"no-color", no_argument, NULL, OPTION_NO_COLOR},
		{"no-wait", no_argument, NULL, OPTION_NO_WAIT},
		{"all", no_argument, NULL, 'a'},
		{"kernel", required_argument, NULL, OPTION_KERNEL},
		{"value", no_argument, NULL, OPTION_VALUE},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, OPTION_VERSION},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "ah", table, NULL)) >= 0) {
		switch (c) {
		case OPTION_SOCKET:
			o->socket = optarg;
			break;
		case OPTION_JSON:
			o->json = true;
			break;
		case OPTION_NO_COLOR:
			o->no_color = true;
			break;
		case OPTION_NO_WAIT:
			o->no_wait = true;
			break;
		case OPTION_KERNEL:
			o->kernel = optarg;
			break;
		case OPTION_VALUE:
			o->value = true;
			break;
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

/* *ret_verb is written when the command line makes sense. */
static enum exit_status choose_verb(const struct options *o, const char *name, size_t n_arguments,
				    const struct verb **ret_verb)
{
	const struct verb *verb = verb_find(name);

	if (!verb)
		return unknown_verb(name);
	if (n_arguments < verb->min || n_arguments > verb->max) {
		complain("'%s' takes %s: structopsctl %s %s", verb->name,
			 verb->max == 0   ? "no name"
			 : verb->inspects ? "one file"
			 : verb->max == 1 ? "one name"
					  : "at least one name",
			 verb->name, verb->arguments);
		return usage();
	}
	if (o->no_wait && !verb->changes) {
		complain("--no-wait says nothing to '%s', which waits for nothing", verb->name);
		return usage();
	}
	if (o->all && !verb->takes_all) {
		complain("--all says nothing to '%s'; it is for 'list'", verb->name);
		return usage();
	}
	if ((o->kernel || o->value) && !verb->inspects) {
		complain("%s says nothing to '%s'; it is for 'inspect'",
			 o->kernel ? "--kernel" : "--value", verb->name);
		return usage();
	}
	*ret_verb = verb;
	return EXIT_DONE;
}

static enum exit_status run(int argc, char **argv)
{
	struct options options = {.socket = PROTOCOL_SOCKET};
	const struct verb *verb = NULL;
	struct client client;
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

	client = (struct client){
		.socket = options.socket,
		.json = options.json,
		.all = options.all,
		.kernel = options.kernel,
		.value = options.value,
		.wait = !options.no_wait,
		.style = style_of_stdout(!options.no_color),
	};
	status = verb->inspects ? EXIT_DONE : client_connect(&client);
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
