/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/tcp-default.h"

#include <ctype.h>
#include <fcntl.h>

#include "common/sentence.h"
#include "daemon/core/strv.h"
#include "daemon/kernel/netns.h"
#include "daemon/kernel/verdict.h"

#define DEFAULT "/proc/sys/net/ipv4/tcp_congestion_control"
#define AVAILABLE "/proc/sys/net/ipv4/tcp_available_congestion_control"
#define ALLOWED "/proc/sys/net/ipv4/tcp_allowed_congestion_control"
/* A setting that only the first network namespace has. */
#define FIRST_ONLY "/proc/sys/net/core/bpf_jit_enable"
#define NAME_MAX_TCP 16 /* TCP_CA_NAME_MAX, with its NUL */
#define AVAILABLE_MAX 4096
#define CHOSEN_FIRST "cubic"

/* Both files show the namespace that this is in. 0; -errno. */
static int read_setting(const char *path, char *ret, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, ret, size - 1);

	if (n < 0)
		return -errno;
	while (n > 0 && isspace((unsigned char)ret[n - 1]))
		n--;
	ret[n] = '\0';
	return 0;
}

static bool is_listed(const char *setting, const char *name)
{
	char list[AVAILABLE_MAX], *rest = list;

	if (read_setting(setting, list, sizeof(list)) < 0)
		return false;
	for (char *word; (word = strsep(&rest, " "));)
		if (streq(word, name))
			return true;
	return false;
}

/* Namespaces other than the first take only what is allowed to everybody. */
static bool is_restricted_here(const char *name)
{
	return access(FIRST_ONLY, F_OK) < 0 && is_listed(AVAILABLE, name) &&
	       !is_listed(ALLOWED, name);
}

static int write_default(const char *name)
{
	_cleanup_(closep) int fd = -EBADF;

	/* Not even tried: a kernel that refuses a map's algorithm for this keeps a reference to the map for ever. */
	if (is_restricted_here(name))
		return -EPERM;
	fd = open(DEFAULT, O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, name, strlen(name)) < 0 ? -errno : 0;
}

/* Why a name was not taken, and what to do. */
static const char *write_error_text(int error)
{
	switch (-error) {
	case EPERM:
		return "only an algorithm without restriction can be the default of a network "
		       "namespace that is not the first one: flags |= 1 "
		       "(TCP_CONG_NON_RESTRICTED) in [Fields]";
	case EROFS:
		return "/proc/sys/net is read-only for the daemon: ReadWritePaths=/proc/sys/net "
		       "in its unit";
	case ENOENT:
		return "there is no algorithm of that name (any more)";
	default:
		return error_text(error);
	}
}

static const char *visit_error_text(int error)
{
	switch (-error) {
	case ENOENT:
		return "no such network namespace";
	case EINVAL:
		return "it is not a network namespace";
	case EPERM:
		return "entering it is not permitted: it takes CAP_SYS_ADMIN, and "
		       "RestrictNamespaces=net in the unit";
	default:
		return error_text(error);
	}
}

static int note(struct messages *notes, const char *path, const char *format, ...) _printf_(3, 4);
static int note(struct messages *notes, const char *path, const char *format, ...)
{
	_cleanup_(freep) char *where = netns_text(path), *what = NULL;
	va_list args;

	if (!notes)
		return 0;
	va_start(args, format);
	what = sentence_va(format, args);
	va_end(args);
	return where && what ? messages_add(notes, "%s: %s", where, what) : -ENOMEM;
}

int tcp_default_check(struct attempt *a)
{
	const struct policy *p = a->policy;

	if ((!p->tcp_default && !p->tcp_netns) || streq(a->outcome->type, TCP_TYPE))
		return 0;
	return verdict_refused(
		a->outcome, 0,
		"[Tcp] %s is for " TCP_TYPE ", and this object's map \"%s\" is of type %s",
		p->tcp_default ? "Default=" : "Netns=", a->outcome->map, a->outcome->type);
}

