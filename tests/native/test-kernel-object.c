/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The object file: found, trusted, understood. */
#include <elf.h>
#include <fcntl.h>
#include <linux/btf.h>
#include <sys/stat.h>

#include "tests/native/kernel-fixture.h"

static char *read_object(const char *name, size_t *ret_size)
{
	_cleanup_(freep) char *path = object_path(name);
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	char *bytes = malloc(1024 * 1024);

	assert_non_null(f);
	assert_non_null(bytes);
	*ret_size = fread(bytes, 1, 1024 * 1024, f);
	assert_true(*ret_size > 0 && *ret_size < 1024 * 1024);
	return bytes;
}

/* A copy of the object in the scratch folder, changed by the caller. */
static void write_object(void **state, const char *name, const void *bytes, size_t size)
{
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), name);

	scratch_write(kernel_scratch(state), name, bytes, size);
	assert_int_equal(chmod(path, 0644), 0);
}

static void run_object(void **state, struct run *run, const char *path)
{
	char name[TCP_NAME_SIZE];

	run_policy(state, run, NULL, "[Object]\nPath=%s\n[Fields]\nname=%s\n", path,
		   tcp_name(name, "obj"));
}

static void test_identity(void **state)
{
	_run_ struct run run = RUN_NULL;
	_cleanup_(freep) char *path = object_path("values.bpf.o"), *real = realpath(path, NULL);
	struct stat st;

	run_object(state, &run, "values.bpf.o");
	assert_attached(&run);
	assert_int_equal(stat(path, &st), 0);
	assert_string_equal(run.outcome.object_file, real);
	assert_int_equal(strlen(run.outcome.digest), 64);
	assert_int_equal(run.outcome.stamp.inode, st.st_ino);
	assert_int_equal(run.outcome.stamp.size, st.st_size);
	assert_string_equal(run.outcome.type, "tcp_congestion_ops");
	assert_string_equal(run.outcome.map, "values");
	assert_int_not_equal(run.outcome.map_id, 0);
	assert_int_not_equal(run.outcome.link_id, 0);
	assert_true(run.outcome.relinkable);
	assert_true(run.outcome.load_usec > 0 && run.outcome.attach_usec > 0);
	assert_int_equal(run.outcome.change, CHANGE_FRESH);
}

static void test_digest(void **state)
{
	_run_ struct run first = RUN_NULL, right = RUN_NULL, wrong = RUN_NULL;
	char name[TCP_NAME_SIZE];

	run_object(state, &first, "values.bpf.o");
	assert_attached(&first);
	run_policy(state, &right, NULL,
		   "[Object]\nPath=values.bpf.o\nSHA256=%s\n[Fields]\nname=%s\n",
		   first.outcome.digest, tcp_name(name, "sha"));
	assert_attached(&right);
	run_policy(state, &wrong, NULL, "[Object]\nPath=values.bpf.o\nSHA256=%064d\n", 7);
	assert_verdict(&wrong, VERDICT_REFUSED, first.outcome.digest);
	assert_verdict(&wrong, VERDICT_REFUSED,
		       "0000000000000000000000000000000000000000000000000000000000000007");
}

static void test_not_found(void **state)
{
	_run_ struct run relative = RUN_NULL, absolute = RUN_NULL, folder = RUN_NULL;

	run_object(state, &relative, "nowhere.bpf.o");
	assert_verdict(&relative, VERDICT_REFUSED,
		       "object \"nowhere.bpf.o\" not found; looked in ");
	assert_verdict(&relative, VERDICT_REFUSED, getenv("TEST_OBJECTS"));
	assert_verdict(&relative, VERDICT_REFUSED, kernel_scratch(state)->path);
	assert_int_equal(relative.outcome.error, ENOENT);
	run_object(state, &absolute, "/nowhere/x.bpf.o");
	assert_verdict(&absolute, VERDICT_REFUSED,
		       "object \"/nowhere/x.bpf.o\" cannot be opened: No such file");
	run_object(state, &folder, kernel_scratch(state)->path);
	assert_verdict(&folder, VERDICT_REFUSED, "is a folder, not a regular file");
}

