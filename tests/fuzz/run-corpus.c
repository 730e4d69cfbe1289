/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* PROGRAM FOLDER: every file of the folder is an input once. */
#include <dirent.h>

#include "tests/fuzz/fuzz.h"

static void run_file(const char *folder, const char *name)
{
	_cleanup_(fclosep) FILE *f = NULL;
	_cleanup_(freep) uint8_t *bytes = NULL;
	char path[4096];
	long size;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	if (!f || fseek(f, 0, SEEK_END) < 0 || (size = ftell(f)) < 0) {
		perror(path);
		exit(1);
	}
	rewind(f);
	/* As large as it is, so that a sanitizer sees each byte that is read beyond. */
	bytes = malloc(size > 0 ? (size_t)size : 1);
	if (!bytes || fread(bytes, 1, (size_t)size, f) != (size_t)size)
		exit(1);
	LLVMFuzzerTestOneInput(bytes, (size_t)size);
}

int main(int argc, char **argv)
{
	DIR *folder = argc == 2 ? opendir(argv[1]) : NULL;
	const struct dirent *entry;
	size_t n = 0;

	if (!folder)
		return 2;
	while ((entry = readdir(folder))) {
		if (*entry->d_name == '.')
			continue;
		run_file(argv[1], entry->d_name);
		n++;
	}
	closedir(folder);
	printf("%zu inputs\n", n);
	return n > 0 ? 0 : 1;
}
