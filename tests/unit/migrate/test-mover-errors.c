/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "fake-kernel.h"

static void disappear(Fake *f, void *userdata) {
        uint32_t *calls_left = userdata;

        if ((*calls_left)-- == 0)
                f->starttime = 0;
}

static void become_another(Fake *f, void *userdata) {
        uint32_t *calls_left = userdata;

        if ((*calls_left)-- == 0)
                f->starttime = 78;
}

Test(mover_errors, process_that_ends_is_dropped_quietly) {
        static const struct {
                void (*end)(Fake *f, void *userdata);
                uint32_t call;
                const char *calls;
        } rows[] = {
                { disappear, 0, "migrate 10 " },
                { disappear, 1, "migrate 10 move 10 " },
                { become_another, 0, "migrate 10 " },
                { become_another, 1, "migrate 10 move 10 " },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;
                uint32_t call = rows[i].call;

                fake_init(&f, 10, 1);
                for (int page = 0; page < 10; page++)
                        f.pages[page].busy = FAKE_FOREVER;
                f.on_call = rows[i].end;
                f.userdata = &call;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_PROCESS_GONE, "row %zu", i);
                cr_assert_eq(o.error, 0, "row %zu", i);
                cr_assert_eq(o.pages_gone, 10, "row %zu", i);
                fake_assert_calls(&f, rows[i].calls);
                fake_done(&f);
        }
}

/* What a call did to pages of another process does not count as moved. */
Test(mover_errors, process_replaced_in_a_call_that_moves) {
        Fake f;
        uint32_t zero = 0;

        fake_init(&f, 10, 1);
        f.settings.method = METHOD_MOVE_PAGES;
        f.on_call = become_another;
        f.userdata = &zero;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_PROCESS_GONE);
        cr_assert_eq(o.pages_moved, 0);
        cr_assert_eq(o.pages_gone, 10);
        fake_done(&f);
}

Test(mover_errors, process_gone_before_anything) {
        Fake f;

        fake_init(&f, 10, 1);
        fake_start(&f);
        mover_pause(f.mover, true);
        fake_submit(&f, node_bit(1), 0);
        f.starttime = 0;
        mover_pause(f.mover, false);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_PROCESS_GONE);
        fake_assert_calls(&f, "");
        fake_done(&f);
}

Test(mover_errors, process_gone_while_waiting) {
        Fake f;
        uint32_t zero = 0;

        fake_init(&f, 10, 1);
        f.pages[0].busy = FAKE_FOREVER;
        f.on_sleep = disappear;
        f.userdata = &zero;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_PROCESS_GONE);
        cr_assert_eq(o.pages_moved, 9);
        cr_assert_eq(o.pages_gone, 1);
        fake_done(&f);
}

/* Every errno that migrate_pages(2) can give. */
Test(mover_errors, errors_of_whole_calls) {
        static const struct {
                int error;
                Reason reason;
                uint64_t moved;
        } rows[] = {
                { -ESRCH, REASON_PROCESS_GONE, 0 },
                { -EPERM, REASON_NO_TARGET, 0 }, /* queries are allowed: it is the cpuset */
                { -EINVAL, REASON_NO_TARGET, 0 },
                { -ENOMEM, REASON_NO_MEMORY, 0 },
                { -EFAULT, REASON_ERROR, 0 },
                { -ENOSYS, REASON_ERROR, 0 },
                { -EINTR, REASON_DONE, 10 }, /* move_pages does it */
                { -EAGAIN, REASON_DONE, 10 },
                { -EBUSY, REASON_DONE, 10 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                fake_init(&f, 10, 1);
                f.migrate_script[0] = rows[i].error;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, rows[i].reason, "%s: %s", strerror(-rows[i].error),
                             reason_to_string(o.reason));
                cr_assert_eq(o.pages_moved, rows[i].moved, "%s", strerror(-rows[i].error));
                cr_assert_eq(o.failures[failure_from_errno(-rows[i].error)], 1, "%s",
                             strerror(-rows[i].error));
                fake_done(&f);
        }
}

