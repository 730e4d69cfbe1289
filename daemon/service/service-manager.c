/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/service/service-manager.h"

#include <systemd/sd-bus.h>

#include "common/sentence.h"
#include "daemon/core/timespan.h"

#define DESTINATION "org.freedesktop.systemd1"
#define PATIENCE (2 * USEC_PER_SEC)

static int connect_to(const char *socket, sd_bus **ret)
{
	_cleanup_(freep) char *address = sentence("unix:path=%s", socket);
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	int r;

	if (!address)
		return -ENOMEM;
	r = sd_bus_new(&bus);
	if (r >= 0)
		r = sd_bus_set_address(bus, address);
	if (r >= 0)
		r = sd_bus_start(bus);
	if (r >= 0)
		r = sd_bus_set_method_call_timeout(bus, PATIENCE);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(bus);
	return 0;
}

/* The job that our unit is in, "/" for none. The caller frees. */
static int find_job(sd_bus *bus, char **ret)
{
	_cleanup_(sd_bus_message_unrefp) sd_bus_message *unit = NULL, *job = NULL;
	const char *path;
	int r;

	r = sd_bus_call_method(bus, DESTINATION, "/org/freedesktop/systemd1",
			       DESTINATION ".Manager", "GetUnitByPID", NULL, &unit, "u",
			       (uint32_t)getpid());
	if (r >= 0)
		r = sd_bus_message_read(unit, "o", &path);
	if (r >= 0)
		r = sd_bus_get_property(bus, DESTINATION, path, DESTINATION ".Unit", "Job", NULL,
					&job, "(uo)");
	if (r >= 0)
		r = sd_bus_message_read(job, "(uo)", NULL, &path);
	if (r < 0)
		return r;
	*ret = strdup(path);
	return *ret ? 0 : -ENOMEM;
}

int service_manager_restarts_us(const char *socket)
{
	_cleanup_(sd_bus_flush_close_unrefp) sd_bus *bus = NULL;
	_cleanup_(freep) char *job = NULL, *type = NULL;
	int r;

	r = connect_to(socket, &bus);
	if (r >= 0)
		r = find_job(bus, &job);
	if (r < 0)
		return r;
	/* No job: the signal came from somebody else, who wants it stopped. */
	if (streq(job, "/"))
		return 0;
	r = sd_bus_get_property_string(bus, DESTINATION, job, DESTINATION ".Job", "JobType", NULL,
				       &type);
	return r < 0 ? r : streq(type, "restart");
}