static const struct outcome_default *find_default(const struct outcome *o, const char *path)
{
	for (size_t i = 0; o && i < o->n_defaults; i++)
		if (streq(o->defaults[i].netns, path))
			return &o->defaults[i];
	return NULL;
}

/* An algorithm under two names at most: the policy may have renamed it. */
struct names {
	const char *now, *before; /* before may be NULL */
};

static bool is_ours(const struct names *names, const char *name)
{
	return streq(name, names->now) || (names->before && streq(name, names->before));
}

/* ---- giving back ---- */

struct give_back {
	const struct outcome_default *given;
	struct names names;
	struct messages *notes;
};

static int note_choice(const struct give_back *g, const char *path, const char *chosen, int error)
{
	if (error < 0)
		return note(g->notes, path,
			    "the former default \"%s\" was not given back, \"%s\" is the default "
			    "now: %s",
			    g->given->former, chosen, write_error_text(error));
	return note(g->notes, path,
		    "what was the default before \"%s\" is not known, \"%s\" is it now",
		    g->names.now, chosen);
}

/* 0 with the name that is the default now; -errno of the last try; -ENOENT: there is no other one. */
static int write_another(const struct names *ours, char *const *names, const char **ret)
{
	int r = -ENOENT;

	for (; names && *names && r < 0; names++) {
		if (is_ours(ours, *names))
			continue;
		r = write_default(*names);
		*ret = *names;
	}
	return r;
}

/* The former one is not known, or refused with error: some other than ours, so that nothing keeps it. */
static int choose_another(const struct give_back *g, const char *path, int error)
{
	char available[AVAILABLE_MAX] = "";
	char *first[] = {NULL, NULL};
	_cleanup_(strv_freep) char **names = NULL;
	const char *chosen = NULL;
	int r;

	(void)read_setting(AVAILABLE, available, sizeof(available));
	if (strv_split(available, " ", &names) < 0)
		return -ENOMEM;
	if (strv_contains(names, CHOSEN_FIRST))
		first[0] = (char *)CHOSEN_FIRST;
	r = write_another(&g->names, first, &chosen);
	if (r < 0)
		r = write_another(&g->names, names, &chosen);
	if (r == 0)
		return note_choice(g, path, chosen, error);
	return note(g->notes, path, "\"%s\" stays the default: %s", g->names.now,
		    r == -ENOENT ? "there is no other algorithm" : write_error_text(r));
}

static int give_back_here(const char *path, void *userdata)
{
	const struct give_back *g = userdata;
	const char *former = g->given->former;
	char current[NAME_MAX_TCP];
	int r = 0;

	/* Somebody else wants something else by now. */
	if (read_setting(DEFAULT, current, sizeof(current)) < 0 || !is_ours(&g->names, current))
		return 0;
	if (former && !is_ours(&g->names, former)) {
		r = write_default(former);
		if (r == 0)
			return 0;
	}
	return choose_another(g, path, r);
}

static int give_back(const struct outcome_default *given, struct names names,
		     struct messages *notes)
{
	struct give_back g = {given, names, notes};
	bool visited;
	int r = netns_visit(given->netns, give_back_here, &g, &visited);

	/* With the namespace its default has gone. */
	if (visited || r == -ENOENT)
		return r == -ENOMEM ? r : 0;
	return note(notes, given->netns, "the default \"%s\" could not be given back: %s",
		    names.now, visit_error_text(r));
}

