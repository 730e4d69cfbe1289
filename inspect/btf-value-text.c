/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <inttypes.h>
#include <stdarg.h>

#include "inspect/btf-type.h"

#define TEXT_MAX 512
#define DEPTH_MAX 32
/* Members and bytes that are looked at for one value: no object of a compiler comes near it. */
#define STEPS_MAX 65536

/* A text that is cut at its end, and knows when going on is of no use. */
struct writer {
	char text[TEXT_MAX];
	size_t length;
	size_t steps;
	bool full;
};

static _printf_(2, 3) void put(struct writer *w, const char *format, ...)
{
	size_t room = sizeof(w->text) - w->length - sizeof("…");
	va_list args;
	int n;

	if (w->full)
		return;
	va_start(args, format);
	n = vsnprintf(w->text + w->length, room, format, args);
	va_end(args);
	if (n >= 0 && (size_t)n < room) {
		w->length += (size_t)n;
		return;
	}
	w->full = true;
	strcpy(w->text + strlen(w->text), "…");
}

/* The same as put() for one character, of which long texts have many. */
static void put_char(struct writer *w, char c)
{
	if (w->full || w->length + sizeof("…") + 1 >= sizeof(w->text)) {
		put(w, "%c", c);
		return;
	}
	w->text[w->length++] = c;
	w->text[w->length] = '\0';
}

static void step(struct writer *w, size_t n)
{
	if (!w->full && n > STEPS_MAX - w->steps) {
		put(w, "…");
		w->full = true;
	}
	w->steps += MIN(n, STEPS_MAX - w->steps);
}

static struct span part(struct span s, size_t offset, size_t size)
{
	if (!s.bytes || offset > s.size || size > s.size - offset)
		return (struct span){0};
	return (struct span){s.bytes + offset, size};
}

static bool is_zero(struct writer *w, struct span s)
{
	step(w, s.size);
	for (size_t i = 0; i < s.size && !w->full; i++)
		if (s.bytes[i] != 0)
			return false;
	return true;
}

static uint64_t load_bits(struct span s, size_t offset, size_t bits, bool is_signed)
{
	uint64_t value = 0;

	for (size_t i = 0; i < bits; i++) {
		size_t bit = offset + i;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		uint64_t one = (s.bytes[bit / 8] >> (bit % 8)) & 1;

		value |= one << i;
#else
		uint64_t one = (s.bytes[bit / 8] >> (7 - bit % 8)) & 1;

		value = value << 1 | one;
#endif
	}
	if (is_signed && bits > 0 && bits < 64 && (value >> (bits - 1)) & 1)
		value |= UINT64_MAX << bits;
	return value;
}

static void put_number(struct writer *w, uint64_t value, bool is_signed)
{
	if (is_signed)
		put(w, "%" PRId64, (int64_t)value);
	else
		put(w, "%" PRIu64, value);
}

static void put_bits(struct writer *w, const struct btf *btf, uint32_t id, struct span s, size_t at,
		     size_t bits)
{
	const struct btf_type *t = btf_type_resolve(btf, id);
	bool is_signed = t && btf_is_int(t) && (btf_int_encoding(t) & BTF_INT_SIGNED);

	if (bits > 64 || at > s.size * 8 || bits > s.size * 8 - at)
		put(w, "?");
	else
		put_number(w, load_bits(s, at, bits, is_signed), is_signed);
}

static void put_wide(struct writer *w, struct span s)
{
	put(w, "0x");
	for (size_t i = 0; i < s.size && !w->full; i++)
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
		put(w, "%02x", s.bytes[s.size - 1 - i]);
#else
		put(w, "%02x", s.bytes[i]);
#endif
}

static void put_int(struct writer *w, const struct btf_type *t, struct span s)
{
	bool is_signed = btf_int_encoding(t) & BTF_INT_SIGNED;

	if (btf_int_encoding(t) & BTF_INT_BOOL)
		put(w, "%s", is_zero(w, s) ? "no" : "yes");
	else if (s.size > 8)
		put_wide(w, s);
	else
		put_number(w, load_bits(s, 0, s.size * 8, is_signed), is_signed);
}

static const char *enumerator(struct writer *w, const struct btf *btf, const struct btf_type *t,
			      uint64_t value)
{
	for (uint32_t i = 0; i < btf_vlen(t) && !w->full; i++) {
		uint64_t own;
		uint32_t name;

		step(w, 1);
		if (btf_is_enum64(t)) {
			own = btf_enum64_value(&btf_enum64(t)[i]);
			name = btf_enum64(t)[i].name_off;
		} else {
			own = btf_kflag(t) ? (uint64_t)(int64_t)btf_enum(t)[i].val
					   : (uint32_t)btf_enum(t)[i].val;
			name = btf_enum(t)[i].name_off;
		}
		if (own == value)
			return btf__name_by_offset(btf, name);
	}
	return NULL;
}

static void put_name(struct writer *w, const char *name)
{
	for (size_t i = 0; i < BTF_NAME_MAX && name[i] && !w->full; i++)
		put_char(w, name[i] < ' ' || name[i] > '~' ? '?' : name[i]);
}

