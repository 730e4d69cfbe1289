/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Where an object notes how it ended, by the convention of the kernel's own schedulers (their macro UEI_DEFINE): a
 * global "NAME" of struct user_exit_info; for the debug dump an array "NAME_dump" in a section of its own, which the
 * loader enlarges, and its size in the constant "NAME_dump_len".
 */
#include "common/sentence.h"
#include "daemon/kernel/attempt.h"
#include "daemon/kernel/variable.h"

#define DUMP_SIZE_DEFAULT 32768U /* the kernel's own for exit_dump_len 0 */

/* The member of the record: 1 with it; 0: there is none. */
static int find_member(const struct variable *record, const char *name, struct place *ret)
{
	_cleanup_(freep) char *error = NULL;
	struct place place = variable_place(record);

	if (place_walk(&place, name, &error) < 0)
		return 0;
	*ret = place;
	return 1;
}

static bool is_integer(const struct place *p, size_t size)
{
	const struct btf_type *t = btf_resolve(p->btf, p->type_id);

	return t && btf_is_int(t) && place_size(p) == size && !p->is_bitfield;
}

/* The size of an array of char, as far as the layout can tell it; 0: it is something else. */
static uint32_t text_size(const struct place *p)
{
	const struct btf_type *t = btf_resolve(p->btf, p->type_id);
	const struct btf_type *element = t && btf_is_array(t)
						 ? btf_resolve(p->btf, btf_array(t)->type)
						 : NULL;

	return element && btf_is_int(element) && element->size == 1 ? btf_array(t)->nelems : 0;
}

static int find_text(const struct variable *record, const char *name, uint32_t *ret_offset,
		     uint32_t *ret_size, const char **ret_wrong)
{
	struct place place;

	if (find_member(record, name, &place) == 0)
		return 0;
	if (text_size(&place) == 0) {
		*ret_wrong = name;
		return -EINVAL;
	}
	*ret_offset = (uint32_t)place.offset;
	*ret_size = text_size(&place);
	return 0;
}

/* 0; -EINVAL with the member that is missing or of another kind than the convention has it. */
static int read_layout(const struct variable *record, struct exit_layout *ret,
		       const char **ret_wrong)
{
	struct exit_layout l = {.value_size = (uint32_t)record->map_size};
	struct place place;
	int r;

	*ret_wrong = "kind";
	if (find_member(record, "kind", &place) == 0 || !is_integer(&place, sizeof(int32_t)))
		return -EINVAL;
	l.kind = (uint32_t)place.offset;
	*ret_wrong = "exit_code";
	l.code = EXIT_OFFSET_NONE;
	if (find_member(record, "exit_code", &place) == 1) {
		if (!is_integer(&place, sizeof(int64_t)))
			return -EINVAL;
		l.code = (uint32_t)place.offset;
	}
	r = find_text(record, "reason", &l.reason, &l.reason_size, ret_wrong);
	if (r < 0)
		return r;
	r = find_text(record, "msg", &l.message, &l.message_size, ret_wrong);
	if (r < 0)
		return r;
	*ret = l;
	return 0;
}

/* The BTF of an object is only text from a file: what it says need not fit. */
static bool layout_is_sound(const struct exit_layout *l)
{
	_cleanup_(freep) void *zeroes = calloc(1, l->value_size);
	struct exit_record r;

	return zeroes && exit_record_parse(zeroes, l->value_size, l, &r) == 0;
}

static int note_unknown(struct attempt *a, const struct variable *record, const char *why)
{
	return messages_add(&a->outcome->notes,
			    "exit record \"%s\" of the object is not understood (struct "
			    "user_exit_info: %s): why the kernel ends it will not be known",
			    record->name, why);
}

static int note_record(struct attempt *a, const struct variable *record)
{
	const char *wrong = NULL;
	struct exit_layout layout;

	if (!record->map)
		return note_unknown(a, record, "it is in no map of data");
	if (read_layout(record, &layout, &wrong) < 0) {
		_cleanup_(freep) char *why = sentence("member \"%s\" is missing or of another type",
						      wrong);

		return why ? note_unknown(a, record, why) : -ENOMEM;
	}
	if (!layout_is_sound(&layout))
		return note_unknown(a, record, "it does not fit into its section");
	a->outcome->exit = layout;
	a->record_map = record->map;
	return 0;
}

/* How much the kernel is to write: exit_dump_len of the image as it will be loaded. */
static uint32_t asked_dump_size(const struct attempt *a)
{
	uint32_t asked = 0;

	return attempt_member(a, "exit_dump_len", &asked, sizeof(asked)) && asked > 0
		       ? asked
		       : DUMP_SIZE_DEFAULT;
}

/*
 * Before 1.5 libbpf keeps pointers into the object's BTF for its struct_ops maps, and enlarging a map moves the BTF: use
 * after free at load. Which libbpf it is decides the system at run time, not the one this was built with.
 */
static bool libbpf_can_resize(void)
{
	return libbpf_major_version() > 1 || libbpf_minor_version() >= 5;
}

/* Makes room for the debug dump and tells the program how much. What the policy or the object has set stays. */
static int make_room(const struct attempt *a, const struct variable *dump,
		     const struct variable *length)
{
	uint32_t *wanted = variable_bytes(length, sizeof(*wanted));
	int r;

	if (!wanted)
		return -EINVAL;
	if (*wanted > 0)
		return bpf_map__set_value_size(dump->map, *wanted);
	r = bpf_map__set_value_size(dump->map, asked_dump_size(a));
	if (r < 0)
		return r;
	*wanted = asked_dump_size(a);
	return 0;
}

static int find_dump(struct attempt *a, const struct variable *record)
{
	_cleanup_(freep) char *dump_name = sentence("%s_dump", record->name);
	_cleanup_(freep) char *length_name = sentence("%s_dump_len", record->name);
	struct variable dump, length;
	int r;

	if (!dump_name || !length_name)
		return -ENOMEM;
	if (!variable_find(a, dump_name, &dump) || !dump.map ||
	    !variable_find(a, length_name, &length) || !libbpf_can_resize())
		return 0;
	r = make_room(a, &dump, &length);
	if (r < 0)
		return messages_add(&a->outcome->notes, "no room for the debug dump (\"%s\"): %s",
				    dump_name, strerror(-r));
	a->dump_map = dump.map;
	a->outcome->exit.dump = (uint32_t)dump.offset;
	a->outcome->exit.dump_size = bpf_map__value_size(dump.map);
	return 0;
}

int attempt_find_exit(struct attempt *a)
{
	struct variable record;
	int r;

	if (!variable_find_of(a, "user_exit_info", &record))
		return 0;
	r = note_record(a, &record);
	return r < 0 || !a->record_map ? r : find_dump(a, &record);
}
