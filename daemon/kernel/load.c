/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* bpf_object__load(), with room for the verifier's words and a note of what the kernel lacks. */
#include <bpf/bpf.h>
#include <fcntl.h>

#include "daemon/kernel/attempt.h"
#include "daemon/kernel/target.h"
#include "daemon/kernel/verdict.h"

/* Calloc'ed, so untouched pages cost nothing; newer kernels keep the end of a longer log. */
#define PROGRAM_LOG_SIZE (1024U * 1024)

static int prepare_programs(struct attempt *a)
{
	struct bpf_program *p;
	size_t n = 0;

	for (p = NULL; (p = bpf_object__next_program(a->object, p));)
		n++;
	a->programs = calloc(n + 1, sizeof(*a->programs));
	if (!a->programs)
		return -ENOMEM;
	for (p = NULL; (p = bpf_object__next_program(a->object, p));) {
		struct loaded_program *entry = &a->programs[a->n_programs];

		if (!bpf_program__autoload(p))
			continue;
		entry->log = calloc(1, PROGRAM_LOG_SIZE);
		if (!entry->log)
			return -ENOMEM;
		entry->program = p;
		a->n_programs++;
		bpf_program__set_log_buf(p, entry->log, PROGRAM_LOG_SIZE);
	}
	return 0;
}

/* An id that cannot be read stays 0: only a name in status gets poorer. */
static void note_program_ids(struct attempt *a)
{
	for (size_t i = 0; i < a->n_programs; i++) {
		struct bpf_prog_info info = {0};
		uint32_t size = sizeof(info);

		if (bpf_prog_get_info_by_fd(bpf_program__fd(a->programs[i].program), &info,
					    &size) == 0)
			a->programs[i].id = info.id;
	}
}

/* libbpf leaves out members that are zero and that this kernel's struct does not have. */
static int note_dropped_members(struct attempt *a)
{
	static const char before[] = ": member ", after[] = " not found in kernel, skipping it";

	for (size_t i = 0; i < a->capture.lines.n; i++) {
		const char *line = a->capture.lines.items[i];
		const char *end = strstr(line, after);
		const char *start = end ? strstr(line, before) : NULL;
		int r;

		if (!start || start > end)
			continue;
		start += strlen(before);
		r = messages_add(&a->outcome->notes,
				 "member %.*s dropped: this kernel's %s has no such member",
				 (int)(end - start), start, a->outcome->type);
		if (r < 0)
			return r;
	}
	return 0;
}

/* What libbpf opens beside maps and programs: BTF, feature probes, the link. */
#define DESCRIPTORS_BESIDE 16

static size_t descriptors_needed(struct attempt *a)
{
	struct bpf_map *map = NULL;
	size_t n = a->n_programs + DESCRIPTORS_BESIDE;

	while ((map = bpf_object__next_map(a->object, map)))
		n += bpf_map__autocreate(map);
	return n;
}

/* Opens up to n descriptors and closes them again. 0, or -errno with how many there were. */
static int try_descriptors(size_t n, size_t *ret_available)
{
	_cleanup_(freep) int *fds = calloc(n, sizeof(*fds));
	size_t k = 0;
	int r = 0;

	if (!fds)
		return -ENOMEM;
	while (k < n && (fds[k] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
		k++;
	if (k < n)
		r = -errno;
	*ret_available = k;
	while (k > 0)
		close(fds[--k]);
	return r;
}

/*
 * libbpf takes a feature probe that finds no descriptor left for a feature that the kernel lacks, and then fails
 * with something that has nothing to do with it. So the shortage is looked for beforehand.
 */
static int check_descriptors(struct attempt *a)
{
	size_t needed = descriptors_needed(a), available = 0;
	int r = try_descriptors(needed, &available);

	if (r == -EMFILE || r == -ENFILE)
		return verdict_busy(a->outcome, r,
				    "object \"%s\" takes up to %zu file descriptors to load, and "
				    "%zu are left: raise "
				    "LimitNOFILE= of the daemon (or fs.file-max)",
				    a->file->path, needed, available);
	return 0;
}

int attempt_load(struct attempt *a)
{
	int r;

	r = targets_note_wanted(a);
	if (r < 0)
		return r;
	r = prepare_programs(a);
	if (r < 0)
		return r;
	r = check_descriptors(a);
	if (r < 0)
		return r;
	a->asked_kernel = true;
	r = bpf_object__load(a->object);
	if (r < 0)
		return attempt_explain_load(a, r);
	note_program_ids(a);
	return note_dropped_members(a);
}
