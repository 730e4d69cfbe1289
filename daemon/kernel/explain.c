/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Why bpf_object__load() failed, as a sentence. libbpf returns one of a few numbers for many causes; the reason is
 * in what it printed (kernel.md section 4) or in the verifier's log. The texts matched here are the same from
 * libbpf 1.4 to 1.7; one that changes falls through to the general sentence, which quotes it.
 */
#include <linux/capability.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/types.h"
#include "daemon/kernel/verdict.h"

static const char *kernel_release(void)
{
	static _Thread_local struct utsname name;

	return uname(&name) == 0 ? name.release : "unknown";
}

/* ". It came with Linux 6.12 and needs CONFIG_SCHED_CLASS_EXT", as far as that is known. */
static char *needs_text(const struct type_traits *traits)
{
	return sentence("%s%s%s%s%s", traits->since || traits->config ? ". It " : "",
			traits->since ? "came with Linux " : "", or_empty(traits->since),
			traits->config ? (traits->since ? " and needs " : "needs ") : "",
			or_empty(traits->config));
}

static int no_such_type(struct attempt *a, int error)
{
	const struct type_traits *traits = type_traits(a->outcome->type);
	_cleanup_(freep) char *needs = needs_text(traits);

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

static int no_kernel_btf(struct attempt *a, int error)
{
	return verdict_refused(
		a->outcome, error,
		"this kernel (%s) offers no BTF: /sys/kernel/btf/vmlinux is missing or "
		"unreadable, and struct_ops needs CONFIG_DEBUG_INFO_BTF=y",
		kernel_release());
}

static int no_such_member(struct attempt *a, int error, const char *member)
{
	return verdict_refused(a->outcome, error,
			       "member \"%s\" of map \"%s\" is set, but this kernel's (%s) %s has "
			       "no such member: clear it "
			       "(\"%s =\" for an operator, \"%s = 0\" for a number in [Fields]) or "
			       "use an object for this kernel",
			       member, a->outcome->map, kernel_release(), a->outcome->type, member,
			       member);
}

static int differing_member(struct attempt *a, int error, const char *member, const char *how)
{
	return verdict_refused(
		a->outcome, error,
		"member \"%s\" of map \"%s\" does not fit this kernel's (%s) %s: %s; the "
		"object was written for another kernel",
		member, a->outcome->map, kernel_release(), a->outcome->type, how);
}

static int no_such_kfunc(struct attempt *a, int error, const char *function)
{
	return verdict_refused(a->outcome, error,
			       "object \"%s\" calls the kernel function \"%s\", which this kernel "
			       "(%s) does not offer to BPF: "
			       "it needs another kernel or a module that is not loaded",
			       a->file->path, function, kernel_release());
}

static int incompatible_kfunc(struct attempt *a, int error, const char *function)
{
	return verdict_refused(a->outcome, error,
			       "object \"%s\" declares the kernel function \"%s\" otherwise than "
			       "this kernel (%s) has it "
			       "(a struct in its prototype must be defined in the object, an empty "
			       "definition will do)",
			       a->file->path, function, kernel_release());
}

static int reused_program(struct attempt *a, int error, const char *program)
{
	return verdict_refused(a->outcome, error,
			       "program \"%s\" is the operator of two different members: a program "
			       "can serve one only",
			       program);
}

static int foreign_operator(struct attempt *a, int error, const char *member)
{
	return verdict_refused(
		a->outcome, error,
		"member \"%s\" of map \"%s\" is a pointer, but not to a struct_ops program "
		"of the object: no other pointer can be given to the kernel",
		member, a->outcome->map);
}

static int kind_differs(struct attempt *a, int error, const char *member)
{
	return differing_member(a, error, member, "it is of another kind there");
}

static int size_differs(struct attempt *a, int error, const char *member)
{
	return differing_member(a, error, member, "it has another size there");
}

static int is_bitfield(struct attempt *a, int error, const char *member)
{
	return differing_member(a, error, member, "it is a bitfield, which libbpf cannot set");
}

static int type_gone(struct attempt *a, int error, const char *word _unused_)
{
	return no_such_type(a, error);
}

static int btf_gone(struct attempt *a, int error, const char *word _unused_)
{
	return no_kernel_btf(a, error);
}

/* What libbpf prints: a line that contains mark; the word to explain follows before_word in it. */
static const struct symptom {
	const char *mark;
	const char *before_word;
	int (*explain)(struct attempt *a, int error, const char *word);
} symptoms[] = {
	{"failed to find valid kernel BTF", "kernel ", btf_gone},
	{"init_kern: struct ", "struct ", type_gone},
	{"Cannot find member ", "member ", no_such_member},
	{"Unmatched member type ", "member type ", kind_differs},
	{"Error in size of member ", "of member ", size_differs},
	{": bitfield ", "bitfield ", is_bitfield},
	{"is not a struct_ops program", ": member ", foreign_operator},
	{"invalid reuse of prog ", "of prog ", reused_program},
	{"not found in kernel or module BTFs", "ksym) '", no_such_kfunc},
	{"incompatible with", "ksym) '", incompatible_kfunc},
};

static int explain_symptom(struct attempt *a, const struct symptom *s, const char *line, int error)
{
	const char *start = strstr(line, s->before_word);
	_cleanup_(freep) char *word = NULL;

	start = start ? start + strlen(s->before_word) : "";
	word = strndup(start, strcspn(start, " :'"));
	if (!word)
		return -ENOMEM;
	return s->explain(a, error, word);
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

static int explain_permission(struct attempt *a, int error)
{
	const char *missing = missing_capabilities();

	if (missing)
		return verdict_refused(
			a->outcome, error,
			"loading object \"%s\" is not permitted: the daemon lacks %s",
			a->file->path, missing);
	return verdict_refused(
		a->outcome, error,
		"loading object \"%s\" is not permitted, although the capabilities are there: a "
		"security "
		"module, kernel lockdown or a seccomp filter forbids bpf() (see the kernel log)",
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

	if (is_refused_for_its_link(a, libbpf_error))
		return no_links(a, libbpf_error);
	for (size_t i = 0; i < ARRAY_SIZE(symptoms); i++) {
		const char *line = capture_find(&a->capture, symptoms[i].mark);

		if (line)
			return explain_symptom(a, &symptoms[i], line, libbpf_error);
	}
	for (size_t i = 0; i < a->n_programs && !refused; i++)
		if (a->programs[i].log[0] != '\0')
			refused = &a->programs[i];
	if (refused && !error_is_passing(libbpf_error))
		return attempt_explain_verifier(a, refused, libbpf_error);
	if (abs(libbpf_error) == EPERM)
		return explain_permission(a, libbpf_error);
	return explain_generally(a, libbpf_error);
}
