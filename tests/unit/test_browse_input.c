// SPDX-License-Identifier: GPL-2.0
/* The browser's keys and mouse. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/browse/screen.h"
#include "browse_fake.h"

struct fixture {
	struct fake *f;
	struct br_app a;
};

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	x->f = fake_new();
	if (br_app_init(&x->a, &x->f->src, "fake.dat", 100, 30, false))
		return -1;
	br_app_wait_idle(&x->a);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;

	br_app_free(&x->a);
	fake_free(x->f);
	free(x);
	return 0;
}

static void mouse(struct fixture *x, int key, int px, int py, int x2)
{
	br_app_key(&x->a, &(struct br_input){ key, px, py, x2 });
	br_app_wait_idle(&x->a);
}

static void test_storm_and_zoom(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	fake_keys(&x->a, "n");
	assert_int_equal(m->cursor, FAKE_STORM);
	fake_keys(&x->a, "z");
	assert_true(m->from <= FAKE_STORM && br_model_end(m) > FAKE_STORM_END);
	print_message(
		"# z: the storm fills %lld %% of the columns\n",
		(long long)((FAKE_STORM_END - FAKE_STORM) * 100 / (br_model_end(m) - m->from)));
	assert_true((FAKE_STORM_END - FAKE_STORM) * 100 / (br_model_end(m) - m->from) >= 80);
	fake_keys(&x->a, "n");
	assert_int_equal(m->cursor, FAKE_STORM);
	assert_true(fake_find(&x->a.g, "no storm after the cursor") > 0);
	fake_keys(&x->a, "\n");
	assert_true(fake_find(&x->a.g, "start_ns            105000000000") > 0);
	assert_true(fake_find(&x->a.g, "past_due            2000") > 0);
}

static void press(struct fixture *x, int key)
{
	br_app_key(&x->a, &(struct br_input){ .key = key });
}

/* What was deleted is gone; the cursor is where the next letter goes; older lines come back. */
static void test_prompt(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	fake_keys(&x->a, "fvm=0 timer=0");
	press(x, 'u' & 0x1f);
	assert_string_equal(m->prompt.text, "");
	fake_keys(&x->a, "vm=1");
	assert_string_equal(m->prompt.text, "vm=1");
	press(x, BR_KEY_LEFT);
	press(x, BR_KEY_BACKSPACE);
	fake_keys(&x->a, "=");
	press(x, BR_KEY_END);
	fake_keys(&x->a, "\n");
	assert_string_equal(m->filter_text, "vm=1");
	assert_false(filter_uses(m->filter, "timer"));

	fake_keys(&x->a, "f");
	press(x, 'u' & 0x1f);
	fake_keys(&x->a, "imer=0");
	press(x, BR_KEY_HOME);
	fake_keys(&x->a, "t\nf");
	assert_string_equal(m->filter_text, "timer=0");
	press(x, BR_KEY_UP);
	press(x, BR_KEY_UP);
	press(x, BR_KEY_UP);
	assert_string_equal(m->prompt.text, "vm=1");
	press(x, BR_KEY_DOWN);
	press(x, BR_KEY_DOWN);
	assert_string_equal(m->prompt.text, "timer=0");
	press(x, BR_KEY_DELETE); /* at the end there is nothing to delete */
	press(x, BR_KEY_HOME);
	press(x, BR_KEY_DELETE);
	assert_string_equal(m->prompt.text, "imer=0");
	press(x, BR_KEY_ESC);
	assert_string_equal(m->filter_text, "timer=0");
}

static void test_transitions(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "nT");
	assert_int_equal(x->a.m.cursor, FAKE_SWITCH);
	fake_keys(&x->a, "\n");
	assert_true(fake_find(&x->a.g, "from                tsc_page") > 0);
	fake_keys(&x->a, "qT\n");
	assert_true(fake_find(&x->a.g, "step_ns") > 0);
}

static void test_past_due_steps(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "e");
	assert_int_equal(x->a.m.cursor, FAKE_STORM);
	fake_keys(&x->a, "e");
	assert_int_equal(x->a.m.cursor, FAKE_STORM + 500000);
	fake_key(&x->a, BR_KEY_END);
	fake_keys(&x->a, "E");
	assert_int_equal(x->a.m.cursor, FAKE_LONELY);
	fake_keys(&x->a, "E");
	assert_int_equal(x->a.m.cursor, FAKE_STORM_END);
	fake_keys(&x->a, "EE");
	assert_int_equal(x->a.m.cursor, FAKE_STORM_END - 2 * 500000);
	assert_true(x->f->asked[BR_REQ_STEP] > 0);
}