/* A FIFO would keep a worker waiting for a writer. */
static void test_fifo(void **state)
{
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "fifo");
	_run_ struct run run = RUN_NULL;

	assert_int_equal(mkfifo(path, 0644), 0);
	run_object(state, &run, path);
	assert_verdict(&run, VERDICT_REFUSED, "is a FIFO, not a regular file");
}

static void test_trust_in_the_file(void **state)
{
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "copy.bpf.o");
	_cleanup_(freep) char *link = scratch_path(kernel_scratch(state), "link.bpf.o");
	_run_ struct run good = RUN_NULL, group = RUN_NULL, owner = RUN_NULL, linked = RUN_NULL;
	_cleanup_(freep) char *bytes = NULL;
	size_t size;

	bytes = read_object("values.bpf.o", &size);
	write_object(state, "copy.bpf.o", bytes, size);
	scratch_link(kernel_scratch(state), "link.bpf.o", "copy.bpf.o");
	run_object(state, &good, link);
	assert_attached(&good);
	assert_string_equal(good.outcome.object_file, path);

	assert_int_equal(chmod(path, 0664), 0);
	run_object(state, &group, "copy.bpf.o");
	assert_verdict(&group, VERDICT_REFUSED, "has mode 0664, so others than root may write it");
	assert_verdict(&group, VERDICT_REFUSED, "chmod go-w '");
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chown(path, 65534, 0), 0);
	run_object(state, &owner, "copy.bpf.o");
	assert_verdict(&owner, VERDICT_REFUSED, "is owned by user 65534");
	assert_verdict(&owner, VERDICT_REFUSED, "chown root '");
	run_object(state, &linked, link);
	assert_verdict(&linked, VERDICT_REFUSED, "is owned by user 65534");
}

static void test_trust_in_the_folders(void **state)
{
	_cleanup_(freep) char *folder = scratch_path(kernel_scratch(state), "up");
	_run_ struct run writable = RUN_NULL, sticky = RUN_NULL, owner = RUN_NULL;
	_cleanup_(freep) char *bytes = NULL, *expected = NULL;
	size_t size;

	bytes = read_object("values.bpf.o", &size);
	write_object(state, "up/down/copy.bpf.o", bytes, size);
	assert_true(asprintf(&expected, "lies below \"%s\" (mode 0775)", folder) > 0);
	assert_int_equal(chmod(folder, 0775), 0);
	run_object(state, &writable, "up/down/copy.bpf.o");
	assert_verdict(&writable, VERDICT_REFUSED, expected);
	assert_verdict(&writable, VERDICT_REFUSED, "chmod go-w '");
	assert_int_equal(chmod(folder, 01777), 0);
	run_object(state, &sticky, "up/down/copy.bpf.o");
	assert_attached(&sticky);
	assert_int_equal(chmod(folder, 0755), 0);
	assert_int_equal(chown(folder, 65534, 0), 0);
	run_object(state, &owner, "up/down/copy.bpf.o");
	assert_verdict(&owner, VERDICT_REFUSED, "which user 65534 owns and may replace");
}

static void test_files_that_are_no_objects(void **state)
{
	_run_ struct run empty = RUN_NULL, text = RUN_NULL, magic = RUN_NULL, program = RUN_NULL;

	write_object(state, "empty.bpf.o", "", 0);
	run_object(state, &empty, "empty.bpf.o");
	assert_verdict(&empty, VERDICT_REFUSED, "empty.bpf.o\" is empty");
	write_object(state, "text.bpf.o", "SEC(\"struct_ops\")\n", 18);
	run_object(state, &text, "text.bpf.o");
	assert_verdict(&text, VERDICT_REFUSED, "text.bpf.o\" is not an ELF file");
	write_object(state, "magic.bpf.o", "\177ELF\2\1\1", 7);
	run_object(state, &magic, "magic.bpf.o");
	assert_verdict(&magic, VERDICT_REFUSED, "magic.bpf.o\" is truncated: its ELF header");
	run_object(state, &program, "/bin/true");
	assert_verdict(&program, VERDICT_REFUSED, "is an ELF file, but not a BPF object");
}

