/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A policy file and its drop-ins, which are what stands between lines of "----"; and the same with other names. */
#include "common/sentence.h"
#include "daemon/core/policy.h"
#include "tests/fuzz/fuzz.h"

#define SEPARATOR "\n----\n"
#define SOURCES_MAX 8

struct sources {
	struct policy_source items[SOURCES_MAX];
	size_t n;
};

static void sources_done(struct sources *s)
{
	for (size_t i = 0; i < s->n; i++) {
		free(s->items[i].path);
		free(s->items[i].text);
	}
}

static void add(struct sources *s, const char *bytes, size_t length)
{
	struct policy_source *source = &s->items[s->n++];

	*source = (struct policy_source){
		.path = sentence("file-%zu", s->n), .text = malloc(length + 1), .length = length};
	if (!source->path || !source->text)
		abort();
	memcpy(source->text, bytes, length);
	source->text[length] = '\0';
}

static void split(struct sources *s, const char *bytes, size_t size)
{
	while (s->n < SOURCES_MAX - 1) {
		const char *end = memmem(bytes, size, SEPARATOR, strlen(SEPARATOR));

		if (!end)
			break;
		add(s, bytes, (size_t)(end - bytes));
		size -= (size_t)(end - bytes) + strlen(SEPARATOR);
		bytes = end + strlen(SEPARATOR);
	}
	add(s, bytes, size);
}

/* What parses is parsed the same again, and its instances and comparisons work. */
static void use(const struct policy *p, const struct sources *s)
{
	static char name[] = "n", devpath[] = "/devices/0003:046D:C52B.0001";
	const struct hid_device device = {3, 0x46d, 0xc52b, 1, name, devpath};
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(policy_freep) struct policy *again = NULL, *instance = NULL;

	if (policy_parse("fuzz", s->items, s->n, &again, &messages) < 0 || messages.n > 0)
		abort();
	if (!policy_equal(p, again) || !policy_same_object(p, again))
		abort();
	if (p->is_template && policy_instance(p, &device, &instance) < 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	_cleanup_(messages_done) struct messages messages = MESSAGES_NULL;
	_cleanup_(sources_done) struct sources s = {0};
	_cleanup_(policy_freep) struct policy *p = NULL;
	int r;

	split(&s, (const char *)bytes, size);
	r = policy_parse("fuzz", s.items, s.n, &p, &messages);
	/* Either a policy or a reason, and never both. */
	if (r == 0 ? !p || messages.n > 0 : r != -EBADMSG || messages.n == 0 || p)
		abort();
	if (p)
		use(p, &s);
	return 0;
}
