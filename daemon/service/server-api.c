/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The methods of the bus: each checks who calls, asks the manager, and answers now or when the outcome is known. */
#include "common/log.h"
#include "common/protocol.h"
#include "common/sentence.h"
#include "common/nearest.h"
#include "daemon/core/strv.h"
#include "daemon/service/server-internal.h"

#define SUBSCRIBERS_MAX 48

/* Who may. */

int server_deny(sd_bus_error *ret_error)
{
	return sd_bus_error_set(
		ret_error, ERROR_ACCESS_DENIED,
		"this user may view but not manage (ManageGroup= in structopsd.conf)");
}

bool server_may_manage(const struct connection *c)
{
	return c->access == ACCESS_MANAGE;
}

int server_no_such_policy(const struct connection *c, const char *name, sd_bus_error *ret_error)
{
	struct nearest nearest = NEAREST(name);

	for (size_t i = 0; i < manager_count(c->server->manager); i++)
		nearest_offer(&nearest, manager_get(c->server->manager, i)->name);
	return sd_bus_error_setf(ret_error, ERROR_NO_SUCH_POLICY,
				 "there is no policy \"%s\"" NEAREST_FORMAT, name,
				 NEAREST_ARGS(nearest));
}

struct attachment *server_find_for_change(const struct connection *c, const char *name, int *ret,
					  sd_bus_error *ret_error)
{
	struct manager *m = c->server->manager;
	struct attachment *a = manager_find(m, name);

	if (!server_may_manage(c))
		*ret = server_deny(ret_error);
	else if (manager_is_stopping(m))
		*ret = sd_bus_error_set(ret_error, ERROR_SHUTTING_DOWN,
					"the daemon is being stopped");
	else if (!a)
		*ret = server_no_such_policy(c, name, ret_error);
	else
		return a;
	return NULL;
}

/* Answers that come later. */

void server_pending_free(struct pending_call *p)
{
	TAILQ_REMOVE(&p->connection->pending, p, entry);
	sd_bus_message_unref(p->call);
	free(p);
}

void connection_forget_pending(struct connection *c)
{
	struct pending_call *p;

	while ((p = TAILQ_FIRST(&c->pending))) {
		if (p->attachment)
			attachment_unwait(p->attachment, p);
		manager_reload_forget(p->reload);
		manager_survey_forget(p->survey);
		manager_switch_disown(p->switching);
		server_pending_free(p);
	}
}

struct pending_call *server_pending_new(struct connection *c, sd_bus_message *call)
{
	struct pending_call *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	p->connection = c;
	p->call = sd_bus_message_ref(call);
	TAILQ_INSERT_TAIL(&c->pending, p, entry);
	return p;
}

void server_answer_failed(struct connection *c, int error)
{
	log_warning_errno(error, "cannot answer a client (pid %d); closing it", (int)c->pid);
	server_doom(c);
}

/* Verdicts. */

int server_reply_verdict(sd_bus_message *call, bool done, const char *text)
{
	_cleanup_(freep) char *clean = server_clean(text);

	if (!clean)
		return -ENOMEM;
	return sd_bus_reply_method_return(call, SIGNATURE_VERDICT, (int)done, clean);
}

static int reply_settled(struct pending_call *p, const struct attachment *a)
{
	bool done = manager_is_as_wanted(p->connection->server->manager, a, p->wanted);
	const char *detail = attachment_detail(a);
	_cleanup_(freep) char *text = sentence("%s%s%s", state_to_string(a->machine.state),
					       *detail ? ": " : "", detail);

	return text ? server_reply_verdict(p->call, done, text) : -ENOMEM;
}

static int reply_removed(struct pending_call *p)
{
	return server_reply_verdict(p->call, p->wanted == STATE_INACTIVE, "the policy was removed");
}

static void on_settled(void *userdata, struct attachment *settled_one, bool settled);

/* The next of those that it takes (a template has instances): 1. With the last one the answer: 0; -errno. */
static int await_or_reply(struct pending_call *p, const struct attachment *settled_one)
{
	struct manager *m = p->connection->server->manager;
	struct attachment *a = manager_find(m, p->name);
	struct attachment *busy = a ? manager_find_busy(m, a) : NULL;
	int r;

	if (busy && busy != settled_one) {
		p->attachment = busy;
		r = attachment_wait(busy, on_settled, p);
		return r < 0 ? r : 1;
	}
	r = a ? reply_settled(p, a) : reply_removed(p);
	return MIN(r, 0);
}

static void on_settled(void *userdata, struct attachment *settled_one, bool settled)
{
	struct pending_call *p = userdata;
	int r = settled ? await_or_reply(p, settled_one) : MIN(reply_removed(p), 0);

	if (r < 0)
		server_answer_failed(p->connection, r);
	if (r <= 0)
		server_pending_free(p);
}

static int reply_when_settled(struct connection *c, sd_bus_message *call, const char *name,
			      struct attachment *a, enum state wanted)
{
	struct attachment *busy = manager_find_busy(c->server->manager, a);
	struct pending_call *p = server_pending_new(c, call);
	int r;

