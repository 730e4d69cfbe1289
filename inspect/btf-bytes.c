/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "inspect/btf-bytes.h"

#include <bpf/libbpf.h>
#include <byteswap.h>
#include <linux/btf.h>

#include "common/sentence.h"

/* libbpf says what is wrong only to its print function. */
static _Thread_local char said[160];

static _printf_(2, 0) int listen(enum libbpf_print_level level, const char *format, va_list args)
{
	vsnprintf(said, sizeof(said), format, args);
	said[strcspn(said, "\n")] = '\0';
	return 0;
}

/*
 * What libbpf would take: bytes of the other byte order are turned round (no object or kernel of this machine has
 * such), and the types of a header that is longer than the one it knows are read from where they are said to be.
 */
static int check_header(struct span s, char **ret_error)
{
	struct btf_header h;
	uint64_t left;

	if (s.size < sizeof(h))
		return sentence_error(
			ret_error, -EBADMSG,
			"has BTF (type information) of only %zu bytes: it is truncated", s.size);
	memcpy(&h, s.bytes, sizeof(h));
	if (h.magic == bswap_16(BTF_MAGIC))
		return sentence_error(ret_error, -EBADMSG, "has BTF of the other byte order");
	if (h.magic != BTF_MAGIC)
		return sentence_error(ret_error, -EBADMSG,
				      "has no BTF where it should be (magic 0x%04x)", h.magic);
	if (h.hdr_len < sizeof(h) || h.hdr_len > s.size)
		return sentence_error(ret_error, -EBADMSG, "has damaged BTF: a header of %u bytes",
				      h.hdr_len);
	left = s.size - h.hdr_len;
	if ((uint64_t)h.type_off + h.type_len > left || (uint64_t)h.str_off + h.str_len > left)
		return sentence_error(ret_error, -EBADMSG,
				      "has damaged BTF: its types or texts lie beyond its end");
	return 0;
}

int btf_from_bytes(struct span s, struct btf *base, struct btf **ret, char **ret_error)
{
	libbpf_print_fn_t before;
	struct btf *btf;
	int r;

	r = check_header(s, ret_error);
	if (r < 0)
		return *ret_error ? r : -ENOMEM;
	if (s.size > UINT32_MAX)
		return sentence_error(ret_error, -EBADMSG, "has more BTF than there can be");
	said[0] = '\0';
	before = libbpf_set_print(listen);
	btf = btf__new_split(s.bytes, (uint32_t)s.size, base);
	r = btf ? 0 : -errno;
	libbpf_set_print(before);
	if (r == 0) {
		*ret = btf;
		return 0;
	}
	if (r == -ENOMEM)
		return r;
	return sentence_error(ret_error, -EBADMSG, "has damaged BTF: libbpf says \"%s\"",
			      *said ? said : strerror(-r));
}

bool btf_bytes_are_split(struct span s)
{
	struct btf_header h;

	if (s.size < sizeof(h))
		return false;
	memcpy(&h, s.bytes, sizeof(h));
	return h.magic == BTF_MAGIC && h.str_len > 0 && (uint64_t)h.hdr_len + h.str_off < s.size &&
	       s.bytes[h.hdr_len + h.str_off] != '\0';
}
