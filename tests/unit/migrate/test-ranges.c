/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "fake-kernel.h"

/* Orders about ranges of a process. */

static int submit_ranges(Fake *f, int from, int to, bool only, const AddressRange *ranges,
                         uint32_t n) {
        Move move = fake_move(f, node_bit(from), to);
        uint64_t job;

        move.ranges = ranges;
        move.n_ranges = n;
        move.ranges_only = only;
        return mover_submit(f->mover, &move, &job);
}

static void start_ranges(Fake *f, uint32_t n) {
        fake_init(f, n, 1);
        f->settings.method = METHOD_AUTO;
        f->settings.cpu_percent = 100;
        f->settings.bandwidth_bytes = 1024 * 1024 * MIB;
}

Test(ranges, just_these_in_their_order) {
        static const MoveMethod methods[] = { METHOD_AUTO, METHOD_MOVE_PAGES,
                                              METHOD_MIGRATE_PAGES };

        for (size_t i = 0; i < 3; i++) {
                AddressRange ranges[] = { fake_range(5000, 1000), fake_range(100, 10),
                                          fake_range(3000, 1000) };
                Fake f;

                start_ranges(&f, 9000);
                f.settings.method = methods[i];
                f.settings.pause_budget_ns = 0;
                fake_start(&f);
                cr_assert_eq(submit_ranges(&f, 1, 0, true, ranges, 3), 0);
                /* The engine has a copy. */
                memset(ranges, 0xff, sizeof(ranges));
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE, "%s", method_to_string(methods[i]));
                cr_assert_eq(o.pages_planned, 2010);
                cr_assert_eq(o.pages_moved, 2010);
                cr_assert_eq(o.move.n_ranges, 3);
                cr_assert_null(o.move.ranges);
                cr_assert_eq(fake_pages_on(&f, 0), 2010);
                for (uint32_t page = 0; page < 9000; page++)
                        cr_assert_eq(f.pages[page].node == 0,
                                     (page >= 5000 && page < 6000) || (page >= 100 && page < 110) ||
                                             (page >= 3000 && page < 4000),
                                     "page %u", page);
                fake_done(&f);
        }
}

/* 512 pages a call, so that the order can be seen. */
Test(ranges, the_hottest_first_then_the_rest) {
        const AddressRange ranges[] = { fake_range(2048, 512), fake_range(512, 512) };
        Fake f;

        start_ranges(&f, 2560);
        f.split = 0;
        f.call_ns = 0;
        f.page_ns = 39 * NSEC_PER_USEC;
        f.settings.method = METHOD_MOVE_PAGES;
        fake_start(&f);
        cr_assert_eq(submit_ranges(&f, 1, 0, false, ranges, 2), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 2560);
        cr_assert_eq(o.pages_moved, 2560);

        /* No page of the rest moves before one of the ranges, and each is asked for once. */
        uint32_t last_hot = 0, first_cold = UINT32_MAX;
        for (uint32_t page = 0; page < 2560; page++) {
                bool hot = page >= 2048 || (page >= 512 && page < 1024);
                uint32_t call = f.pages[page].call;
                if (hot && call > last_hot)
                        last_hot = call;
                if (!hot && call < first_cold)
                        first_cold = call;
        }
        cr_assert(last_hot <= first_cold, "%u %u", last_hot, first_cold);
        cr_assert_leq(f.pages[2048].call, f.pages[512].call);
        cr_assert_leq(f.pages[0].call, f.pages[1024].call);
        fake_done(&f);
}

Test(ranges, beyond_all_mappings_is_nothing) {
        const AddressRange ranges[] = { fake_range(100000, 5000),
                                        { 4096, 8192 },
                                        fake_range(90, 20) };
        Fake f;

        start_ranges(&f, 100);
        fake_start(&f);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, ranges, 3), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 10);
        fake_assert_places(&f, "90+10 ");
        fake_done(&f);
}

/* What was busy is tried again in ascending order. */
Test(ranges, later_passes_know_just_what_is_left) {
        const AddressRange ranges[] = { fake_range(50, 10), fake_range(10, 10) };
        Fake f;

        start_ranges(&f, 100);
        f.pages[55].busy = f.pages[12].busy = f.pages[80].busy = 1;
        f.pages[55].error = f.pages[12].error = f.pages[80].error = -EBUSY;
        fake_start(&f);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, ranges, 2), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.passes, 2);
        cr_assert_eq(o.pages_moved, 20);
        cr_assert_eq(o.failures[FAILURE_BUSY], 2);
        cr_assert_eq(o.failed_bytes[FAILURE_BUSY], 2 * FAKE_PAGE_BYTES);
        fake_assert_places(&f, "50+20 12+2 ");
        cr_assert_eq(f.pages[80].node, 1);
        fake_done(&f);
}

Test(ranges, refused_orders) {
        const AddressRange twice[] = { fake_range(1, 5), fake_range(3, 5) };
        const AddressRange odd[] = { { FAKE_BASE + 1, FAKE_BASE + 4096 } };
        Fake f;

        start_ranges(&f, 100);
        fake_start(&f);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, twice, 2), -EINVAL);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, odd, 1), -EINVAL);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, NULL, 0), -EINVAL);
        cr_assert_eq(mover_list(f.mover, &(Outcome) {}, 1), 0);
        fake_done(&f);
}

/* Half the memory is on each node and belongs on the other. */
Test(ranges, swapped_halves_are_two_jobs) {
        const AddressRange low[] = { fake_range(0, 1000) }, high[] = { fake_range(1000, 1000) };
        Fake f;

        start_ranges(&f, 2000);
        for (uint32_t i = 1000; i < 2000; i++)
                f.pages[i].node = 0;
        fake_start(&f);
        mover_pause(f.mover, true);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, low, 1), 0);
        cr_assert_eq(submit_ranges(&f, 1, 0, true, high, 1), -EBUSY, "the same target");
        cr_assert_eq(submit_ranges(&f, 1, 2, false, high, 1), -EBUSY, "all of it");
        cr_assert_eq(submit_ranges(&f, 0, 1, true, high, 1), 0);
        cr_assert_eq(submit_ranges(&f, 0, 1, false, NULL, 0), -EBUSY, "all of it, later");
        mover_pause(f.mover, false);
        Outcome first = fake_wait_end(&f, NULL), second = fake_wait_end(&f, NULL);
        cr_assert_eq(first.reason, REASON_DONE);
        cr_assert_eq(second.reason, REASON_DONE);
        cr_assert_eq(first.pages_moved, 1000);
        cr_assert_eq(second.pages_moved, 1000);
        for (uint32_t i = 0; i < 2000; i++)
                cr_assert_eq(f.pages[i].node, i < 1000 ? 0 : 1, "page %u", i);
        cr_assert(!mover_is_busy(f.mover, first.move.id));
        fake_done(&f);
}