int tcp_default_give_back(const struct outcome *o, struct messages *ret_notes)
{
	for (size_t i = 0; o->ops_name && i < o->n_defaults; i++) {
		int r = give_back(&o->defaults[i], (struct names){o->ops_name, NULL}, ret_notes);

		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- setting ---- */

struct set {
	struct outcome *outcome;
	const struct outcome *before; /* may be NULL */
	struct names names;
};

/* What was the default when it was not ours; NULL: nobody knows. */
static const char *former_default(const struct set *s, const char *path, const char *current)
{
	const struct outcome_default *known;

	if (!is_ours(&s->names, current))
		return current;
	known = find_default(s->before, path);
	return known && known->former && !is_ours(&s->names, known->former) ? known->former : NULL;
}

static int set_here(const char *path, void *userdata)
{
	const struct set *s = userdata;
	char current[NAME_MAX_TCP] = "";
	int r;

	r = read_setting(DEFAULT, current, sizeof(current));
	if (r == 0)
		r = write_default(s->names.now);
	if (r < 0 && note(&s->outcome->notes, path, "\"%s\" was not made the default: %s",
			  s->names.now, write_error_text(r)) < 0)
		return -ENOMEM;
	/* Refused, but ours already by a former life: to be given back all the same. */
	if (r < 0 && !is_ours(&s->names, current))
		return 0;
	return outcome_add_default(s->outcome, path, former_default(s, path, current));
}

/* name: as in Netns=; "" for the daemon's own. */
static int set_default(struct set *s, const char *name)
{
	_cleanup_(freep) char *path = *name ? netns_path(name) : strdup("");
	bool visited;
	int r;

	if (!path)
		return -ENOMEM;
	/* The same one twice in Netns=. */
	if (find_default(s->outcome, path))
		return 0;
	r = netns_visit(path, set_here, s, &visited);
	if (r >= 0 || r == -ENOMEM)
		return r;
	return messages_add(&s->outcome->notes, "[Tcp] Netns=%s: %s (%s)", name,
			    visit_error_text(r), visited ? "on the way back" : path);
}

static int set_defaults(struct set *s, const struct policy *policy)
{
	if (!policy->tcp_default)
		return 0;
	if (!policy->tcp_netns)
		return set_default(s, "");
	for (char *const *name = policy->tcp_netns; *name; name++) {
		int r = set_default(s, *name);

		if (r < 0)
			return r;
	}
	return 0;
}

/* What was set by a former life and is not wanted by this one. */
static int give_back_unwanted(struct set *s)
{
	for (size_t i = 0; s->before && i < s->before->n_defaults; i++) {
		const struct outcome_default *d = &s->before->defaults[i];
		int r = 0;

		if (!find_default(s->outcome, d->netns))
			r = give_back(d, s->names, &s->outcome->notes);
		if (r < 0)
			return r;
	}
	return 0;
}

/* ---- pointing again ---- */

/* Under the former name, too: nothing else will have that one any more. */
static int point_here(const char *path, void *userdata)
{
	const struct set *s = userdata;
	char current[NAME_MAX_TCP];
	int r;

	if (read_setting(DEFAULT, current, sizeof(current)) < 0 || !is_ours(&s->names, current))
		return 0;
	r = write_default(s->names.now);
	if (r == 0)
		return 0;
	return note(&s->outcome->notes, path,
		    "new sockets go on with the \"%s\" of before, until \"%s\" is made the "
		    "default: %s",
		    current, s->names.now, write_error_text(r));
}

static int not_pointed(const char *path, int error, void *userdata)
{
	const struct set *s = userdata;

	return note(&s->outcome->notes, path,
		    "where \"%s\" is the default, new sockets go on with that of before: %s",
		    s->names.now, visit_error_text(error));
}

static int point_again(struct set *s)
{
	int r = netns_visit_all(point_here, not_pointed, s);

	if (r == 0 || r == -ENOMEM)
		return r;
	return messages_add(&s->outcome->notes, "network namespaces cannot be looked through: %s",
			    error_text(r));
}

/* Another map had this name, so namespaces may point at that. */
static bool had_the_name(const struct set *s)
{
	return s->outcome->change != CHANGE_FRESH ||
	       (s->names.before && streq(s->names.before, s->names.now));
}

int tcp_default_set(struct attempt *a, const struct kernel_handles *h)
{
	struct outcome *o = a->outcome;
	struct set s = {.outcome = o, .before = a->before};
	int r;

	if (!o->ops_name)
		return 0;
	s.names.now = o->ops_name;
	s.names.before = a->before ? a->before->ops_name : NULL;
	r = set_defaults(&s, a->policy);
	if (r < 0)
		return r;
	r = give_back_unwanted(&s);
	if (r < 0)
		return r;
	return had_the_name(&s) ? point_again(&s) : 0;
}
