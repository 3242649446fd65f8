/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>

#include "fake-kernel.h"

/* migration.move_shared: pages that other processes map. */

Test(shared, moved_from_the_third_pass_on_where_it_may_be) {
        static const struct {
                bool wanted, held, refused;
                uint32_t passes; /* the setting */
                const char *calls;
                uint32_t moved, shared;
        } rows[] = {
                { false, false, false, 10, "migrate 20 move 2 ", 18, 2 },
                { true, false, false, 10, "migrate 20 move 2 ", 18, 2 },
                /* Who holds the capability never calls migrate_pages(2). */
                { false, true, false, 10, "move 20 ", 18, 2 },
                { true, true, false, 10, "move 20 all 2 ", 20, 0 },
                { true, true, false, 2, "move 20 ", 18, 2 },
                { true, true, true, 10, "move 20 all 2 ", 18, 2 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t waits;
                Fake f;

                fake_init(&f, 20, 1);
                f.pages[7].shared = f.pages[8].shared = true;
                f.settings.move_shared = rows[i].wanted;
                f.settings.passes = rows[i].passes;
                f.kernel.may_move_all = rows[i].held;
                f.refuses_all = rows[i].refused;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, &waits);
                fake_assert_calls(&f, rows[i].calls);
                cr_assert_eq(o.reason, REASON_DONE, "row %zu: %s", i, reason_to_string(o.reason));
                cr_assert_eq(o.error, 0, "row %zu", i);
                cr_assert_eq(o.pages_planned, 20, "row %zu", i);
                cr_assert_eq(o.pages_moved, rows[i].moved, "row %zu", i);
                cr_assert_eq(o.pages_shared, rows[i].shared, "row %zu", i);
                cr_assert_eq(o.pages_failed + o.pages_retry + o.pages_gone, 0, "row %zu", i);
                cr_assert_eq(mover_may_move_shared(f.mover), rows[i].held);
                fake_done(&f);
        }
}

/* A shared page that is busy as well is tried in each pass; what is busy for itself goes before. */
Test(shared, busy_shared_pages_stay_on_their_list) {
        Fake f;

        fake_init(&f, 20, 1);
        f.pages[7].shared = true;
        f.pages[7].busy = 1;
        f.pages[9].busy = 3;
        f.settings.move_shared = f.kernel.may_move_all = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "move 20 move 1 move 1 all 1 move 1 all 1 ");
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 20);
        cr_assert_eq(o.passes, 4);
        fake_done(&f);
}

/* A later job tries what an earlier one has left as shared, once it may. */
Test(shared, what_was_left_is_tried_once_it_may_be) {
        Fake f;

        fake_init(&f, 20, 1);
        f.split = 0;
        for (uint32_t i = 0; i < 20; i++)
                f.pages[i].shared = true;
        f.kernel.may_move_all = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        cr_assert_eq(fake_wait_end(&f, NULL).reason, REASON_SHARED);
        fake_submit(&f, node_bit(1), 0);
        cr_assert_eq(fake_wait_end(&f, NULL).calls, 0, "left alone");
        f.settings.move_shared = true;
        mover_set_settings(f.mover, &f.settings);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 20);
        fake_done(&f);
}

Test(shared, shared_mappings_are_walked_only_then) {
        for (int wanted = 0; wanted < 2; wanted++) {
                Fake f;

                fake_init(&f, 30, 1);
                f.split = 10;
                f.second_shared = true;
                f.settings.move_shared = wanted;
                f.settings.method = METHOD_MOVE_PAGES;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE);
                cr_assert_eq(o.pages_moved, wanted ? 30 : 10);
                fake_done(&f);
        }
}
