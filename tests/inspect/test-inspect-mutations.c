/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A hundred thousand objects that are not quite right, and kernels of the same kind: each ends in a model that can be
 * shown, or in a sentence. What goes wrong in memory is for the sanitizer build to tell.
 *
 *   test-inspect-mutations KERNEL OBJECT...      as many as MUTATIONS (environment) says
 *
 * The one that fails can be made again: its number is printed, and MUTATION=number makes only that one and leaves it
 * in mutation.bin.
 */
#include "tests/unit/test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <time.h>

#include "client/inspect-output.h"
#include "tests/inspect/mutate.h"

#define MUTATIONS 100000
#define KERNEL_EVERY 10 /* each so-manieth is a kernel */
#define SHOWN_EVERY 4   /* writing the texts takes most of the time */
#define SECONDS_MAX 10  /* for one of them, on a busy machine */

struct sample {
	const char *path;
	uint8_t *bytes;
	size_t size;
};

static struct sample kernel;
static struct sample *objects;
static size_t n_objects;
static size_t n_refused, n_wrong, n_read;

static void sample_read(struct sample *s, const char *path)
{
	FILE *f = fopen(path, "re");
	long size;

	assert_non_null(f);
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	assert_true(size > 0);
	rewind(f);
	*s = (struct sample){.path = path, .bytes = malloc((size_t)size), .size = (size_t)size};
	assert_non_null(s->bytes);
	assert_int_equal(fread(s->bytes, 1, s->size, f), s->size);
	fclose(f);
}

static void show(const struct inspect_view *view)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(text_inspect(f, &STYLE_PLAIN, view), 0);
	assert_int_equal(json_inspect(f, view), 0);
	fclose(f);
	assert_true(size > 0);
}

static void compare_and_show(struct inspection *in, struct kernel_types *k)
{
	struct value_image *values[INSPECTION_MAPS_MAX] = {0};
	struct inspect_view view = {.in = in, .values = values};

	assert_int_equal(inspection_compare(in, k), 0);
	for (size_t i = 0; i < in->n_maps; i++) {
		int r = value_image_new(in, &in->maps[i], k, &values[i]);

		assert_true(r == 0 || r == -ENOENT || r == -EINVAL);
	}
	if (n_read % SHOWN_EVERY == 0)
		show(&view);
	for (size_t i = 0; i < in->n_maps; i++)
		value_image_free(values[i]);
}

/* A refusal is a sentence. */
static bool was_read(int r, const char *error)
{
	if (r == 0)
		return true;
	assert_int_equal(r, -EBADMSG);
	assert_non_null(error);
	assert_true(strlen(error) > 20);
	n_refused++;
	return false;
}

static void try_object(const uint8_t *bytes, size_t size, struct kernel_types *k)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(freep) char *error = NULL;
	int r;

	r = inspection_new("mutation", bytes, size, &in, &error);
	if (!was_read(r, error))
		return;
	n_wrong += in->problems.n > 0;
	n_read++;
	compare_and_show(in, k);
}

static void try_kernel(const uint8_t *bytes, size_t size, const struct sample *object)
{
	_cleanup_(inspection_freep) struct inspection *in = NULL;
	_cleanup_(kernel_types_freep) struct kernel_types *k = NULL;
	_cleanup_(freep) char *error = NULL, *none = NULL;
	char path[32];
	int fd = memfd_create("kernel", MFD_CLOEXEC), r;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	r = kernel_types_of_file(path, &k, &error);
	/* The object is whole, but may be one that is refused as it is. */
	if (was_read(r, error) &&
	    inspection_new("object", object->bytes, object->size, &in, &none) == 0) {
		compare_and_show(in, k);
		n_read++;
	}
	close(fd);
}

static void leave_behind(const uint8_t *bytes, size_t size)
{
	int fd = open("mutation.bin", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	assert_int_equal(write(fd, bytes, size), size);
	close(fd);
}

static void try_one(size_t i, struct kernel_types *k, bool leave)
{
	struct random r = {.state = (i + 1) * UINT64_C(0x9e3779b97f4a7c15)};
	const struct sample *object = &objects[random_below(&r, n_objects)];
	bool is_kernel = i % KERNEL_EVERY == 0;
	const struct sample *s = is_kernel ? &kernel : object;
	_cleanup_(freep) uint8_t *bytes = malloc(s->size);
	size_t size = s->size;
	time_t start = time(NULL);

	assert_non_null(bytes);
	memcpy(bytes, s->bytes, size);
	mutate(&r, bytes, &size, true);
	if (leave)
		leave_behind(bytes, size);
	if (is_kernel)
		try_kernel(bytes, size, object);
	else
		try_object(bytes, size, k);
	if (time(NULL) - start > SECONDS_MAX)
		fail_msg("mutation %zu of %s took more than %d s", i, s->path, SECONDS_MAX);
}

static size_t number_from(const char *variable, size_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

/* What died says which one it was at. */
static void note_number(size_t i)
{
	static char *note;
	static int fd = -1;

	if (fd < 0) {
		fd = open("mutation.number", O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
		assert_int_equal(ftruncate(fd, 32), 0);
		note = mmap(NULL, 32, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		assert_ptr_not_equal(note, MAP_FAILED);
	}
	snprintf(note, 32, "%zu\n", i);
}

static void every_mutation_ends_in_a_model_or_a_sentence(void **state)
{
	_cleanup_(kernel_types_freep) struct kernel_types *k = NULL;
	_cleanup_(freep) char *error = NULL;
	size_t n = number_from("MUTATIONS", MUTATIONS), only = number_from("MUTATION", SIZE_MAX);

	assert_int_equal(kernel_types_of_file(kernel.path, &k, &error), 0);
	if (only != SIZE_MAX) {
		try_one(only, k, true);
		return;
	}
	for (size_t i = 0; i < n; i++) {
		note_number(i);
		try_one(i, k, false);
	}
	print_message("%zu mutations: %zu read (%zu with something wrong), %zu refused\n", n,
		      n_read, n_wrong, n_refused);
	/* The aim is good: neither all are refused at the door nor all pass. */
	assert_true(n_refused > n / 20);
	assert_true(n_wrong > n / 20);
	assert_true(n_read - n_wrong > n / 20);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_mutation_ends_in_a_model_or_a_sentence),
	};

	if (argc < 3)
		return 2;
	sample_read(&kernel, argv[1]);
	n_objects = (size_t)argc - 2;
	objects = calloc(n_objects, sizeof(*objects));
	for (size_t i = 0; i < n_objects; i++)
		sample_read(&objects[i], argv[i + 2]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
