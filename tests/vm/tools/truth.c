// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * truth FILE [CONTENT]: looks every 10 ms whether the kernel uses an attachment, by a file of sysfs alone: it is there,
 * and (if that is given) its first line is CONTENT. Says what it found first and each change; at SIGTERM how it went:
 *
 *   USEC used|unused
 *   USEC end samples=N longest=USEC      the longest time between two looks
 */
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "tell.h"

#define PERIOD_NSEC 10000000L

static volatile sig_atomic_t ended;

static void end(int signal)
{
	(void)signal;
	ended = 1;
}

static bool is_used(const char *path, const char *wanted)
{
	char content[256] = "";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return false;
	if (!wanted) {
		close(fd);
		return true;
	}
	n = read(fd, content, sizeof(content) - 1);
	close(fd);
	content[strcspn(content, "\n")] = '\0';
	return n > 0 && strcmp(content, wanted) == 0;
}

int main(int argc, char *argv[])
{
	long long last = now_usec(), longest = 0, samples = 0;
	struct timespec next;
	int before = -1;

	if (argc < 2)
		return 2;
	be_prompt();
	signal(SIGTERM, end);
	clock_gettime(CLOCK_MONOTONIC, &next);
	while (!ended) {
		bool used = is_used(argv[1], argv[2]);
		long long usec = now_usec();

		if (used != before)
			printf("%lld %s\n", usec, used ? "used" : "unused");
		before = used;
		if (samples++ > 0 && usec - last > longest)
			longest = usec - last;
		last = usec;
		next.tv_nsec += PERIOD_NSEC;
		if (next.tv_nsec >= 1000000000L) {
			next.tv_nsec -= 1000000000L;
			next.tv_sec++;
		}
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &next, NULL);
	}
	printf("%lld end samples=%lld longest=%lld\n", now_usec(), samples, longest);
	return 0;
}
