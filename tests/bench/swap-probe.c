/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * swap-probe ROUNDS OBJECT NAME: how long nothing is attached while one form of a policy takes the place of another.
 * Prints a round "swap µs" (kernel_attach() in place of what runs, as a worker does it) and "bare µs" (a detach and an
 * attach of two loaded maps in a row, which is the least that it can take).
 */
#include <bpf/bpf.h>
#include <err.h>

#include "daemon/kernel/attach.h"

int __wrap_bpf_link_update(int link_fd, int map_fd, const struct bpf_link_update_opts *options);

/* The only type that each kernel has can be updated, without a gap. The linker makes the kernel floor call this. */
int __wrap_bpf_link_update(int link_fd, int map_fd, const struct bpf_link_update_opts *options)
{
	return -(errno = EOPNOTSUPP);
}

/* In place of what is in *handles, if anything. */
static usec_t attach(struct kernel_job *job, struct kernel_handles *handles)
{
	struct kernel_handles new;
	struct outcome o;
	usec_t gap;

	job->old = handles->link_fd >= 0 ? handles : NULL;
	if (kernel_attach(job, &o, &new) < 0 || o.verdict != VERDICT_ATTACHED)
		errx(1, "not attached: %s", or_empty(o.detail));
	if (job->old && o.change != CHANGE_SWAPPED)
		errx(1, "that was no swap");
	gap = o.gap_usec;
	outcome_done(&o);
	kernel_handles_close(handles);
	*handles = new;
	return gap;
}

static usec_t swap_bare(int link_fd, int map_fd, int *ret_link_fd)
{
	usec_t start = monotonic_usec();

	if (bpf_link_detach(link_fd) < 0)
		err(1, "bpf_link_detach");
	*ret_link_fd = bpf_link_create(map_fd, 0, BPF_STRUCT_OPS, NULL);
	if (*ret_link_fd < 0)
		err(1, "bpf_link_create");
	return monotonic_usec() - start;
}

/* Forth in the one way, back in the other. */
static void measure(struct kernel_job *job, struct kernel_handles *handles)
{
	int map_fd = dup(handles->map_fd), link_fd;

	if (map_fd < 0)
		err(1, "dup");
	printf("swap %llu\n", (unsigned long long)attach(job, handles));
	printf("bare %llu\n", (unsigned long long)swap_bare(handles->link_fd, map_fd, &link_fd));
	kernel_handles_close(handles);
	handles->map_fd = map_fd;
	handles->link_fd = link_fd;
}

int main(int argc, char **argv)
{
	struct kernel_handles handles = KERNEL_HANDLES_NULL;
	struct override name = {.path = (char *)"name", .file = "swap.policy"};
	struct policy policy = {.fields = &name, .n_fields = 1};
	struct kernel_job job = {.policy = &policy};

	if (argc != 4)
		errx(2, "usage: swap-probe ROUNDS OBJECT NAME");
	policy.object_path = argv[2];
	name.value = argv[3];
	(void)attach(&job, &handles);
	for (long round = strtol(argv[1], NULL, 10); round > 0; round--)
		measure(&job, &handles);
	kernel_handles_close(&handles);
	return 0;
}
