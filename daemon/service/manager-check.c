/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whether a policy could be attached: a worker opens its object and writes its overrides, and touches nothing. */
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

#include "common/sentence.h"
#include "daemon/service/manager-internal.h"

struct manager_check {
	TAILQ_ENTRY(manager_check) entry;
	struct manager *manager;
	struct policy *policy;
	struct worker *worker;
	manager_checked_t callback; /* NULL: nobody waits any more */
	void *userdata;
};

static void check_free(struct manager_check *c)
{
	TAILQ_REMOVE(&c->manager->checks, c, entry);
	policy_free(c->policy);
	free(c);
}

void manager_checks_free(struct manager *m)
{
	struct manager_check *c;

	while ((c = TAILQ_FIRST(&m->checks)))
		check_free(c);
}

/* All that is left to a process that parses somebody's file is to read files. Where it had less, it has less. */
static void keep_reading_only(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct had[_LINUX_CAPABILITY_U32S_3], left = {0};

	(void)prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (syscall(SYS_capget, &header, had) < 0)
		return;
	left.permitted = had[0].permitted & (UINT32_C(1) << CAP_DAC_READ_SEARCH);
	left.effective = left.permitted;
	had[0] = left;
	had[1] = (struct __user_cap_data_struct){0};
	(void)syscall(SYS_capset, &header, had);
}

static int run_check(void *userdata, struct outcome *ret_outcome,
		     struct kernel_handles *ret_handles)
{
	const struct manager_check *c = userdata;
	const struct kernel_job job = {
		.policy = c->policy,
		.object_path = c->manager->config->object_path,
	};

	keep_reading_only();
	return kernel_check(&job, ret_outcome);
}

static void on_checked(void *userdata, struct worker_report *report)
{
	const struct outcome *o = &report->outcome;
	struct manager_check *c = userdata;
	const char *refusal = NULL;

	if (report->end != WORKER_REPORTED)
		refusal = or_empty(report->detail);
	else if (o->verdict != VERDICT_FITS)
		refusal = or_empty(o->detail);
	if (c->callback)
		c->callback(c->userdata, o, refusal);
	check_free(c);
}

int manager_check(struct manager *m, struct policy *policy, manager_checked_t callback,
		  void *userdata, struct manager_check **ret)
{
	struct manager_check *c = calloc(1, sizeof(*c));
	const struct worker_task task = {
		.name = policy->name,
		.run = run_check,
		.done = on_checked,
		.userdata = c,
	};
	int r;

	if (!c) {
		policy_free(policy);
		return -ENOMEM;
	}
	*c = (struct manager_check){
		.manager = m, .policy = policy, .callback = callback, .userdata = userdata};
	TAILQ_INSERT_TAIL(&m->checks, c, entry);
	r = worker_submit(m->pool, &task, &c->worker);
	if (r < 0) {
		check_free(c);
		return r;
	}
	*ret = c;
	return 0;
}

void manager_check_forget(struct manager_check *c)
{
	if (!c)
		return;
	c->callback = NULL;
	worker_cancel(c->worker);
}
