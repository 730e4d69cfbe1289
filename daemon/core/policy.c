/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>

#include "common/sentence.h"
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
	hid_match_done(&p->hid);
	strv_free(p->tcp_netns);
	strv_free(p->files);
	free(p);
	return NULL;
}

static int copy_text(const char *text, char **ret)
{
	*ret = text ? strdup(text) : NULL;
	return text && !*ret ? -ENOMEM : 0;
}

static int copy_list(char *const *list, char ***ret)
{
	int r = 0;

	for (size_t i = 0; r >= 0 && list && list[i]; i++)
		r = strv_append(ret, list[i], strlen(list[i]));
	return r;
}

/* The same file in the copy's own list. */
static const char *own_file(const struct policy *copy, const struct policy *p, const char *file)
{
	size_t i = 0;

	while (p->files[i] != file)
		i++;
	return copy->files[i];
}

static int copy_overrides(struct policy *copy, const struct policy *p)
{
	int r = overrides_copy(p->fields, p->n_fields, &copy->fields);

	if (r < 0)
		return r;
	copy->n_fields = p->n_fields;
	r = overrides_copy(p->globals, p->n_globals, &copy->globals);
	if (r < 0)
		return r;
	copy->n_globals = p->n_globals;
	for (size_t i = 0; i < copy->n_fields; i++)
		copy->fields[i].file = own_file(copy, p, copy->fields[i].file);
	for (size_t i = 0; i < copy->n_globals; i++)
		copy->globals[i].file = own_file(copy, p, copy->globals[i].file);
	return 0;
}

/* Everything but the name and [Match]. */
static int copy_settings(struct policy *copy, const struct policy *p)
{
	int r;

	copy->enabled = p->enabled;
	copy->restart = p->restart;
	copy->tcp_default = p->tcp_default;
	copy->hid = HID_MATCH_NULL;
	r = copy_text(p->description, &copy->description);
	if (r >= 0)
		r = copy_text(p->fallback, &copy->fallback);
	if (r >= 0)
		r = copy_text(p->object_path, &copy->object_path);
	if (r >= 0)
		r = copy_text(p->sha256, &copy->sha256);
	if (r >= 0)
		r = copy_list(p->maps, &copy->maps);
	if (r >= 0)
		r = copy_list(p->tcp_netns, &copy->tcp_netns);
	if (r >= 0)
		r = copy_list(p->files, &copy->files);
	return r < 0 ? r : copy_overrides(copy, p);
}

int policy_copy(const struct policy *p, struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *copy = calloc(1, sizeof(*copy));
	int r;

	if (!copy)
		return -ENOMEM;
	r = copy_text(p->name, &copy->name);
	if (r >= 0)
		r = copy_settings(copy, p);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(copy);
	return 0;
}

static int set_hid_id(struct policy *instance, const struct policy *template, uint32_t id)
{
	char number[16];
	const struct override hid_id = {
		.path = (char *)POLICY_HID_MEMBER,
		.op = OVERRIDE_SET,
		.value = number,
		.file = own_file(instance, template, template->hid_file),
		.line = template->hid_line,
	};

	snprintf(number, sizeof(number), "%" PRIu32, id);
	return overrides_add(&instance->fields, &instance->n_fields, &hid_id);
}

int policy_instance(const struct policy *template, const struct hid_device *device,
		    struct policy **ret)
{
	_cleanup_(policy_freep) struct policy *p = calloc(1, sizeof(*p));
	char suffix[HID_INSTANCE_MAX];
	int r;

	if (!p)
		return -ENOMEM;
	hid_device_instance(device, suffix);
	p->name = sentence("%s@%s", template->name, suffix);
	if (!p->name)
		return -ENOMEM;
	r = copy_settings(p, template);
	if (r >= 0)
		r = set_hid_id(p, template, device->id);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(p);
	return 0;
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
	       overrides_equal(a->globals, a->n_globals, b->globals, b->n_globals) &&
	       a->tcp_default == b->tcp_default && strv_equal(a->tcp_netns, b->tcp_netns);
}

bool policy_equal(const struct policy *a, const struct policy *b)
{
	return policy_same_object(a, b) && streq_null(a->name, b->name) &&
	       streq_null(a->description, b->description) && a->enabled == b->enabled &&
	       streq_null(a->fallback, b->fallback) && same_restart(&a->restart, &b->restart) &&
	       a->is_template == b->is_template && hid_match_equal(&a->hid, &b->hid);
}
