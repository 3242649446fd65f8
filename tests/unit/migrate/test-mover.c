/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "fake-kernel.h"
#include "migrate/backoff.h"

Test(mover, moves_everything_at_once) {
        Fake f;
        uint32_t waits;

        fake_init(&f, 1000, 1);
        fake_start(&f);
        cr_assert_eq(fake_submit(&f, node_bit(1), 0), 1);
        Outcome o = fake_wait_end(&f, &waits);
        cr_assert_eq(o.job, 1);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 1000);
        cr_assert_eq(o.pages_moved, 1000);
        cr_assert_eq(o.passes, 1);
        cr_assert_eq(o.calls, 1);
        cr_assert_eq(waits, 0);
        fake_assert_calls(&f, "migrate 1000 ");
        cr_assert_eq(fake_pages_on(&f, 0), 1000);
        cr_assert(!mover_is_busy(f.mover, o.move.id));
        fake_done(&f);
}

Test(mover, leaves_other_nodes_alone) {
        Fake f;

        fake_init(&f, 30, 1);
        for (int i = 0; i < 10; i++) {
                f.pages[i].node = 2;
                f.pages[10 + i].node = 3;
        }
        fake_start(&f);
        fake_submit(&f, node_bit(1) | node_bit(2), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 20);
        cr_assert_eq(fake_pages_on(&f, 3), 10);
        fake_done(&f);
}

Test(mover, nothing_to_move_is_told) {
        Fake f;

        fake_init(&f, 10, 0);
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_NOTHING_TO_DO);
        cr_assert_eq(o.pages_planned, 0);
        cr_assert_eq(o.passes, 0);
        fake_assert_calls(&f, "");
        fake_done(&f);
}

/* A page fails in migrate_pages and in move_pages of each pass: two attempts. */
Test(mover, retries_with_backoff_until_the_tenth_pass) {
        Fake f;
        uint32_t waits;
        char expected[2048] = "migrate 5 move 1 ";

        fake_init(&f, 5, 1);
        f.pages[3].busy = 9 * 2 + 1;
        f.pages[3].error = -EBUSY;
        for (int i = 0; i < 9; i++)
                strcat(expected, "migrate 5 move 1 ");
        /* migrate_pages() counts down, too: the tenth pass's call still fails, move_pages works. */
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, &waits);
        fake_assert_calls(&f, expected);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.passes, 10);
        cr_assert_eq(waits, 9);
        cr_assert_eq(o.failures[FAILURE_BUSY], 9);

        /* Waits are those of backoff_delay_ns(), end to end. */
        uint64_t at_ns = 1000 * NSEC_PER_MSEC;
        for (uint32_t pass = 1; pass < 10; pass++)
                at_ns += backoff_delay_ns(NSEC_PER_SEC, 300 * NSEC_PER_SEC, pass, o.job);
        cr_assert_eq(o.finished_ns, at_ns);
        cr_assert_eq(f.n_sleep, 9);
        fake_done(&f);
}

Test(mover, gives_up_after_the_last_pass) {
        static const struct {
                uint32_t busy_pages, passes;
                Reason reason;
        } rows[] = {
                { 1, 10, REASON_PARTLY },
                { 50, 10, REASON_PASSES_EXHAUSTED },
                { 50, 1, REASON_PASSES_EXHAUSTED },
                { 2, 3, REASON_PARTLY },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;
                uint32_t waits;

                fake_init(&f, 50, 1);
                for (uint32_t page = 0; page < rows[i].busy_pages; page++)
                        f.pages[page].busy = FAKE_FOREVER;
                f.settings.passes = rows[i].passes;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, &waits);
                cr_assert_eq(o.reason, rows[i].reason, "row %zu: %s", i,
                             reason_to_string(o.reason));
                cr_assert_eq(o.passes, rows[i].passes, "row %zu", i);
                cr_assert_eq(waits, rows[i].passes - 1, "row %zu", i);
                cr_assert_eq(o.pages_retry, rows[i].busy_pages, "row %zu", i);
                cr_assert_eq(o.pages_moved, 50 - rows[i].busy_pages, "row %zu", i);
                cr_assert_eq(o.error, 0, "row %zu", i);
                fake_done(&f);
        }
}

