/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* verify: what would keep policies from being attached. Needs no daemon, and root only to ask the verifier. */
#include <sys/stat.h>

#include "client/local-config.h"
#include "client/verbs.h"
#include "client/verify.h"
#include "common/sentence.h"

/* The running kernel may be without BTF; a file that was named must be readable. */
static enum exit_status open_kernel(const char *file, struct verify *v)
{
	_cleanup_(freep) char *problem = NULL;
	int r;

	r = file ? kernel_types_of_file(file, &v->types, &problem)
		 : kernel_types_of_running(&v->types, &problem);
	if (r == 0)
		return EXIT_DONE;
	if (r == -ENOMEM || !problem)
		return out_of_memory();
	if (file) {
		complain("%s", problem);
		return EXIT_FAILED;
	}
	r = messages_add(&v->notes, "not checked: what this kernel makes of the objects: %s",
			 problem);
	return r < 0 ? out_of_memory() : EXIT_DONE;
}

static enum exit_status add_name(struct verify *v, const char *name,
				 const struct policy_collection *all)
{
	for (size_t i = 0; i < all->n; i++) {
		/* A view of one of them. */
		const struct policy_collection one = {.sets = &all->sets[i], .n = 1};

		if (streq(all->sets[i].name, name))
			return verify_add(v, &one) < 0 ? out_of_memory() : EXIT_DONE;
	}
	return no_such_policy_file(name, all,
				   "; a file is named with a '/' in it, or with its .policy");
}

/* What is no policy, but looks like something that the client has another way for. */
static const char *other_way(const char *path)
{
	size_t length = strlen(path);
	struct stat st;

	if (length > 2 && streq(path + length - 2, ".o"))
		return "is an object, not a policy; structopsctl inspect tells what is in it";
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return "is a folder; --policy-path takes folders, and checks all policies in them";
	return NULL;
}

static enum exit_status add_file(struct verify *v, const char *path)
{
	_cleanup_(policy_collection_done) struct policy_collection file = {0};
	const char *hint = other_way(path);

	if (hint) {
		complain("%s %s", path, hint);
		return EXIT_USAGE;
	}
	if (policy_collection_read_file(path, &file) < 0 || verify_add(v, &file) < 0)
		return out_of_memory();
	return EXIT_DONE;
}

static bool is_file(const char *argument)
{
	size_t length = strlen(argument), suffix = strlen(POLICY_SUFFIX);

	return strchr(argument, '/') ||
	       (length > suffix && streq(argument + length - suffix, POLICY_SUFFIX));
}

static enum exit_status add_named(struct verify *v, char *const *arguments, size_t n,
				  const struct policy_collection *all)
{
	enum exit_status status = EXIT_DONE;

	for (size_t i = 0; i < n; i++)
		status = exit_status_gravest(status, is_file(arguments[i])
							     ? add_file(v, arguments[i])
							     : add_name(v, arguments[i], all));
	return status;
}

static bool exists(const char *name, const struct policy_collection *all, const struct verify *v)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->sets[i].name, name))
			return true;
	for (size_t i = 0; i < v->n; i++)
		if (streq(v->items[i].name, name))
			return true;
	return false;
}

static int note_fallbacks(struct verify *v, const struct policy_collection *all)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < v->n; i++) {
		const struct policy *p = v->items[i].policy;

		if (p && p->fallback && !exists(p->fallback, all, v))
			r = messages_add(&v->items[i].notes,
					 "Fallback=%s: there is no such policy in the policy path",
					 p->fallback);
	}
	return r;
}

static enum exit_status find_policies(struct verify *v, char *const *arguments, size_t n)
{
	_cleanup_(policy_collection_done) struct policy_collection all = {0};
	enum exit_status status = EXIT_DONE;
	int r;

	r = policy_collection_read(v->config.policy_path, &all);
	for (size_t i = 0; r == 0 && i < all.warnings.n; i++)
		r = messages_add(&v->notes, "%s", all.warnings.items[i]);
	v->incomplete = n == 0 && all.warnings.n > 0;
	if (r == 0 && n == 0)
		r = verify_add(v, &all);
	else if (r == 0)
		status = add_named(v, arguments, n, &all);
	if (r == 0)
		r = note_fallbacks(v, &all);
	return r < 0 ? out_of_memory() : status;
}

/* To load takes root; what can be said without is said. */
static enum exit_status may_load(const struct client *client, struct verify *v)
{
	static const char hint[] = "not checked: what this kernel's verifier says; --load, as "
				   "root, asks it";
	static const char denied[] = "not checked: what this kernel's verifier says; --load takes "
				     "root";

	v->load = client->load && geteuid() == 0;
	if (v->load)
		return EXIT_DONE;
	if (messages_add(&v->notes, "%s", client->load ? denied : hint) < 0)
		return out_of_memory();
	return client->load ? EXIT_DENIED : EXIT_DONE;
}

static enum exit_status run_and_print(struct client *client, struct verify *v)
{
	enum exit_status status;
	int r = verify_run(v);

	if (r == -ENOMEM)
		return out_of_memory();
	if (r < 0) {
		complain("cannot start a child to open the objects in: %s", strerror(-r));
		return EXIT_FAILED;
	}
	status = written(client->json ? json_verify(stdout, v)
				      : text_verify(stdout, &client->style, v));
	return verify_is_ok(v) ? status : exit_status_gravest(status, EXIT_FAILED);
}

enum exit_status verb_verify(struct client *client, const struct verb *verb, char *const *names,
			     size_t n)
{
	_cleanup_(verify_done) struct verify v = {0};
	enum exit_status status, load;

	if (client->load && client->kernel) {
		complain("--load asks the running kernel, --kernel another one: they do not go "
			 "together");
		return EXIT_USAGE;
	}
	status = local_config_read(client, &v.config);
	if (status != EXIT_DONE)
		return status;
	status = find_policies(&v, names, n);
	if (status != EXIT_DONE && (status != EXIT_NO_SUCH_POLICY || (v.n == 0 && !client->json)))
		return status;
	load = may_load(client, &v);
	if (v.n > 0 && load != EXIT_FAILED)
		load = exit_status_gravest(load, open_kernel(client->kernel, &v));
	if (load == EXIT_FAILED)
		return load;
	return exit_status_gravest(exit_status_gravest(status, load), run_and_print(client, &v));
}