static void test_zoom_keeps_the_cursor(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	fake_keys(&x->a, "g108.005123456\n");
	assert_int_equal(m->cursor, FAKE_LONELY);
	for (int i = 0; i < 45; i++) {
		fake_keys(&x->a, "+");
		assert_true(m->from <= m->cursor && m->cursor < br_model_end(m));
		assert_true(br_model_exact(m));
	}
	assert_int_equal(m->col_ns, 1);
	assert_int_equal(m->cursor, FAKE_LONELY);
	fake_keys(&x->a, "0");
	assert_true(m->from <= FAKE_START && br_model_end(m) > FAKE_END);
}

static void test_go_to(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "g+5s\n");
	assert_int_equal(x->a.m.cursor, FAKE_STORM);
	fake_keys(&x->a, "g103\n");
	assert_int_equal(x->a.m.cursor, 103000000000ll);
	fake_keys(&x->a, "gnonsense\n");
	assert_int_equal(x->a.m.cursor, 103000000000ll);
	assert_true(fake_find(&x->a.g, "a time: seconds") > 0);
}

/* By the wall clock, with a day and without, and in a recording that goes past midnight. */
static void test_go_to_wall_clock(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	fake_keys(&x->a, "g00:00:01.5\n");
	assert_true(fake_find(&x->a.g, "the wall clock of this recording is not known") > 0);
	m->utc_of_zero = INT64_C(1796083197000000000) - FAKE_START; /* 2026-11-30T23:59:57 */
	fake_keys(&x->a, "g23:59:58.25\n");
	assert_int_equal(m->cursor, FAKE_START + 1250000000);
	fake_keys(&x->a, "g00:00:01.5\n");
	assert_int_equal(m->cursor, FAKE_START + 4500000000ll);
	assert_true(fake_find(&x->a.g, "00:00:01.500") > 0);
	fake_keys(&x->a, "g2026-11-30T23:59:59\n");
	assert_int_equal(m->cursor, FAKE_START + 2000000000);
}

static void test_filter(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "fvm=1\n");
	assert_int_equal(fake_find(&x->a.g, "VM 0"), -1);
	assert_true(fake_find(&x->a.g, "VM 1") > 0);
	assert_true(fake_find(&x->a.g, "filter: vm=1") == 0);
	fake_keys(&x->a, "n");
	assert_true(fake_find(&x->a.g, "no storm after the cursor") > 0);
	fake_keys(&x->a, "f vcpu\n");
	assert_true(fake_find(&x->a.g, "no filter: vm=1") < 0);
	fake_key(&x->a, 'f');
	fake_key(&x->a, 'u' & 0x1f);
	fake_keys(&x->a, "\n");
	assert_true(fake_find(&x->a.g, "VM 0") > 0);
}

static void test_search(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "/start_expired\n");
	assert_int_equal(x->a.m.cursor, FAKE_STORM);
	fake_keys(&x->a, "/\n");
	assert_int_equal(x->a.m.cursor, FAKE_STORM + 500000);
	fake_keys(&x->a, "/no such thing\n");
	assert_true(fake_find(&x->a.g, "not found") > 0);
}

/* VMs by harm, only those with findings, folded, and to one of them by number or name. */
static void test_rows(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	assert_string_equal(br_vm_name(m, 0), "win2025");
	assert_string_equal(br_vm_name(m, 1), "vmm-two");
	assert_null(br_vm_name(m, 2));
	assert_true(fake_find(&x->a.g, "VM 1 vmm-two") > fake_find(&x->a.g, "VM 0 win2025"));
	x->f->index->timers[1].past = 1000000; /* now VM 1 is the worse */
	fake_keys(&x->a, "o");
	assert_true(fake_find(&x->a.g, "VM 1 vmm-two") < fake_find(&x->a.g, "VM 0 win2025"));
	assert_true(fake_find(&x->a.g, "by harm") == 0);
	fake_keys(&x->a, "H");
	assert_int_equal(fake_find(&x->a.g, "VM 1"), -1);
	fake_keys(&x->a, "v1\n");
	assert_true(fake_find(&x->a.g, "not shown: 1") > 0);
	fake_keys(&x->a, "[[");
	assert_false(m->by_harm || m->only_findings);
	fake_keys(&x->a, "F");
	assert_int_equal(m->nr_folded, 2);
	assert_int_equal(m->nr_rows, 2);
	fake_keys(&x->a, "vTWO\n");
	assert_int_equal(m->row.vm, 1);
	assert_int_equal(m->row.kind, BR_ROW_VM);
	fake_keys(&x->a, "v0/0\n"); /* unfolds it */
	assert_int_equal(m->row.vm, 0);
	assert_int_equal(m->row.kind, BR_ROW_TIMER);
	assert_int_equal(m->nr_folded, 1);
	fake_keys(&x->a, "v1\nvv0\n");
	assert_int_equal(m->row.vm, 1);
	assert_int_equal(m->row.kind, BR_ROW_TIMER);
	assert_int_equal(m->nr_folded, 0);
	fake_keys(&x->a, "v0/9\n");
	assert_true(fake_find(&x->a.g, "not shown: 0/9") > 0);
	fake_keys(&x->a, "v\n");
	assert_int_equal(m->row.vm, 1);
}

