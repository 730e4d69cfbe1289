/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/causes.h"

#include "daemon/kernel/verdict.h"

static const char *const cause_source_table[] = {
	[CAUSE_LIBBPF] = "libbpf",
	[CAUSE_VERIFIER] = "verifier",
	[CAUSE_ATTACH] = "attach",
};
DEFINE_STRING_TABLE(cause_source, enum cause_source)

#define OTHER_KERNEL(how)                                                                       \
	"member \"{word}\" of map \"{map}\" does not fit this kernel's ({kernel}) {type}: " how \
	"; the object was written for another kernel"

#define NO_MEMORY                                                                        \
	"there is no memory for map \"{word}\" of object \"{object}\": make it smaller " \
	"(max_entries), or allow the daemon more (MemoryMax= of its unit, which counts maps)"
#define MAP_REFUSED                                                                                \
	"this kernel ({kernel}) refuses to make map \"{word}\" of object \"{object}\": it has no " \
	"maps of that type, or not with such sizes and flags; use another kernel or map"

/*
 * In a source the first row that fits counts. The texts are those of libbpf 1.4 to 1.7 and of Linux 5.15 to 7.3; one that
 * changes falls through to a general sentence, which quotes it.
 */
const struct cause causes[] = {
	/* libbpf: it returns one of a few numbers, and the reason is only in what it prints. */
	{"no-btf", CAUSE_LIBBPF, 0, "failed to find valid kernel BTF", NULL,
	 "this kernel ({kernel}) offers no BTF: /sys/kernel/btf/vmlinux is missing or unreadable, "
	 "and struct_ops needs CONFIG_DEBUG_INFO_BTF=y"},
	{"type-missing", CAUSE_LIBBPF, 0, "init_kern: struct ", "struct ", NULL},
	{"member-missing", CAUSE_LIBBPF, 0, "Cannot find member ", "member ",
	 "member \"{word}\" of map \"{map}\" is set, but this kernel's ({kernel}) {type} has no "
	 "such member: clear it (\"{word} =\" for an operator, \"{word} = 0\" for a number in "
	 "[Fields]) or use an object for this kernel"},
	{"member-kind", CAUSE_LIBBPF, 0, "Unmatched member type ", "member type ",
	 OTHER_KERNEL("it is of another kind there")},
	{"member-size", CAUSE_LIBBPF, 0, "Error in size of member ", "of member ",
	 OTHER_KERNEL("it has another size there")},
	{"member-bitfield", CAUSE_LIBBPF, 0, ": bitfield ", "bitfield ",
	 OTHER_KERNEL("it is a bitfield, which libbpf cannot set")},
	{"member-pointer", CAUSE_LIBBPF, 0, "is not a struct_ops program", ": member ",
	 "member \"{word}\" of map \"{map}\" is a pointer, but not to a struct_ops program of the "
	 "object: no other pointer can be given to the kernel"},
	{"program-unreferenced", CAUSE_LIBBPF, 0, "program isn't referenced anywhere", "prog '",
	 "program \"{word}\" of object \"{object}\" is the operator of no map that is loaded: put "
	 "it into SEC(\"?struct_ops\"), or into a map"},
	{"kfunc-missing", CAUSE_LIBBPF, 0, "not found in kernel or module BTFs", "ksym) '",
	 "object \"{object}\" calls the kernel function \"{word}\", which this kernel ({kernel}) "
	 "does not offer to BPF: it needs another kernel or a module that is not loaded"},
	{"kfunc-differs", CAUSE_LIBBPF, 0, "incompatible with", "ksym) '",
	 "object \"{object}\" declares the kernel function \"{word}\" otherwise than this kernel "
	 "({kernel}) has it (a struct in its prototype must be defined in the object, an empty "
	 "definition will do)"},
	{"variable-missing", CAUSE_LIBBPF, 0, "(var ksym)", "ksym) '",
	 "object \"{object}\" uses the kernel's variable \"{word}\", which this kernel ({kernel}) "
	 "does not have or has otherwise: declare it __weak and test it, or use another kernel"},
	{"no-kallsyms", CAUSE_LIBBPF, 0, "failed to open /proc/kallsyms", NULL,
	 "object \"{object}\" asks for the address of a symbol of the kernel, and the daemon's "
	 "unit hides "
	 "/proc/kallsyms: declare the symbol with its type (extern const int x __ksym), or see at "
	 "ProtectKernelTunables= in the unit what a drop-in must allow"},
	{"config-missing", CAUSE_LIBBPF, 0, "extern 'CONFIG_", "extern '",
	 "object \"{object}\" asks for the option \"{word}\" of the kernel's configuration, which "
	 "this kernel ({kernel}) was built without: use another kernel, or declare it __weak in "
	 "the object"},
	{"extern-missing", CAUSE_LIBBPF, 0, "' (strong): not resolved", "extern '",
	 "object \"{object}\" wants the kernel's symbol \"{word}\", which this kernel ({kernel}) "
	 "does not have: declare it __weak and test it, or use another kernel"},
	{"section-unknown", CAUSE_LIBBPF, 0, "missing BPF prog type", "section name '",
	 "object \"{object}\" has a program in the section \"{word}\", of which libbpf knows no "
	 "kind: correct its SEC(), or put a \"?\" before it, if nothing needs the program"},
	{"target-missing", CAUSE_LIBBPF, 0, "failed to find kernel BTF type ID of", "ID of '",
	 "object \"{object}\" has a program for the kernel's function \"{word}\", which this "
	 "kernel ({kernel}) does not have, or not in its BTF: use another kernel, or put a \"?\" "
	 "into its SEC(), if nothing needs the program"},
	{"btf-refused", CAUSE_LIBBPF, 0, "BTF is mandatory, can't proceed", NULL,
	 "this kernel ({kernel}) refuses the BTF of object \"{object}\", its description of its "
	 "own types: compile it with a clang that is not much newer than the kernel, and without "
	 "naked functions that have arguments"},
	{"no-kconfig", CAUSE_LIBBPF, 0, "failed to open system Kconfig", NULL,
	 "object \"{object}\" asks for the kernel's configuration (extern … __kconfig), and this "
	 "kernel ({kernel}) shows none: it needs /proc/config.gz (CONFIG_IKCONFIG_PROC=y) or "
	 "/boot/config-{kernel}"},
	/* libbpf 1.6 and later have the name of the errno, before them it was its text. */
	{"memory-limit", CAUSE_LIBBPF, 0, "failed to create: -ENOMEM", "map '", NO_MEMORY},
	{"memory-limit-old", CAUSE_LIBBPF, 0, "failed to create: Cannot allocate memory", "map '",
	 NO_MEMORY},
	{"map-refused", CAUSE_LIBBPF, 0, "failed to create: -EINVAL", "map '", MAP_REFUSED},
	{"map-refused-old", CAUSE_LIBBPF, 0, "failed to create: Invalid argument", "map '",
	 MAP_REFUSED},

	/* The verifier: what to make of its decisive line. */
	{"licence", CAUSE_VERIFIER, 0, "must have a GPL compatible license", NULL,
	 "The object's licence is not one for this: struct_ops takes \"GPL\" or \"Dual …/GPL\" in "
	 "SEC(\"license\")"},
	{"licence-of-function", CAUSE_VERIFIER, 0, "GPL-restricted function", NULL,
	 "The function is for GPL programs only: the object needs \"GPL\" or \"Dual …/GPL\" in "
	 "SEC(\"license\")"},
	{"member-unsupported", CAUSE_VERIFIER, 0, "attach to unsupported member ", "member ",
	 "This kernel ({kernel}) lets nobody set \"{word}\", or not to a program that may sleep: "
	 "clear it (\"{word} =\" in [Fields]), or take the .s off SEC(\"struct_ops.s\")"},
	{"module-gone", CAUSE_VERIFIER, 0, "struct_ops module ", "module ",
	 "The module \"{word}\" that brings the type was unloaded meanwhile: load it again "
	 "(modprobe {word})"},
	{"null-unchecked", CAUSE_VERIFIER, 0, "_or_null", NULL,
	 "The pointer may be NULL there: compare it with NULL before"},
	{"null-passed", CAUSE_VERIFIER, 0, "Possibly NULL pointer passed", NULL,
	 "The function takes no NULL, and the pointer may be that: compare it with NULL before"},
	{"pointer-is-number", CAUSE_VERIFIER, 0, "invalid mem access 'scalar'", NULL,
	 "What is followed there is a mere number to the verifier: take pointers from typed "
	 "members (vmlinux.h), or read with bpf_probe_read_kernel()"},
	{"pointer-is-number-old", CAUSE_VERIFIER, 0, "invalid mem access 'inv'", NULL,
	 "What is followed there is a mere number to the verifier: take pointers from typed "
	 "members (vmlinux.h), or read with bpf_probe_read_kernel()"},
	{"uninitialised", CAUSE_VERIFIER, 0, "!read_ok", NULL,
	 "A value is used that not every way there has set: set it, or return a value on every "
	 "way out"},
	{"return-value", CAUSE_VERIFIER, 0, "At program exit the register R0", NULL,
	 "The kernel takes only certain return values from this operator: bound it before the "
	 "return"},
	{"callback-return", CAUSE_VERIFIER, 0, "At callback return the register R0", NULL,
	 "The function that was given to bpf_loop() or the like may return 0 (go on) or 1 (stop) "
	 "only"},
	{"endless-loop", CAUSE_VERIFIER, 0, "infinite loop detected", NULL,
	 "The verifier finds no end of the loop: bound it by a constant, or use bpf_for() or "
	 "bpf_loop()"},
	{"loop-old", CAUSE_VERIFIER, 0, "back-edge from insn", NULL,
	 "This kernel ({kernel}) takes no function that calls itself, and not every loop: bound "
	 "it by a constant, or use bpf_loop()"},
	{"log-cut", CAUSE_VERIFIER, 0, "the log ends before the reason", NULL,
	 "Linux before 6.4 keeps only the beginning of a long log, and a program with so long a "
	 "one is probably too large: split it, bound its loops closer, or use bpf_loop()"},
	{"too-many-states", CAUSE_VERIFIER, 0, "jumps is too complex", NULL,
	 "There are too many ways through the program: make its branches fewer, or loops with "
	 "bpf_loop()"},
	{"too-large", CAUSE_VERIFIER, 0, "BPF program is too large", NULL,
	 "The verifier gave up after a million instructions: split the program, bound its loops "
	 "closer, or use bpf_loop()"},
	{"stack", CAUSE_VERIFIER, 0, "combined stack size of", NULL,
	 "A program has 512 bytes of stack, functions that it calls included: put large variables "
	 "into a map"},
	{"stack-frame", CAUSE_VERIFIER, 0, "invalid write to stack", NULL,
	 "It writes outside its stack of 512 bytes: put large variables into a map, and bound the "
	 "index"},
	{"call-depth", CAUSE_VERIFIER, 0, "frames is too deep", NULL,
	 "A function may call others only 8 deep, and never itself: make a loop of it, or inline "
	 "functions"},
	{"write-denied", CAUSE_VERIFIER, 0, "only read is supported", NULL,
	 "The kernel's own objects can be read there and not written: use a helper or kernel "
	 "function that changes them"},
	{"write-read-only", CAUSE_VERIFIER, 0, " cannot write into ", NULL,
	 "What is there can be read and not written: use a helper or kernel function that changes "
	 "it, or a copy"},
	{"write-member-denied", CAUSE_VERIFIER, 0, "no write support to", NULL,
	 "Of this struct only some members may be written, and that one is none of them"},
	{"beyond-struct", CAUSE_VERIFIER, 0, "access beyond struct", "struct ",
	 "The object reads beyond this kernel's \"{word}\": compile it with CO-RE "
	 "(preserve_access_index, vmlinux.h) so that offsets follow the kernel"},
	{"member-relocation", CAUSE_VERIFIER, 0, "unknown#195896080", NULL,
	 "The object reads a member that this kernel ({kernel}) does not have: guard it with "
	 "bpf_core_field_exists(), or use another kernel"},
	{"member-relocation-named", CAUSE_VERIFIER, 0, "failed to resolve CO-RE relocation", NULL,
	 "The object reads a member that this kernel ({kernel}) does not have: guard it with "
	 "bpf_core_field_exists(), or use another kernel"},
	{"beyond-map-value", CAUSE_VERIFIER, 0, "invalid access to map value", NULL,
	 "The offset may lie outside of the map's value: bound the index before"},
	{"beyond-memory", CAUSE_VERIFIER, 0, "outside of the allowed memory range", NULL,
	 "The index may lie outside of the array or map value: bound it before (if (i < N))"},
	{"unbounded-index", CAUSE_VERIFIER, 0, "with unbounded m", NULL,
	 "The verifier knows no bounds of the index there: bound it before (if (i < N), i & (N - "
	 "1))"},
	{"unbounded-size", CAUSE_VERIFIER, 0, "unbounded memory access", NULL,
	 "The verifier knows no bounds of the size that is given to the function: bound it before "
	 "(if (size > sizeof(room)) return)"},
	{"context", CAUSE_VERIFIER, 0, "invalid bpf_context access", NULL,
	 "The operator's arguments are others in this kernel ({kernel}): compare its prototype, "
	 "and read arguments by BPF_PROG()"},
	{"untrusted", CAUSE_VERIFIER, 0, "must be referenced or trusted", NULL,
	 "The function wants a pointer that the kernel vouches for: an argument of the operator, "
	 "or what an acquiring function returned, not one that was read from memory"},
	{"release-unacquired", CAUSE_VERIFIER, 0, " PTR_TO_BTF_ID", NULL,
	 "Only what an acquiring function returned can be released, and only once"},
	{"other-type", CAUSE_VERIFIER, 0, "expected pointer to STRUCT ", "pointer to STRUCT ",
	 "The function wants a pointer to \"{word}\", and gets one to another struct: compare its "
	 "prototype in this kernel ({kernel})"},
	{"argument", CAUSE_VERIFIER, 0, "may write into memory pointed", NULL,
	 "The helper takes no pointer to the kernel's own objects there: copy what it needs to "
	 "the stack (a local variable), and give it that"},
	{"argument-type", CAUSE_VERIFIER, 0, " expected=", NULL,
	 "The helper takes no such value or pointer there: compare its prototype; from the "
	 "kernel's own objects copy what it needs to the stack (a local variable), and give it "
	 "that"},
	{"global-function", CAUSE_VERIFIER, 0, "Caller passes invalid args into", NULL,
	 "The verifier checks a function that is not static on its own, and knows nothing of its "
	 "arguments then: make it static, or mark pointers with __arg_trusted"},
	{"rcu", CAUSE_VERIFIER, 0, "must be a rcu pointer", NULL,
	 "The function wants a pointer that RCU protects, read from a member that the kernel "
	 "marks as such; a program that may sleep reads and uses it between bpf_rcu_read_lock() "
	 "and bpf_rcu_read_unlock()"},
	{"reference-leak", CAUSE_VERIFIER, 0, "Unreleased reference", NULL,
	 "What was acquired must be released on every way out, also where something failed"},
	{"reference-leak-at-exit", CAUSE_VERIFIER, 0, "would lead to reference leak", NULL,
	 "What was acquired must be released on every way out, also where something failed"},
	{"region-open", CAUSE_VERIFIER, 0, "cannot be used inside bpf_", NULL,
	 "What was locked (bpf_spin_lock(), bpf_rcu_read_lock()) must be unlocked on every way "
	 "there"},
	{"region-open-old", CAUSE_VERIFIER, 0, "_unlock is missing", NULL,
	 "What was locked (bpf_spin_lock(), bpf_rcu_read_lock()) must be unlocked on every way "
	 "there"},
	{"kfunc-unresolved", CAUSE_VERIFIER, 0, "referenced but wasn't resolved", "kfunc '",
	 "This kernel ({kernel}) has no function \"{word}\": ask bpf_ksym_exists({word}) before "
	 "the call, or use another kernel"},
	{"kfunc-denied", CAUSE_VERIFIER, 0, "calling kernel function ", "function ",
	 "Kernel function \"{word}\" is not for operators of {type}, or not for this one, in this "
	 "kernel ({kernel})"},
	{"helper-denied", CAUSE_VERIFIER, 0, "cannot use helper ", "helper ",
	 "Helper \"{word}\" is not for operators of {type} in this kernel ({kernel})"},
	{"helper-denied-old", CAUSE_VERIFIER, 0, "unknown func ", "func ",
	 "Helper \"{word}\" is not for operators of {type} in this kernel ({kernel})"},
	{"sleeps", CAUSE_VERIFIER, 0, "must be sleepable", NULL,
	 "The function may sleep: the program has to be in SEC(\"struct_ops.s\"), if the kernel "
	 "lets this operator sleep"},
	{"sleeps-helper", CAUSE_VERIFIER, 0, "might sleep in a non-sleepable", NULL,
	 "The function may sleep: the program has to be in SEC(\"struct_ops.s\"), if the kernel "
	 "lets this operator sleep"},
	{"sleeps-in-region", CAUSE_VERIFIER, 0, "is sleepable within", NULL,
	 "The function may sleep, and nothing may do that between a lock (bpf_rcu_read_lock(), "
	 "bpf_preempt_disable()) and its unlock: call it outside"},
	{"unreachable", CAUSE_VERIFIER, 0, "unreachable insn", NULL,
	 "The compiler left code that is never run: return on every way, and mind "
	 "__builtin_unreachable()"},
	{"falls-off", CAUSE_VERIFIER, 0, "last insn is not an exit or jmp", NULL,
	 "The program ends without a return, as compilers write it for what C leaves undefined: "
	 "return on every way, and mind __builtin_unreachable() and variables without a value"},

	/* The attach: the kernel's own functions have looked at the values, or at what there is already. */
	{"isolated-cpus", CAUSE_ATTACH, EINVAL, "sched_ext_ops", NULL,
	 "the kernel refuses the values of map \"{map}\" ({type}): its name is empty or has other "
	 "characters than A-Z a-z 0-9 _ . , or a flag is unknown, or the kernel was started with "
	 "isolcpus=, with which sched_ext does not run (see the kernel log)"},
	{"arena", CAUSE_ATTACH, EINVAL, "sched_ext_ops_cid", NULL,
	 "the kernel refuses the values of map \"{map}\" ({type}): the object must have exactly "
	 "one arena, and the kernel must not be started with isolcpus= (see the kernel log)"},
	{"values", CAUSE_ATTACH, EINVAL, NULL, NULL,
	 "the kernel refuses the values of map \"{map}\" ({type}): a required operator is "
	 "missing, a name is empty or has other characters than A-Z a-z 0-9 _ . , or a member has "
	 "a value that the type does not allow"},
	{"timeout-too-long", CAUSE_ATTACH, E2BIG, "sched_ext_ops", NULL,
	 "the kernel refuses the values of map \"{map}\" ({type}): timeout_ms may be 30000 at "
	 "most, or the operators are too many for the memory that the kernel has for their "
	 "trampolines"},
	{"device-full", CAUSE_ATTACH, E2BIG, "hid_bpf_ops", NULL,
	 "the device of map \"{map}\" ({type}) has as many attachments as the kernel allows (64): "
	 "take another off"},
	{"trampolines", CAUSE_ATTACH, E2BIG, NULL, NULL,
	 "the kernel has no room for the operators of map \"{map}\" ({type}): their trampolines "
	 "take more than 8 pages. Set fewer operators"},
	{"no-links", CAUSE_ATTACH, EOPNOTSUPP, NULL, NULL,
	 "{type} takes no link in this kernel: put the map \"{map}\" into a plain \".struct_ops\" "
	 "section of its object, then it is attached without one"},
	{"member-denied", CAUSE_ATTACH, KERNEL_ENOTSUPP, NULL, NULL,
	 "map \"{map}\" sets a member of {type} that this kernel does not support"},
	{"not-permitted", CAUSE_ATTACH, EPERM, NULL, NULL,
	 "attaching map \"{map}\" ({type}) is not permitted: the type wants a capability that the "
	 "daemon lacks, or a security module forbids it"},
	{"access-denied", CAUSE_ATTACH, EACCES, NULL, NULL,
	 "attaching map \"{map}\" ({type}) is not permitted: the type wants a capability that the "
	 "daemon lacks, or a security module forbids it"},
	{"name-taken", CAUSE_ATTACH, EEXIST, NULL, NULL, NULL},
	{"place-taken", CAUSE_ATTACH, EBUSY, NULL, NULL, NULL},
	{"no-device", CAUSE_ATTACH, ENODEV, "sched_ext_ops_cid", NULL,
	 "map \"{map}\" ({type}) is a scheduler for a cgroup, and there is none above it: attach "
	 "the root scheduler first"},
};
const size_t n_causes = ARRAY_SIZE(causes);

