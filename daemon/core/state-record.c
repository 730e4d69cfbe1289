/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "daemon/core/state-record.h"

#include "common/sentence.h"
#include "daemon/core/wire.h"

#define MAGIC UINT32_C(0x52534f53) /* "SOSR" */

void state_record_done(struct state_record *r)
{
	free(r->policy);
	free(r->fallback_for);
	free(r->switched_from);
	free(r->yields_to);
	outcome_done(&r->outcome);
	*r = STATE_RECORD_NULL;
}

static void put_fingerprint(FILE *f, struct fingerprint p)
{
	wire_put_u64(f, p.high);
	wire_put_u64(f, p.low);
}

static void put_machine(FILE *f, const struct machine *m)
{
	wire_put_u32(f, m->state);
	wire_put_u32(f, m->reason);
	wire_put_u32(f, m->backoff.restarts);
	wire_put_u32(f, m->backoff.starts);
	wire_put_u64(f, m->backoff.window_start);
	wire_put_u32(f, m->restarts);
	wire_put_u64(f, m->attached_at);
	wire_put_u64(f, m->deadline);
	wire_put_u32(f, m->relink);
	wire_put_u32(f, m->again);
	wire_put_u32(f, m->again_reason);
}

static int put_outcome(FILE *f, const struct outcome *o)
{
	_cleanup_(freep) void *bytes = NULL;
	size_t length;
	int r = outcome_encode(o, &bytes, &length);

	if (r < 0)
		return r;
	wire_put_u32(f, (uint32_t)length);
	wire_put_bytes(f, bytes, length);
	return 0;
}

static int encode_body(const struct state_record *r, char **ret_bytes, size_t *ret_length)
{
	_cleanup_(freep) char *bytes = NULL;
	size_t length;
	FILE *f = open_memstream(&bytes, &length);
	int k;

	if (!f)
		return -ENOMEM;
	wire_put_text(f, r->policy);
	put_fingerprint(f, r->object);
	put_fingerprint(f, r->whole);
	wire_put_u32(f, r->enabled);
	wire_put_u32(f, r->stale);
	put_machine(f, &r->machine);
	wire_put_u64(f, r->attached_realtime);
	wire_put_text(f, r->fallback_for);
	wire_put_u64(f, r->last_seq);
	k = put_outcome(f, &r->outcome);
	wire_put_text(f, r->switched_from);
	wire_put_u64(f, r->switch_ends);
	wire_put_text(f, r->yields_to);
	if (fclose(f) != 0 || k < 0)
		return -ENOMEM;
	*ret_bytes = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

/* Magic and version stay where they are for ever; a fingerprint of all that follows tells damage. */
int state_record_encode(const struct state_record *r, const uint8_t boot_id[BOOT_ID_SIZE],
			void **ret_bytes, size_t *ret_length)
{
	_cleanup_(freep) char *body = NULL, *bytes = NULL;
	size_t body_length, length;
	FILE *f;
	int k;

	k = encode_body(r, &body, &body_length);
	if (k < 0)
		return k;
	f = open_memstream(&bytes, &length);
	if (!f)
		return -ENOMEM;
	wire_put_u32(f, MAGIC);
	wire_put_u32(f, STATE_RECORD_VERSION);
	wire_put_bytes(f, boot_id, BOOT_ID_SIZE);
	put_fingerprint(f, fingerprint_of_bytes(body, body_length));
	wire_put_bytes(f, body, body_length);
	if (fclose(f) != 0)
		return -ENOMEM;
	*ret_bytes = TAKE_PTR(bytes);
	*ret_length = length;
	return 0;
}

static void get_fingerprint(struct wire_reader *r, struct fingerprint *ret)
{
	ret->high = wire_get_u64(r);
	ret->low = wire_get_u64(r);
}

static void get_machine(struct wire_reader *r, struct machine *m)
{
	m->state = wire_get_below(r, _STATE_MAX);
	m->reason = wire_get_below(r, _REASON_MAX);
	m->backoff.restarts = wire_get_u32(r);
	m->backoff.starts = wire_get_u32(r);
	m->backoff.window_start = wire_get_u64(r);
	m->restarts = wire_get_u32(r);
	m->attached_at = wire_get_u64(r);
	m->deadline = wire_get_u64(r);
	m->relink = wire_get_bool(r);
	m->again = wire_get_bool(r);
	m->again_reason = wire_get_below(r, _REASON_MAX);
}

static void get_outcome(struct wire_reader *r, struct outcome *ret)
{
	uint32_t length = wire_get_u32(r);

	if (r->error == 0 && length > r->left)
		r->error = -EBADMSG;
	if (r->error < 0)
		return;
	r->error = outcome_decode(r->next, length, ret);
	r->next += length;
	r->left -= length;
}

static void get_policy(struct wire_reader *r, struct state_record *s)
{
	s->policy = wire_get_some_text(r);
	if (r->error == 0 && !policy_name_is_valid(s->policy))
		r->error = -EBADMSG;
}

static void get_switch(struct wire_reader *r, struct state_record *s)
{
	s->switched_from = wire_get_text(r);
	s->switch_ends = wire_get_u64(r);
	s->yields_to = wire_get_text(r);
}

static int decode_body(struct wire_reader *r, uint32_t version, struct state_record *ret)
{
	_cleanup_(state_record_done) struct state_record s = STATE_RECORD_NULL;

	get_policy(r, &s);
	get_fingerprint(r, &s.object);
	get_fingerprint(r, &s.whole);
	s.enabled = wire_get_bool(r);
	s.stale = wire_get_bool(r);
	get_machine(r, &s.machine);
	s.attached_realtime = wire_get_u64(r);
	s.fallback_for = wire_get_text(r);
	s.last_seq = wire_get_u64(r);
	get_outcome(r, &s.outcome);
	if (version >= 2)
		get_switch(r, &s);
	if (r->error == 0 && r->left > 0)
		r->error = -EBADMSG;
	if (r->error < 0)
		return r->error;
	*ret = s;
	s = STATE_RECORD_NULL;
	return 0;
}

static int damaged(char **ret_error, const char *what)
{
	return sentence_error(ret_error, -EBADMSG, "is damaged: %s", what);
}

int state_record_decode(const void *bytes, size_t length, const uint8_t boot_id[BOOT_ID_SIZE],
			struct state_record *ret, char **ret_error)
{
	struct wire_reader r = {.next = bytes, .left = length};
	uint8_t of_boot[BOOT_ID_SIZE];
	struct fingerprint told;
	uint32_t magic = wire_get_u32(&r), version = wire_get_u32(&r);
	int k;

	if (r.error < 0 || magic != MAGIC)
		return damaged(ret_error, "it does not begin as a state file does");
	if (version > STATE_RECORD_VERSION)
		return sentence_error(
			ret_error, -EOVERFLOW,
			"was written by a newer structopsd (version %u of the format, "
			"this one knows %u)",
			version, STATE_RECORD_VERSION);
	wire_get_bytes(&r, of_boot, sizeof(of_boot));
	get_fingerprint(&r, &told);
	if (r.error < 0 || version == 0 ||
	    !fingerprint_equal(told, fingerprint_of_bytes(r.next, r.left)))
		return damaged(ret_error, "its content is not what was written");
	if (memcmp(of_boot, boot_id, BOOT_ID_SIZE) != 0)
		return sentence_error(ret_error, -ESTALE,
				      "is of another boot: what it tells of is gone");
	k = decode_body(&r, version, ret);
	return k == -EBADMSG ? damaged(ret_error, "it says what no structopsd writes") : k;
}
