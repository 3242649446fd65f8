/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/negative.h"

#include <criterion/criterion.h>

#define UNIT (2ull << 20)
#define SEC  1000000000ull

Test(negative, forgets_after_its_time) {
        const ProcessId a = { 5, 100 }, b = { 5, 101 }, c = { 6, 100 };
        Negative n = { 0 };

        cr_assert_eq(negative_init(&n), 0);
        negative_add(&n, a, 7 * UNIT, NEGATIVE_FAILED, SEC);
        cr_assert_eq(negative_find(&n, a, 7 * UNIT, SEC), NEGATIVE_FAILED);
        cr_assert_eq(negative_find(&n, a, 7 * UNIT, 600 * SEC), NEGATIVE_FAILED);
        cr_assert_eq(negative_find(&n, a, 7 * UNIT, 601 * SEC), NEGATIVE_NONE);
        cr_assert_eq(negative_find(&n, a, 8 * UNIT, SEC), NEGATIVE_NONE);
        cr_assert_eq(negative_find(&n, b, 7 * UNIT, SEC), NEGATIVE_NONE);
        cr_assert_eq(negative_find(&n, c, 7 * UNIT, SEC), NEGATIVE_NONE);
        negative_add(&n, a, 7 * UNIT, NEGATIVE_FAILED, 500 * SEC);
        cr_assert_eq(negative_find(&n, a, 7 * UNIT, 1000 * SEC), NEGATIVE_FAILED,
                     "a new failure counts anew");
        negative_done(&n);
}

Test(negative, highest_addresses_and_pids_are_apart) {
        const ProcessId a = { 4194303, 1 };
        Negative n = { 0 };

        cr_assert_eq(negative_init(&n), 0);
        negative_add(&n, a, (1ull << 56) - UNIT, NEGATIVE_FAILED, SEC);
        cr_assert_eq(negative_find(&n, a, (1ull << 56) - UNIT, SEC), NEGATIVE_FAILED);
        cr_assert_eq(negative_find(&n, a, (1ull << 55) - UNIT, SEC), NEGATIVE_NONE);
        negative_done(&n);
}

Test(negative, bounded_and_makes_room_for_new_ones) {
        const ProcessId a = { 5, 100 };
        Negative n = { 0 };

        cr_assert_eq(negative_init(&n), 0);
        for (uint64_t i = 0; i < 2 * NEGATIVE_UNITS_MAX; i++)
                negative_add(&n, a, i * UNIT, NEGATIVE_FAILED, SEC);
        cr_assert_eq(table_count(n.units), NEGATIVE_UNITS_MAX);
        cr_assert_eq(negative_find(&n, a, (NEGATIVE_UNITS_MAX + 5ull) * UNIT, 2 * SEC),
                     NEGATIVE_NONE);
        negative_add(&n, a, (NEGATIVE_UNITS_MAX + 5ull) * UNIT, NEGATIVE_FAILED, 700 * SEC);
        cr_assert_eq(negative_find(&n, a, (NEGATIVE_UNITS_MAX + 5ull) * UNIT, 700 * SEC),
                     NEGATIVE_FAILED);
        cr_assert_eq(table_count(n.units), 1);
        negative_done(&n);
}