/* Each zoom, jump, filter and fold can be taken back, and be done again. */
static void test_back(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;
	int64_t from, col_ns;

	fake_keys(&x->a, "[");
	assert_true(fake_find(&x->a.g, "no earlier view") > 0);
	fake_keys(&x->a, "n+++");
	from = m->from;
	col_ns = m->col_ns;
	fake_keys(&x->a, "fvm=0\n0g103\nh");
	fake_keys(&x->a, "[");
	assert_true(m->whole);
	assert_int_equal(m->cursor, FAKE_STORM);
	assert_string_equal(m->filter_text, "vm=0");
	fake_keys(&x->a, "[[");
	assert_int_equal(m->from, from);
	assert_int_equal(m->col_ns, col_ns);
	assert_string_equal(m->filter_text, "");
	assert_null(m->filter);
	assert_true(fake_find(&x->a.g, "VM 1") > 0);
	fake_key(&x->a, BR_KEY_BACKSPACE);
	assert_true(m->col_ns > col_ns);
	fake_keys(&x->a, "]");
	assert_int_equal(m->col_ns, col_ns);
	fake_keys(&x->a, "]]]");
	assert_string_equal(m->filter_text, "vm=0");
	assert_true(m->cursor < 103000000000ll); /* where h had gone */
	fake_keys(&x->a, "]");
	assert_true(fake_find(&x->a.g, "no later view") > 0);
	fake_keys(&x->a, "[ ");
	assert_int_equal(m->nr_folded, 1);
	fake_keys(&x->a, "]"); /* a new step: what lay ahead is gone */
	assert_true(fake_find(&x->a.g, "no later view") > 0);
	fake_keys(&x->a, "[");
	assert_int_equal(m->nr_folded, 0);
	for (int i = 0; i < 150; i++)
		fake_keys(&x->a, i & 1 ? "-" : "+");
	fake_keys(&x->a, "[");
	assert_true(fake_find(&x->a.g, "back: 99 back, 1 forward") > 0);
}

/* n and N go through the hits of a search, with their number, until Esc. */
static void test_hits(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	fake_keys(&x->a, "/skew>2.99s\n");
	assert_int_equal(m->cursor, FAKE_STORM);
	assert_true(fake_find(&x->a.g, "hit 1 of 7: skew>2.99s") > 0);
	fake_keys(&x->a, "nn");
	assert_int_equal(m->cursor, FAKE_STORM + 1000000);
	assert_true(fake_find(&x->a.g, "hit 3 of 7") > 0);
	fake_keys(&x->a, "NN");
	assert_true(fake_find(&x->a.g, "hit 1 of 7") > 0);
	fake_keys(&x->a, "N");
	assert_true(fake_find(&x->a.g, "no hit before the cursor, 7 in all") > 0);
	fake_keys(&x->a, "g109\n/skew>2.99s\n"); /* all lie before: begin with the first */
	assert_int_equal(m->cursor, FAKE_STORM);
	fake_keys(&x->a, "/kind=backlog || to=reference_counter\n");
	assert_int_equal(m->nr_hits, 2);
	assert_true(m->selected);
	assert_int_equal(m->cursor, FAKE_SWITCH);
	fake_key(&x->a, BR_KEY_ESC);
	fake_keys(&x->a, "n");
	assert_int_equal(m->cursor, FAKE_STORM);
	assert_true(fake_find(&x->a.g, "hit ") < 0);
	fake_keys(&x->a, "/skw>1ms\n");
	assert_true(fake_find(&x->a.g, "did you mean skew?") > 0);
	fake_keys(&x->a, "fvm=1\n/skew>2.99s\n"); /* the filter holds for searches, too */
	assert_true(fake_find(&x->a.g, "not found: skew>2.99s") > 0);
}