const struct cause *cause_of_text(enum cause_source source, const char *line)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (causes[i].source == source && causes[i].source != CAUSE_ATTACH &&
		    strstr(line, causes[i].mark))
			return &causes[i];
	return NULL;
}

static bool is_about(const struct cause *c, int error, const char *type)
{
	return c->source == CAUSE_ATTACH && c->error == abs(error) && streq_null(c->mark, type);
}

const struct cause *cause_of_error(int error, const char *type)
{
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (type && is_about(&causes[i], error, type))
			return &causes[i];
	for (size_t i = 0; i < ARRAY_SIZE(causes); i++)
		if (is_about(&causes[i], error, NULL))
			return &causes[i];
	return NULL;
}

char *cause_word(const struct cause *cause, const char *line)
{
	const char *start = cause->before_word ? strstr(line, cause->before_word) : NULL;

	start = start ? start + strlen(cause->before_word) : "";
	return strndup(start, strcspn(start, " :'#\n"));
}

static const char *word_of(const struct cause_words *w, const char *name, size_t length)
{
	const struct {
		const char *name, *value;
	} words[] = {
		{"word", w->word},     {"map", w->map},       {"type", w->type},
		{"object", w->object}, {"kernel", w->kernel}, {"program", w->program},
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strlen(words[i].name) == length && strncmp(words[i].name, name, length) == 0)
			return or_empty(words[i].value);
	return "";
}

char *cause_sentence(const struct cause *cause, const struct cause_words *words)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	if (!f)
		return NULL;
	for (const char *s = or_empty(cause->sentence); *s;) {
		size_t plain = strcspn(s, "{"), name;

		fwrite(s, 1, plain, f);
		s += plain;
		if (!*s)
			break;
		name = strcspn(++s, "}");
		fputs(word_of(words, s, name), f);
		s += name + (s[name] == '}');
	}
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}
