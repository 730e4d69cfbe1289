/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <ftw.h>
#include <sys/stat.h>

#include "tests/unit/scratch.h"

int scratch_setup(void **state)
{
	struct scratch *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	strcpy(s->path, "/tmp/structopsd-test-XXXXXX");
	assert_non_null(mkdtemp(s->path));
	*state = s;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int flag, struct FTW *ftw)
{
	return remove(path);
}

int scratch_teardown(void **state)
{
	struct scratch *s = *state;
	int r = nftw(s->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);

	free(s);
	return r;
}

char *scratch_path(const struct scratch *s, const char *name)
{
	char *path;

	assert_true(asprintf(&path, "%s/%s", s->path, name) > 0);
	return path;
}

/* Makes the folders that path lies in. */
static void make_parents(char *path)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		assert_true(mkdir(path, 0755) == 0 || errno == EEXIST);
		*slash = '/';
	}
}

void scratch_write(const struct scratch *s, const char *name, const void *content, size_t length)
{
	_cleanup_(freep) char *path = scratch_path(s, name);
	FILE *f;

	make_parents(path);
	f = fopen(path, "we");
	assert_non_null(f);
	assert_int_equal(fwrite(content, 1, length, f), length);
	assert_int_equal(fclose(f), 0);
}

void scratch_text(const struct scratch *s, const char *name, const char *text)
{
	scratch_write(s, name, text, strlen(text));
}

void scratch_folder(const struct scratch *s, const char *name)
{
	_cleanup_(freep) char *path = scratch_path(s, name);

	make_parents(path);
	assert_int_equal(mkdir(path, 0755), 0);
}

void scratch_link(const struct scratch *s, const char *name, const char *target)
{
	_cleanup_(freep) char *path = scratch_path(s, name);

	make_parents(path);
	assert_int_equal(symlink(target, path), 0);
}
