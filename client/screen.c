/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "client/screen.h"

#include <curses.h>
#include <langinfo.h>
#include <locale.h>
#include <time.h>

#define CTRL_C 3
#define PAGE MAX(LINES - 2, 1)
#define SIDE_STEP 8

struct screen {
	SCREEN *terminal;
	WINDOW *pad;         /* the text; the terminal shows a part of it. NULL: nothing yet */
	int n_lines, first;  /* that is at the top … */
	int n_columns, left; /* … and at the left */
};

/* Without a locale the C library takes text for bytes, and an ellipsis for three of them. */
static void choose_locale(const struct style *style)
{
	setlocale(LC_CTYPE, "");
	if (style->utf8 && !streq(nl_langinfo(CODESET), "UTF-8"))
		setlocale(LC_CTYPE, "C.UTF-8");
}

int screen_new(const struct style *style, struct screen **ret)
{
	struct screen *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	choose_locale(style);
	s->terminal = isatty(STDIN_FILENO) ? newterm(NULL, stdout, stdin) : NULL;
	if (!s->terminal) {
		free(s);
		return -ENOTTY;
	}
	/* Raw, so that Ctrl-C is a key like q and the terminal is given back as it was. */
	raw();
	noecho();
	keypad(stdscr, TRUE);
	curs_set(0);
	*ret = s;
	return 0;
}

struct screen *screen_free(struct screen *s)
{
	if (!s)
		return NULL;
	if (s->pad)
		delwin(s->pad);
	endwin();
	delscreen(s->terminal);
	free(s);
	return NULL;
}

static void draw(struct screen *s)
{
	s->first = MAX(MIN(s->first, s->n_lines - LINES), 0);
	s->left = MAX(MIN(s->left, s->n_columns - COLS), 0);
	erase();
	wnoutrefresh(stdscr);
	if (s->pad)
		pnoutrefresh(s->pad, s->first, s->left, 0, 0, LINES - 1, COLS - 1);
	doupdate();
}

static void measure(const char *text, int *ret_lines, int *ret_columns)
{
	int lines = 1, columns = 1;

	for (const char *end; (end = strchr(text, '\n')); text = end + 1) {
		/* Bytes: never fewer than columns. */
		columns = MAX(columns, (int)(end - text) + 1);
		lines++;
	}
	*ret_lines = lines;
	*ret_columns = columns;
}

int screen_show(struct screen *s, const char *text)
{
	if (s->pad)
		delwin(s->pad);
	measure(text, &s->n_lines, &s->n_columns);
	s->pad = newpad(s->n_lines, s->n_columns);
	if (!s->pad)
		return -ENOMEM;
	waddstr(s->pad, text);
	mvwchgat(s->pad, 0, 0, -1, A_BOLD, 0, NULL);
	draw(s);
	return 0;
}

static bool handle_key(struct screen *s, int key)
{
	switch (key) {
	case 'q':
	case CTRL_C:
		return false;
	case KEY_UP:
		s->first--;
		break;
	case KEY_DOWN:
		s->first++;
		break;
	case KEY_LEFT:
		s->left -= SIDE_STEP;
		break;
	case KEY_RIGHT:
		s->left += SIDE_STEP;
		break;
	case KEY_PPAGE:
		s->first -= PAGE;
		break;
	case KEY_NPAGE:
		s->first += PAGE;
		break;
	case KEY_HOME:
		s->first = s->left = 0;
		break;
	case KEY_END:
		s->first = s->n_lines;
		break;
	default: /* KEY_RESIZE among them */
		break;
	}
	draw(s);
	return true;
}

static uint64_t monotonic_msec(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

bool screen_wait(struct screen *s, uint64_t usec)
{
	uint64_t now = monotonic_msec(), end = now + usec / 1000;

	for (; now < end; now = monotonic_msec()) {
		int key;

		timeout((int)MIN(end - now, (uint64_t)INT32_MAX));
		key = getch();
		if (key != ERR && !handle_key(s, key))
			return false;
	}
	return true;
}
