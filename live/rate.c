/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "live/rate.h"

static const struct meter_program *find_program(const struct meter_sample *s, uint32_t id)
{
	for (size_t i = 0; i < s->n_attachments; i++)
		for (size_t k = 0; k < s->attachments[i].n_programs; k++)
			if (s->attachments[i].programs[k].id == id)
				return &s->attachments[i].programs[k];
	return NULL;
}

struct rate rate_of_program(const struct meter_sample *before, const struct meter_program *now)
{
	const struct meter_program *then = before ? find_program(before, now->id) : NULL;

	/* Fewer than before: it is gone, and could not be read. */
	if (!then || now->time_nsec <= then->time_nsec || now->calls < then->calls ||
	    now->nsec < then->nsec)
		return (struct rate){0};
	return (struct rate){
		.calls = now->calls - then->calls,
		.nsec = now->nsec - then->nsec,
		.span_nsec = now->time_nsec - then->time_nsec,
	};
}

struct rate rate_sum(const struct rate *rates, size_t n)
{
	struct rate sum = {0};

	for (size_t i = 0; i < n; i++) {
		sum.calls += rates[i].calls;
		sum.nsec += rates[i].nsec;
		sum.span_nsec = MAX(sum.span_nsec, rates[i].span_nsec);
	}
	return sum;
}

double rate_calls_per_sec(const struct rate *r)
{
	return r->span_nsec ? (double)r->calls * 1e9 / (double)r->span_nsec : 0;
}

double rate_average_nsec(const struct rate *r)
{
	return r->calls ? (double)r->nsec / (double)r->calls : 0;
}

double rate_share(const struct rate *r)
{
	return r->span_nsec ? (double)r->nsec / (double)r->span_nsec : 0;
}
