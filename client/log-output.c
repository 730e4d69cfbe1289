/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/log-output.h"

#include "client/json-tools.h"
#include "client/output.h"

int text_log(FILE *out, const struct style *style, const char *name, const char *log)
{
	if (*log == '\0') {
		style_put(style, out, name, 0);
		fputs(": nothing was said: no object was opened yet, or not since the runtime "
		      "folder was made\n",
		      out);
		return output_result(out, 0);
	}
	while (*log) {
		size_t length = strcspn(log, "\n");
		_cleanup_(freep) char *line = strndup(log, length);

		if (!line)
			return -ENOMEM;
		style_put(style, out, line, 0);
		fputc('\n', out);
		log += length + (log[length] == '\n');
	}
	return output_result(out, 0);
}

int json_log(FILE *out, const char *name, const char *log)
{
	json_t *root;

	root = json_pack("{s:i, s:s, s:s?}", "schema", JSON_SCHEMA, "name", name, "log",
			 *log ? log : NULL);
	return json_print(out, root, JSON_INDENT(2));
}
