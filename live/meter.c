/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/meter.h"

#include <bpf/bpf.h>
#include <time.h>

#include "common/sentence.h"
#include "live/objects.h"

#define NSEC_PER_SEC UINT64_C(1000000000)

struct meter {
	struct live_btf *btf;
	int stats_fd;           /* the kernel counts as long as this is open */
	struct live_map **maps; /* seen so far */
	size_t n_maps;
};

static uint64_t now_nsec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static int cannot_count(char **ret_error, int error)
{
	if (error == -EPERM)
		return sentence_error(
			ret_error, error,
			"the kernel counts how often programs run only for those with "
			"CAP_SYS_ADMIN. Run it as root");
	return sentence_error(ret_error, error,
			      "the kernel does not count how often programs run: %s",
			      strerror(-error));
}

int meter_new(struct meter **ret, char **ret_error)
{
	_cleanup_(meter_freep) struct meter *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->stats_fd = bpf_enable_stats(BPF_STATS_RUN_TIME);
	if (m->stats_fd < 0)
		return cannot_count(ret_error, -errno);
	r = live_btf_new(&m->btf, ret_error);
	if (r < 0)
		return r;
	*ret = TAKE_PTR(m);
	return 0;
}

struct meter *meter_free(struct meter *m)
{
	if (!m)
		return NULL;
	for (size_t i = 0; i < m->n_maps; i++)
		live_map_free(m->maps[i]);
	free(m->maps);
	live_btf_free(m->btf);
	safe_close(m->stats_fd);
	free(m);
	return NULL;
}

static struct live_map **known_map(const struct meter *m, uint32_t id)
{
	for (size_t i = 0; i < m->n_maps; i++)
		if (m->maps[i]->id == id)
			return &m->maps[i];
	return NULL;
}

static int add_map(struct meter *m, uint32_t id)
{
	_cleanup_(freep) char *error = NULL;
	struct live_map **grown;
	int r;

	grown = reallocarray(m->maps, m->n_maps + 1, sizeof(struct live_map *));
	if (!grown)
		return -ENOMEM;
	m->maps = grown;
	r = live_map_read(m->btf, id, &grown[m->n_maps], &error);
	if (r == 0)
		m->n_maps++;
	return r;
}

/* An empty one was seen in the middle of its making. No sample has it: it was not attached. */
static int fill_empty(struct meter *m, struct live_map **map)
{
	_cleanup_(freep) char *error = NULL;
	struct live_map *again;
	int r;

	r = live_map_read(m->btf, (*map)->id, &again, &error);
	if (r < 0)
		return r;
	live_map_free(*map);
	*map = again;
	return 0;
}

/* 1 with *ret; 0: it is gone by now, or means nothing to us; -ENOMEM. */
static int find_map(struct meter *m, uint32_t id, const struct live_map **ret)
{
	struct live_map **map = known_map(m, id);
	int r = 0;

	if (!map)
		r = add_map(m, id);
	else if (live_map_is_empty(*map))
		r = fill_empty(m, map);
	else if (live_map_is_in_use(*map))
		r = live_map_refresh(*map);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	*ret = *known_map(m, id);
	return 1;
}

static struct meter_program *program_of(struct meter_attachment *a, uint32_t id)
{
	for (size_t i = 0; i < a->n_programs; i++)
		if (a->programs[i].id == id)
			return &a->programs[i];
	return NULL;
}

static int add_operator(struct meter_attachment *a, const struct live_member *member)
{
	struct meter_program *p = program_of(a, member->program_id);
	const char **grown;

	if (!p) {
		p = reallocarray(a->programs, a->n_programs + 1, sizeof(*p));
		if (!p)
			return -ENOMEM;
		a->programs = p;
		p += a->n_programs++;
		*p = (struct meter_program){.id = member->program_id, .name = member->program};
	}
	grown = reallocarray(p->members, p->n_members + 1, sizeof(const char *));
	if (!grown)
		return -ENOMEM;
	p->members = grown;
	grown[p->n_members++] = member->name;
	return 0;
}

static void read_counters(struct meter_program *p)
{
	_cleanup_(closep) int fd = live_program_open(p->id);
	struct bpf_prog_info info = {0};
	uint32_t size = sizeof(info);

	p->time_nsec = now_nsec();
	if (fd < 0 || bpf_prog_get_info_by_fd(fd, &info, &size) < 0)
		return;
	p->calls = info.run_cnt;
	p->nsec = info.run_time_ns;
}

static int add_attachment(struct meter_sample *s, const struct live_map *map, uint32_t link_id)
{
	struct meter_attachment *a;
	int r = 0;

	a = reallocarray(s->attachments, s->n_attachments + 1, sizeof(*a));
	if (!a)
		return -ENOMEM;
	s->attachments = a;
	a += s->n_attachments++;
	*a = (struct meter_attachment){.map_id = map->id, .link_id = link_id, .map = map};
	for (size_t i = 0; r == 0 && i < map->n_members; i++)
		if (map->members[i].program_id != 0)
			r = add_operator(a, &map->members[i]);
	for (size_t i = 0; r == 0 && i < a->n_programs; i++)
		read_counters(&a->programs[i]);
	return r;
}

static const struct live_link *link_of(const struct live_link *links, size_t n, uint32_t map_id)
{
	for (size_t i = 0; i < n; i++)
		if (links[i].map_id == map_id)
			return &links[i];
	return NULL;
}

/* Maps that are loaded and neither linked nor registered are no attachments. */
static int add_if_attached(struct meter *m, struct meter_sample *s, uint32_t id,
			   const struct live_link *links, size_t n_links)
{
	const struct live_link *link = link_of(links, n_links, id);
	const struct live_map *map;
	int r = find_map(m, id, &map);

	if (r <= 0)
		return r;
	if (!link && !live_map_is_in_use(map))
		return 0;
	return add_attachment(s, map, link ? link->id : 0);
}

int meter_read(struct meter *m, struct meter_sample *ret, char **ret_error)
{
	_cleanup_(meter_sample_done) struct meter_sample s = {0};
	_cleanup_(freep) struct live_link *links = NULL;
	_cleanup_(freep) uint32_t *ids = NULL;
	size_t n_links = 0, n_ids = 0;
	int r;

	r = live_links(&links, &n_links);
	if (r == 0)
		r = live_map_ids(&ids, &n_ids);
	if (r == 0)
		r = scx_status_read("", &s.scx);
	if (r < 0)
		return r == -ENOMEM ? r : cannot_count(ret_error, r);
	s.time_nsec = now_nsec();
	for (size_t i = 0; r == 0 && i < n_ids; i++)
		r = add_if_attached(m, &s, ids[i], links, n_links);
	if (r < 0)
		return r;
	*ret = s;
	s = (struct meter_sample){0};
	return 0;
}

void meter_sample_done(struct meter_sample *s)
{
	for (size_t i = 0; i < s->n_attachments; i++) {
		for (size_t k = 0; k < s->attachments[i].n_programs; k++)
			free(s->attachments[i].programs[k].members);
		free(s->attachments[i].programs);
	}
	free(s->attachments);
	scx_status_done(&s->scx);
	*s = (struct meter_sample){0};
}
