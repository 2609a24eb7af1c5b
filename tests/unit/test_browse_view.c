// SPDX-License-Identifier: GPL-2.0
/* The browser's screens, read from the cell grid. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "browse_fake.h"

struct fixture {
	struct fake *f;
	struct br_app a;
};

static void start(struct fixture *x, int w, int h, bool ascii)
{
	x->f = fake_new();
	assert_int_equal(br_app_init(&x->a, &x->f->src, "fake.dat", w, h, ascii), 0);
	br_app_wait_idle(&x->a);
}

static void end(struct fixture *x)
{
	br_app_free(&x->a);
	fake_free(x->f);
}

static unsigned int count_role(const struct br_grid *g, const struct br_rect *r, enum br_role role)
{
	unsigned int n = 0;

	for (int y = r->y; y < r->y + r->h; y++)
		for (int x = r->x; x < r->x + r->w; x++)
			n += br_cell(g, x, y)->role == role;
	return n;
}

static void test_first_screen(void **state)
{
	struct fixture x;
	int timer;

	(void)state;
	start(&x, 80, 24, false);
	assert_int_equal(fake_find(&x.a.g, "2 VMs  1 storm"), 0);
	assert_int_equal(fake_find(&x.a.g, "A storm of 2,000 past-due arms."), 1);
	assert_int_equal(fake_find(&x.a.g, "S1"), x.a.l.marks.y);
	timer = fake_find(&x.a.g, "v0 t0     2,901");
	assert_true(timer >= x.a.l.timeline.y && timer < x.a.l.timeline.y + x.a.l.timeline.h);
	assert_non_null(strstr(fake_line(&x.a.g, timer), "█████"));
	assert_true(fake_find(&x.a.g, "TSC page") > 0);
	assert_true(fake_find(&x.a.g, "backlog, 2,000 arms") > 0);
	end(&x);
}

/* A storm of a microsecond and a single past-due arm among thousands show, however far out. */
static void test_nothing_is_rounded_away(void **state)
{
	struct fixture x;

	(void)state;
	for (int w = BR_MIN_W; w <= 300; w += 13) {
		start(&x, w, 30, false);
		x.f->storm.end_ns = x.f->storm.start_ns + 1;
		x.a.m.indexed = false;
		br_app_resize(&x.a, w, 30);
		assert_true(count_role(&x.a.g, &x.a.l.timeline, BR_STORM) >= 1);
		assert_true(count_role(&x.a.g, &x.a.l.timeline, BR_PAST) >= 1);
		end(&x);
	}
}

static void test_too_small(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, 39, 24, false);
	assert_string_equal(fake_line(&x.a.g, 0), "39x24: needs 40x10");
	br_app_resize(&x.a, 40, 10);
	assert_int_equal(fake_find(&x.a.g, "needs"), -1);
	br_app_resize(&x.a, 40, 9);
	assert_string_equal(fake_line(&x.a.g, 0), "40x9: needs 40x10");
	br_app_resize(&x.a, 1, 1);
	assert_string_equal(fake_line(&x.a.g, 0), "1");
	end(&x);
}

static void test_ascii(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, 120, 40, true);
	fake_keys(&x.a, "nz");
	for (int k = 0; k < 4; k++) {
		for (int y = 0; y < x.a.g.h; y++)
			for (int c = 0; c < x.a.g.w; c++)
				assert_true(br_cell(&x.a.g, c, y)->ch >= 0x20 &&
					    br_cell(&x.a.g, c, y)->ch <= 0x7e);
		fake_keys(&x.a, k == 0 ? "\n" : k == 1 ? "q?" : "qs");
	}
	end(&x);
}

/*
 * What stands left of each timer is the number of arms in the window, and so is the sum of its
 * columns.
 */
