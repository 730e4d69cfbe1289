/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdarg.h>

#include "daemon/core/boolean.h"
#include "common/nearest.h"
#include "common/sentence.h"
#include "daemon/core/path.h"
#include "daemon/core/utf8.h"
#include "daemon/core/value.h"

#define BLANKS " \t"

/* A number before it is known to fit: sign and magnitude hold all of s64 and u64. */
struct number {
	bool negative;
	uint64_t magnitude;
};

static int refuse(char **ret_error, int error, const char *format, ...) _printf_(3, 4);
static int refuse(char **ret_error, int error, const char *format, ...)
{
	char *text;
	va_list args;

	va_start(args, format);
	text = sentence_va(format, args);
	va_end(args);
	if (!text)
		return -ENOMEM;
	*ret_error = text;
	return error;
}

/* All bits of one element. */
static uint64_t all_bits(const struct value_type *type)
{
	return UINT64_MAX >> (64 - 8 * type->size);
}

static uint64_t largest(const struct value_type *type)
{
	return type->is_signed ? all_bits(type) >> 1 : all_bits(type);
}

/* Of the smallest number, which is negative. */
static uint64_t smallest_magnitude(const struct value_type *type)
{
	return type->is_signed ? largest(type) + 1 : 0;
}

#define RANGE_MAX 64
/* "unsigned char (0 … 255)" without the name. */
static const char *format_range(char buffer[RANGE_MAX], const struct value_type *type)
{
	snprintf(buffer, RANGE_MAX, "%s%llu … %llu", type->is_signed ? "-" : "",
		 (unsigned long long)smallest_magnitude(type), (unsigned long long)largest(type));
	return buffer;
}

static int refuse_range(char **ret_error, const struct value_type *type, const char *text)
{
	char range[RANGE_MAX];

	return refuse(ret_error, -ERANGE, "%s does not fit into %s (%s)", text, type->name,
		      format_range(range, type));
}

static bool fits(const struct value_type *type, const struct number *number)
{
	return number->magnitude <= (number->negative ? smallest_magnitude(type) : largest(type));
}

/* Images need not be aligned; an element is the low end of 64 bits. */
static size_t low_end(size_t size)
{
	return __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(uint64_t) - size : 0;
}

static uint64_t load(const void *image, size_t size)
{
	uint64_t bits = 0;

	memcpy((char *)&bits + low_end(size), image, size);
	return bits;
}

static void store(void *image, size_t size, uint64_t bits)
{
	memcpy(image, (const char *)&bits + low_end(size), size);
}

static uint64_t sign_extend(const struct value_type *type, uint64_t bits)
{
	bool negative = type->is_signed && bits > largest(type);

	return negative ? bits | ~all_bits(type) : bits;
}

static int digit_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 16;
}

/* Digits as in C: 0x hexadecimal, 0 octal. -EINVAL: other letters too; -ERANGE: more than 64 bits. */
static int parse_magnitude(const char *text, uint64_t *ret)
{
	uint64_t number = 0, base = 10;
	bool overflow = false;

	if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
		base = 16;
		text += 2;
	} else if (text[0] == '0' && text[1] != '\0') {
		base = 8;
		text++;
	}
	if (*text == '\0')
		return -EINVAL;
	for (; *text; text++) {
		uint64_t digit = (uint64_t)digit_value(*text);

		if (digit >= base)
			return -EINVAL;
		overflow = overflow || __builtin_mul_overflow(number, base, &number) ||
			   __builtin_add_overflow(number, digit, &number);
	}
	if (overflow)
		return -ERANGE;
	*ret = number;
	return 0;
}

static int parse_number(const struct value_type *type, const char *text, struct number *ret,
			char **ret_error)
{
	struct number number = {.negative = *text == '-'};
	char range[RANGE_MAX];
	int r = parse_magnitude(text + number.negative, &number.magnitude);

	if (r == -ERANGE || (r == 0 && !fits(type, &number)))
		return refuse_range(ret_error, type, text);
	if (r < 0)
		return refuse(ret_error, r, "\"%s\" is not an integer%s, expected %s (%s)", text,
			      text[number.negative] == '0' ? " (a 0 in front means octal)" : "",
			      type->name, format_range(range, type));
	*ret = number;
	return 0;
}

