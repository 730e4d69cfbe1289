/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* kernel_check() and kernel_examine(): the way of kernel_attach() as far as it asks nothing of the kernel. */
#include "daemon/kernel/attach.h"
#include "daemon/kernel/override.h"
#include "daemon/kernel/target.h"

static void image_done(struct kernel_image *image)
{
	free(image->map);
	free(image->bytes);
	for (size_t i = 0; i < image->n_operators; i++) {
		free(image->operators[i].member);
		free(image->operators[i].program);
	}
	free(image->operators);
	*image = (struct kernel_image){0};
}

void kernel_findings_done(struct kernel_findings *f)
{
	messages_done(&f->problems);
	for (size_t i = 0; i < f->n_images; i++)
		image_done(&f->images[i]);
	free(f->images);
	for (size_t i = 0; i < f->n_globals; i++) {
		free(f->globals[i].name);
		free(f->globals[i].bytes);
	}
	free(f->globals);
	*f = KERNEL_FINDINGS_NULL;
}

/* Takes the program out of its place in the image, and notes it by name. */
static int take_operator(const struct attempt *a, const struct btf_type *t, uint32_t i,
			 struct kernel_image *image)
{
	size_t offset = btf_member_bit_offset(t, i) / 8;
	struct bpf_program *program = NULL;
	struct kernel_operator *op;

	if (offset > image->size || sizeof(program) > image->size - offset)
		return 0;
	memcpy(&program, (char *)image->bytes + offset, sizeof(program));
	memset((char *)image->bytes + offset, 0, sizeof(program));
	if (!program)
		return 0;
	op = &image->operators[image->n_operators++];
	op->member = strdup(btf__name_by_offset(a->btf, btf_members(t)[i].name_off));
	op->program = strdup(bpf_program__name(program));
	return op->member && op->program ? 0 : -ENOMEM;
}

static int take_operators(const struct attempt *a, struct kernel_image *image)
{
	const struct btf_type *t = btf_resolve(a->btf, a->type_id);
	int r = 0;

	image->operators = calloc(btf_vlen(t) + 1U, sizeof(*image->operators));
	if (!image->operators)
		return -ENOMEM;
	for (uint32_t i = 0; r == 0 && i < btf_vlen(t); i++)
		if (btf_is_operator(a->btf, btf_members(t)[i].type))
			r = take_operator(a, t, i, image);
	return r;
}

static int add_image(const struct attempt *a, struct kernel_findings *f)
{
	struct kernel_image *image = reallocarray(f->images, f->n_images + 1, sizeof(*image));
	const void *bytes;

	if (!image)
		return -ENOMEM;
	f->images = image;
	image += f->n_images++;
	*image = (struct kernel_image){0};
	bytes = bpf_map__initial_value(a->map, &image->size);
	image->map = strdup(bpf_map__name(a->map));
	image->bytes = malloc(image->size + 1);
	if (!image->map || !image->bytes)
		return -ENOMEM;
	memcpy(image->bytes, bytes, image->size);
	return take_operators(a, image);
}

/* mistakes NULL: the first one is enough. findings NULL: nobody wants the image. */
static int check_map(const struct kernel_job *job, const struct object_file *file, const char *map,
		     struct outcome *o, struct messages *mistakes, struct kernel_findings *findings)
{
	_cleanup_(attempt_done) struct attempt a = {
		.policy = job->policy,
		.file = file,
		.before = job->before,
		.wanted_map = map,
		.outcome = o,
		.mistakes = mistakes,
	};
	int r;

	capture_start(&a.capture);
	r = attempt_prepare(&a);
	if (r == 0)
		r = targets_note_wanted(&a);
	r = override_settle(&a, r);
	if (r == 0 && mistakes && mistakes->n > 0)
		return -EBADMSG;
	if (r < 0 || !findings)
		return r;
	r = add_image(&a, findings);
	/* They are the same beside each map. */
	return r == 0 && findings->n_images == 1 ? attempt_take_globals(&a, findings) : r;
}

/* They count only for a kernel that refuses those before them. */
static int check_alternatives(const struct kernel_job *job, const struct object_file *file,
			      struct outcome *o, struct kernel_findings *findings)
{
	for (char *const *map = job->policy->maps + 1; *map; map++) {
		_cleanup_(outcome_done) struct outcome other = OUTCOME_NULL;
		int r = check_map(job, file, *map, &other, NULL, findings);

		if (r == -EBADMSG)
			r = messages_add(&o->notes, "alternative %s would be refused: %s", *map,
					 other.detail);
		if (r < 0)
			return r;
	}
	return 0;
}

static int check_policy(const struct kernel_job *job, struct outcome *o,
			struct kernel_findings *findings)
{
	_cleanup_(object_file_freep) struct object_file *file = NULL;
	struct messages *mistakes = findings ? &findings->problems : NULL;
	char *const *maps = job->policy->maps;
	int r;

	r = kernel_read_object(job, o, &file);
	if (r < 0)
		return r;
	r = check_map(job, file, maps ? maps[0] : NULL, o, mistakes, findings);
	if (r < 0)
		return r;
	return maps ? check_alternatives(job, file, o, findings) : 0;
}

static int check(const struct kernel_job *job, struct outcome *ret_outcome,
		 struct kernel_findings *findings)
{
	struct outcome o = {.verdict = VERDICT_FITS};
	int r = check_policy(job, &o, findings);

	if (r < 0 && r != -EBADMSG) {
		outcome_done(&o);
		o = OUTCOME_NULL;
	}
	*ret_outcome = o;
	return r == -EBADMSG ? 0 : r;
}

int kernel_check(const struct kernel_job *job, struct outcome *ret_outcome)
{
	return check(job, ret_outcome, NULL);
}

int kernel_examine(const struct kernel_job *job, struct outcome *ret_outcome,
		   struct kernel_findings *ret)
{
	struct kernel_findings f = KERNEL_FINDINGS_NULL;
	int r = check(job, ret_outcome, &f);

	if (r == 0 && ret_outcome->verdict != VERDICT_FITS && f.problems.n == 0)
		r = messages_add(&f.problems, "%s", or_empty(ret_outcome->detail));
	if (r < 0) {
		kernel_findings_done(&f);
		return r;
	}
	*ret = f;
	return 0;
}
