/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * verify over a hundred thousand objects that are not quite right: for each policy the client says that it is well, or
 * what is wrong. libbpf may crash over one, for which there are children; the project's own code may not.
 *
 *   test-verify-mutations OBJECT...      as many as MUTATIONS says (else as it was built for), drawn by MUTATIONS_SEED
 *
 * One that fails is kept (verify-mutation-NUMBER.bpf.o), and the environment MUTATION=NUMBER makes it alone again.
 */
#include "tests/unit/scratch.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "client/verify.h"
#include "common/sentence.h"
#include "inspect/inspection.h"
#include "tests/inspect/mutate.h"

#define SEED 1
#define BATCH 250 /* policies that one verify checks */
#define WORKERS_MAX 16
#define FRAMES_MAX 64
#define SIGNAL_STACK (64UL * 1024)

struct sample {
	const char *path;
	uint8_t *bytes;
	size_t size;
	struct inspection *in; /* NULL: one that is refused as it is */
};

/* Numbers of mutations. */
struct range {
	size_t first, end;
};

/* Where a child crashed. */
struct crash {
	bool is_reading; /* libbpf, with nothing of ours in its hands but the bytes */
	char place[128];
};

/* Of one worker; in memory that its children share. */
struct tally {
	size_t n_fit, n_refused, n_crashed, n_failed;
	size_t batch; /* the first of it */
	char some_place[128];
	struct crash crashes[BATCH]; /* in the batch */
	size_t n_crashes;
};

static struct sample *samples;
static size_t n_samples;
static size_t seed;
static struct tally *tallies, *tally; /* of all; of this process */

static size_t number_from(const char *variable, size_t otherwise)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : otherwise;
}

static void sample_read(struct sample *s, const char *path)
{
	_cleanup_(fclosep) FILE *f = fopen(path, "re");
	_cleanup_(freep) char *error = NULL;
	long size;

	assert_non_null(f);
	assert_int_equal(fseek(f, 0, SEEK_END), 0);
	size = ftell(f);
	assert_true(size > 0);
	rewind(f);
	*s = (struct sample){.path = path, .bytes = malloc((size_t)size), .size = (size_t)size};
	assert_non_null(s->bytes);
	assert_int_equal(fread(s->bytes, 1, s->size, f), s->size);
	inspection_new(path, s->bytes, s->size, &s->in, &error);
}

static bool is_reader(const char *function)
{
	return strncmp(function, "bpf_object__open", strlen("bpf_object__open")) == 0 ||
	       strncmp(function, "btf__new", strlen("btf__new")) == 0;
}

/* Of the frames from first on the first one in the project's own code; n: there is none. *ret_called: what it called. */
static int own_frame(void *const *frames, int first, int n, Dl_info *ret_called)
{
	Dl_info own, info = {0};
	int i;

	*ret_called = (Dl_info){0};
	if (!dladdr((void *)&samples, &own))
		return n;
	for (i = first; i < n && dladdr(frames[i], &info) && info.dli_fbase != own.dli_fbase; i++)
		*ret_called = info;
	return i < n && info.dli_fbase == own.dli_fbase ? i : n;
}

static void describe(struct crash *crash, void *const *frames, int n)
{
	Dl_info called, own;
	int handler = own_frame(frames, 0, n, &called);
	int i = own_frame(frames, handler + 1, n, &called);

	if (i == n || !dladdr(frames[i], &own))
		return;
	crash->is_reading = called.dli_sname && is_reader(called.dli_sname);
	snprintf(crash->place, sizeof(crash->place), "crashed at 0x%zx of the test, calling %s",
		 (size_t)frames[i] - (size_t)own.dli_fbase,
		 called.dli_sname ? called.dli_sname : "nobody");
}

static void note_crash(int number)
{
	void *frames[FRAMES_MAX];

	if (tally->n_crashes < BATCH)
		describe(&tally->crashes[tally->n_crashes++], frames,
			 backtrace(frames, FRAMES_MAX));
}

/* The children inherit it. It runs once: what crashed does so again, and dies. */
static void watch_crashes(void)
{
	static const int numbers[] = {SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL};
	const stack_t stack = {.ss_sp = malloc(SIGNAL_STACK), .ss_size = SIGNAL_STACK};
	const struct sigaction action = {
		.sa_handler = note_crash,
		.sa_flags = (int)(SA_RESETHAND | SA_ONSTACK | SA_NODEFER),
	};
	void *frame;

	assert_non_null(stack.ss_sp);
	assert_int_equal(sigaltstack(&stack, NULL), 0);
	backtrace(&frame, 1); /* loads what it needs while all is well */
	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
		assert_int_equal(sigaction(numbers[i], &action, NULL), 0);
}

