/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/json-tools.h"

#include "client/hexadecimal.h"
#include "client/output.h"

json_t *json_number_or_null(uint64_t number)
{
	return number != 0 ? json_integer((json_int_t)number) : json_null();
}

json_t *json_hexadecimal(const uint8_t *bytes, size_t n)
{
	_cleanup_(freep) char *text = hexadecimal(bytes, n, n);

	return text ? json_string(text) : NULL;
}

int json_print(FILE *out, json_t *root, size_t flags)
{
	json_auto_t *json = root;

	if (!json)
		return -ENOMEM;
	if (json_dumpf(json, out, flags) < 0)
		return ferror(out) ? -EIO : -ENOMEM;
	fputc('\n', out);
	return output_result(out, 0);
}

json_t *json_array_of(const void *items, size_t n, json_t *(*make)(const void *items, size_t i))
{
	json_auto_t *array = json_array();

	for (size_t i = 0; array && i < n; i++)
		if (json_array_append_new(array, make(items, i)) < 0)
			return NULL;
	return TAKE_PTR(array);
}

json_t *json_make_text(const void *items, size_t i)
{
	return json_string(((const char *const *)items)[i]);
}
