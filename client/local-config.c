/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/local-config.h"

#include "common/nearest.h"

#define CONFIG_FILE "/etc/structopsd/structopsd.conf"

static enum exit_status complain_all(const struct messages *messages, enum exit_status status)
{
	for (size_t i = 0; i < messages->n; i++)
		complain("%s", messages->items[i]);
	return status;
}

static enum exit_status set_path(char ***list, const char *option, const char *text)
{
	int r = text ? config_set_path(list, text) : 0;

	if (r == -ENOMEM)
		return out_of_memory();
	if (r < 0)
		complain("%s %s: expected absolute folders, joined by ':'", option, text);
	return r < 0 ? EXIT_USAGE : EXIT_DONE;
}

enum exit_status local_config_read(const struct client *client, struct config *ret)
{
	_cleanup_(messages_done) struct messages errors = MESSAGES_NULL;
	enum exit_status status;
	int r;

	if (config_init(ret) < 0)
		return out_of_memory();
	r = config_read(ret, client->config ?: CONFIG_FILE, client->config, &errors);
	if (r == -ENOMEM)
		return out_of_memory();
	if (r < 0)
		return complain_all(&errors, EXIT_FAILED);
	status = set_path(&ret->policy_path, "--policy-path", client->policy_path);
	if (status == EXIT_DONE)
		status = set_path(&ret->object_path, "--object-path", client->object_path);
	return status;
}

enum exit_status no_such_policy_file(const char *name, const struct policy_collection *all,
				     const char *more)
{
	struct nearest nearest = NEAREST(name);

	for (size_t i = 0; i < all->n; i++)
		nearest_offer(&nearest, all->sets[i].name);
	complain("there is no policy \"%s\" in the policy path" NEAREST_FORMAT "%s", name,
		 NEAREST_ARGS(nearest), more);
	return EXIT_NO_SUCH_POLICY;
}
