/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/output.h"
#include "client/verify.h"

static void print_problem(FILE *out, const struct style *style, const struct verify_problem *p)
{
	fputs("  ", out);
	if (p->file)
		style_put(style, out, p->file, 0);
	if (p->file && p->line > 0)
		fprintf(out, ":%u", p->line);
	if (p->file)
		fputs(": ", out);
	style_put(style, out, p->sentence, 0);
	fputc('\n', out);
}

static void print_notes(FILE *out, const struct style *style, const char *indent,
			const struct messages *notes)
{
	for (size_t i = 0; i < notes->n; i++) {
		fprintf(out, "%s%snote:%s ", indent, style_on(style, COLOUR_DIM),
			style_off(style, COLOUR_DIM));
		style_put(style, out, notes->items[i], 0);
		fputc('\n', out);
	}
}

static void print_verified(FILE *out, const struct style *style, const struct verified *x)
{
	enum colour colour = x->n_problems > 0 ? COLOUR_RED : COLOUR_GREEN;

	style_put(style, out, x->name, 0);
	fprintf(out, ": %s", style_on(style, colour));
	if (x->n_problems > 0)
		fprintf(out, "%zu problem%s", x->n_problems, x->n_problems == 1 ? "" : "s");
	else
		fputs("ok", out);
	fprintf(out, "%s\n", style_off(style, colour));
	for (size_t i = 0; i < x->n_problems; i++)
		print_problem(out, style, &x->problems[i]);
	print_notes(out, style, "  ", &x->notes);
}

int text_verify(FILE *out, const struct style *style, const struct verify *v)
{
	size_t n_bad = 0;

	for (size_t i = 0; i < v->n; i++) {
		print_verified(out, style, &v->items[i]);
		n_bad += v->items[i].n_problems > 0;
	}
	if (v->n != 1)
		fprintf(out, "%zu policies checked, %zu with problems\n", v->n, n_bad);
	print_notes(out, style, "", &v->notes);
	return output_result(out, 0);
}
