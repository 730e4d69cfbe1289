/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/client.h"
#include "common/sentence.h"

#include <stdarg.h>
#include <time.h>

static unsigned gravity(enum exit_status status)
{
	static const unsigned ranks[] = {
		[EXIT_DONE] = 0,   [EXIT_NOT_ATTACHED] = 1, [EXIT_NO_SUCH_POLICY] = 2,
		[EXIT_FAILED] = 3, [EXIT_DENIED] = 4,       [EXIT_NO_DAEMON] = 5,
		[EXIT_USAGE] = 6,
	};

	return ranks[status];
}

enum exit_status exit_status_gravest(enum exit_status a, enum exit_status b)
{
	return gravity(a) >= gravity(b) ? a : b;
}

void complain(const char *format, ...)
{
	_cleanup_(freep) char *text = NULL;
	va_list arguments;

	/* What was printed so far comes first where both go to the same file. */
	fflush(stdout);
	va_start(arguments, format);
	text = sentence_va(format, arguments);
	va_end(arguments);
	/* One call, one write: lines of others do not come between. */
	fprintf(stderr, "structopsctl: %s\n", text ?: "out of memory");
}

enum exit_status out_of_memory(void)
{
	complain("out of memory");
	return EXIT_FAILED;
}

enum exit_status failed_by(int error, const char *sentence)
{
	if (error == -ENOMEM || !sentence)
		return out_of_memory();
	complain("%s", sentence);
	return error == -EPERM ? EXIT_DENIED : EXIT_FAILED;
}

uint64_t now_usec(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

enum exit_status written(int result)
{
	if (result >= 0)
		return EXIT_DONE;
	if (result == -ENOMEM)
		return out_of_memory();
	complain("cannot write the output: %s", strerror(-result));
	return EXIT_FAILED;
}