	if (!p)
		return -ENOMEM;
	p->name = name;
	p->attachment = busy ? busy : a;
	p->wanted = wanted;
	r = attachment_wait(p->attachment, on_settled, p);
	if (r < 0) {
		server_pending_free(p);
		return r;
	}
	return 1;
}

/* The methods. */

typedef bool (*verb_t)(struct manager *m, struct attachment *a, const char **ret_sentence);

static int changing_verb(sd_bus_message *call, struct connection *c, verb_t verb, enum state wanted,
			 sd_bus_error *ret_error)
{
	const char *name, *why = NULL;
	struct attachment *a;
	int r, wait;

	r = sd_bus_message_read(call, "sb", &name, &wait);
	if (r < 0)
		return r;
	a = server_find_for_change(c, name, &r, ret_error);
	if (!a)
		return r;
	if (!verb(c->server->manager, a, &why))
		return server_reply_verdict(call, false, why);
	if (!wait)
		return server_reply_verdict(call, true, state_to_string(a->machine.state));
	return reply_when_settled(c, call, name, a, wanted);
}

static int method_attach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	return changing_verb(call, userdata, manager_attach, STATE_ATTACHED, ret_error);
}

static int method_detach(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	return changing_verb(call, userdata, manager_detach, STATE_INACTIVE, ret_error);
}

static int method_restart(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	return changing_verb(call, userdata, manager_restart, STATE_ATTACHED, ret_error);
}

static int method_reset_failed(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	struct attachment *a;
	const char *name;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r < 0)
		return r;
	if (!server_may_manage(c))
		return server_deny(ret_error);
	a = manager_find(c->server->manager, name);
	if (!a)
		return server_no_such_policy(c, name, ret_error);
	manager_reset_failed(c->server->manager, a);
	return server_reply_verdict(call, true, state_to_string(a->machine.state));
}

static int append_rows(sd_bus_message *reply, struct connection *c, char **names)
{
	struct manager *m = c->server->manager;
	int r = 0;

	if (!names) {
		for (size_t i = 0; r >= 0 && i < manager_count(m); i++)
			r = server_append_row(reply, manager_get(m, i), ROW_LIST);
	} else if (!names[0]) {
		for (size_t i = 0; r >= 0 && i < manager_count(m); i++)
			r = server_append_row(reply, manager_get(m, i), ROW_STATUS);
	} else {
		for (size_t i = 0; r >= 0 && names[i]; i++)
			r = server_append_row(reply, manager_find(m, names[i]), ROW_STATUS);
	}
	return r;
}

/* names: NULL for List. */
static int reply_rows(sd_bus_message *call, struct connection *c, char **names)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "a{sv}");
	if (r >= 0)
		r = append_rows(reply, c, names);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(c->bus, reply, NULL);
}

static int method_list(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	return reply_rows(call, userdata, NULL);
}

static int method_status(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	_cleanup_(strv_freep) char **names = NULL;
	static char *all[] = {NULL};
	struct connection *c = userdata;
	int r;

	r = sd_bus_message_read_strv(call, &names);
	if (r < 0)
		return r;
	for (size_t i = 0; names && names[i]; i++)
		if (!manager_find(c->server->manager, names[i]))
			return server_no_such_policy(c, names[i], ret_error);
	return reply_rows(call, c, names ? names : all);
}

static int append_reload_line(sd_bus_message *m, const struct reload_line *line)
{
	_cleanup_(freep) char *text = server_clean(line->text);

	return text ? sd_bus_message_append(m, "(sbs)", line->name, (int)line->ok, text) : -ENOMEM;
}

