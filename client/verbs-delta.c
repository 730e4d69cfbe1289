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
	named = only_named(&all, names, n);
	return exit_status_gravest(
		status, written(client->json ? json_deltas(stdout, &named)
					     : text_deltas(stdout, &client->style, &named)));
}
