/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/kernel/hid.h"

#include <dirent.h>
#include <inttypes.h>
#include <limits.h>

#include "common/sentence.h"
#include "daemon/kernel/place.h"
#include "daemon/kernel/verdict.h"

#define SYSFS "/sys"
#define DEVICES "bus/hid/devices"
#define UEVENT_LINE_MAX 512

static void closedirp(DIR **d)
{
	if (*d)
		closedir(*d);
}

void hid_devices_free(struct hid_device *devices, size_t n)
{
	while (n > 0)
		hid_device_done(&devices[--n]);
	free(devices);
}

/* The words HID_ID= and HID_NAME= of a device's uevent file; "" where there is none. */
static void read_words(const char *folder, char id[UEVENT_LINE_MAX], char name[UEVENT_LINE_MAX])
{
	_cleanup_(freep) char *path = sentence("%s/uevent", folder);
	_cleanup_(fclosep) FILE *f = path ? fopen(path, "re") : NULL;
	char line[UEVENT_LINE_MAX];

	*id = *name = '\0';
	while (f && fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "HID_ID=", 7) == 0)
			strcpy(id, line + 7);
		if (strncmp(line, "HID_NAME=", 9) == 0)
			strcpy(name, line + 9);
	}
}

/* 1 with *ret; 0: it is just going; -ENOMEM. */
static int read_device(const char *root, const char *entry, struct hid_device *ret)
{
	_cleanup_(freep) char *link = sentence("%s/" DEVICES "/%s", root, entry), *folder = NULL;
	char id[UEVENT_LINE_MAX], name[UEVENT_LINE_MAX];
	int r;

	if (!link)
		return -ENOMEM;
	folder = realpath(link, NULL);
	if (!folder)
		return errno == ENOMEM ? -ENOMEM : 0;
	read_words(folder, id, name);
	r = hid_device_parse(folder + strlen(root), id, name, ret);
	return r == -ENOMEM ? r : r == 0;
}

int hid_devices_read(const char *root, struct hid_device **ret, size_t *ret_n)
{
	_cleanup_(freep) char *path = sentence("%s/" DEVICES, root);
	_cleanup_(closedirp) DIR *folder = path ? opendir(path) : NULL;
	struct hid_device *devices = NULL;
	size_t n = 0;
	int r = 0;

	if (!folder && (!path || errno != ENOENT))
		return path ? -errno : -ENOMEM;
	for (struct dirent *e; r >= 0 && folder && (e = readdir(folder));) {
		struct hid_device *grown;

		if (e->d_name[0] == '.')
			continue;
		grown = reallocarray(devices, n + 1, sizeof(*devices));
		if (grown)
			devices = grown;
		r = grown ? read_device(root, e->d_name, &devices[n]) : -ENOMEM;
		n += r > 0;
	}
	if (r < 0) {
		hid_devices_free(devices, n);
		return r;
	}
	*ret = devices;
	*ret_n = n;
	return 0;
}

int kernel_hid_devices(struct hid_device **ret, size_t *ret_n)
{
	return hid_devices_read(SYSFS, ret, ret_n);
}

/* "0003:046D:C52B.0001" */
static const char *device_name(const char *devpath)
{
	const char *slash = strrchr(devpath, '/');

	return slash ? slash + 1 : devpath;
}

/* A member of the image that was loaded. 0 where the object's struct does not have it. */
static uint64_t image_member(struct attempt *a, const char *member)
{
	struct place place = {.btf = a->btf, .type_id = a->type_id};
	_cleanup_(freep) char *error = NULL;
	uint64_t value = 0;

	if (place_walk(&place, member, &error) == 0 && place_size(&place) <= sizeof(value))
		attempt_member(a, member, &value, place_size(&place));
	return value;
}

/* 1 with the DEVPATH of the device with that id, the caller's; 0: there is none; -errno. */
static int find_device(uint32_t id, char **ret)
{
	struct hid_device *devices;
	size_t n;
	int r;

	r = kernel_hid_devices(&devices, &n);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (devices[i].id != id)
			continue;
		*ret = TAKE_PTR(devices[i].devpath);
		r = 1;
		break;
	}
	hid_devices_free(devices, n);
	return r;
}

static int refuse_gone(struct attempt *a, int error, uint32_t id)
{
	return verdict_gone(
		a->outcome, error,
		"no HID device has the id %" PRIu32 " (…:….%04" PRIX32
		" in /sys/bus/hid/devices): hid_id is wrong, or the device was unplugged. A device "
		"gets another id each time it is plugged in; [Match] Hid= follows it",
		id, id);
}

int hid_after_attach(struct attempt *a, const struct kernel_handles *h)
{
	uint32_t id = (uint32_t)image_member(a, "hid_id");
	char *device = NULL;
	int r;

	r = find_device(id, &device);
	if (r == -ENOMEM)
		return r;
	if (r < 0)
		return messages_add(&a->outcome->notes,
				    "/sys/bus/hid cannot be read (%s): nothing will tell when HID "
				    "device %" PRIu32 " is unplugged",
				    strerror(-r), id);
	if (r == 0)
		return refuse_gone(a, 0, id);
	free(a->outcome->device);
	a->outcome->device = device;
	return 0;
}

int hid_alive(const struct kernel_handles *h, const struct outcome *o, char **ret_why)
{
	_cleanup_(freep) char *folder = NULL;

	if (!o->device)
		return 1;
	folder = sentence(SYSFS "%s", o->device);
	if (!folder)
		return -ENOMEM;
	if (access(folder, F_OK) == 0)
		return 1;
	if (errno != ENOENT && errno != ENOTDIR)
		return -errno;
	*ret_why = sentence("its HID device %s was removed", device_name(o->device));
	return 0;
}

/* The device is there, so it is something else that the kernel does not like. */
static int explain_invalid(struct attempt *a, int error, const char *device)
{
	uint64_t flags = image_member(a, "flags");

	if (flags != 0 && flags != BPF_F_BEFORE)
		return verdict_refused(a->outcome, error,
				       "flags of map \"%s\" is %" PRIu64
				       ": hid_bpf_ops knows 0 and %d (BPF_F_BEFORE) only",
				       a->outcome->map, flags, BPF_F_BEFORE);
	if (image_member(a, "hid_rdesc_fixup") != 0)
		return verdict_busy(a->outcome, error,
				    "HID device %s has a hid_rdesc_fixup already, and takes one at "
				    "a time: take the other attachment off, or leave "
				    "hid_rdesc_fixup empty in [Fields]",
				    device_name(device));
	return verdict_refused(a->outcome, error,
			       "the kernel refuses map \"%s\" (hid_bpf_ops) for HID device %s, "
			       "which is there: it gives no other reason than EINVAL",
			       a->outcome->map, device_name(device));
}

int hid_explain(struct attempt *a, int error)
{
	_cleanup_(freep) char *device = NULL;
	uint32_t id = (uint32_t)image_member(a, "hid_id");
	int r;

	if (error != -EINVAL && error != -E2BIG)
		return 0;
	r = find_device(id, &device);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (r == 0)
		return refuse_gone(a, error, id);
	if (error == -EINVAL)
		return explain_invalid(a, error, device);
	return verdict_busy(a->outcome, error,
			    "HID device %s has 64 attachments, and the kernel allows no more: take "
			    "others off",
			    device_name(device));
}
