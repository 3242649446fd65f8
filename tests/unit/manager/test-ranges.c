/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "manager/internal.h"

Test(ranges, are_known_at_the_end_of_their_job) {
        Manager *m = calloc(1, sizeof(*m));
        AddressRange ranges[] = { { 8192, 12288 }, { 0, 4096 } }, *taken;
        Move move = { .ranges = ranges, .n_ranges = 2, .ranges_only = true };
        Outcome o = { .job = 7, .move = { .n_ranges = 2, .ranges_only = true } };

        manager_keep_ranges(m, 7, &move);
        ranges[0].start = 0; /* the plan's are written over */
        taken = manager_take_ranges(m, &o);
        cr_assert_not_null(taken);
        cr_expect_eq(o.move.ranges, taken);
        cr_expect(taken[0].start == 0 && taken[1].start == 8192, "ascending");
        free(taken);
        cr_expect_null(manager_take_ranges(m, &o), "once");
        free(m);
}

Test(ranges, of_other_jobs_are_not_known) {
        Manager *m = calloc(1, sizeof(*m));
        AddressRange range = { 4096, 8192 };
        Move move = { .ranges = &range, .n_ranges = 1, .ranges_only = true };
        Outcome o = { .job = 1000, .move = { .ranges_only = true } };

        /* More than fit, and one that begins with ranges only. */
        for (uint64_t job = 1; job <= KEPT_RANGES_MAX + 5; job++)
                manager_keep_ranges(m, job, &move);
        cr_expect_null(manager_take_ranges(m, &o));
        o.job = KEPT_RANGES_MAX + 1;
        cr_expect_null(manager_take_ranges(m, &o));
        for (o.job = 1; o.job <= KEPT_RANGES_MAX; o.job++) {
                AddressRange *taken = manager_take_ranges(m, &o);

                cr_expect_not_null(taken);
                free(taken);
        }
        move.ranges_only = false;
        manager_keep_ranges(m, 5, &move);
        o.job = 5;
        cr_expect_null(manager_take_ranges(m, &o));
        free(m);
}
