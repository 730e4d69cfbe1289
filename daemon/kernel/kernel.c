/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_attach(): one policy from its file to its link, alternative after alternative. kernel_verify(): to the load. */
#include "daemon/kernel/kernel.h"

#include "common/sentence.h"
#include "daemon/kernel/attach.h"
#include "daemon/kernel/ordinary.h"
#include "daemon/kernel/types.h"

int attempt_prepare(struct attempt *a)
{
	int (*const steps[])(struct attempt * a) = {
		attempt_open,
		attempt_prepare_type,
		attempt_override_fields,
		attempt_override_globals,
		attempt_note_name,
		attempt_find_exit,
	};

	for (size_t i = 0; i < ARRAY_SIZE(steps); i++) {
		int r = steps[i](a);

		if (r < 0)
			return r;
	}
	return 0;
}

/* From bytes to a map that is loaded, with nothing attached. */
static int load(struct attempt *a)
{
	usec_t start = monotonic_usec();
	int r;

	r = attempt_prepare(a);
	if (r < 0)
		return r;
	r = attempt_load(a);
	a->outcome->load_usec = monotonic_usec() - start;
	return r;
}

/* libbpf's words go to whoever listens in its thread. */
static int load_thread(void *userdata)
{
	struct attempt *a = userdata;

	capture_start(&a->capture);
	return load(a);
}

static int attach(struct attempt *a, const struct kernel_job *job, struct kernel_handles *ret)
{
	int r;

	r = job->old ? attach_replacing(a, job->old, ret) : attach_fresh(a, ret);
	if (r < 0)
		return r;
	a->outcome->relinkable = !a->linkless && type_traits(a->outcome->type)->relinkable;
	r = attempt_read_back(a);
	/* With something attached there is no way back: what was read so far has to do. */
	return r == -ENOMEM ? 0 : r;
}

/* Whether the kernel takes the values, as far as that can be asked without a registration. */
static int give_value(struct attempt *a)
{
	return a->linkless ? 0 : MIN(attach_fill(a), 0);
}

/* What a refused alternative wrote into the outcome, other than its sentence and its log. */
static void forget_alternative(struct outcome *o)
{
	struct outcome rest = *o;

	rest.verifier_log = NULL;
	rest.object_file = NULL;
	rest.digest = NULL;
	rest.detail = NULL;
	rest.notes = MESSAGES_NULL;
	*o = (struct outcome){
		.verifier_log = o->verifier_log,
		.object_file = o->object_file,
		.digest = o->digest,
		.detail = o->detail,
		.notes = o->notes,
		.stamp = o->stamp,
		.verdict = o->verdict,
		.error = o->error,
		.change = o->change,
	};
	outcome_done(&rest);
}

static bool is_refused_by_kernel(const struct attempt *a, const struct kernel_handles *h)
{
	enum verdict verdict = a->outcome->verdict;

	return a->asked_kernel && (verdict == VERDICT_REFUSED || verdict == VERDICT_NO_TYPE) &&
	       (!h || h->link_fd < 0) && a->outcome->change != CHANGE_LOST;
}

/* That it cannot be written spoils nothing but itself. */
static void write_log(const struct attempt *a, const char *path)
{
	int r = attempt_log(a, path);

	if (r < 0)
		(void)messages_add(&a->outcome->notes, "%s: the log cannot be written: %s", path,
				   strerror(-r));
}

/*
 * As try_map(); ret NULL: nothing is to be attached. *ret_links_refused: a plain map that was given a link is worth
 * another try without.
 */
static int try_form(const struct kernel_job *job, const struct object_file *file, const char *map,
		    bool linkless, struct outcome *o, struct kernel_handles *ret,
		    bool *ret_links_refused)
{
	_cleanup_(attempt_done) struct attempt a = {
		.policy = job->policy,
		.file = file,
		.before = job->before,
		.end_file = job->end_file,
		.wanted_map = map,
		.linkless = linkless,
		.outcome = o,
	};
	int r;

	capture_start(&a.capture);
	r = ordinary_run(load_thread, &a);
	if (r == 0)
		r = ret ? attach(&a, job, ret) : give_value(&a);
	write_log(&a, job->log_file);
	*ret_links_refused = r == -EBADMSG && a.plain && a.links_refused;
	return r == -EBADMSG && is_refused_by_kernel(&a, ret) ? 1 : r;
}

/*
 * 1: only the kernel's own refusal of this very map was in the way, so the next alternative may do. A mistake in
 * the policy is one whatever the map, and a name that is taken now says nothing against the map.
 */
static int try_map(const struct kernel_job *job, const struct object_file *file, const char *map,
		   struct outcome *o, struct kernel_handles *ret)
{
	bool links_refused;
	int r;