static char *object_path_of(const struct scratch *s, size_t number)
{
	_cleanup_(freep) char *name = sentence("%td-%zu.bpf.o", tally - tallies, number % BATCH);

	assert_non_null(name);
	return scratch_path(s, name);
}

/* Over the one that was there, which is not truncated first: that would make the file system write it out. */
static void write_object(const char *path, const uint8_t *bytes, size_t size)
{
	_cleanup_(closep) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, bytes, size), size);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
}

/* A line that sets, changes or clears a member of the map or, in the other section, a variable. */
static void write_setting(FILE *f, struct random *r, const char *name)
{
	static const char *const values[] = {"=1", "|=2", "=", "=x", "=255", "[0]=1", ".a=1"};

	fprintf(f, "%s%s\n", name, values[random_below(r, ARRAY_SIZE(values))]);
}

static void write_settings(FILE *f, struct random *r, const struct inspection *in)
{
	const struct ops_map *map = in->n_maps > 0 ? &in->maps[random_below(r, in->n_maps)] : NULL;

	if (map && random_below(r, 8) > 0)
		fprintf(f, "Map=%s\n", map->name);
	if (map && map->n_members > 0 && random_below(r, 2) == 0) {
		fputs("[Fields]\n", f);
		write_setting(f, r, map->members[random_below(r, map->n_members)].name);
	}
	if (in->n_globals > 0 && random_below(r, 4) == 0) {
		fputs("[Globals]\n", f);
		write_setting(f, r, in->globals[random_below(r, in->n_globals)].name);
	}
}

/* Makes the object, and a policy for it. The text is the caller's. */
static char *make_one(const struct scratch *s, size_t number)
{
	struct random r = {.state = (seed * UINT64_C(0x10000001b3) + number + 1) *
				    UINT64_C(0x9e3779b97f4a7c15)};
	const struct sample *sample = &samples[random_below(&r, n_samples)];
	_cleanup_(freep) uint8_t *bytes = malloc(sample->size);
	_cleanup_(freep) char *path = object_path_of(s, number);
	size_t size = sample->size, length;
	char *text = NULL;
	FILE *f = open_memstream(&text, &length);

	assert_non_null(bytes);
	assert_non_null(f);
	memcpy(bytes, sample->bytes, size);
	mutate(&r, bytes, &size, true);
	write_object(path, bytes, size);
	fprintf(f, "[Object]\nPath=%s\n", path);
	if (sample->in)
		write_settings(f, &r, sample->in);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void add_one(const struct scratch *s, struct verify *v, size_t number)
{
	_cleanup_(freep) char *text = make_one(s, number);
	_cleanup_(freep) char *name = sentence("m%zu", number);
	struct policy_source source = {.path = name, .text = text, .length = strlen(text)};
	struct policy_file_set set = {.name = name, .sources = &source, .n_sources = 1};
	const struct policy_collection one = {.sets = &set, .n = 1};

	assert_non_null(name);
	assert_int_equal(verify_add(v, &one), 0);
}

/* Keeps the object, which the next batch overwrites. */
static void keep_failed(const struct scratch *s, size_t number, const char *why)
{
	_cleanup_(freep) char *from = object_path_of(s, number);
	_cleanup_(freep) char *to = sentence("verify-mutation-%zu.bpf.o", number);
	_cleanup_(freep) char *command = sentence("cp '%s' '%s'", from, to);

	assert_non_null(command);
	print_message("mutation %zu: %s\n  %s; again: MUTATIONS_SEED=%zu MUTATION=%zu\n", number,
		      why, system(command) == 0 ? to : "it could not be kept", seed, number);
	tally->n_failed++;
}

static const char *crash_of(const struct verified *item)
{
	for (size_t i = 0; i < item->n_problems; i++)
		if (strncmp(item->problems[i].sentence, "libbpf crashed", 14) == 0)
			return item->problems[i].sentence;
	return NULL;
}

static void judge_crash(const struct scratch *s, size_t number, const struct crash *crash)
{
	tally->n_crashed++;
	if (crash->is_reading)
		snprintf(tally->some_place, sizeof(tally->some_place), "%s", crash->place);
	else
		keep_failed(s, number,
			    *crash->place ? crash->place : "it crashed nobody knows where");
}

/* What has another end than a sentence is a failure; so is one of no use. */
static void judge(const struct scratch *s, size_t number, const struct verified *item)
{
	for (size_t i = 0; i < item->n_problems; i++) {
		const char *text = item->problems[i].sentence;

		if (strlen(text) <= 20 || strstr(text, "did not end within") ||
		    strstr(text, "ended early"))
			keep_failed(s, number, text);
	}
	tally->n_fit += item->n_problems == 0;
	tally->n_refused += item->n_problems > 0;
}

static void show(const struct verify *v)
{
	_cleanup_(freep) char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);

	assert_non_null(f);
	assert_int_equal(text_verify(f, &STYLE_PLAIN, v), 0);
	assert_int_equal(json_verify(f, v), 0);
	assert_int_equal(fclose(f), 0);
}

