/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/ordinary.h"

#include <pthread.h>
#include <sched.h>
#include <stddef.h>

struct call {
	int (*run)(void *userdata);
	void *userdata;
	int result;
};

static void *run_ordinarily(void *argument)
{
	const struct sched_param none = {.sched_priority = 0};
	struct call *call = argument;

	/* Of this thread alone. */
	(void)sched_setscheduler(0, SCHED_OTHER, &none);
	call->result = call->run(call->userdata);
	return NULL;
}

int ordinary_run(int (*run)(void *userdata), void *userdata)
{
	struct call call = {.run = run, .userdata = userdata};
	pthread_t thread;

	if (sched_getscheduler(0) == SCHED_OTHER)
		return run(userdata);
	/* Without a thread the caller loses its priority: rather that than minutes of the verifier with it. */
	if (pthread_create(&thread, NULL, run_ordinarily, &call) == 0)
		pthread_join(thread, NULL);
	else
		(void)run_ordinarily(&call);
	return call.result;
}