static void test_marks_and_bookmarks(void **state)
{
	struct fixture *x = *state;

	fake_keys(&x->a, "g101\nag103.5\nb");
	assert_true(fake_find(&x->a.g, "b - a = +2.50 s") > 0);
	fake_keys(&x->a, "z");
	assert_true(x->a.m.from <= 101000000000ll && br_model_end(&x->a.m) > 103500000000ll);
	assert_true(br_model_end(&x->a.m) - x->a.m.from < 3200000000ll);
	fake_keys(&x->a, "mQ0n'Q");
	assert_int_equal(x->a.m.cursor, 103500000000ll);
	fake_keys(&x->a, "'x");
	assert_true(fake_find(&x->a.g, "no bookmark x") > 0);
	fake_keys(&x->a, "b");
	assert_int_equal(x->a.m.mark[1], HVST_UNKNOWN);
}

static void test_panes(void **state)
{
	struct fixture *x = *state;

	fake_key(&x->a, BR_KEY_TAB);
	assert_int_equal(x->a.m.pane, BR_FINDINGS);
	fake_keys(&x->a, "j\n");
	assert_int_equal(x->a.m.cursor, FAKE_SWITCH);
	assert_int_equal(x->a.m.pane, BR_TIMELINE);
	fake_key(&x->a, BR_KEY_BACKTAB);
	assert_int_equal(x->a.m.pane, BR_EVENTS);
	assert_true(fake_find(&x->a.g, "[Events]") > 0);
	fake_key(&x->a, BR_KEY_DOWN);
	assert_int_equal(x->a.m.cursor, x->a.m.events[x->a.m.event].ev.ts_ns);
	assert_true(x->a.m.cursor > FAKE_SWITCH);
}

static void test_mouse(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;
	int g = x->a.l.gutter, y = x->a.l.timeline.y;

	mouse(x, BR_KEY_CLICK, g + 40, y, 0);
	assert_int_equal(m->cursor, m->from + 40 * m->col_ns);
	mouse(x, BR_KEY_DRAG, g + 20, y, g + 29);
	assert_int_equal(m->select_to - m->select_from, 10 * m->col_ns);
	fake_keys(&x->a, "z");
	assert_false(m->whole);
	mouse(x, BR_KEY_WHEEL_DOWN, g + 20, y, 0);
	mouse(x, BR_KEY_WHEEL_UP, g + 20, y, 0);
	mouse(x, BR_KEY_CLICK, x->a.l.findings.x + 2, x->a.l.findings.y + 1, 0);
	assert_int_equal(m->pane, BR_FINDINGS);
	assert_int_equal(m->cursor, FAKE_STORM);
}

static void test_write(void **state)
{
	struct fixture *x = *state;
	char path[] = "/tmp/browse-view-XXXXXX", cmd[64], line[256];
	bool screen = false, attributes = false;
	FILE *f;

	assert_non_null(mkdtemp(path));
	snprintf(cmd, sizeof(cmd), "%s/view", path);
	fake_key(&x->a, 'n');
	fake_key(&x->a, 'y');
	fake_key(&x->a, 'u' & 0x1f);
	fake_keys(&x->a, cmd);
	fake_keys(&x->a, "\n");
	assert_true(fake_find(&x->a.g, ": written") > 0);
	f = fopen(cmd, "r");
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		screen |= strstr(line, "fake.dat  clock mono") != NULL;
		attributes |= strstr(line, "start_ns            105000000000") != NULL;
	}
	fclose(f);
	assert_true(screen && attributes);
	fake_key(&x->a, 'y');
	fake_key(&x->a, 'u' & 0x1f);
	fake_keys(&x->a, cmd);
	fake_keys(&x->a, "\n");
	assert_true(fake_find(&x->a.g, "exists") > 0);
	unlink(cmd);
	rmdir(path);
}

static void test_help_lists_every_key(void **state)
{
	unsigned int n;
	const struct br_key *keys = br_keys(&n);
	char *help = br_view_help(&((struct fixture *)*state)->a.m);

	assert_non_null(help);
	for (unsigned int i = 0; i < n; i++) {
		assert_non_null(strstr(help, keys[i].help));
		assert_true(keys[i].codes[0] && keys[i].action);
		for (unsigned int k = 0; k < i; k++)
			assert_int_not_equal(keys[i].codes[0], keys[k].codes[0]);
	}
	print_message("# %u keys in the help\n", n);
	free(help);
}

