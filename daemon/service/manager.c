/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/manager.h"

#include <inttypes.h>
#include <systemd/sd-daemon.h>

#include "common/log.h"
#include "daemon/service/clock.h"
#include "daemon/service/manager-internal.h"

static void host_changed(void *userdata, struct attachment *a, const struct event *event)
{
	struct manager *m = userdata;

	if (m->observer.changed)
		m->observer.changed(m->observer.userdata, a, event);
	manager_keep(m, a);
	manager_tidy_soon(m);
	if (m->adopting)
		return;
	manager_slot_changed(m, event);
	manager_template_changed(m, a, event);
	manager_fallback_changed(m, a, event);
	manager_switch_changed(m, a, event);
}

static void host_load_template(void *userdata, struct attachment *a)
{
	manager_template_load(userdata, a);
}

static bool host_make_room(void *userdata, struct attachment *a)
{
	return manager_fallback_make_room(userdata, a);
}

static const struct attachment *host_find_map(void *userdata, uint32_t map_id)
{
	return manager_slot_find_map(userdata, map_id);
}

static char *host_describe_kept(void *userdata, const struct attachment *a)
{
	const struct manager *m = userdata;

	return keeper_describe(m->keeper, a->name);
}

static void host_rested(void *userdata)
{
	manager_tidy_soon(userdata);
}

/* Of WatchPolicies=: a package manager or an editor writes more than one file. */
#define WATCH_SETTLE (300 * USEC_PER_MSEC)

static unsigned worker_count(const struct config *config)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	if (config->workers_max > 0)
		return config->workers_max;
	return cpus > 0 ? (unsigned)cpus : 1;
}

/* Telling the service manager, and freeing what was removed. */

static size_t count_in(const struct manager *m, enum state state)
{
	size_t n = 0;

	for (size_t i = 0; i < m->n_attachments; i++)
		n += m->attachments[i]->machine.state == state;
	return n;
}

static bool all_settled(const struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		if (state_is_busy(m->attachments[i]->machine.state))
			return false;
	return true;
}

static bool nothing_attached(const struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++)
		if (!attachment_is_at_rest(m->attachments[i]))
			return false;
	return true;
}

/* To be killed in the middle of these would leave nothing attached, or something half detached. */
static bool nothing_half_way(const struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (a->machine.state == STATE_UPDATING || a->machine.state == STATE_DETACHING ||
		    a->giving_back)
			return false;
	}
	return true;
}

static int end(struct manager *m)
{
	if (m->leaving)
		manager_keep_all_now(m);
	else
		manager_forget_all(m);
	return sd_event_exit(m->event, EXIT_SUCCESS);
}

static void notify_status(struct manager *m)
{
	static const enum state always[] = {STATE_ATTACHED, STATE_WAITING, STATE_FAILED};
	static const enum state if_any[] = {STATE_LOADING, STATE_UPDATING, STATE_DETACHING,
					    STATE_INVALID};
	char text[256];
	int n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(always); i++)
		n += snprintf(text + n, sizeof(text) - (size_t)n, "%s%zu %s", i ? ", " : "",
			      count_in(m, always[i]), state_to_string(always[i]));
	for (size_t i = 0; i < ARRAY_SIZE(if_any); i++)
		if (count_in(m, if_any[i]) > 0)
			n += snprintf(text + n, sizeof(text) - (size_t)n, ", %zu %s",
				      count_in(m, if_any[i]), state_to_string(if_any[i]));
	(void)sd_notifyf(false, "STATUS=%s", text);
}

/*
 * Each detachment waits for RCU, one after the other (the kernel's struct_ops mutex): a thousand may take minutes. As long
 * as there is progress, that is no reason for the service manager to kill us; the margin is for what the loop does.
 */
#define STOP_MARGIN (10 * USEC_PER_SEC)
static void notify_progress(const struct manager *m)
{
	if (m->stopping)
		(void)sd_notifyf(false, "EXTEND_TIMEOUT_USEC=%" PRIu64,
				 m->config->worker_timeout + STOP_MARGIN);
}

static void notify_ready(struct manager *m)
{
	if (m->ready || m->stopping || m->reloading || !all_settled(m))
		return;
	m->ready = true;
	(void)sd_notify(false, "READY=1");
	log_debug("all policies have come to an outcome");
}

