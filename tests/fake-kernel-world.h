/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The fake kernel's inside, for fake-kernel.c (the test's side) and fake-kernel-calls.c (the daemon's) only. */
#pragma once

#include <stdatomic.h>
#include <sys/un.h>

#include "tests/fake-kernel.h"

#define POLICIES_MAX 64
#define STEPS_MAX 64
#define LINKS_MAX 1024
#define DEVICES_MAX 32
#define FAKE_MAP_ID 7         /* of the first policy's first life; fake_map_id() */
#define UNSEEN_MAP_ID 1000007 /* that a worker gave a link and did not tell of */
#define FOREIGN_MAP_ID 2000007

struct fake_policy {
	char name[POLICY_NAME_MAX + 1];
	enum fake_result steps[STEPS_MAX];
	size_t n_steps, next_step;
	bool not_relinkable, hang_relink;
	atomic_bool held, check_held;
	enum fake_result check_result;
	int relink_error;
	bool scheduler, with_record, disabling, replaced_unseen, seen_taken;
	bool linkless;
	char type[32];
	unsigned lives, lives_ended; /* a map belongs to a life */
	unsigned registered;         /* the life whose map is registered without a link; 0: none */
	struct exit_record end;
	char default_former[32]; /* "": no default */
	char slot[64];           /* "": none of its own */
	char check_refusal[256]; /* "": it fits */
	int users;
	struct fake_counts counts;
};

struct fake_device {
	uint32_t bus, vendor, product;
	char name[64], devpath[64];
	bool plugged;
};

struct fake_link {
	ino_t inode; /* of the daemon's end */
	uint32_t map_id;
};

/* Shared with workers and the helper. They run one at a time for one policy, so plain members do. */
struct fake_world {
	struct sockaddr_un address;
	bool not_pollable;
	atomic_uint last_link_id;
	struct fake_link links[LINKS_MAX]; /* the last ones; fake_link() */
	atomic_flag busy; /* workers may look for a new name, or take the slot, at the same time */
	struct fake_policy policies[POLICIES_MAX];
	uint32_t slot_map_id, enable_seq; /* the scheduler that runs; 0: none */
	struct fake_device devices[DEVICES_MAX];
	size_t n_devices;
	char foreign_holder[64];
	unsigned surveyed;
};
extern struct fake_world *world;

/* What a map's memory file holds. */
struct fake_map {
	char policy[POLICY_NAME_MAX + 1];
	unsigned life;
};

/* Makes the policy where there is none of that name. */
struct fake_policy *fake_find(const char *name);
/* Each life's map has an id of its own. */
uint32_t fake_map_id(const struct fake_policy *p, unsigned life);
bool fake_is_map_of(const struct fake_policy *p, uint32_t map_id);
int fake_make_map(const struct fake_policy *p, unsigned life);
/* False: the descriptor is no map. */
bool fake_read_map(int fd, struct fake_map *ret);
struct fake_link *fake_link(uint32_t id);
/* Its id; 0: the descriptor is no link. */
uint32_t fake_link_id(int fd);
void fake_lock(void);
void fake_unlock(void);

/* Of a link, from either end. */
bool fake_hung_up(int fd);
void fake_free_slot(const struct fake_policy *p);
/* NULL: there never was one of that id. */
struct fake_device *fake_device(uint32_t id);
bool fake_is_plugged(const char *devpath);