static void put_enum(struct writer *w, const struct btf *btf, const struct btf_type *t,
		     struct span s)
{
	uint64_t value = load_bits(s, 0, MIN(s.size, (size_t)8) * 8, btf_kflag(t));
	const char *name = enumerator(w, btf, t, value);

	if (!name) {
		put_number(w, value, btf_kflag(t));
		return;
	}
	put_name(w, name);
}

/* Quoted where blanks at its ends would not be seen, like in a policy. */
static void put_text(struct writer *w, struct span s)
{
	const char *text = (const char *)s.bytes;
	size_t n = text ? strnlen(text, s.size) : 0;
	const char *quote = n > 0 && (*text == '"' || *text == ' ' || text[n - 1] == ' ') ? "\""
											  : "";

	put(w, "%s", quote);
	for (size_t i = 0; i < n && !w->full; i++) {
		if (text[i] < ' ' || text[i] > '~')
			put(w, "\\x%02x", (uint8_t)text[i]);
		else
			put_char(w, text[i]);
	}
	put(w, "%s", quote);
}

static void put_value(struct writer *w, const struct btf *btf, uint32_t id, struct span s,
		      int depth);

static void put_array(struct writer *w, const struct btf *btf, const struct btf_type *t,
		      struct span s, int depth)
{
	const struct btf_array *a = btf_array(t);
	size_t size = btf_type_size(btf, a->type);

	put(w, "%s", depth > 0 ? "{" : "");
	for (uint32_t i = 0; i < a->nelems && !w->full; i++) {
		step(w, 1);
		put(w, "%s", i > 0 ? ", " : "");
		put_value(w, btf, a->type, part(s, i * size, size), depth + 1);
	}
	put(w, "%s", depth > 0 ? "}" : "");
}

static void put_member(struct writer *w, const struct btf *btf, const struct btf_type *t,
		       uint32_t i, struct span s, int depth)
{
	const struct btf_member *m = &btf_members(t)[i];
	size_t bits = btf_member_bitfield_size(t, i), at = btf_member_bit_offset(t, i);

	if (bits == 0)
		put_value(w, btf, m->type, part(s, at / 8, btf_type_size(btf, m->type)), depth + 1);
	else
		put_bits(w, btf, m->type, s, at, bits);
}

static bool member_is_zero(struct writer *w, const struct btf *btf, const struct btf_type *t,
			   uint32_t i, struct span s)
{
	size_t bits = btf_member_bitfield_size(t, i), at = btf_member_bit_offset(t, i);

	if (bits == 0)
		return is_zero(w, part(s, at / 8, btf_type_size(btf, btf_members(t)[i].type)));
	step(w, 1);
	return bits <= 64 && at + bits <= s.size * 8 && load_bits(s, at, bits, false) == 0;
}

static void put_struct(struct writer *w, const struct btf *btf, const struct btf_type *t,
		       struct span s, int depth)
{
	const char *separator = "";

	put(w, "{");
	for (uint32_t i = 0; i < btf_vlen(t) && !w->full; i++) {
		const char *name = or_empty(btf__name_by_offset(btf, btf_members(t)[i].name_off));

		step(w, 1);
		if (member_is_zero(w, btf, t, i, s))
			continue;
		put(w, "%s", separator);
		put_name(w, name);
		put(w, "%s", *name ? " = " : "");
		put_member(w, btf, t, i, s, depth);
		separator = ", ";
		/* The members of a union are the same bytes: the first way to read them will do. */
		if (btf_is_union(t))
			break;
	}
	put(w, "}");
}

static void put_value(struct writer *w, const struct btf *btf, uint32_t id, struct span s,
		      int depth)
{
	const struct btf_type *t = btf_type_resolve(btf, id);

	if (w->full)
		return;
	if (!t || depth > DEPTH_MAX || s.size < btf_type_size(btf, id)) {
		put(w, "?");
		return;
	}
	switch (btf_type_kind(btf, id)) {
	case TYPE_NUMBER:
	case TYPE_BOOL:
		put_int(w, t, s);
		break;
	case TYPE_ENUM:
		put_enum(w, btf, t, s);
		break;
	case TYPE_TEXT:
		put_text(w, s);
		break;
	case TYPE_ARRAY:
		put_array(w, btf, t, s, depth);
		break;
	case TYPE_STRUCT:
	case TYPE_UNION:
		put_struct(w, btf, t, s, depth);
		break;
	default:
		if (is_zero(w, s))
			put(w, "0");
		else
			put_wide(w, s);
	}
}

char *btf_value_text(const struct btf *btf, uint32_t id, struct span image)
{
	struct writer w = {0};

	put_value(&w, btf, id, part(image, 0, MIN(image.size, btf_type_size(btf, id))), 0);
	return strdup(w.text);
}

char *btf_bits_text(const struct btf *btf, uint32_t id, struct span image, size_t bit_offset,
		    size_t bits)
{
	struct writer w = {0};

	put_bits(&w, btf, id, image, bit_offset, bits);
	return strdup(w.text);
}
