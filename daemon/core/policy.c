/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/policy.h"
#include "daemon/core/policy-overrides.h"
#include "daemon/core/strv.h"

static const char *const restart_mode_table[] = {
	[RESTART_NO] = "no",
	[RESTART_ON_DETACH] = "on-detach",
	[RESTART_ALWAYS] = "always",
};
_Static_assert(ARRAY_SIZE(restart_mode_table) == _RESTART_MODE_MAX, "every mode has a word");
DEFINE_STRING_TABLE(restart_mode, enum restart_mode)

static const char *const override_op_table[] = {
	[OVERRIDE_SET] = "=",
	[OVERRIDE_OR] = "|=",
	[OVERRIDE_AND] = "&=",
};
_Static_assert(ARRAY_SIZE(override_op_table) == _OVERRIDE_OP_MAX, "every operator has a sign");
DEFINE_STRING_TABLE(override_op, enum override_op)

bool policy_name_is_valid(const char *name)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789_.@-";
	size_t length = strlen(name);

	return length > 0 && length <= POLICY_NAME_MAX && *name != '.' &&
	       strspn(name, letters) == length;
}

struct policy *policy_free(struct policy *p)
{
	if (!p)
		return NULL;
	free(p->name);
	free(p->description);
	free(p->fallback);
	free(p->object_path);
	free(p->sha256);
	strv_free(p->maps);
	overrides_free(p->fields, p->n_fields);
	overrides_free(p->globals, p->n_globals);
	strv_free(p->files);
	free(p);
	return NULL;
}

static bool same_restart(const struct restart_rules *a, const struct restart_rules *b)
{
	return a->mode == b->mode && a->delay == b->delay && a->steps == b->steps &&
	       a->max_delay == b->max_delay && a->limit_burst == b->limit_burst &&
	       a->limit_interval == b->limit_interval;
}

bool policy_same_object(const struct policy *a, const struct policy *b)
{
	return streq_null(a->object_path, b->object_path) && streq_null(a->sha256, b->sha256) &&
	       strv_equal(a->maps, b->maps) &&
	       overrides_equal(a->fields, a->n_fields, b->fields, b->n_fields) &&
	       overrides_equal(a->globals, a->n_globals, b->globals, b->n_globals);
}

bool policy_equal(const struct policy *a, const struct policy *b)
{
	return policy_same_object(a, b) && streq_null(a->name, b->name) &&
	       streq_null(a->description, b->description) && a->enabled == b->enabled &&
	       streq_null(a->fallback, b->fallback) && same_restart(&a->restart, &b->restart);
}
