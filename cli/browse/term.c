// SPDX-License-Identifier: GPL-2.0
/*
 * The terminal; the only file that uses curses. However the program ends, the terminal is restored.
 */
#include <curses.h>
#include <errno.h>
#include <langinfo.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "../array.h"
#include "../message.h"
#include "../options.h"
#include "screen.h"

#include <term.h> /* last: defines macros with names like "lines" */

#define POLL_MS 250

/* --- colours ---------------------------------------------------------------------------------- */

/*
 * Blue, yellow and vermilion differ in lightness too, and every role has a character of its own: no
 * meaning depends on colour alone. -1: the terminal's default.
 */
static const struct look {
	short fg256, bg256, fg8, bg8;
	attr_t attr, mono;
} looks[BR_ROLES] = {
	[BR_NORMAL] = { -1, -1, -1, -1, A_NORMAL, A_NORMAL },
	[BR_TITLE] = { 231, 24, COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_REVERSE },
	[BR_HEAD] = { -1, -1, -1, -1, A_BOLD, A_BOLD },
	[BR_DIM] = { 246, -1, -1, -1, A_NORMAL, A_NORMAL },
	[BR_LABEL] = { -1, -1, -1, -1, A_BOLD, A_BOLD },
	[BR_AHEAD] = { 75, -1, COLOR_CYAN, -1, A_NORMAL, A_NORMAL },
	[BR_PAST] = { 220, -1, COLOR_YELLOW, -1, A_BOLD, A_BOLD },
	[BR_STORM] = { 202, -1, COLOR_RED, -1, A_BOLD, A_BOLD },
	[BR_CLOCK_EVEN] = { 109, -1, COLOR_GREEN, -1, A_NORMAL, A_NORMAL },
	[BR_CLOCK_ODD] = { 180, -1, COLOR_WHITE, -1, A_NORMAL, A_NORMAL },
	[BR_MARK] = { 213, -1, COLOR_MAGENTA, -1, A_BOLD, A_BOLD },
	[BR_AXIS] = { 246, -1, -1, -1, A_NORMAL, A_NORMAL },
	[BR_MEDIAN] = { 231, -1, COLOR_WHITE, -1, A_BOLD, A_BOLD },
	[BR_KEY] = { 117, -1, COLOR_CYAN, -1, A_BOLD, A_BOLD },
	[BR_ALERT] = { 16, 220, COLOR_BLACK, COLOR_YELLOW, A_NORMAL, A_REVERSE },
	[BR_PROMPT] = { 231, 24, COLOR_WHITE, COLOR_BLUE, A_NORMAL, A_UNDERLINE },
};

static bool init_colors(bool color)
{
	if (!color || !has_colors() || start_color() == ERR || COLOR_PAIRS <= BR_ROLES)
		return false;
	use_default_colors();
	for (int i = 0; i < BR_ROLES; i++) {
		const struct look *k = &looks[i];

		init_pair((short)(i + 1), COLORS >= 256 ? k->fg256 : k->fg8,
			  COLORS >= 256 ? k->bg256 : k->bg8);
	}
	return true;
}

/* --- signals, and the terminal restored ------------------------------------------------------- */

/* Signal handlers have no argument; there is one terminal. */
static struct {
	struct termios before;
	char restore[256]; /* sequence that restores the terminal */
	size_t len;
	volatile sig_atomic_t ended_by;
	struct sigaction old[NSIG];
} tty;

static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGQUIT };
static const int endings[] = { SIGINT, SIGTERM, SIGHUP };

static void add_restore(const char *s)
{
	size_t n = s && s != (char *)-1 ? strlen(s) : 0;

	if (tty.len + n < sizeof(tty.restore)) {
		memcpy(tty.restore + tty.len, n ? s : "", n);
		tty.len += n;
	}
}

/* Must be async-signal-safe. */
static void on_crash(int sig)
{
	if (write(STDOUT_FILENO, tty.restore, tty.len) >= 0)
		tcsetattr(STDIN_FILENO, TCSANOW, &tty.before);
	sigaction(sig, &tty.old[sig], NULL);
	raise(sig);
}

/* The first signal ends the program in an orderly way, the second at once. */
static void on_ending(int sig)
{
	if (tty.ended_by)
		on_crash(sig);
	tty.ended_by = sig;
}