	r = try_form(job, file, map, false, o, ret, &links_refused);
	if (!links_refused)
		return r;
	messages_done(&o->notes);
	forget_alternative(o);
	return try_form(job, file, map, true, o, ret, &links_refused);
}

/* Something is attached: a note that finds no memory is no reason to call that a failure. */
static int note_passed_over(struct outcome *o, const struct messages *refusals)
{
	for (size_t i = 0; i < refusals->n; i++)
		(void)messages_add(&o->notes, "alternative %s", refusals->items[i]);
	return 0;
}

/* With one map its own sentence says all; with several each has its reason. */
static int refuse_all(struct outcome *o, const struct messages *refusals, bool may_come)
{
	_cleanup_(freep) char *reasons = NULL;
	char *detail;

	if (may_come)
		o->verdict = VERDICT_NO_TYPE;
	if (refusals->n < 2)
		return -EBADMSG;
	reasons = messages_join(refusals, "; ");
	if (!reasons)
		return -ENOMEM;
	detail = sentence("no alternative of [Object] Map= was accepted: %s", reasons);
	if (!detail)
		return -ENOMEM;
	free(o->detail);
	o->detail = detail;
	return -EBADMSG;
}

static int try_maps(const struct kernel_job *job, const struct object_file *file, struct outcome *o,
		    struct kernel_handles *ret)
{
	_cleanup_(messages_done) struct messages refusals = MESSAGES_NULL;
	char *const only[] = {NULL, NULL};
	char *const *map = job->policy->maps ? job->policy->maps : only;
	bool may_come = false; /* a module may bring the type of one of them */
	int r;

	do {
		if (refusals.n > 0)
			forget_alternative(o);
		r = try_map(job, file, *map, o, ret);
		if (r < 0)
			return r;
		if (r == 0)
			return note_passed_over(o, &refusals);
		may_come |= o->verdict == VERDICT_NO_TYPE;
		r = messages_add(&refusals, "%s passed over: %s", o->map, o->detail);
		if (r < 0)
			return r;
	} while (*map && *++map);
	return refuse_all(o, &refusals, may_come);
}

int kernel_read_object(const struct kernel_job *job, struct outcome *o, struct object_file **ret)
{
	_cleanup_(object_file_freep) struct object_file *file = NULL;
	int r;

	r = object_file_read(job->policy, job->object_path, job->anybodys, o, &file);
	if (r < 0)
		return r;
	r = object_file_check_elf(file, o);
	if (r == 0)
		*ret = TAKE_PTR(file);
	return r;
}

struct reading {
	const struct kernel_job *job;
	struct outcome *outcome;
	struct object_file **ret;
};

static int read_thread(void *userdata)
{
	const struct reading *r = userdata;

	return kernel_read_object(r->job, r->outcome, r->ret);
}

static int attach_policy(const struct kernel_job *job, struct outcome *o,
			 struct kernel_handles *ret)
{
	_cleanup_(object_file_freep) struct object_file *file = NULL;
	struct reading reading = {.job = job, .outcome = o, .ret = &file};
	int r = ordinary_run(read_thread, &reading);

	return r < 0 ? r : try_maps(job, file, o, ret);
}

int kernel_attach(const struct kernel_job *job, struct outcome *ret_outcome,
		  struct kernel_handles *ret_handles)
{
	struct outcome o = {.change = job->old ? CHANGE_KEPT : CHANGE_FRESH};
	struct kernel_handles handles = KERNEL_HANDLES_NULL;
	int r;

	if (job->log_file)
		(void)unlink(job->log_file);
	r = attach_policy(job, &o, &handles);
	if (r < 0 && r != -EBADMSG) {
		/* Out of memory: nobody would know what is attached, so it is taken off again. */
		if (handles.map_fd >= 0)
			(void)kernel_detach(&handles, NULL, NULL);
		kernel_handles_close(&handles);
		outcome_done(&o);
		*ret_outcome = OUTCOME_NULL;
		return r;
	}
	if (r == 0) {
		free(o.detail);
		o.detail = NULL;
		free(o.verifier_log);
		o.verifier_log = NULL;
		o.error = 0;
		o.verdict = VERDICT_ATTACHED;
	}
	*ret_outcome = o;
	*ret_handles = handles;
	return 0;
}

int kernel_verify(const struct kernel_job *job, struct outcome *ret_outcome)
{
	struct outcome o = {.change = CHANGE_FRESH};
	int r = attach_policy(job, &o, NULL);

	if (r < 0 && r != -EBADMSG) {
		outcome_done(&o);
		*ret_outcome = OUTCOME_NULL;
		return r;
	}
	if (r == 0) {
		free(o.detail);
		o.detail = NULL;
		o.error = 0;
		o.verdict = VERDICT_FITS;
	}
	*ret_outcome = o;
	return 0;
}