static void free_removed(struct manager *m)
{
	size_t kept = 0;

	for (size_t i = 0; i < m->n_attachments; i++) {
		struct attachment *a = m->attachments[i];

		if (!a->removed || a->machine.state != STATE_INACTIVE ||
		    !attachment_is_at_rest(a)) {
			m->attachments[kept++] = a;
			continue;
		}
		for (size_t j = 0; j < m->n_attachments; j++)
			if (j < kept || j > i)
				attachment_unwait(m->attachments[j], a);
		manager_forget(m, a);
		attachment_remove_log(a);
		attachment_free(a);
	}
	m->n_attachments = kept;
}

static int on_tidy(sd_event_source *source, void *userdata)
{
	struct manager *m = userdata;

	manager_switch_review(m);
	manager_slot_review(m);
	manager_template_let_go(m);
	free_removed(m);
	notify_status(m);
	notify_progress(m);
	notify_ready(m);
	if (m->leaving ? nothing_half_way(m) : m->stopping && nothing_attached(m))
		return end(m);
	return 0;
}

void manager_tidy_soon(struct manager *m)
{
	(void)sd_event_source_set_enabled(m->tidy_source, SD_EVENT_ONESHOT);
}

/* The list. */

static size_t position_of(const struct manager *m, const char *name)
{
	size_t low = 0, high = m->n_attachments;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (strcmp(m->attachments[middle]->name, name) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

size_t manager_count(const struct manager *m)
{
	return m->n_attachments;
}

struct attachment *manager_get(const struct manager *m, size_t i)
{
	return m->attachments[i];
}

struct attachment *manager_find(const struct manager *m, const char *name)
{
	size_t i = position_of(m, name);

	if (i < m->n_attachments && streq(m->attachments[i]->name, name))
		return m->attachments[i];
	return NULL;
}

int manager_add(struct manager *m, const char *name, struct policy *policy, struct attachment **ret)
{
	struct attachment **larger, *a;
	size_t i = position_of(m, name);
	int r;

	larger = reallocarray(m->attachments, m->n_attachments + 1, sizeof(*larger));
	if (!larger) {
		policy_free(policy);
		return -ENOMEM;
	}
	m->attachments = larger;
	r = attachment_new(&m->host, name, policy, &a);
	if (r < 0)
		return r;
	memmove(&larger[i + 1], &larger[i], (m->n_attachments - i) * sizeof(*larger));
	larger[i] = a;
	m->n_attachments++;
	*ret = a;
	return 0;
}

/* Life. */

int manager_new(sd_event *event, const struct config *config, struct manager **ret)
{
	_cleanup_(manager_freep) struct manager *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->event = sd_event_ref(event);
	m->config = config;
	m->counters.started = clock_now(CLOCK_REALTIME);
	m->uevent_fd = -EBADF;
	m->socket = -EBADF;
	TAILQ_INIT(&m->surveys);
	TAILQ_INIT(&m->checks);
	TAILQ_INIT(&m->switches);
	/* First: nobody else may take what the service manager passed for something of theirs. */
	r = keeper_new(config->keep_links, config->runtime_dir, &m->keeper);
	if (r >= 0)
		r = keeper_receive(m->keeper, &m->socket);
	if (r >= 0)
		r = state_dir_new(config->runtime_dir, &m->state_dir);
	if (r >= 0)
		r = manager_keep_init(m);
	if (r < 0)
		return r;
	r = helper_new(event, config->worker_timeout, &m->helper);
	if (r < 0)
		return r;
	r = worker_pool_new(event, worker_count(config), config->worker_timeout, &m->pool);
	if (r < 0)
		return r;
	r = manager_watch_uevents(m);
	if (r < 0)
		log_warning_errno(
			r,
			"cannot listen to the kernel's uevents: that a scheduler was thrown out, "
			"a device unplugged or a module loaded goes unnoticed");
	r = sd_event_add_defer(event, &m->tidy_source, on_tidy, m);
	if (r < 0)
		return r;
	/* After everything that a turn of the loop brings. */
	(void)sd_event_source_set_priority(m->tidy_source, SD_EVENT_PRIORITY_IDLE);

	m->host = (struct attachment_host){
		.event = event,
		.pool = m->pool,
		.helper = m->helper,
		.object_path = config->object_path,
		.runtime_dir = config->runtime_dir,
		.last_seq = &m->last_seq,
		.places_freed = &m->places_freed,
		.changed = host_changed,
		.make_room = host_make_room,
		.find_map = host_find_map,
		.describe_kept = host_describe_kept,
		.rested = host_rested,
		.load_template = host_load_template,
		.userdata = m,
	};
	*ret = TAKE_PTR(m);
	return 0;
}

struct manager *manager_free(struct manager *m)
{
	if (!m)
		return NULL;
	worker_pool_free(m->pool);
	manager_surveys_free(m);
	manager_reloads_free(m);
	manager_switches_free(m);
	manager_checks_free(m);
	helper_free(m->helper);
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_free(m->attachments[i]);
	free(m->attachments);
	policy_watch_free(m->policy_watch);
	keeper_free(m->keeper);
	state_dir_free(m->state_dir);
	safe_close(m->socket);
	sd_event_source_disable_unref(m->keep_source);
	sd_event_source_disable_unref(m->tidy_source);
	sd_event_source_disable_unref(m->uevent_source);
	safe_close(m->uevent_fd);
	sd_event_unref(m->event);
	free(m);
	return NULL;
}

void manager_observe(struct manager *m, const struct manager_observer *observer)
{
	m->observer = *observer;
}

static int add_from_set(struct manager *m, struct policy_set *set)
{
	_cleanup_(freep) char *errors = NULL;
	struct attachment *a;
	int r;

	r = manager_add(m, set->name, TAKE_PTR(set->policy), &a);
	if (r < 0 || a->policy)
		return r;
	errors = messages_join(&set->errors, "\n");
	attachment_set_invalid(a, REASON_BOOT, or_empty(errors));
	return 0;
}

static void on_policies_changed(void *userdata)
{
	int r;

	log_info("policies have changed on disk: reloading (WatchPolicies=yes)");
	r = manager_reload(userdata, NULL, NULL, NULL);
	if (r < 0)
		log_error_errno(r, "cannot reload; nothing was changed");
}

static void watch_policies(struct manager *m)
{
	int r;

	if (!m->config->watch_policies)
		return;
	r = policy_watch_new(m->event, m->config->policy_path, WATCH_SETTLE, on_policies_changed, m,
			     &m->policy_watch);
	if (r < 0)
		log_error_errno(r, "WatchPolicies=: cannot watch the policy folders "
				   "(fs.inotify.max_user_watches?); reload by hand");
}

int manager_start(struct manager *m)
{
	struct policy_sets sets = {0};
	int r;

	r = policy_sets_read(m->config, &sets);
	for (size_t i = 0; r >= 0 && i < sets.n; i++)
		r = add_from_set(m, &sets.sets[i]);
	policy_sets_done(&sets);
	if (r < 0)
		return r;

	r = manager_adopt(m);
	if (r < 0)
		return r;
	manager_switch_resume(m);
	watch_policies(m);
	manager_tidy_soon(m);
	return 0;
}

int manager_take_socket(struct manager *m)
{
	return TAKE_FD(m->socket);
}

static void warn_of_linkless(const struct manager *m)
{
	for (size_t i = 0; i < m->n_attachments; i++) {
		const struct attachment *a = m->attachments[i];

		if (a->outcome.linkless && a->handles.map_fd >= 0)
			log_warning("%s: map %u is registered without a link and stays: bpftool "
				    "struct_ops unregister id %u",
				    a->name, a->outcome.map_id, a->outcome.map_id);
	}
}

void manager_stop(struct manager *m)
{
	if (m->stopping && !m->leaving) {
		log_warning("asked twice to stop: what is still attached ends with this process");
		warn_of_linkless(m);
		(void)end(m);
		return;
	}
	m->stopping = true;
	m->leaving = false;
	(void)sd_notify(false, "STOPPING=1");
	manager_reload_stop(m);
	for (size_t i = 0; i < m->n_attachments; i++)
		attachment_stop(m->attachments[i], REASON_ADMIN, "the daemon is being stopped");
	manager_tidy_soon(m);
}

void manager_leave(struct manager *m)
{
	if (m->stopping && !m->leaving)
		log_warning(
			"too late: it is being stopped, and nothing is left to the next daemon");
	if (m->stopping)
		return;
	m->stopping = m->leaving = true;
	(void)sd_notify(false, "STOPPING=1");
	manager_reload_stop(m);
	manager_tidy_soon(m);
}

bool manager_is_stopping(const struct manager *m)
{
	return m->stopping;
}

const struct config *manager_config(const struct manager *m)
{
	return m->config;
}

const struct daemon_counters *manager_counters(const struct manager *m)
{
	return &m->counters;
}