Test(mover, shared_pages_stay_and_are_no_failure) {
        Fake f;

        fake_init(&f, 20, 1);
        f.pages[7].shared = f.pages[8].shared = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 20 move 2 ");
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 20);
        cr_assert_eq(o.pages_moved, 18);
        cr_assert_eq(o.pages_shared, 2);
        cr_assert_eq(o.pages_failed, 0);
        cr_assert_eq(o.failures[FAILURE_ACCES], 0);
        cr_assert_eq(o.passes, 1);
        fake_done(&f);
}

Test(mover, nothing_but_shared_or_refused_pages) {
        static const struct {
                bool shared;
                Reason first, again; /* the second order meets what the first left behind */
        } rows[] = {
                { true, REASON_SHARED, REASON_SHARED },
                { false, REASON_UNMOVABLE, REASON_UNMOVABLE },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                fake_init(&f, 4, 1);
                f.settings.method = METHOD_MOVE_PAGES;
                for (int page = 0; page < 4; page++) {
                        f.pages[page].shared = rows[i].shared;
                        f.pages[page].busy = FAKE_FOREVER;
                        f.pages[page].error = -EINVAL;
                }
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                cr_assert_eq(fake_wait_end(&f, NULL).reason, rows[i].first, "row %zu", i);
                fake_submit(&f, node_bit(1), 0);
                cr_assert_eq(fake_wait_end(&f, NULL).reason, rows[i].again, "row %zu", i);
                fake_assert_calls(&f, "move 4 ");
                fake_done(&f);
        }
}

/* A call of 30 ms at 25 % of one CPU: 90 ms of rest. */
Test(mover, rests_in_proportion_to_its_calls) {
        Fake f;

        fake_init(&f, 20, 1);
        f.pages[5].busy = 2;
        f.call_ns = 30 * NSEC_PER_MSEC;
        f.settings.cpu_percent = 25;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.busy_ns, 3 * 30 * NSEC_PER_MSEC);
        cr_assert(strstr(f.log, "migrate 20 @1000 page 0\n"
                                "sleep 1120\n"
                                "move 1 @1120 page 5\n"
                                "sleep 2") == f.log,
                  "log:\n%s", f.log);
        fake_done(&f);
}

static void cancel_it(Fake *f, void *userdata) {
        cr_assert_eq(mover_cancel(f->mover, 1), 0);
}

Test(mover, cancelled_while_waiting) {
        Fake f;

        fake_init(&f, 10, 1);
        f.pages[0].busy = FAKE_FOREVER;
        f.on_sleep = cancel_it;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_CANCELLED);
        cr_assert_eq(o.passes, 1);
        cr_assert_eq(o.pages_moved, 9);
        cr_assert_eq(o.pages_retry, 1);
        cr_assert_eq(o.finished_ns, 1000 * NSEC_PER_MSEC, "at once, not after the wait");
        cr_assert_eq(mover_cancel(f.mover, 1), -ENOENT);
        fake_done(&f);
}

Test(mover, cancelled_in_a_call) {
        Fake f;

        fake_init(&f, 10, 1);
        f.on_call = cancel_it;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_CANCELLED);
        cr_assert_eq(o.pages_moved, 10, "what was moved is known nevertheless");
        fake_done(&f);
}

Test(mover, cancelled_in_the_queue_even_when_paused) {
        Fake f;

        fake_init(&f, 10, 1);
        fake_start(&f);
        mover_pause(f.mover, true);
        uint64_t job = fake_submit(&f, node_bit(1), 0);
        cr_assert_eq(mover_cancel(f.mover, job), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_CANCELLED);
        fake_assert_calls(&f, "");
        fake_done(&f);
}

static void pause_it(Fake *f, void *userdata) {
        mover_pause(f->mover, true);
        f->on_call = NULL;
        atomic_store(&f->hooked, true);
}