/* Keys, mouse and sizes at random: whatever comes, the model stays in its bounds. */
static void test_random_keys(void **state)
{
	struct fixture *x = *state;
	struct br_model *m = &x->a.m;

	srand(3);
	for (int i = 0; i < 4000; i++) {
		int kind = rand() % 40;
		int key = kind < 24 ? 0x20 + rand() % 0x60
				    : BR_KEY_UP + rand() % (BR_KEY_WHEEL_DOWN - BR_KEY_UP + 1);

		if (key == 'y' || (m->prompt.kind == BR_PROMPT_FILE && key == BR_KEY_ENTER))
			continue;
		if (kind == 39)
			br_app_resize(&x->a, 1 + rand() % 260, 1 + rand() % 70);
		else
			mouse(x, key, rand() % 260 - 5, rand() % 70 - 3, rand() % 260);
		assert_true(m->col_ns >= 1 && m->cursor >= FAKE_START && m->cursor <= FAKE_END);
		assert_true(m->from <= FAKE_END && br_model_end(m) >= FAKE_START);
		assert_true(m->finding < m->nr_findings || !m->finding);
	}
}

static void to_screen(struct br_screen *s, const char *keys)
{
	for (; *keys; keys++) {
		br_screen_key(s, &(struct br_input){ .key = *keys == '\n' ? BR_KEY_ENTER : *keys });
		br_screen_wait_idle(s);
	}
}

static int64_t begins(const struct br_model *m)
{
	return m->from - FAKE_START;
}

/* Two recordings: one width of time whatever is pressed, together or with a distance. */
static void test_beside(void **state)
{
	struct fixture *x = *state, *y = NULL;
	struct br_model *a = &x->a.m, *b;
	struct br_screen s;
	int64_t offset;

	assert_int_equal(setup((void **)&y), 0);
	b = &y->a.m;
	br_index_free(y->f->index);
	y->f->index = br_index_new(100 << 10); /* other bins */
	for (unsigned int i = 0; i < y->f->nr_arms; i++)
		br_index_add(y->f->index, &y->f->arms[i]);
	y->f->live.index = y->f->index;
	y->f->trace.last_ns = FAKE_END + 5000000000ll;
	assert_int_equal(br_screen_init(&s, &x->a, &y->a), 0);
	assert_int_equal(a->col_ns, b->col_ns);
	assert_true(br_model_end(a) > FAKE_END + 4900000000ll); /* as far as the longer one */
	to_screen(&s, "n++++");
	assert_int_equal(a->col_ns, b->col_ns);
	assert_true(llabs(begins(a) - begins(b)) < a->col_ns);
	assert_int_equal(br_model_column(a, a->cursor), br_model_column(b, b->cursor));
	to_screen(&s, "wW");
	to_screen(&s, "lllllllllllllllllllllllllllllllllllllllllllllllllllllllll");
	to_screen(&s, "lllllllllllllllllllllllllllllllllllllllllllllllllllllllll");
	offset = begins(b) - begins(a);
	assert_true(offset > 0);
	to_screen(&s, "W+");
	assert_int_equal(a->col_ns, b->col_ns);
	assert_true(llabs(begins(b) - begins(a) - offset) < 3 * a->col_ns);
	assert_ptr_equal(br_screen_app(&s), &y->a);
	to_screen(&s, "fvm=1\nw");
	assert_string_equal(b->filter_text, "vm=1");
	assert_string_equal(a->filter_text, "");
	for (int i = 0; i < 400; i++) {
		static const char keys[] = "+-+-0nNeEhjkllzwW[]sF";
		char key[2] = { keys[(unsigned int)(i * 7919) % (sizeof(keys) - 1)], 0 };

		to_screen(&s, key);
		assert_int_equal(a->col_ns, b->col_ns);
		if (i % 50 == 0)
			br_screen_resize(&s, 40 + i, 20 + i / 10);
	}
	br_screen_free(&s);
	teardown((void **)&y);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(test_storm_and_zoom),
		T(test_transitions),
		T(test_past_due_steps),
		T(test_zoom_keeps_the_cursor),
		T(test_go_to),
		T(test_go_to_wall_clock),
		T(test_filter),
		T(test_hits),
		T(test_back),
		T(test_beside),
		T(test_rows),
		T(test_search),
		T(test_marks_and_bookmarks),
		T(test_panes),
		T(test_mouse),
		T(test_write),
		T(test_help_lists_every_key),
		T(test_random_keys),
		T(test_prompt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