static void test_too_large(void **state)
{
	_cleanup_(freep) char *path = scratch_path(kernel_scratch(state), "large.bpf.o");
	_run_ struct run run = RUN_NULL;

	write_object(state, "large.bpf.o", "", 0);
	assert_int_equal(truncate(path, 65L * 1024 * 1024), 0);
	run_object(state, &run, "large.bpf.o");
	assert_verdict(&run, VERDICT_REFUSED,
		       "has 68157440 bytes; more than 64 MiB is no BPF object");
}

static void test_damaged_headers(void **state)
{
	_run_ struct run order = RUN_NULL, table = RUN_NULL;
	_cleanup_(freep) char *bytes = NULL;
	Elf64_Ehdr h;
	size_t size;

	bytes = read_object("values.bpf.o", &size);
	memcpy(&h, bytes, sizeof(h));
	bytes[EI_DATA] = (char)(h.e_ident[EI_DATA] == ELFDATA2LSB ? ELFDATA2MSB : ELFDATA2LSB);
	write_object(state, "order.bpf.o", bytes, size);
	run_object(state, &order, "order.bpf.o");
	assert_verdict(&order, VERDICT_REFUSED,
		       "endian machines and this one is not: compile it with");

	h.e_shstrndx = h.e_shnum;
	memcpy(bytes, &h, sizeof(h));
	write_object(state, "table.bpf.o", bytes, size);
	run_object(state, &table, "table.bpf.o");
	assert_verdict(&table, VERDICT_REFUSED, "has no usable ELF section table");
}

/* Whole as a file, nonsense inside: libbpf's own reason is passed on. */
static void test_damaged_btf(void **state)
{
	_cleanup_(freep) char *bytes = NULL;
	_run_ struct run run = RUN_NULL;
	const uint16_t magic = BTF_MAGIC;
	size_t size;
	char *btf;

	bytes = read_object("values.bpf.o", &size);
	while ((btf = memmem(bytes, size, &magic, sizeof(magic))))
		*btf = 0;
	write_object(state, "btf.bpf.o", bytes, size);
	run_object(state, &run, "btf.bpf.o");
	assert_verdict(&run, VERDICT_REFUSED,
		       "btf.bpf.o\": BTF is required, but is missing or corrupted");
}

/* However short a copy was cut, it is refused, not crashed on. */
static void test_truncated(void **state)
{
	_cleanup_(freep) char *bytes = NULL;
	size_t size;

	bytes = read_object("values.bpf.o", &size);
	for (size_t length = sizeof(Elf64_Ehdr); length < size; length += 997) {
		_run_ struct run run = RUN_NULL;

		write_object(state, "short.bpf.o", bytes, length);
		run_object(state, &run, "short.bpf.o");
		assert_verdict(&run, VERDICT_REFUSED,
			       "short.bpf.o\" is truncated: its section table");
	}
}

static void test_objects_without_something(void **state)
{
	_run_ struct run btf = RUN_NULL, maps = RUN_NULL, named = RUN_NULL;

	run_object(state, &btf, "no-btf.bpf.o");
	assert_verdict(&btf, VERDICT_REFUSED,
		       "no-btf.bpf.o\" has no BTF (type information): compile it with clang -g");
	run_object(state, &maps, "no-maps.bpf.o");
	assert_verdict(&maps, VERDICT_REFUSED, "no-maps.bpf.o\" has no struct_ops map");
	run_policy(state, &named, NULL, "[Object]\nPath=no-maps.bpf.o\nMap=first\n");
	assert_verdict(&named, VERDICT_REFUSED, "has no such struct_ops map; it has none at all");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_setup, kernel_teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_identity),
		TEST(test_digest),
		TEST(test_not_found),
		TEST(test_fifo),
		TEST(test_trust_in_the_file),
		TEST(test_trust_in_the_folders),
		TEST(test_files_that_are_no_objects),
		TEST(test_too_large),
		TEST(test_damaged_headers),
		TEST(test_damaged_btf),
		TEST(test_truncated),
		TEST(test_objects_without_something),
	};
	int r = kernel_tests_possible();

	return r != 0 ? r : cmocka_run_group_tests(tests, NULL, NULL);
}
