/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/found.h"

#include <criterion/criterion.h>

Test(found, first_in_first_out_and_bounded) {
        WorkUnit unit = { 0 };
        Found f;

        cr_assert_eq(found_init(&f), 0);
        cr_assert(!found_take(&f, &unit));
        /* Round and round. */
        for (uint64_t round = 0; round < 3; round++) {
                for (uint64_t i = 0; i < FOUND_UNITS; i++) {
                        unit = (WorkUnit) { .base = i << 21, .pages = { 3, i % 2 } };
                        cr_assert(found_put(&f, &unit), "%lu", i);
                }
                cr_assert(!found_put(&f, &unit), "it is full");
                cr_assert_eq(found_count(&f), FOUND_UNITS);
                cr_assert_eq(found_pages(&f), FOUND_UNITS * 2 + FOUND_UNITS / 2);
                for (uint64_t i = 0; i < FOUND_UNITS; i++) {
                        cr_assert(found_take(&f, &unit));
                        cr_assert_eq(unit.base, i << 21);
                        /* Not in step with the ring. */
                        if (i == 0) {
                                cr_assert(found_put(&f, &unit));
                                cr_assert(!found_put(&f, &unit));
                        }
                }
                cr_assert(found_take(&f, &unit));
                cr_assert_eq(found_pages(&f), 0);
        }
        cr_assert(found_put(&f, &unit));
        found_clear(&f);
        cr_assert_eq(found_pages(&f), 0);
        cr_assert(!found_take(&f, &unit));
        found_done(&f);
        cr_assert_eq(found_pages(&f), 0);
}
