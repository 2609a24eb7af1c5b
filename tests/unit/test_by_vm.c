// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/by_vm.c: VMs, and what was found of each, by the VM's number. */
#include "../../lib/analysis/by_vm.h"
#include "events.h"

#define VMS 5

/* Each element of the array that has this number is met once, in order, and no other. */
#define CHECK_ARRAY(f, type, array, number)                                                        \
	do {                                                                                       \
		const type *p;                                                                     \
		unsigned int at = 0;                                                               \
                                                                                                   \
		for_each_of_vm (p, (f)->an, array, number) {                                       \
			while (at < (f)->r->nr_##array && (f)->r->array[at]->vm != (number))       \
				at++;                                                              \
			assert_ptr_equal(p, (f)->r->array[at]);                                    \
			at++;                                                                      \
		}                                                                                  \
		while (at < (f)->r->nr_##array)                                                    \
			assert_int_not_equal((f)->r->array[at++]->vm, number);                     \
	} while (0)

static void test_groups(void **state)
{
	struct host hosts[VMS];
	struct who who[VMS];
	struct recording f;

	(void)state;
	recording_begin(&f, 0);
	for (int i = 0; i < VMS; i++) {
		hosts[i] = (struct host){ .o = -SEC(900 + 7 * i) };
		who[i] = (struct who){ &hosts[i], 701 + 2 * i, 0, 0 };
		guest_setup(&f, &who[i], 0);
	}
	/* Their storms alternate: what belongs to one VM is no part in a row of any array. */
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < VMS; i++) {
			ev_msr(&f, &who[i], true, MSR_PAGE, 0x5000 | (round & 1));
			guest_ticks(&f, &who[i], 20, MS(2));
			guest_lags(&f, &who[i], 400, MS(5));
			f.now += SEC(1);
			if (i == 2)
				host_step(&f, &hosts[i], MS(40));
		}
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, VMS);
	assert_true(f.r->nr_storms >= 2 * VMS && f.r->nr_reference > VMS && f.r->nr_guest > VMS);
	for (int n = -1; n <= VMS; n++) {
		const struct vm *vm = hvst_vm_by_number(f.an, n);

		CHECK_ARRAY(&f, struct hvst_storm, storms, n);
		CHECK_ARRAY(&f, struct hvst_ref_segment, reference, n);
		CHECK_ARRAY(&f, struct hvst_guest_transition, guest, n);
		CHECK_ARRAY(&f, struct hvst_life_event, life, n);
		if (n >= 0 && n < VMS)
			assert_int_equal(vm->vcpus->tid, 701 + 2 * n);
		else
			assert_null(vm);
	}
	recording_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_groups),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