static void test_counts_are_exact(void **state)
{
	struct fixture x;
	unsigned int windows = 0;

	(void)state;
	start(&x, 97, 30, false);
	srand(7);
	for (int k = 0; k < 300; k++) {
		static const char keys[] = "+++-hlnteNTE0z";
		struct br_sum s;
		uint64_t want = 0;
		int64_t end_ns;

		fake_key(&x.a, keys[rand() % (int)(sizeof(keys) - 1)]);
		end_ns = br_model_end(&x.a.m);
		for (unsigned int i = 0; i < x.f->nr_arms; i++)
			want += x.f->arms[i].tid == 100 && x.f->arms[i].ts_ns >= x.a.m.from &&
				x.f->arms[i].ts_ns < end_ns;
		br_sum_init(&s);
		br_model_sum(&x.a.m, br_index_timer(x.f->index, 100, 0, -1), x.a.m.from, end_ns,
			     false, &s);
		assert_true(br_model_exact(&x.a.m));
		assert_int_equal(br_sum_arms(&s), want);
		windows += want > 0 && want < 2901;
	}
	print_message("# 300 keys: arms in the window equal a plain count each time, %u windows in "
		      "part\n",
		      windows);
	assert_true(windows > 50);
	end(&x);
}

static void test_folded_vm_shows_its_storm(void **state)
{
	struct fixture x;
	int vm;

	(void)state;
	start(&x, 80, 24, false);
	fake_key(&x.a, ' ');
	vm = fake_find(&x.a.g, "▸ VM 0");
	assert_true(vm > 0);
	assert_non_null(strstr(fake_line(&x.a.g, vm), "█████"));
	assert_int_equal(fake_find(&x.a.g, "2,901"), -1);
	fake_key(&x.a, ' ');
	assert_true(fake_find(&x.a.g, "2,901") > 0);
	end(&x);
}

/* Until the user moves, the row with the first storm is selected. */
static void test_row_with_storm(void **state)
{
	struct fixture x = { .f = fake_new() };
	int row;

	(void)state;
	x.f->storm.vm = 1;
	x.f->storm.tid = 200;
	assert_int_equal(br_app_init(&x.a, &x.f->src, "fake.dat", 80, 24, false), 0);
	br_app_wait_idle(&x.a);
	row = br_model_row(&x.a.m);
	assert_true(row >= 0);
	assert_int_equal(x.a.m.rows[row].vm, 1);
	end(&x);
}

/* Two VMs that do not fit: the one without a storm is folded, until the user wants it. */
static void test_folded_to_fit(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, 80, 16, false);
	assert_true(fake_find(&x.a.g, "▾ VM 0") > 0);
	assert_true(fake_find(&x.a.g, "▸ VM 1") > 0);
	fake_key(&x.a, BR_KEY_DOWN);
	fake_key(&x.a, ' ');
	assert_true(fake_find(&x.a.g, "▾ VM 1") > 0);
	end(&x);
}

/*
 * Names from a file may hold anything; the screen gets no control character and no escape sequence.
 */
static void test_hostile_text(void **state)
{
	struct fixture x;

	(void)state;
	start(&x, 80, 24, false);
	x.f->vms[0].name = "\033[31mred\a\x9b\xff\xc3";
	x.f->result.headline[0] = '\033';
	br_app_resize(&x.a, 80, 24);
	for (int y = 0; y < x.a.g.h; y++)
		for (int c = 0; c < x.a.g.w; c++)
			assert_true(br_cell(&x.a.g, c, y)->ch >= 0x20 &&
				    (br_cell(&x.a.g, c, y)->ch < 0x7f ||
				     br_cell(&x.a.g, c, y)->ch >= 0xa0));
	end(&x);
}

static void test_every_width_and_height(void **state)
{
	struct fixture x;
	unsigned int sizes = 0;

	(void)state;
	start(&x, 80, 24, false);
	for (int w = 1; w < 420; w += 7) {
		for (int h = 1; h < 90; h += 5) {
			assert_int_equal(br_app_resize(&x.a, w, h), 0);
			br_app_wait_idle(&x.a);
			assert_true(x.a.l.small == (w < BR_MIN_W || h < BR_MIN_H));
			assert_true(x.a.l.small || x.a.l.details.y + x.a.l.details.h == h - 1);
			sizes++;
		}
	}
	print_message("# %u sizes drawn\n", sizes);
	end(&x);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_screen),
		cmocka_unit_test(test_nothing_is_rounded_away),
		cmocka_unit_test(test_too_small),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_counts_are_exact),
		cmocka_unit_test(test_folded_vm_shows_its_storm),
		cmocka_unit_test(test_row_with_storm),
		cmocka_unit_test(test_folded_to_fit),
		cmocka_unit_test(test_hostile_text),
		cmocka_unit_test(test_every_width_and_height),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
