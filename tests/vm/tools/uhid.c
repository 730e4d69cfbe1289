// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * uhid BUS VENDOR PRODUCT NAME FIFO: a keyboard that is not there. Numbers are hexadecimal. It is plugged in at once,
 * then does what the lines from FIFO say:
 *
 *   report HEX…      sends a report: 8 bytes, the modifiers, 0, six keys
 *   unplug           and what follows, until the next one, is
 *   plug             the same keyboard again
 *   end
 *
 * What the driver does to it is said on stdout: start, stop, open, close.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/uhid.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* That of a boot keyboard (HID 1.11, E.6), without LEDs. The bytes at 31 and 35 are the highest usage that it sends. */
static const __u8 descriptor[] = {
	0x05, 0x01, /* Usage Page (Generic Desktop) */
	0x09, 0x06, /* Usage (Keyboard) */
	0xa1, 0x01, /* Collection (Application) */
	0x05, 0x07, /*   Usage Page (Keyboard) */
	0x19, 0xe0, /*   Usage Minimum (Left Control) */
	0x29, 0xe7, /*   Usage Maximum (Right GUI) */
	0x15, 0x00, /*   Logical Minimum (0) */
	0x25, 0x01, /*   Logical Maximum (1) */
	0x75, 0x01, /*   Report Size (1) */
	0x95, 0x08, /*   Report Count (8) */
	0x81, 0x02, /*   Input (Data, Variable): modifiers */
	0x95, 0x01, /*   Report Count (1) */
	0x75, 0x08, /*   Report Size (8) */
	0x81, 0x01, /*   Input (Constant) */
	0x95, 0x06, /*   Report Count (6) */
	0x25, 0x65, /*   Logical Maximum (101) */
	0x19, 0x00, /*   Usage Minimum (0) */
	0x29, 0x65, /*   Usage Maximum (101) */
	0x81, 0x00, /*   Input (Data, Array): keys */
	0xc0,       /* End Collection */
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void put(int fd, const struct uhid_event *event)
{
	if (write(fd, event, sizeof(*event)) != sizeof(*event))
		die("uhid");
}

static void plug(int fd, char *const ids[], const char *name)
{
	struct uhid_event event = {.type = UHID_CREATE2};
	struct uhid_create2_req *device = &event.u.create2;

	snprintf((char *)device->name, sizeof(device->name), "%s", name);
	memcpy(device->rd_data, descriptor, sizeof(descriptor));
	device->rd_size = sizeof(descriptor);
	device->bus = strtoul(ids[0], NULL, 16);
	device->vendor = strtoul(ids[1], NULL, 16);
	device->product = strtoul(ids[2], NULL, 16);
	put(fd, &event);
}

static void report(int fd, char *hex)
{
	struct uhid_event event = {.type = UHID_INPUT2};
	char *save = NULL;

	for (char *byte = strtok_r(hex, " ", &save); byte; byte = strtok_r(NULL, " ", &save))
		event.u.input2.data[event.u.input2.size++] = strtoul(byte, NULL, 16);
	put(fd, &event);
}

static void obey(int fd, char *line, char *argv[])
{
	line[strcspn(line, "\n")] = '\0';
	if (strncmp(line, "report ", 7) == 0)
		report(fd, line + 7);
	else if (strcmp(line, "unplug") == 0)
		put(fd, &(struct uhid_event){.type = UHID_DESTROY});
	else if (strcmp(line, "plug") == 0)
		plug(fd, argv + 1, argv[4]);
	else if (strcmp(line, "end") == 0)
		exit(0);
	else
		printf("unknown: %s\n", line);
}

static void hear(int fd)
{
	static const char *const words[] = {[UHID_START] = "start",
					    [UHID_STOP] = "stop",
					    [UHID_OPEN] = "open",
					    [UHID_CLOSE] = "close"};
	struct uhid_event event = {0};

	if (read(fd, &event, sizeof(event)) < 0)
		die("uhid");
	if (event.type < sizeof(words) / sizeof(*words) && words[event.type])
		printf("%s\n", words[event.type]);
}

int main(int argc, char *argv[])
{
	struct pollfd fds[2] = {{.events = POLLIN}, {.events = POLLIN}};
	char line[1024];
	FILE *orders;

	if (argc != 6)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	fds[0].fd = open("/dev/uhid", O_RDWR | O_CLOEXEC);
	/* for writing, too: it has no end when a writer closes it */
	orders = fopen(argv[5], "r+");
	if (fds[0].fd < 0 || !orders)
		die("open");
	setvbuf(orders, NULL, _IONBF, 0);
	fds[1].fd = fileno(orders);
	plug(fds[0].fd, argv + 1, argv[4]);
	for (;;) {
		if (poll(fds, 2, -1) < 0 && errno != EINTR)
			die("poll");
		if (fds[0].revents & POLLIN)
			hear(fds[0].fd);
		if (fds[1].revents & POLLIN && fgets(line, sizeof(line), orders))
			obey(fds[0].fd, line, argv);
	}
}
