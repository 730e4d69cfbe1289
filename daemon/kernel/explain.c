/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why bpf_object__load() failed, as a sentence. libbpf returns one of a few numbers for many causes; the reason is
 * in what it printed or in the verifier's log, and what is known of these stands in causes.c.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/causes.h"
#include "daemon/kernel/type-presence.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

static const char *kernel_release(void)
{
	static _Thread_local struct utsname name;

	return uname(&name) == 0 ? name.release : "unknown";
}

static int no_such_type(struct attempt *a, int error)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	_cleanup_(freep) char *needs = kernel_type_needs_text(a->outcome->type);

	if (!needs)
		return -ENOMEM;
	if (traits->built_in)
		return verdict_refused(a->outcome, error,
				       "map \"%s\" is of struct_ops type \"%s\", which this kernel "
				       "(%s) was built without%s: use another kernel, or an "
				       "alternative in Map= (object \"%s\")",
				       a->outcome->map, a->outcome->type, kernel_release(), needs,
				       a->file->path);
	return verdict_no_type(
		a->outcome, error,
		"map \"%s\" is of struct_ops type \"%s\", which this kernel (%s) does "
		"not have now%s; attached as soon as a module is loaded that brings it "
		"(object \"%s\")",
		a->outcome->map, a->outcome->type, kernel_release(), needs, a->file->path);
}

static struct cause_words words_of(const struct attempt *a, const char *word)
{
	return (struct cause_words){
		.word = word,
		.map = a->outcome->map,
		.type = a->outcome->type,
		.object = a->file->path,
		.kernel = kernel_release(),
	};
}

char *attempt_cause_sentence(const struct attempt *a, const struct cause *cause, const char *line)
{
	_cleanup_(freep) char *word = cause_word(cause, line);
	struct cause_words words = words_of(a, word);

	return word ? cause_sentence(cause, &words) : NULL;
}

static int explain_cause(struct attempt *a, const struct cause *cause, const char *line, int error)
{
	_cleanup_(freep) char *why = NULL;

	if (!cause->sentence)
		return no_such_type(a, error);
	why = attempt_cause_sentence(a, cause, line);
	return why ? verdict_by_error(a->outcome, error, "%s", why) : -ENOMEM;
}

/* The first known line, not the last: what comes after it are consequences. In the table's order. */
static const struct cause *find_cause(const struct capture *c, const char **ret_line)
{
	for (size_t i = 0; i < n_causes; i++) {
		const char *line = causes[i].source == CAUSE_LIBBPF
					   ? capture_find(c, causes[i].mark)
					   : NULL;

		if (line) {
			*ret_line = line;
			return &causes[i];
		}
	}
	return NULL;
}

/* The capabilities that loading takes and this process lacks: "CAP_BPF and CAP_PERFMON", or NULL for none. */
static const char *missing_capabilities(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {0};
	bool bpf, perfmon;

	if (syscall(SYS_capget, &header, data) < 0)
		return NULL;
	if (data[CAP_TO_INDEX(CAP_SYS_ADMIN)].effective & CAP_TO_MASK(CAP_SYS_ADMIN))
		return NULL;
	bpf = data[CAP_TO_INDEX(CAP_BPF)].effective & CAP_TO_MASK(CAP_BPF);
	perfmon = data[CAP_TO_INDEX(CAP_PERFMON)].effective & CAP_TO_MASK(CAP_PERFMON);
	if (bpf && perfmon)
		return NULL;
	return bpf ? "CAP_PERFMON" : perfmon ? "CAP_BPF" : "CAP_BPF and CAP_PERFMON";
}

/* "[none] integrity confidentiality": the word in brackets, "" where it is none. */
static const char *lockdown_mode(void)
{
	static _Thread_local char text[64];
	_cleanup_(fclosep) FILE *f = fopen("/sys/kernel/security/lockdown", "re");
	char *start, *end;

	if (!f || !fgets(text, sizeof(text), f))
		return "";
	start = strchr(text, '[');
	end = start ? strchr(start, ']') : NULL;
	if (!end)
		return "";
	*end = '\0';
	return streq(start + 1, "none") ? "" : start + 1;
}

static int explain_permission(struct attempt *a, int error)
{
	const char *missing = missing_capabilities(), *lockdown = lockdown_mode();

	if (missing)
		return verdict_refused(
			a->outcome, error,
			"loading object \"%s\" is not permitted: the daemon lacks %s",
			a->file->path, missing);
	if (*lockdown)
		return verdict_refused(a->outcome, error,
				       "loading object \"%s\" is not permitted: the kernel is "
				       "locked down (%s, see "
				       "kernel_lockdown(7)), which secure boot may have done",
				       a->file->path, lockdown);
	return verdict_refused(
		a->outcome, error,
		"loading object \"%s\" is not permitted, although the capabilities are there: a "
		"security "
		"module or a seccomp filter forbids bpf() (see the kernel log)",
		a->file->path);
}

/* Before 6.4 the kernel refuses the flag as it refuses any that it does not know. */
static bool is_refused_for_its_link(struct attempt *a, int error)
{
	_cleanup_(freep) char *mark = NULL;
	struct btf *kernel;
	bool has_links;

	if (error != -EINVAL || !(bpf_map__map_flags(a->map) & BPF_F_LINK))
		return false;
	mark = sentence("map '%s': failed to create", a->outcome->map);
	if (!mark || !capture_find(&a->capture, mark))
		return false;
	kernel = btf__load_vmlinux_btf();
	has_links = kernel &&
		    btf__find_by_name_kind(kernel, "bpf_struct_ops_link", BTF_KIND_STRUCT) >= 0;
	btf__free(kernel);
	return !has_links;
}

static int no_links(struct attempt *a, int error)
{
	a->links_refused = true;
	return verdict_refused(
		a->outcome, error,
		"this kernel (%s) has no struct_ops links, which map \"%s\" asks for: they "
		"came with Linux 6.4. An object with the map in a plain \".struct_ops\" "
		"section can be attached here without a link",
		kernel_release(), a->outcome->map);
}

static int explain_generally(struct attempt *a, int error)
{
	const char *said = capture_last_warning(&a->capture);

	return verdict_by_error(a->outcome, error, "object \"%s\" cannot be loaded: %s%s%s",
				a->file->path, error_text(error), said ? "; libbpf says: " : "",
				or_empty(said));
}

int attempt_explain_load(struct attempt *a, int libbpf_error)
{
	const struct loaded_program *refused = NULL;
	const struct cause *cause;
	const char *line;

	if (is_refused_for_its_link(a, libbpf_error))
		return no_links(a, libbpf_error);
	/* libbpf may well stumble first over what comes with a type that is missing: its kernel functions. */
	if (!type_is_present(a->outcome->type))
		return no_such_type(a, libbpf_error);
	cause = find_cause(&a->capture, &line);
	if (cause)
		return explain_cause(a, cause, line, libbpf_error);
	for (size_t i = 0; i < a->n_programs && !refused; i++)
		if (a->programs[i].log[0] != '\0')
			refused = &a->programs[i];
	if (refused && !error_is_passing(libbpf_error))
		return attempt_explain_verifier(a, refused, libbpf_error);
	if (abs(libbpf_error) == EPERM)
		return explain_permission(a, libbpf_error);
	return explain_generally(a, libbpf_error);
}