Test(mover, paused_and_resumed) {
        Fake f;
        Outcome listed;

        fake_init(&f, 2000, 1);
        for (int i = 0; i < 2000; i++)
                f.pages[i].busy = 1; /* migrate_pages moves nothing, move_pages all */
        f.call_ns = NSEC_PER_MSEC;
        f.settings.cpu_percent = 100;
        fake_start(&f);
        mover_pause(f.mover, true);
        fake_submit(&f, node_bit(1), 0);
        struct timespec t = { .tv_nsec = 20 * 1000 * 1000 };
        nanosleep(&t, NULL);
        cr_assert_eq(mover_list(f.mover, &listed, 1), 1);
        cr_assert_eq(listed.state, JOB_QUEUED);
        cr_assert_eq(listed.started_ns, 0);
        cr_assert(mover_is_busy(f.mover, listed.move.id));
        f.on_call = pause_it;
        mover_pause(f.mover, false);

        /* The first call pauses the engine again: nothing more happens. */
        fake_wait_hook(&f);
        nanosleep(&t, NULL);
        cr_assert_eq(mover_next_event(f.mover, &listed), 0);
        cr_assert_eq(mover_list(f.mover, &listed, 1), 1);
        mover_pause(f.mover, false);
        Outcome o = fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 2000 move 1 move 1999 ");
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.passes, 1);
        fake_done(&f);
}

Test(mover, one_job_per_process_and_a_bounded_queue) {
        Fake f;
        uint64_t job;

        fake_init(&f, 10, 1);
        fake_start(&f);
        mover_pause(f.mover, true);
        Move move = fake_move(&f, node_bit(1), 0);
        cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
        cr_assert_eq(mover_submit(f.mover, &move, &job), -EBUSY);
        uint32_t accepted = 1;
        int r;
        do {
                move.id.pid++;
                r = mover_submit(f.mover, &move, &job);
                accepted += r == 0;
        } while (r == 0 && accepted < 10000);
        cr_assert_eq(r, -ENOBUFS);
        cr_assert_eq(accepted, 64);
        cr_assert_eq(mover_count(f.mover), 64);

        mover_pause(f.mover, false);
        for (uint32_t i = 0; i < accepted; i++)
                cr_assert_eq(fake_wait_end(&f, NULL).job, i + 1, "in order, each once");
        cr_assert_eq(mover_list(f.mover, &(Outcome) { 0 }, 1), 0);
        cr_assert_eq(mover_count(f.mover), 0);
        cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
        fake_wait_end(&f, NULL);
        fake_done(&f);
}

Test(mover, refuses_senseless_orders) {
        Fake f;
        uint64_t job = 99;

        fake_init(&f, 10, 1);
        fake_start(&f);
        const struct {
                NodeMask from;
                int to;
        } rows[] = { { 0, 0 },
                     { node_bit(0), 0 },
                     { node_bit(4), 0 },
                     { node_bit(1), 4 },
                     { node_bit(1), -1 } };
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Move move = fake_move(&f, rows[i].from, rows[i].to);
                cr_assert_eq(mover_submit(f.mover, &move, &job), -EINVAL, "row %zu", i);
        }
        cr_assert_eq(job, 99);
        fake_done(&f);
}

Test(mover, waiting_job_lets_others_go_first) {
        Fake f;
        uint64_t other;

        fake_init(&f, 10, 1);
        f.pages[0].busy = 2;
        fake_start(&f);
        mover_pause(f.mover, true);
        fake_submit(&f, node_bit(1), 0);
        /* The fake has one process only: this one has nothing left to move. */
        Move move = fake_move(&f, node_bit(2), 0);
        move.id.pid++;
        cr_assert_eq(mover_submit(f.mover, &move, &other), 0);
        mover_pause(f.mover, false);
        Outcome o = fake_wait_event(&f);
        cr_assert_eq(o.state, JOB_WAITING);
        cr_assert_eq(o.job, 1);
        cr_assert(o.next_pass_ns > 1700 * NSEC_PER_MSEC);
        cr_assert_eq(o.pages_retry, 1);
        o = fake_wait_event(&f);
        cr_assert_eq(o.job, other);
        cr_assert_eq(o.state, JOB_FINISHED);
        o = fake_wait_event(&f);
        cr_assert_eq(o.job, 1);
        cr_assert_eq(o.reason, REASON_DONE);
        fake_done(&f);
}

Test(mover, freed_with_jobs_under_way) {
        Fake f;

        fake_init(&f, 10, 1);
        fake_start(&f);
        mover_pause(f.mover, true);
        fake_submit(&f, node_bit(1), 0);
        fake_done(&f);
        cr_assert_null(mover_free(NULL));
}
