/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* reload: reads everything, checks every object that would be loaded, and only then lets manager-apply.c change anything. */
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "common/sentence.h"
#include "daemon/service/clock.h"
#include "daemon/service/manager-reload-internal.h"

/* Who asked for a reload. */
struct manager_reload {
	TAILQ_ENTRY(manager_reload) entry;
	manager_reloaded_t callback; /* NULL: nobody waits any more */
	void *userdata;
};

static const char stopping[] = "the daemon is being stopped: nothing was changed";

static struct reload *reload_new(struct manager *m)
{
	struct reload *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->manager = m;
	r->pending = 1;
	TAILQ_INIT(&r->callers);
	m->reloading++;
	return r;
}

static void free_callers(struct reload *r)
{
	struct manager_reload *caller;

	while ((caller = TAILQ_FIRST(&r->callers))) {
		TAILQ_REMOVE(&r->callers, caller, entry);
		free(caller);
	}
}

static struct reload *reload_free(struct reload *r)
{
	if (!r)
		return NULL;
	free_callers(r);
	for (size_t i = 0; i < r->n_lines; i++) {
		free(r->lines[i].name);
		free(r->lines[i].text);
	}
	free(r->lines);
	free(r->checks);
	policy_sets_done(&r->sets);
	free(r);
	return NULL;
}

void manager_reloads_free(struct manager *m)
{
	m->reload = reload_free(m->reload);
	m->reload_next = reload_free(m->reload_next);
}

void reload_add_line(struct reload *r, const char *name, bool ok, const char *text)
{
	struct reload_line *larger, line;

	r->failed |= !ok;
	larger = reallocarray(r->lines, r->n_lines + 1, sizeof(*larger));
	if (!larger) {
		(void)log_oom();
		return;
	}
	r->lines = larger;
	line = (struct reload_line){.name = strdup(name), .ok = ok, .text = strdup(text)};
	if (!line.name || !line.text) {
		free(line.name);
		free(line.text);
		(void)log_oom();
		return;
	}
	r->lines[r->n_lines++] = line;
}

static int compare_lines(const void *a, const void *b)
{
	const struct reload_line *x = a, *y = b;

	return strcmp(x->name, y->name);
}

static void log_end(const struct reload *r)
{
	for (size_t i = 0; r->refused && i < r->n_lines; i++)
		log_error("reload refused, nothing was changed: %s%s%s", r->lines[i].name,
			  *r->lines[i].name ? ": " : "", r->lines[i].text);
	if (!r->refused)
		log_full(LOG_INFO, &(struct log_fields){.message_id = MESSAGE_ID_RELOADED},
			 "policies reloaded%s",
			 r->failed ? ", not all of them are as they should be" : "");
}

static enum reload_result result_of(const struct reload *r)
{
	if (r->refused)
		return RELOAD_REFUSED;
	return r->failed ? RELOAD_FAILED : RELOAD_OK;
}

void reload_release(struct reload *r)
{
	struct manager *m = r->manager;
	struct manager_reload *caller;

	if (--r->pending > 0)
		return;
	if (r->n_lines > 0)
		qsort(r->lines, r->n_lines, sizeof(*r->lines), compare_lines);
	log_end(r);
	m->counters.reloads[result_of(r)]++;
	TAILQ_FOREACH(caller, &r->callers, entry)
	if (caller->callback)
		caller->callback(caller->userdata, !r->failed, r->lines, r->n_lines);
	reload_free(r);
	m->reloading--;
	manager_tidy_soon(m);
}

/* Reading and checking. */

/* Where a device has come, the name of its instance is taken for as long as it is there. */
static void check_name(struct reload *r, const char *name)
{
	_cleanup_(freep) char *text = NULL;
	const struct attachment *a = manager_find(r->manager, name);

	if (!a || !a->template)
		return;
	text = sentence("%s" POLICY_SUFFIX
			": an instance of %s has this name, expected another one",
			name, a->template);
	reload_add_line(r, "", false, text ? text : "out of memory");
}

/* Adds a line for each error. */
static void note_errors(struct reload *r)
{
	for (size_t i = 0; i < r->sets.n; i++) {
		for (size_t j = 0; j < r->sets.sets[i].errors.n; j++)
			reload_add_line(r, "", false, r->sets.sets[i].errors.items[j]);
		check_name(r, r->sets.sets[i].name);
	}
}

static void read_all(struct reload *r)
{
	_cleanup_(freep) char *text = NULL;
	int error;

	error = policy_sets_read(r->manager->config, &r->sets);
	if (error >= 0) {
		r->checks = calloc(r->sets.n + 1, sizeof(*r->checks));
		error = r->checks ? 0 : -ENOMEM;
	}
	if (error >= 0) {
		note_errors(r);
		return;
	}
	text = sentence("the policies cannot be read: %s", strerror(-error));
	reload_add_line(r, "", false, text ? text : "out of memory");
}

