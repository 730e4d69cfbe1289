/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tests/inspect/mutate.h"

static void flip_bits(struct random *r, uint8_t *bytes, size_t size)
{
	for (size_t n = 1 + random_below(r, 8); n > 0; n--)
		bytes[random_below(r, size)] ^= (uint8_t)(1U << random_below(r, 8));
}

/* Numbers at which comparisons change their minds. */
static void write_number(struct random *r, uint8_t *bytes, size_t size)
{
	static const uint64_t numbers[] = {
		0,          1,          0x7f,       0xff,       0xffff,    0x7fffffff,
		0x80000000, 0xffffffff, 0xfffffff8, 1ULL << 32, INT64_MAX, UINT64_MAX,
	};
	uint64_t number = numbers[random_below(r, ARRAY_SIZE(numbers))];
	size_t width = (size_t)1 << random_below(r, 4);

	if (random_below(r, 3) == 0)
		number = random_below(r, 2 * size);
	if (width <= size)
		memcpy(bytes + random_below(r, size - width + 1), &number, width);
}

static void copy_part(struct random *r, uint8_t *bytes, size_t size)
{
	size_t length = 1 + random_below(r, MIN(size, (size_t)64));

	memmove(bytes + random_below(r, size - length + 1),
		bytes + random_below(r, size - length + 1), length);
}

static Elf64_Shdr *section_at(uint8_t *bytes, size_t table, size_t i)
{
	return (Elf64_Shdr *)(void *)(bytes + table + i * sizeof(Elf64_Shdr));
}

/* Two sections change places, sizes, names, kinds or links; or one gets a number that it should not have. */
static void mix_sections(struct random *r, uint8_t *bytes, size_t size)
{
	Elf64_Ehdr header;
	Elf64_Shdr a, b, old;
	size_t i, j;

	memcpy(&header, bytes, sizeof(header));
	if (header.e_shnum == 0 || header.e_shoff > size ||
	    header.e_shnum * sizeof(a) > size - header.e_shoff)
		return;
	i = random_below(r, header.e_shnum);
	j = random_below(r, header.e_shnum);
	memcpy(&a, section_at(bytes, header.e_shoff, i), sizeof(a));
	memcpy(&b, section_at(bytes, header.e_shoff, j), sizeof(b));
	old = a;
	switch (random_below(r, 6)) {
	case 0:
		a.sh_size = b.sh_size;
		b.sh_size = old.sh_size;
		break;
	case 1:
		a.sh_offset = b.sh_offset;
		a.sh_size = b.sh_size;
		break;
	case 2:
		a.sh_name = b.sh_name;
		break;
	case 3:
		a.sh_type = (uint32_t)random_below(r, 20);
		break;
	case 4:
		a.sh_link = b.sh_link;
		a.sh_info = (uint32_t)random_below(r, 2UL * header.e_shnum);
		break;
	default:
		a.sh_size = random_below(r, 2) ? a.sh_size / 2 : a.sh_size + random_below(r, 64);
	}
	memcpy(section_at(bytes, header.e_shoff, j), &b, sizeof(b));
	memcpy(section_at(bytes, header.e_shoff, i), &a, sizeof(a));
}

/* Bytes anywhere in an object are mostly code: aim at what this floor reads. */
static size_t aim(struct random *r, const uint8_t *bytes, size_t size, size_t *ret_start)
{
	Elf64_Ehdr header;
	Elf64_Shdr s;

	*ret_start = 0;
	memcpy(&header, bytes, sizeof(header));
	if (header.e_shnum == 0 || header.e_shoff > size ||
	    header.e_shnum * sizeof(s) > size - header.e_shoff)
		return size;
	memcpy(&s, bytes + header.e_shoff + random_below(r, header.e_shnum) * sizeof(s), sizeof(s));
	if (s.sh_type == SHT_NOBITS || s.sh_size == 0 || s.sh_offset > size ||
	    s.sh_size > size - s.sh_offset)
		return size;
	*ret_start = s.sh_offset;
	return s.sh_size;
}

void mutate(struct random *r, uint8_t *bytes, size_t *size, bool is_elf)
{
	for (size_t n = 1 + random_below(r, 4); n > 0 && *size >= sizeof(Elf64_Ehdr); n--) {
		size_t start = 0, length = *size;

		if (is_elf)
			length = aim(r, bytes, *size, &start);
		switch (random_below(r, is_elf ? 10 : 7)) {
		case 0:
		case 1:
		case 2:
			flip_bits(r, bytes + start, length);
			break;
		case 3:
		case 4:
			write_number(r, bytes + start, length);
			break;
		case 5:
			copy_part(r, bytes + start, length);
			break;
		case 6:
			if (random_below(r, 4) == 0)
				*size = random_below(r, *size);
			break;
		default:
			mix_sections(r, bytes, *size);
		}
	}
}