static void catch_signals(void)
{
	struct sigaction crash = { .sa_handler = on_crash, .sa_flags = SA_NODEFER };
	struct sigaction ending = { .sa_handler = on_ending };

	for (unsigned int i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &crash, &tty.old[crashes[i]]);
	for (unsigned int i = 0; i < ARRAY_SIZE(endings); i++)
		sigaction(endings[i], &ending, &tty.old[endings[i]]);
}

static void release_signals(void)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(crashes); i++)
		sigaction(crashes[i], &tty.old[crashes[i]], NULL);
	for (unsigned int i = 0; i < ARRAY_SIZE(endings); i++)
		sigaction(endings[i], &tty.old[endings[i]], NULL);
}

static void remember_terminal(void)
{
	tty.len = 0;
	tty.ended_by = 0;
	tcgetattr(STDIN_FILENO, &tty.before);
}

static void remember_sequences(void)
{
	if (tigetstr("kmous") != (char *)-1 && tigetstr("kmous"))
		add_restore("\033[?1006l\033[?1003l\033[?1002l\033[?1000l");
	add_restore(tigetstr("sgr0"));
	add_restore(tigetstr("op"));
	add_restore(tigetstr("cnorm"));
	add_restore(tigetstr("rmkx"));
	add_restore(tigetstr("rmcup"));
}

/* --- drawing ---------------------------------------------------------------------------------- */

static attr_t cell_attr(const struct br_cell *c, bool color)
{
	attr_t a = color ? looks[c->role].attr : looks[c->role].mono;

	if (c->flags & BR_CURSOR)
		a ^= A_REVERSE;
	if (c->flags & BR_SELECTED)
		a |= A_UNDERLINE;
	return a;
}

static void show(const struct br_grid *g, bool color)
{
	for (int y = 0; y < g->h && y < LINES; y++) {
		for (int x = 0; x < g->w && x < COLS; x++) {
			const struct br_cell *c = br_cell(g, x, y);
			wchar_t text[2] = { (wchar_t)c->ch, 0 };
			cchar_t cc;

			setcchar(&cc, text, cell_attr(c, color), color ? (short)(c->role + 1) : 0,
				 NULL);
			mvadd_wch(y, x, &cc);
		}
	}
	refresh();
}

/* --- input ------------------------------------------------------------------------------------ */

static int key_of(int ch)
{
	static const struct {
		int curses, key;
	} known[] = {
		{ KEY_UP, BR_KEY_UP },
		{ KEY_DOWN, BR_KEY_DOWN },
		{ KEY_LEFT, BR_KEY_LEFT },
		{ KEY_RIGHT, BR_KEY_RIGHT },
		{ KEY_PPAGE, BR_KEY_PGUP },
		{ KEY_NPAGE, BR_KEY_PGDN },
		{ KEY_HOME, BR_KEY_HOME },
		{ KEY_END, BR_KEY_END },
		{ KEY_ENTER, BR_KEY_ENTER },
		{ '\r', BR_KEY_ENTER },
		{ '\n', BR_KEY_ENTER },
		{ CTRL('['), BR_KEY_ESC },
		{ '\t', BR_KEY_TAB },
		{ KEY_BTAB, BR_KEY_BACKTAB },
		{ KEY_BACKSPACE, BR_KEY_BACKSPACE },
		{ KEY_DC, BR_KEY_DELETE },
		{ 0x7f, BR_KEY_BACKSPACE },
		{ '\b', BR_KEY_BACKSPACE },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(known); i++)
		if (known[i].curses == ch)
			return known[i].key;
	return ch < 0x100 ? ch : 0;
}

struct loop {
	struct br_screen *s;
	bool color;
	bool pressed; /* the left button, at pressed_x, pressed_y */
	int pressed_x, pressed_y;
};

/*
 * Press and release in one column is a click, else a drag. Of a quick click curses may report only
 * the release.
 */
static struct br_input release(const struct loop *l, const MEVENT *e)
{
	if (!l->pressed || e->x == l->pressed_x)
		return (struct br_input){ .key = BR_KEY_CLICK, .x = e->x, .y = e->y };
	return (struct br_input){ BR_KEY_DRAG, l->pressed_x, l->pressed_y, e->x };
}

