/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often programs run: known only while somebody has the kernel count it, at some 20 ns a call. */
#include <bpf/bpf.h>
#include <fcntl.h>

#include "daemon/kernel/kernel.h"

#define STATS_ENABLED "/proc/sys/kernel/bpf_stats_enabled"

bool kernel_counts_runs(void)
{
	_cleanup_(closep) int fd = open(STATS_ENABLED, O_RDONLY | O_CLOEXEC);
	char digit = '0';

	return fd >= 0 && read(fd, &digit, 1) == 1 && digit != '0';
}

int kernel_program_runs(uint32_t id, uint64_t *ret_calls, uint64_t *ret_nsec)
{
	_cleanup_(closep) int fd = bpf_prog_get_fd_by_id(id);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	if (fd < 0 || bpf_prog_get_info_by_fd(fd, &info, &size) < 0)
		return -errno;
	*ret_calls = info.run_cnt;
	*ret_nsec = info.run_time_ns;
	return 0;
}
