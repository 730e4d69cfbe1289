/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* inspect: what is in an object. Neither daemon nor root is needed. */
#include "client/inspect-output.h"
#include "client/verbs.h"

static enum exit_status failed(int r, const char *error)
{
	if (r == -ENOMEM || !error)
		return out_of_memory();
	complain("%s", error);
	return EXIT_FAILED;
}

struct kernel {
	struct kernel_types *types; /* NULL: problem says why */
	char *problem;
};

static void kernel_done(struct kernel *k)
{
	kernel_types_free(k->types);
	free(k->problem);
}

/* A file that was named must be readable; the running kernel may be without BTF. */
static enum exit_status open_kernel(const char *file, struct kernel *k)
{
	int r;

	if (!file) {
		r = kernel_types_of_running(&k->types, &k->problem);
		return r == -ENOMEM || (r < 0 && !k->problem) ? out_of_memory() : EXIT_DONE;
	}
	r = kernel_types_of_file(file, &k->types, &k->problem);
	return r < 0 ? failed(r, k->problem) : EXIT_DONE;
}

static void free_values(struct value_image **values, size_t n)
{
	for (size_t i = 0; values && i < n; i++)
		value_image_free(values[i]);
	free(values);
}

/* One a map; NULL where the kernel would not take it. */
static int make_values(const struct inspection *in, struct kernel_types *types,
		       struct value_image **values)
{
	for (size_t i = 0; types && i < in->n_maps; i++) {
		int r = value_image_new(in, &in->maps[i], types, &values[i]);

		if (r == -ENOMEM)
			return r;
	}
	return 0;
}

static enum exit_status show(struct client *client, const struct inspection *in,
			     const struct kernel *k)
{
	struct inspect_view view = {.in = in, .kernel_problem = k->problem};
	enum exit_status status;
	int r = 0;

	if (client->value) {
		view.values = calloc(in->n_maps + 1, sizeof(struct value_image *));
		r = view.values ? make_values(in, k->types, view.values) : -ENOMEM;
	}
	if (r == 0)
		r = client->json ? json_inspect(stdout, &view)
				 : text_inspect(stdout, &client->style, &view);
	status = written(r);
	free_values(view.values, in->n_maps);
	return in->problems.n > 0 ? exit_status_gravest(status, EXIT_FAILED) : status;
}

enum exit_status verb_inspect(struct client *client, const struct verb *verb, char *const *names,
			      size_t n)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(kernel_done) struct kernel k = {0};
	_cleanup_(freep) char *error = NULL;
	enum exit_status status;
	int r;

	r = inspection_read(names[0], &in, &error);
	if (r < 0)
		return failed(r, error);
	/* Without a map there is nothing to compare, and vmlinux takes 10 ms. */
	if (in->n_maps == 0 && !client->kernel)
		return show(client, in, &k);
	status = open_kernel(client->kernel, &k);
	if (status != EXIT_DONE)
		return status;
	r = k.types ? inspection_compare(in, k.types) : 0;
	return r < 0 ? out_of_memory() : show(client, in, &k);
}
