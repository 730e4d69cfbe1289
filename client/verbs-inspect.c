/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inspect: what is in an object. Neither daemon nor root is needed. */
#include <signal.h>
#include <sys/wait.h>

#include "client/inspect-output.h"
#include "client/policy-image.h"
#include "client/verbs.h"
#include "daemon/core/policy-files.h"

struct kernel {
	struct kernel_types *types; /* NULL: problem says why */
	char *problem;
};

static void kernel_done(struct kernel *k)
{
	kernel_types_free(k->types);
	free(k->problem);
}

/* A file that was named must be readable; the running kernel may be without BTF. */
static enum exit_status open_kernel(const char *file, struct kernel *k)
{
	int r;

	if (!file) {
		r = kernel_types_of_running(&k->types, &k->problem);
		return r == -ENOMEM || (r < 0 && !k->problem) ? out_of_memory() : EXIT_DONE;
	}
	r = kernel_types_of_file(file, &k->types, &k->problem);
	return r < 0 ? failed_by(r, k->problem) : EXIT_DONE;
}

static void free_values(struct value_image **values, size_t n)
{
	for (size_t i = 0; values && i < n; i++)
		value_image_free(values[i]);
	free(values);
}

/* One a map; NULL where the kernel would not take it. */
static int make_values(const struct inspection *in, struct kernel_types *types,
		       struct value_image **values)
{
	for (size_t i = 0; types && i < in->n_maps; i++) {
		int r = value_image_new(in, &in->maps[i], types, &values[i]);

		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static enum exit_status show(struct client *client, const struct inspection *in,
			     const struct kernel *k)
{
	struct inspect_view view = {.in = in, .kernel_problem = k->problem};
	enum exit_status status;
	int r = 0;

	if (client->value) {
		view.values = calloc(in->n_maps + 1, sizeof(struct value_image *));
		r = view.values ? make_values(in, k->types, view.values) : -ENOMEM;
	}
	if (r == 0)
		r = client->json ? json_inspect(stdout, &view)
				 : text_inspect(stdout, &client->style, &view);
	status = written(r);
	free_values(view.values, in->n_maps);
	return in->problems.n > 0 ? exit_status_gravest(status, EXIT_FAILED) : status;
}

/* What the policy makes of the object, whichever its Path= names. */
static enum exit_status apply_policy(struct policy *policy, struct inspection *in)
{
	_cleanup_(kernel_findings_done) struct kernel_findings findings = KERNEL_FINDINGS_NULL;
	_cleanup_(outcome_done) struct outcome o = OUTCOME_NULL;
	const struct kernel_job job = {.policy = policy, .anybodys = true};

	free(policy->object_path);
	policy->object_path = realpath(in->name, NULL);
	if (!policy->object_path) {
		complain("%s: %s", in->name, strerror(errno));
		return EXIT_FAILED;
	}
	if (kernel_examine(&job, &o, &findings) < 0)
		return out_of_memory();
	for (size_t i = 0; i < findings.problems.n; i++)
		complain("%s", findings.problems.items[i]);
	if (policy_image_apply(&findings, in) < 0)
		return out_of_memory();
	return findings.problems.n > 0 ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status read_policy(const char *path, struct policy **ret)
{
	_cleanup_(policy_collection_done) struct policy_collection file = {0};
	_cleanup_(messages_done) struct messages errors = MESSAGES_NULL;
	const struct policy_file_set *set;
	int r;

	if (policy_collection_read_file(path, &file) < 0)
		return out_of_memory();
	set = &file.sets[0];
	for (size_t i = 0; i < set->errors.n; i++)
		complain("%s", set->errors.items[i]);
	if (set->errors.n > 0)
		return EXIT_FAILED;
	r = policy_parse(set->name, set->sources, set->n_sources, ret, &errors);
	for (size_t i = 0; i < errors.n; i++)
		complain("%s", errors.items[i]);
	if (r == -ENOMEM)
		return out_of_memory();
	return r < 0 ? EXIT_FAILED : EXIT_DONE;
}

static enum exit_status inspect(struct client *client, const char *path, struct policy *policy)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(kernel_done) struct kernel k = {0};
	_cleanup_(freep) char *error = NULL;
	enum exit_status status = EXIT_DONE;
	int r;

	r = inspection_read(path, &in, &error);
	if (r < 0)
		return failed_by(r, error);
	if (policy)
		status = apply_policy(policy, in);
	if (status != EXIT_DONE)
		return status;
	/* Without a map there is nothing to compare, and vmlinux takes 10 ms. */
	if (in->n_maps == 0 && !client->kernel)
		return show(client, in, &k);
	status = open_kernel(client->kernel, &k);
	if (status != EXIT_DONE)
		return status;
	r = k.types ? inspection_compare(in, k.types) : 0;
	return r < 0 ? out_of_memory() : show(client, in, &k);
}

/* With a policy libbpf opens the object, and believes what it says: a crash shall be a sentence. */
static enum exit_status inspect_in_child(struct client *client, const char *path,
					 struct policy *policy)
{
	enum exit_status status;
	int ended;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid < 0) {
		complain("cannot start a child to open the object in: %s", strerror(errno));
		return EXIT_FAILED;
	}
	if (pid == 0) {
		status = inspect(client, path, policy);
		_exit((int)(fflush(stdout) == 0 ? status
						: exit_status_gravest(status, written(-errno))));
	}
	while (waitpid(pid, &ended, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(ended))
		return (enum exit_status)WEXITSTATUS(ended);
	complain("%s: libbpf crashed (SIG%s) while it read the object: the file is damaged, or "
		 "made to do that",
		 path, sigabbrev_np(WTERMSIG(ended)) ?: "?");
	return EXIT_FAILED;
}

enum exit_status verb_inspect(struct client *client, const struct verb *verb, char *const *names,
			      size_t n)
{
	_cleanup_(policy_freep) struct policy *policy = NULL;
	enum exit_status status;

	if (!client->policy)
		return inspect(client, names[0], NULL);
	status = read_policy(client->policy, &policy);
	return status == EXIT_DONE ? inspect_in_child(client, names[0], policy) : status;
}
