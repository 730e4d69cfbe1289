/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the folders to policies: reads, parses, and keeps each one's errors apart from the others'. */
#include "common/log.h"
#include "daemon/service/manager-internal.h"

static int parse_set(const struct policy_file_set *files, struct policy_set *ret)
{
	int r;

	ret->name = strdup(files->name);
	if (!ret->name)
		return -ENOMEM;
	for (size_t i = 0; i < files->errors.n; i++)
		if (messages_add(&ret->errors, "%s", files->errors.items[i]) < 0)
			return -ENOMEM;
	if (ret->errors.n > 0)
		return 0;
	r = policy_parse(files->name, files->sources, files->n_sources, &ret->policy, &ret->errors);
	return r == -EBADMSG ? 0 : r;
}

int policy_sets_read(const struct config *config, struct policy_sets *ret)
{
	struct policy_collection files = {0};
	struct policy_sets sets = {0};
	int r;

	r = policy_collection_read(config->policy_path, &files);
	if (r < 0)
		return r;
	for (size_t i = 0; i < files.warnings.n; i++)
		log_warning("%s", files.warnings.items[i]);

	sets.sets = calloc(files.n + 1, sizeof(*sets.sets));
	if (!sets.sets)
		r = -ENOMEM;
	for (size_t i = 0; r >= 0 && i < files.n; i++)
		if (!files.sets[i].masked)
			r = parse_set(&files.sets[i], &sets.sets[sets.n++]);
	policy_collection_done(&files);
	if (r < 0) {
		policy_sets_done(&sets);
		return r;
	}
	*ret = sets;
	return 0;
}

void policy_sets_done(struct policy_sets *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->sets[i].name);
		policy_free(s->sets[i].policy);
		messages_done(&s->sets[i].errors);
	}
	free(s->sets);
	*s = (struct policy_sets){0};
}