static int reply_reload(sd_bus_message *call, bool ok, const struct reload_line *lines, size_t n)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_append(reply, "b", (int)ok);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "(sbs)");
	for (size_t i = 0; r >= 0 && i < n; i++)
		r = append_reload_line(reply, &lines[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_reloaded(void *userdata, bool ok, const struct reload_line *lines, size_t n)
{
	struct pending_call *p = userdata;
	int r = reply_reload(p->call, ok, lines, n);

	if (r < 0)
		server_answer_failed(p->connection, r);
	server_pending_free(p);
}

static int method_reload(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct manager_reload *reload = NULL;
	struct connection *c = userdata;
	struct pending_call *p = NULL;
	int r, wait;

	r = sd_bus_message_read(call, "b", &wait);
	if (r < 0)
		return r;
	if (!server_may_manage(c))
		return server_deny(ret_error);
	if (manager_is_stopping(c->server->manager))
		return sd_bus_error_set(ret_error, ERROR_SHUTTING_DOWN,
					"the daemon is being stopped");
	if (wait) {
		p = server_pending_new(c, call);
		if (!p)
			return -ENOMEM;
	}
	r = manager_reload(c->server->manager, wait ? on_reloaded : NULL, p, &reload);
	if (r < 0) {
		if (p)
			server_pending_free(p);
		return r;
	}
	if (!wait)
		return reply_reload(call, true, NULL, 0);
	if (reload) /* otherwise it is answered, and p gone, already */
		p->reload = reload;
	return 1;
}

static int append_files(sd_bus_message *reply, const struct policy_file_set *set)
{
	int r = sd_bus_message_open_container(reply, 'a', "(ss)");

	for (size_t i = 0; r >= 0 && i < set->n_sources; i++)
		r = server_append_pair(reply, set->sources[i].path, set->sources[i].text);
	return r < 0 ? r : sd_bus_message_close_container(reply);
}

static int reply_files(sd_bus_message *call, const struct policy_file_set *set)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = append_files(reply, set);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

/* Whose files an attachment comes from. */
static const char *name_of_files(const struct manager *m, const char *name)
{
	const struct attachment *a = manager_find(m, name);

	return a && a->template ? a->template : name;
}

/* The files as they are now: what the next reload would read. */
static int method_cat(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	struct policy_collection files = {0};
	const char *name, *wanted;
	int r;

	r = sd_bus_message_read(call, "s", &name);
	if (r < 0)
		return r;
	wanted = name_of_files(c->server->manager, name);
	r = policy_collection_read(manager_config(c->server->manager)->policy_path, &files);
	if (r < 0)
		return r;
	r = -ENOENT;
	for (size_t i = 0; i < files.n; i++)
		if (streq(files.sets[i].name, wanted))
			r = reply_files(call, &files.sets[i]);
	policy_collection_done(&files);
	return r == -ENOENT ? server_no_such_policy(c, name, ret_error) : r;
}

static int reply_foreign(sd_bus_message *call, const struct outcome *o)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *reply = NULL;
	int r;

	r = sd_bus_message_new_method_return(call, &reply);
	if (r >= 0)
		r = sd_bus_message_open_container(reply, 'a', "a{sv}");
	for (size_t i = 0; r >= 0 && i < o->n_foreign; i++)
		r = server_append_foreign(reply, &o->foreign[i]);
	if (r >= 0)
		r = sd_bus_message_close_container(reply);
	return r < 0 ? r : sd_bus_send(NULL, reply, NULL);
}

static void on_surveyed(void *userdata, const struct outcome *o, const char *error)
{
	struct pending_call *p = userdata;
	int r;

	r = error ? sd_bus_reply_method_errorf(p->call, SD_BUS_ERROR_FAILED, "%s", error)
		  : reply_foreign(p->call, o);
	if (r < 0)
		server_answer_failed(p->connection, r);
	server_pending_free(p);
}

static int method_foreign(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	struct connection *c = userdata;
	struct pending_call *p;
	int r;

	if (!server_may_manage(c))
		return server_deny(ret_error);
	p = server_pending_new(c, call);
	if (!p)
		return -ENOMEM;
	r = manager_survey(c->server->manager, on_surveyed, p, &p->survey);
	if (r < 0) {
		server_pending_free(p);
		return r;
	}
	return 1;
}

int server_subscribe(struct connection *c, sd_bus_error *ret_error)
{
	if (!c->subscribed && c->server->n_subscribers >= SUBSCRIBERS_MAX)
		return sd_bus_error_setf(ret_error, SD_BUS_ERROR_LIMITS_EXCEEDED,
					 "%u clients are monitoring already", SUBSCRIBERS_MAX);
	c->server->n_subscribers += !c->subscribed;
	c->subscribed = true;
	return 0;
}

static int method_subscribe(sd_bus_message *call, void *userdata, sd_bus_error *ret_error)
{
	int r = server_subscribe(userdata, ret_error);

	return r < 0 ? r : sd_bus_reply_method_return(call, NULL);
}

const sd_bus_vtable server_vtable[] = {
	SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD(METHOD_LIST, NULL, SIGNATURE_ROWS, method_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_STATUS, "as", SIGNATURE_ROWS, method_status,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_ATTACH, "sb", SIGNATURE_VERDICT, method_attach,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_DETACH, "sb", SIGNATURE_VERDICT, method_detach,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_RESTART, "sb", SIGNATURE_VERDICT, method_restart,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_SWITCH, "stb", SIGNATURE_VERDICT, server_method_switch,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_SWITCH_BACK, "sb", SIGNATURE_VERDICT, server_method_switch_back,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_RESET_FAILED, "s", SIGNATURE_VERDICT, method_reset_failed,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_RELOAD, "b", SIGNATURE_RELOAD, method_reload,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_LOG, "st", SIGNATURE_LOG, server_method_log,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_CAT, "s", SIGNATURE_FILES, method_cat, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_FOREIGN, NULL, SIGNATURE_ROWS, method_foreign,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_SUBSCRIBE, NULL, NULL, method_subscribe, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_FOLLOW, "tt", SIGNATURE_EVENTS, server_method_follow,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD(METHOD_METRICS, NULL, SIGNATURE_METRICS, server_method_metrics,
		      SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_SIGNAL(SIGNAL_EVENT, SIGNATURE_EVENT, 0),
	SD_BUS_VTABLE_END,
};