static int parse_enumerator(const struct value_type *type, const char *word, struct number *ret,
			    char **ret_error)
{
	struct nearest nearest = NEAREST(word);
	struct number number = {0};
	char range[RANGE_MAX];
	uint64_t bits;

	if (!type->enumerator || type->enumerator(type->userdata, word, &bits) < 0) {
		if (type->suggest)
			type->suggest(type->userdata, &nearest);
		return refuse(ret_error, -EINVAL,
			      "\"%s\" is neither an integer nor a known enumerator" NEAREST_FORMAT
			      ", expected %s (%s)",
			      word, NEAREST_ARGS(nearest), type->name, format_range(range, type));
	}
	number.negative = type->is_signed && (int64_t)bits < 0;
	number.magnitude = number.negative ? -bits : bits;
	if (!fits(type, &number))
		return refuse_range(ret_error, type, word);
	*ret = number;
	return 0;
}

static char *strip(char *text)
{
	char *end;

	text += strspn(text, BLANKS);
	end = text + strlen(text);
	while (end > text && strchr(BLANKS, end[-1]))
		end--;
	*end = '\0';
	return text;
}

static bool is_word(const char *text)
{
	size_t n = identifier_length(text);

	return n > 0 && text[n] == '\0';
}

/* One operand of '|': a number or an enumerator, perhaps with '~' before it. */
static int parse_operand(const struct value_type *type, char *text, uint64_t *ret, char **ret_error)
{
	bool complement;
	struct number number = {0};
	uint64_t bits;
	int r;

	text = strip(text);
	complement = *text == '~';
	if (complement)
		text = strip(text + 1);
	if (*text == '\0')
		return refuse(ret_error, -EINVAL,
			      "an operand is missing, expected such as 5, A, A|B or ~A");
	r = is_word(text) ? parse_enumerator(type, text, &number, ret_error)
			  : parse_number(type, text, &number, ret_error);
	if (r < 0)
		return r;
	bits = number.negative ? -number.magnitude : number.magnitude;
	*ret = complement ? ~bits : bits; /* store() takes as many as the type has */
	return 0;
}

static int parse_integer(const struct value_type *type, char *text, uint64_t *ret, char **ret_error)
{
	uint64_t bits = 0;
	char *operand;

	/* Before it is cut at the '|', for the whole of it to be in the message. */
	if (strpbrk(text, "()"))
		return refuse(ret_error, -EINVAL,
			      "\"%s\" has parentheses, expected such as 5, A, A|B or ~A", text);
	while ((operand = strsep(&text, "|"))) {
		uint64_t one = 0;
		int r = parse_operand(type, operand, &one, ret_error);

		if (r < 0)
			return r;
		bits |= one;
	}
	*ret = bits;
	return 0;
}

static int parse_boolean(const char *text, uint64_t *ret, char **ret_error)
{
	bool value;

	if (boolean_parse(text, &value) < 0)
		return refuse(ret_error, -EINVAL, "\"%s\" is no boolean, expected yes or no", text);
	*ret = value;
	return 0;
}

/* One element; text may be cut up. */
static int parse_element(const struct value_type *type, char *text, uint64_t *ret, char **ret_error)
{
	text = strip(text);
	if (*text == '\0')
		return refuse(ret_error, -EINVAL, "the value is empty, expected %s", type->name);
	if (type->kind == VALUE_BOOL)
		return parse_boolean(text, ret, ret_error);
	return parse_integer(type, text, ret, ret_error);
}

static int parse_scalar(const struct value_type *type, enum override_op op, char *text, void *image,
			char **ret_error)
{
	uint64_t present = load(image, type->size), bits = 0;
	int r = parse_element(type, text, &bits, ret_error);

	if (r < 0)
		return r;
	if (op == OVERRIDE_OR)
		bits |= present;
	else if (op == OVERRIDE_AND)
		bits &= present;
	store(image, type->size, bits);
	return 0;
}

static size_t count_elements(const char *text)
{
	size_t n = 1;

	for (; *text; text++)
		n += *text == ',';
	return n;
}

static int parse_array(const struct value_type *type, char *text, void *image, char **ret_error)
{
	_cleanup_(freep) char *elements = calloc(type->n_elements, type->size);
	size_t n = count_elements(text);
	char *element;

	if (!elements)
		return -ENOMEM;
	if (n > type->n_elements)
		return refuse(ret_error, -ERANGE,
			      "\"%s\" has %zu values, expected at most %zu of %s", text, n,
			      type->n_elements, type->name);
	for (size_t i = 0; (element = strsep(&text, ",")); i++) {
		_cleanup_(freep) char *error = NULL;
		uint64_t bits = 0;
		int r = parse_element(type, element, &bits, &error);

		if (r < 0)
			return error ? refuse(ret_error, r, "element %zu: %s", i, error) : r;
		store(elements + i * type->size, type->size, bits);
	}
	memcpy(image, elements, type->n_elements * type->size);
	return 0;
}

