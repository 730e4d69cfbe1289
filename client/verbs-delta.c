/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* delta: which files of the policy folders override, extend and mask which. Needs no daemon. */
#include "client/local-config.h"
#include "client/policy-output.h"
#include "client/verbs.h"

static bool is_named(const char *policy, char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (streq(policy, names[i]))
			return true;
	return n == 0;
}

/* The others go to the end, so that all are freed. */
static struct deltas only_named(struct deltas *all, char *const *names, size_t n)
{
	size_t n_named = 0;

	for (size_t i = 0; i < all->n; i++) {
		struct delta d = all->items[i];

		if (!is_named(d.policy, names, n))
			continue;
		memmove(&all->items[n_named + 1], &all->items[n_named], (i - n_named) * sizeof(d));
		all->items[n_named++] = d;
	}
	return (struct deltas){.items = all->items, .n = n_named};
}

static bool has_delta_of(const struct deltas *all, const char *policy)
{
	for (size_t i = 0; i < all->n; i++)
		if (streq(all->items[i].policy, policy))
			return true;
	return false;
}

static bool is_policy(const struct policy_collection *policies, const char *name)
{
	for (size_t i = 0; i < policies->n; i++)
		if (streq(policies->sets[i].name, name))
			return true;
	return false;
}

/* "Nothing is overridden" would be true of a name that nobody has, and lead astray. */
static enum exit_status check_names(const struct config *config, const struct deltas *all,
				    char *const *names, size_t n)
{
	_cleanup_(policy_collection_done) struct policy_collection policies = {0};
	enum exit_status status = EXIT_DONE;

	if (n > 0 && policy_collection_read(config->policy_path, &policies) < 0)
		return out_of_memory();
	for (size_t i = 0; i < n; i++)
		if (!has_delta_of(all, names[i]) && !is_policy(&policies, names[i]))
			status = no_such_policy_file(names[i], &policies, "");
	return status;
}

enum exit_status verb_delta(struct client *client, const struct verb *verb, char *const *names,
			    size_t n)
{
	_cleanup_(config_done) struct config config = {0};
	_cleanup_(policy_deltas_done) struct deltas all = {0};
	enum exit_status status = local_config_read(client, &config);
	struct deltas named;

	if (status != EXIT_DONE)
		return status;
	if (policy_deltas_read(config.policy_path, &all) < 0)
		return out_of_memory();
	for (size_t i = 0; i < all.warnings.n; i++)
		complain("%s", all.warnings.items[i]);
	if (all.warnings.n > 0)
		status = EXIT_FAILED; /* not all was seen */
	status = exit_status_gravest(status, check_names(&config, &all, names, n));
	named = only_named(&all, names, n);
	if (named.n == 0 && status == EXIT_NO_SUCH_POLICY && !client->json)
		return status;
	return exit_status_gravest(
		status, written(client->json ? json_deltas(stdout, &named)
					     : text_deltas(stdout, &client->style, &named)));
}
