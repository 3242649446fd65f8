/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <inttypes.h>

#include "fake-kernel.h"

/* Without a pause budget everything goes by one migrate_pages(2), and of what lies on one node
 * throughout a sample is asked for before and after. */

#define UNITS 8
#define PAGES (UNITS * 512)

static void start(Fake *f) {
        fake_init(f, PAGES, 1);
        f->split = 0;
        f->settings.method = METHOD_AUTO;
        f->settings.pause_budget_ns = 0;
}

Test(sampled, asks_for_a_few_pages_of_each_unit) {
        Fake f;

        start(&f);
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, PAGES);
        cr_assert_eq(o.pages_moved, PAGES);
        cr_assert_eq(o.passes, 1);
        fake_assert_calls(&f, "migrate 4096 ");
        /* Before, after, and no look at any page of what is gone from the source. */
        cr_assert_eq(f.n_query_pages, UNITS * (8 + 2), "%" PRIu64, f.n_query_pages);
        cr_assert_eq(f.n_query, 2, "%u", f.n_query);
        fake_done(&f);
}

/* More units than one query asks for, and one in the middle that is mixed. */
Test(sampled, many_units_are_asked_for_together) {
        const uint32_t units = 150, mixed = 70;
        Fake f;

        fake_init(&f, units * 512, 1);
        f.split = 0;
        f.settings.method = METHOD_AUTO;
        f.settings.pause_budget_ns = 0;
        for (uint32_t page = mixed * 512; page < (mixed + 1) * 512; page += 2)
                f.pages[page].node = 0;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, units * 512 - 256, "%" PRIu64, o.pages_planned);
        cr_assert_eq(o.pages_moved, units * 512 - 256, "%" PRIu64, o.pages_moved);
        cr_assert_eq(f.n_query_pages, units * (8 + 2) + 512, "%" PRIu64, f.n_query_pages);
        /* Three times 64 units before and after, and the pages of one. */
        cr_assert_eq(f.n_query, 3 + 3 + 1, "%u", f.n_query);
        fake_done(&f);
}

/* Pages dealt out in turn to so many nodes, or every so many-th absent: each page counts. */
Test(sampled, units_that_are_mixed_are_counted_page_by_page) {
        static const struct {
                uint32_t nodes, absent;
        } rows[] = { { 2, 0 }, { 3, 0 }, { 4, 0 }, { 1, 2 }, { 1, 5 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                uint32_t expected = 0;
                Fake f;

                start(&f);
                for (uint32_t page = 0; page < PAGES; page++) {
                        if (rows[i].nodes > 1)
                                f.pages[page].node = (int)(page % rows[i].nodes);
                        if (rows[i].absent > 0 && page % rows[i].absent == 0)
                                f.pages[page].node = NODE_NONE;
                        expected += f.pages[page].node == 1;
                }
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE, "row %zu", i);
                cr_assert_eq(o.pages_planned, expected, "row %zu: %" PRIu64 " for %u", i,
                             o.pages_planned, expected);
                cr_assert_eq(o.pages_moved, expected, "row %zu", i);
                fake_done(&f);
        }
}

/* The kernel says how many pages stayed behind: then all are asked for. */
Test(sampled, finds_each_page_that_stayed_behind) {
        static const uint32_t busy[] = { 1, 513, 2000, 2001, PAGES - 2 };
        uint32_t n = sizeof(busy) / sizeof(busy[0]), waits;
        Fake f;

        start(&f);
        f.settings.passes = 3;
        for (uint32_t i = 0; i < n; i++)
                f.pages[busy[i]].busy = FAKE_FOREVER;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, &waits);
        cr_assert_eq(o.reason, REASON_PARTLY);
        cr_assert_eq(o.pages_planned, PAGES);
        cr_assert_eq(o.pages_moved, PAGES - n);
        cr_assert_eq(o.pages_retry, n);
        cr_assert_eq(waits, 2);
        fake_done(&f);
}

/* With a pause budget, and where migrate_pages(2) is out of the question, each page is asked for. */
Test(sampled, not_where_calls_are_paced) {
        static const struct {
                MoveMethod method;
                uint64_t budget_ns;
                bool may_move_all;
        } rows[] = {
                { METHOD_AUTO, 20 * NSEC_PER_MSEC, false },
                { METHOD_MIGRATE_PAGES, 20 * NSEC_PER_MSEC, false },
                { METHOD_MOVE_PAGES, 0, false },
                { METHOD_AUTO, 0, true },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                start(&f);
                f.settings.method = rows[i].method;
                f.settings.pause_budget_ns = rows[i].budget_ns;
                f.kernel.may_move_all = rows[i].may_move_all;
                f.pages[100].node = 0; /* no sample sees it */
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE, "row %zu", i);
                cr_assert_eq(o.pages_moved, PAGES - 1, "row %zu: %" PRIu64, i, o.pages_moved);
                cr_assert_geq(f.n_query_pages, PAGES, "row %zu", i);
                fake_done(&f);
        }
}