/* False: nothing to do yet. */
static bool mouse_input(struct loop *l, struct br_input *in)
{
	MEVENT e;

	if (getmouse(&e) == ERR)
		return false;
	*in = (struct br_input){ .x = e.x, .y = e.y };
	if (e.bstate & BUTTON4_PRESSED)
		in->key = BR_KEY_WHEEL_UP;
	else if (e.bstate & BUTTON5_PRESSED)
		in->key = BR_KEY_WHEEL_DOWN;
	else if (e.bstate & BUTTON1_RELEASED)
		*in = release(l, &e);
	l->pressed = e.bstate & BUTTON1_PRESSED;
	if (l->pressed) {
		l->pressed_x = e.x;
		l->pressed_y = e.y;
	}
	return in->key;
}

static void handle(struct loop *l, int ch)
{
	struct br_input in = { 0 };

	if (ch == KEY_RESIZE) {
		br_screen_resize(l->s, COLS, LINES);
	} else if (ch == CTRL('l')) {
		clearok(curscr, TRUE);
	} else if (ch == KEY_MOUSE) {
		if (mouse_input(l, &in))
			br_screen_key(l->s, &in);
	} else {
		in.key = key_of(ch);
		br_screen_key(l->s, &in);
	}
}

/* poll(2) looks at none that is negative. */
static int news_of(const struct br_screen *s, int half)
{
	return s->half[half] ? s->half[half]->m.src->news_fd : -1;
}

static bool take_news(const struct pollfd fds[2])
{
	uint64_t news;

	for (int i = 0; i < 2; i++)
		if (fds[i].revents && read(fds[i].fd, &news, sizeof(news)) < 0)
			return false;
	return true;
}

static void loop(struct loop *l)
{
	struct pollfd fds[3] = { { .fd = STDIN_FILENO, .events = POLLIN },
				 { .fd = news_of(l->s, 0), .events = POLLIN },
				 { .fd = news_of(l->s, 1), .events = POLLIN } };
	int ch;

	while (!br_screen_quit(l->s) && !tty.ended_by) {
		br_screen_poll(l->s);
		show(&l->s->g, l->color);
		if (poll(fds, 3, POLL_MS) > 0 && !take_news(&fds[1]))
			continue;
		if (fds[0].revents & (POLLHUP | POLLERR | POLLNVAL))
			return;
		while (!br_screen_quit(l->s) && (ch = getch()) != ERR)
			handle(l, ch);
	}
}

/* --- beginning and end ------------------------------------------------------------------------ */

bool br_term_utf8(void)
{
	return !strcmp(nl_langinfo(CODESET), "UTF-8");
}

/* Where a shell exports COLUMNS and LINES, curses keeps to them, whatever the terminal's size. */
static void size_by_terminal(void)
{
	struct winsize ws;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) || !ws.ws_col || !ws.ws_row)
		return;
	unsetenv("COLUMNS");
	unsetenv("LINES");
}

static SCREEN *begin(void)
{
	SCREEN *screen;

	if (!br_terminfo_usable())
		return NULL;
	remember_terminal();
	size_by_terminal();
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return NULL;
	remember_sequences();
	catch_signals();
	cbreak();
	noecho();
	nonl();
	nodelay(stdscr, TRUE);
	keypad(stdscr, TRUE);
	set_escdelay(25);
	curs_set(0);
	mousemask(BUTTON1_PRESSED | BUTTON1_RELEASED | BUTTON4_PRESSED | BUTTON5_PRESSED, NULL);
	mouseinterval(0);
	return screen;
}

int br_term_run(struct br_screen *s, bool color)
{
	struct loop l = { .s = s };
	SCREEN *screen;
	int sig;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("browse needs a terminal; --script FILE works without one");
		return EXIT_USAGE;
	}
	screen = begin();
	if (!screen) {
		cli_error("the terminal '%s' is not known or cannot be drawn on; set TERM, or use "
			  "--script",
			  getenv("TERM") ? getenv("TERM") : "");
		return EXIT_USAGE;
	}
	l.color = init_colors(color);
	br_screen_resize(s, COLS, LINES);
	loop(&l);
	/* Where there is no alternate screen to return from, the prompt gets a line of its own. */
	move(LINES - 1, 0);
	clrtoeol();
	refresh();
	endwin();
	delscreen(screen);
	release_signals();
	sig = tty.ended_by;
	if (sig)
		raise(sig);
	return 0;
}