/* The same for move_pages(2) after a migrate_pages(2) that left everything. */
Test(mover_errors, errors_of_page_calls) {
        static const struct {
                int error;
                Reason reason;
        } rows[] = {
                { -ESRCH, REASON_PROCESS_GONE },  { -EPERM, REASON_FORBIDDEN },
                { -EINVAL, REASON_PROCESS_GONE }, { -ENOMEM, REASON_NO_MEMORY },
                { -EACCES, REASON_NO_TARGET },    { -ENODEV, REASON_ERROR },
                { -EFAULT, REASON_ERROR },        { -E2BIG, REASON_ERROR },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                fake_init(&f, 10, 1);
                for (int page = 0; page < 10; page++)
                        f.pages[page].busy = FAKE_FOREVER;
                f.move_script[0] = rows[i].error;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, rows[i].reason, "%s: %s", strerror(-rows[i].error),
                             reason_to_string(o.reason));
                cr_assert_eq(o.error, rows[i].reason == REASON_PROCESS_GONE ? 0 : rows[i].error,
                             "%s", strerror(-rows[i].error));
                cr_assert_eq(o.pages_planned, 10);
                fake_done(&f);
        }
}

Test(mover_errors, forbidden_process_is_left_alone) {
        Fake f;

        fake_init(&f, 10, 1);
        f.permitted = false;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_FORBIDDEN);
        cr_assert_eq(o.error, -EPERM);
        fake_assert_calls(&f, "");
        fake_done(&f);
}

Test(mover_errors, full_node_ends_the_job_and_counts_what_was_moved) {
        Fake f;

        fake_init(&f, 100, 1);
        f.room = 60;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 100 ");
        cr_assert_eq(o.reason, REASON_NO_MEMORY);
        cr_assert_eq(o.error, -ENOMEM);
        cr_assert_eq(o.pages_moved, 60);
        cr_assert_eq(o.pages_retry, 40);
        cr_assert_eq(o.passes, 1);
        fake_done(&f);
}

static void fill_target(Fake *f, void *userdata) {
        f->room = 0;
}

Test(mover_errors, full_node_in_a_later_pass) {
        Fake f;

        fake_init(&f, 100, 1);
        f.pages[20].busy = f.pages[30].busy = 3;
        f.on_sleep = fill_target;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_NO_MEMORY);
        cr_assert_eq(o.pages_moved, 98);
        cr_assert_eq(o.pages_retry, 2);
        fake_done(&f);
}

static void free_half(Fake *f, void *userdata) {
        for (uint32_t i = 0; i < f->n_pages; i += 2)
                f->pages[i].node = NODE_NONE;
        f->on_call = NULL;
}

Test(mover_errors, pages_freed_meanwhile_are_gone) {
        Fake f;

        fake_init(&f, 100, 1);
        f.on_call = free_half;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 100);
        cr_assert_eq(o.pages_moved, 50);
        cr_assert_eq(o.pages_gone, 50);
        fake_done(&f);
}

/* Who waits to begin to fill the same node is told at once; others are not touched. */
Test(mover_errors, a_full_node_ends_those_that_wait_for_it) {
        uint64_t job;
        Fake f;

        fake_init(&f, 100, 1);
        f.room = 50;
        for (uint32_t i = 50; i < 100; i++)
                f.pages[i].node = 2;
        fake_start(&f);
        mover_pause(f.mover, true);
        for (int i = 0; i < 4; i++) {
                Move move =
                        fake_move(&f, i == 3 ? node_bit(1) : node_bit(1 + i % 2), i == 3 ? 3 : 0);
                move.id.pid = 42 + i;
                cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
        }
        mover_pause(f.mover, false);
        Outcome o[4];
        for (int i = 0; i < 4; i++)
                o[i] = fake_wait_end(&f, NULL);
        cr_assert_eq(o[0].reason, REASON_DONE);
        cr_assert_eq(o[1].reason, REASON_NO_MEMORY);
        cr_assert_eq(o[1].calls, 1);
        cr_assert_eq(o[2].reason, REASON_NO_MEMORY);
        cr_assert_eq(o[2].calls, 0);
        cr_assert_eq(o[2].error, -ENOMEM);
        cr_assert_eq(o[3].reason, REASON_NOTHING_TO_DO, "another target");
        fake_done(&f);
}