/* An instance of no device stands for all that a template will have. */
static int copy_to_check(const struct policy *policy, struct policy **ret)
{
	const struct hid_device none = {.name = (char *)"", .devpath = (char *)""};

	return policy->is_template ? policy_instance(policy, &none, ret) : policy_copy(policy, ret);
}

static bool go_on(struct reload *r);
static void begin_next(struct manager *m);

static void end(struct reload *r)
{
	struct manager *m = r->manager;

	m->reload = NULL;
	reload_release(r);
	begin_next(m);
}

static void on_checked(void *userdata, const struct outcome *outcome, const char *refusal)
{
	struct reload_check *c = userdata;
	struct reload *r = c->reload;

	c->check = NULL;
	if (refusal)
		reload_add_line(r, c->name, false, refusal);
	if (--r->n_checking == 0 && go_on(r))
		end(r);
}

static void check(struct reload *r, size_t i)
{
	struct reload_check *c = &r->checks[i];
	struct policy *copy = NULL;
	int error;

	*c = (struct reload_check){.reload = r, .name = r->sets.sets[i].name, .done = true};
	error = copy_to_check(r->sets.sets[i].policy, &copy);
	if (error >= 0)
		error = manager_check(r->manager, copy, on_checked, c, &c->check);
	if (error >= 0)
		r->n_checking++;
	else
		reload_add_line(r, c->name, false, "out of memory: its object was not looked at");
}

/*
 * What would be loaded is asked anew each time, since verbs, detachments and devices go on meanwhile: so nothing is
 * loaded that was not checked. True: it was carried out or refused; false: something is awaited.
 */
static bool go_on(struct reload *r)
{
	for (size_t i = 0; r->n_lines == 0 && i < r->sets.n; i++)
		if (!r->checks[i].done && reload_would_load(r->manager, &r->sets.sets[i]))
			check(r, i);
	if (r->n_checking > 0)
		return false;
	r->refused = r->n_lines > 0;
	if (r->refused)
		return true;
	if (manager_switch_is_busy(r->manager))
		return false;
	reload_apply(r);
	return true;
}

static void notify_reloading(void)
{
	(void)sd_notifyf(false, "RELOADING=1\nMONOTONIC_USEC=%llu",
			 (unsigned long long)clock_now(CLOCK_MONOTONIC));
}

/* As go_on(). */
static bool begin(struct reload *r)
{
	struct manager *m = r->manager;

	m->ready = false; /* READY=1 ends the reload for the service manager */
	notify_reloading();
	if (m->stopping)
		reload_add_line(r, "", false, stopping);
	else
		read_all(r);
	if (go_on(r))
		return true;
	m->reload = r;
	return false;
}

static void begin_next(struct manager *m)
{
	struct reload *r = m->reload_next;

	m->reload_next = NULL;
	if (r && begin(r))
		reload_release(r);
}

void manager_reload_go_on(struct manager *m)
{
	if (m->reload && m->reload->n_checking == 0 && go_on(m->reload))
		end(m->reload);
}

static void refuse_to_stop(struct reload *r)
{
	for (size_t i = 0; r->checks && i < r->sets.n; i++)
		manager_check_forget(r->checks[i].check);
	reload_add_line(r, "", false, stopping);
	r->refused = true;
	reload_release(r);
}

void manager_reload_stop(struct manager *m)
{
	struct reload *checking = m->reload, *next = m->reload_next;

	m->reload = m->reload_next = NULL;
	if (checking)
		refuse_to_stop(checking);
	if (next)
		refuse_to_stop(next);
}

static int add_caller(struct reload *r, manager_reloaded_t callback, void *userdata,
		      struct manager_reload **ret)
{
	struct manager_reload *caller = calloc(1, sizeof(*caller));

	if (!caller)
		return -ENOMEM;
	*caller = (struct manager_reload){.callback = callback, .userdata = userdata};
	TAILQ_INSERT_TAIL(&r->callers, caller, entry);
	*ret = caller;
	return 0;
}

int manager_reload(struct manager *m, manager_reloaded_t callback, void *userdata,
		   struct manager_reload **ret_reload)
{
	struct reload *r = m->reload_next ? m->reload_next : reload_new(m);
	struct manager_reload *caller;
	bool over;

	if (!r)
		return -ENOMEM;
	if (add_caller(r, callback, userdata, &caller) < 0) {
		if (r != m->reload_next) {
			reload_free(r);
			m->reloading--;
		}
		return -ENOMEM;
	}
	if (m->reload)
		m->reload_next = r;
	over = !m->reload && begin(r);
	if (ret_reload)
		*ret_reload = over && r->pending == 1 ? NULL : caller;
	if (over)
		reload_release(r);
	return 0;
}

void manager_reload_forget(struct manager_reload *caller)
{
	if (caller)
		caller->callback = NULL;
}
