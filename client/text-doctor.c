/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/doctor-output.h"
#include "client/output.h"

#define SEVERITY_WIDTH 7
#define ID_WIDTH_MAX 24

static enum colour colour_of(enum severity severity)
{
	static const enum colour colours[] = {
		[SEVERITY_OK] = COLOUR_GREEN,
		[SEVERITY_NOTE] = COLOUR_BOLD,
		[SEVERITY_WARNING] = COLOUR_YELLOW,
		[SEVERITY_ERROR] = COLOUR_RED,
	};

	return colours[severity];
}

/* Of the ids that are not unusually long. */
static int id_width(const struct findings *f)
{
	size_t width = 0;

	for (size_t i = 0; i < f->n; i++)
		if (strlen(f->items[i].id) <= ID_WIDTH_MAX)
			width = MAX(width, strlen(f->items[i].id));
	return (int)width;
}

static void print_finding(FILE *out, const struct style *style, const struct finding *x, int width)
{
	enum colour colour = colour_of(x->severity);

	fprintf(out, "%s%-*s%s  %-*s  ", style_on(style, colour), SEVERITY_WIDTH,
		severity_to_string(x->severity), style_off(style, colour), width, x->id);
	style_put(style, out, x->text, 0);
	fputc('\n', out);
	if (!x->remedy)
		return;
	fprintf(out, "%*s%s ", SEVERITY_WIDTH + width + 4, "", style_arrow(style));
	style_put(style, out, x->remedy, 0);
	fputc('\n', out);
}

static void print_count(FILE *out, const char **separator, size_t n, const char *what)
{
	if (n == 0)
		return;
	fprintf(out, "%s%zu %s%s", *separator, n, what, n == 1 ? "" : "s");
	*separator = ", ";
}

int text_doctor(FILE *out, const struct style *style, const struct findings *f)
{
	const char *separator = "";
	int width = id_width(f);

	for (size_t i = 0; i < f->n; i++)
		print_finding(out, style, &f->items[i], width);
	fputc('\n', out);
	print_count(out, &separator, findings_count(f, SEVERITY_ERROR), "error");
	print_count(out, &separator, findings_count(f, SEVERITY_WARNING), "warning");
	print_count(out, &separator, findings_count(f, SEVERITY_NOTE), "note");
	fprintf(out, "%s\n", *separator ? "." : "All is well.");
	return output_result(out, 0);
}