/* "…" keeps the blanks at the ends; within it nothing is special. */
static int parse_text(const struct value_type *type, char *text, char *image, char **ret_error)
{
	size_t length;

	text = strip(text);
	length = strlen(text);
	if (*text == '"') {
		if (length < 2 || text[length - 1] != '"')
			return refuse(
				ret_error, -EINVAL,
				"no '\"' at the end of %s, expected \"text\" (\" ;\" starts a "
				"comment, also there)",
				text);
		text++;
		length -= 2;
		text[length] = '\0';
	}
	if (length >= type->size)
		return refuse(ret_error, -ERANGE,
			      "\"%s\" has %zu bytes, %s has room for %zu and the NUL behind", text,
			      length, type->name, type->size - 1);
	memset(image, 0, type->size);
	memcpy(image, text, length);
	return 0;
}

static int check_operator(const struct value_type *type, enum override_op op, char **ret_error)
{
	const char *sign = override_op_to_string(op);

	if (op == OVERRIDE_SET)
		return 0;
	if (type->kind == VALUE_BOOL || type->kind == VALUE_TEXT)
		return refuse(ret_error, -EINVAL, "\"%s\" is for numbers, expected \"=\" for %s",
			      sign, type->name);
	if (type->n_elements > 0)
		return refuse(ret_error, -EINVAL,
			      "\"%s\" is for one number, expected \"=\" or one element, as in "
			      "\"member[0] %s 1\"",
			      sign, sign);
	return 0;
}

static int check_size(const struct value_type *type, char **ret_error)
{
	switch (type->size) {
	case 1:
	case 2:
	case 4:
	case 8:
		return 0;
	default:
		return refuse(ret_error, -EINVAL, "%s has %zu bytes, expected 1, 2, 4 or 8",
			      type->name, type->size);
	}
}

int value_parse(const struct value_type *type, enum override_op op, const char *text, void *image,
		char **ret_error)
{
	_cleanup_(freep) char *copy = strdup(text);
	int r;

	if (!copy)
		return -ENOMEM;
	r = check_operator(type, op, ret_error);
	if (r < 0)
		return r;
	if (type->kind == VALUE_TEXT)
		return parse_text(type, copy, image, ret_error);
	r = check_size(type, ret_error);
	if (r < 0)
		return r;
	if (type->n_elements > 0)
		return parse_array(type, copy, image, ret_error);
	return parse_scalar(type, op, copy, image, ret_error);
}

static void format_element(FILE *f, const struct value_type *type, const void *image)
{
	uint64_t bits = sign_extend(type, load(image, type->size));
	const char *name = NULL;

	if (type->kind == VALUE_BOOL) {
		fputs(bits != 0 ? "yes" : "no", f);
		return;
	}
	if (type->name_of)
		name = type->name_of(type->userdata, bits);
	if (name)
		fputs(name, f);
	else if (type->is_signed)
		fprintf(f, "%lld", (long long)bits);
	else
		fprintf(f, "%llu", (unsigned long long)bits);
}

static bool needs_quotes(const char *text, size_t length)
{
	return length > 0 &&
	       (*text == '"' || strchr(BLANKS, *text) || strchr(BLANKS, text[length - 1]));
}

static bool is_control(char c)
{
	return ((unsigned char)c < ' ' && c != '\t') || c == 0x7f;
}

/* What the kernel left in a char array may be anything; what is no text becomes '?'. */
static void format_text(FILE *f, const char *text, size_t length)
{
	const char *quote = needs_quotes(text, length) ? "\"" : "";
	size_t i = 0;

	fputs(quote, f);
	while (i < length) {
		size_t end = i + utf8_valid_length(text + i, length - i);

		for (; i < end; i++)
			fputc(is_control(text[i]) ? '?' : text[i], f);
		if (i < length) {
			fputc('?', f);
			i++;
		}
	}
	fputs(quote, f);
}

char *value_format(const struct value_type *type, const void *image)
{
	_cleanup_(freep) char *text = NULL;
	size_t length, n = MAX(type->n_elements, (size_t)1);
	FILE *f = open_memstream(&text, &length);

	if (!f)
		return NULL;
	if (type->kind == VALUE_TEXT) {
		format_text(f, image, strnlen(image, type->size));
	} else {
		for (size_t i = 0; i < n; i++) {
			fputs(i > 0 ? ", " : "", f);
			format_element(f, type, (const char *)image + i * type->size);
		}
	}
	return fclose(f) == 0 ? TAKE_PTR(text) : NULL;
}