static void try_batch(const struct scratch *s, size_t first, size_t n, struct kernel_types *types)
{
	struct verify v = {.types = types};
	size_t n_crashed = 0;

	tally->batch = first;
	tally->n_crashes = 0;
	memset(tally->crashes, 0, sizeof(tally->crashes));
	for (size_t i = 0; i < n; i++)
		add_one(s, &v, first + i);
	assert_int_equal(verify_run(&v), 0);
	show(&v);
	assert_int_equal(v.n, n);
	for (size_t i = 0; i < n; i++) {
		if (crash_of(&v.items[i]))
			judge_crash(s, first + i, &tally->crashes[n_crashed++]);
		else
			judge(s, first + i, &v.items[i]);
	}
	v.types = NULL; /* for the next one */
	verify_done(&v);
}

static void __attribute__((noreturn))
worker(const struct scratch *s, size_t index, size_t n_workers, struct range range)
{
	_cleanup_(freep) char *error = NULL;
	struct kernel_types *types = NULL;

	/* A failed assertion ends this process; cmocka's own way would go on with the rest of main(). */
	setenv("CMOCKA_TEST_ABORT", "1", true);
	tally = &tallies[index];
	watch_crashes();
	assert_int_equal(kernel_types_of_running(&types, &error), 0);
	for (size_t i = range.first + index * BATCH; i < range.end; i += n_workers * BATCH)
		try_batch(s, i, MIN((size_t)BATCH, range.end - i), types);
	fflush(NULL);
	_exit(tally->n_failed > 0);
}

/* What a worker has come to is in its tally; true: to its end, with nothing to complain about. */
static bool worker_is_well(size_t index, pid_t pid)
{
	int status;

	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFSIGNALED(status))
		print_message("SIG%s in the mutations from %zu on (MUTATIONS_SEED=%zu)\n",
			      sigabbrev_np(WTERMSIG(status)), tallies[index].batch, seed);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static struct tally sum(size_t n_workers)
{
	struct tally all = {0};

	for (size_t i = 0; i < n_workers; i++) {
		all.n_fit += tallies[i].n_fit;
		all.n_refused += tallies[i].n_refused;
		all.n_crashed += tallies[i].n_crashed;
		if (*tallies[i].some_place)
			memcpy(all.some_place, tallies[i].some_place, sizeof(all.some_place));
	}
	return all;
}

static void run_workers(const struct scratch *s, size_t n_workers, struct range range)
{
	pid_t pids[WORKERS_MAX];
	bool well = true;

	for (size_t i = 0; i < n_workers; i++) {
		fflush(NULL);
		pids[i] = fork();
		assert_true(pids[i] >= 0);
		if (pids[i] == 0)
			worker(s, i, n_workers, range);
	}
	for (size_t i = 0; i < n_workers; i++)
		well = worker_is_well(i, pids[i]) && well;
	assert_true(well);
}

/* All, or the one that is asked for. */
static struct range wanted_range(void)
{
	size_t only = number_from("MUTATION", SIZE_MAX);

	if (only != SIZE_MAX)
		return (struct range){.first = only, .end = only + 1};
	return (struct range){.end = number_from("MUTATIONS", MUTATIONS)};
}

static void every_mutation_ends_in_a_sentence(void **state)
{
	size_t n_workers = MIN((size_t)sysconf(_SC_NPROCESSORS_ONLN), (size_t)WORKERS_MAX);
	const struct range range = wanted_range();
	size_t n = range.end - range.first;
	struct tally all;

	tallies = mmap(NULL, n_workers * sizeof(*tallies), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(tallies, MAP_FAILED);
	run_workers(*state, n_workers, range);
	all = sum(n_workers);
	print_message(
		"%zu mutations (seed %zu): %zu fit, %zu refused; libbpf crashed over %zu%s%s\n", n,
		seed, all.n_fit, all.n_refused, all.n_crashed,
		all.n_crashed > 0 ? ", the last " : "", all.some_place);
	assert_int_equal(all.n_fit + all.n_refused + all.n_crashed, n);
	/* The aim is good: neither all are refused at the door nor all pass. */
	if (n >= 1000) {
		assert_true(all.n_refused > n / 10);
		assert_true(all.n_fit > n / 10);
	}
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_mutation_ends_in_a_sentence, scratch_setup,
						scratch_teardown),
	};

	if (argc < 2)
		return 2;
	if (geteuid() != 0)
		return print_message("skipped: objects must be root's\n"), 77;
	seed = number_from("MUTATIONS_SEED", SEED);
	n_samples = (size_t)argc - 1;
	samples = calloc(n_samples, sizeof(*samples));
	for (size_t i = 0; i < n_samples; i++)
		sample_read(&samples[i], argv[i + 1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
