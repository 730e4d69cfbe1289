/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Every known cause is recognised from what was really printed. CAUSES, a folder, has a file for each: ID or ID.VARIANT,
 * in which a line says who printed what follows: libbpf (its lines, as captured), verifier (a log), attach (type, errno);
 * and which version it was recorded from, or "sources" where it only stands in those.
 */
#include <dirent.h>

#include "daemon/kernel/causes.h"
#include "daemon/kernel/verifier-log.h"
#include "tests/unit/scratch.h"

#define FILES_MAX 256

struct replay {
	char name[64];
	enum cause_source source;
	char text[8192];
};

static struct replay files[FILES_MAX];
static size_t n_files;

static void read_replay(const char *folder, const char *name, struct replay *ret)
{
	_cleanup_(fclosep) FILE *f = NULL;
	char path[4096], source[32];
	size_t n;

	snprintf(path, sizeof(path), "%s/%s", folder, name);
	f = fopen(path, "re");
	assert_non_null(f);
	assert_non_null(fgets(source, sizeof(source), f));
	assert_true(strchr(source, ' ') && strchr(source, ' ')[1] != '\n');
	*strchr(source, ' ') = '\0';
	snprintf(ret->name, sizeof(ret->name), "%s", name);
	ret->source = cause_source_from_string(source);
	assert_true((int)ret->source >= 0);
	n = fread(ret->text, 1, sizeof(ret->text) - 1, f);
	assert_in_range(n, 1, sizeof(ret->text) - 2);
	ret->text[n] = '\0';
}

static int read_all(void **state)
{
	const char *folder = getenv("CAUSES");
	DIR *d = opendir(folder);
	const struct dirent *entry;

	assert_non_null(d);
	while ((entry = readdir(d))) {
		if (*entry->d_name == '.')
			continue;
		assert_in_range(n_files, 0, FILES_MAX - 1);
		read_replay(folder, entry->d_name, &files[n_files++]);
	}
	closedir(d);
	return 0;
}

static const struct cause *by_lines(char *text, const char **ret_line)
{
	const struct cause *first = NULL;

	for (char *rest = text, *line; (line = strsep(&rest, "\n"));) {
		const struct cause *c = cause_of_text(CAUSE_LIBBPF, line);

		if (c && (!first || c < first)) {
			first = c;
			*ret_line = line;
		}
	}
	return first;
}

static const struct cause *by_error(char *text)
{
	char *rest = text, *type = strsep(&rest, " ");

	assert_non_null(rest);
	return cause_of_error(-atoi(rest), type);
}

/* As the kernel floor does it. text is taken apart. */
static const struct cause *recognise(struct replay *r, const char **ret_line)
{
	struct log_findings f;

	*ret_line = "";
	switch (r->source) {
	case CAUSE_LIBBPF:
		return by_lines(r->text, ret_line);
	case CAUSE_VERIFIER:
		f = verifier_log_read(r->text);
		/* It may be a sentence of ours, for a log that ends too early. */
		memmove(r->text, f.decisive.text, f.decisive.length);
		r->text[f.decisive.length] = '\0';
		*ret_line = r->text;
		return cause_of_text(CAUSE_VERIFIER, r->text);
	default:
		return by_error(r->text);
	}
}

static void check_sentence(const struct cause *cause, const char *line)
{
	_cleanup_(freep) char *word = cause_word(cause, line), *text = NULL;
	const struct cause_words words = {.word = word,
					  .map = "m",
					  .type = "t_ops",
					  .object = "/o.bpf.o",
					  .kernel = "7.3",
					  .program = "p"};

	text = cause_sentence(cause, &words);
	assert_non_null(text);
	if (!cause->sentence)
		return;
	/* Whole, and nothing left to fill in: neither "{type}" nor an empty word. */
	assert_in_range(strlen(text), 40, 400);
	assert_null(strpbrk(text, "{}"));
	assert_null(strstr(text, "\"\""));
	if (cause->before_word)
		assert_true(*word);
}

static void test_each_text_is_recognised(void **state)
{
	for (size_t i = 0; i < n_files; i++) {
		struct replay r = files[i];
		const char *line;
		const struct cause *cause = recognise(&r, &line);

		if (!cause)
			fail_msg("%s: not recognised", r.name);
		r.name[strcspn(r.name, ".")] = '\0';
		assert_string_equal(cause->id, r.name);
		check_sentence(cause, line);
	}
}

static bool has_file(const char *id)
{
	for (size_t i = 0; i < n_files; i++)
		if (streq(files[i].name, id))
			return true;
	return false;
}

static void test_each_cause_has_a_text(void **state)
{
	assert_in_range(n_causes, 25, 1000);
	for (size_t i = 0; i < n_causes; i++) {
		if (!has_file(causes[i].id))
			fail_msg("tests/causes/%s is missing", causes[i].id);
		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(causes[i].id, causes[k].id);
	}
}

static void test_words(void **state)
{
	const struct cause cause = {.sentence = "{word}, {map} {nothing}{type"};
	const struct cause_words words = {.word = "a", .map = "b", .type = "c"};
	_cleanup_(freep) char *text = cause_sentence(&cause, &words);

	assert_string_equal(text, "a, b c");
}

static void test_what_is_unknown(void **state)
{
	assert_null(cause_of_text(CAUSE_LIBBPF, "all is well"));
	assert_null(cause_of_text(CAUSE_VERIFIER, ""));
	assert_null(cause_of_error(-ENOMEM, "t_ops"));
	assert_non_null(cause_of_error(-EINVAL, NULL));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_text_is_recognised),
		cmocka_unit_test(test_each_cause_has_a_text),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_what_is_unknown),
	};

	return cmocka_run_group_tests(tests, read_all, NULL);
}
