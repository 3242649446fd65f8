/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "fake-kernel.h"

/* Stopping, pausing and cancelling at awkward moments. */

static void wait_ms(long ms) {
        const struct timespec t = { .tv_nsec = ms * 1000 * 1000 };

        nanosleep(&t, NULL);
}

static void cancel_and_pause(Fake *f, void *userdata) {
        f->on_call = NULL;
        mover_pause(f->mover, true);
        cr_assert_eq(mover_cancel(f->mover, 1), 0);
        atomic_store(&f->hooked, true);
}

/* What the sweep did is found out when the engine goes on; until then it rests. */
Test(mover_stop, cancelled_and_paused_in_a_sweep) {
        Fake f;

        fake_init(&f, 10, 1);
        f.on_call = cancel_and_pause;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_hook(&f);
        wait_ms(20);
        unsigned before = atomic_load(&f.n_now);
        wait_ms(30);
        cr_assert(atomic_load(&f.n_now) - before < 10, "the worker spins");
        mover_pause(f.mover, false);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_CANCELLED);
        cr_assert_eq(o.pages_moved, 10);
        fake_done(&f);
}

static void tell(Fake *f, void *userdata) {
        atomic_store(&f->hooked, true);
}

static void pause_in_sleep(Fake *f, void *userdata) {
        f->on_sleep = NULL;
        mover_pause(f->mover, true);
        atomic_store(&f->hooked, true);
}

Test(mover_stop, every_job_is_told_once) {
        bool told[64] = { false };
        uint64_t job;
        Outcome o;
        Fake f;

        /* One waits between two passes, the others are queued. */
        fake_init(&f, 10, 1);
        f.pages[0].busy = FAKE_FOREVER;
        f.on_sleep = pause_in_sleep;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_hook(&f);
        Move move = fake_move(&f, node_bit(1), 0);
        for (int i = 1; i < 64; i++) {
                move.id.pid++;
                cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
        }
        mover_stop(f.mover);
        for (int n = 0; mover_next_event(f.mover, &o) > 0;) {
                if (o.state == JOB_WAITING)
                        continue;
                cr_assert_eq(o.state, JOB_FINISHED);
                cr_assert_eq(o.reason, REASON_CANCELLED);
                cr_assert(o.job >= 1 && o.job <= 64 && !told[o.job - 1], "job %lu", o.job);
                told[o.job - 1] = true;
                cr_assert(++n <= 64);
        }
        for (int i = 0; i < 64; i++)
                cr_assert(told[i], "job %d was not told", i + 1);
        cr_assert_eq(mover_list(f.mover, &o, 1), 0);
        cr_assert_eq(mover_submit(f.mover, &move, &job), -ECANCELED);
        mover_stop(f.mover);
        fake_done(&f);
}

Test(mover_stop, counts_of_a_stopped_job_are_right) {
        Outcome o;
        Fake f;

        fake_init(&f, 5000, 1);
        f.settings.method = METHOD_MOVE_PAGES;
        f.settings.pause_budget_ns = NSEC_PER_MSEC;
        f.on_call = tell;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_hook(&f);
        mover_stop(f.mover);
        do
                cr_assert_eq(mover_next_event(f.mover, &o), 1);
        while (o.state != JOB_FINISHED);
        cr_assert_eq(o.pages_planned, 5000);
        cr_assert_eq(o.pages_moved + o.pages_retry, 5000);
        cr_assert_eq(o.pages_moved, fake_pages_on(&f, 0));
        fake_done(&f);
}

Test(mover_stop, process_that_is_gone_is_refused) {
        uint64_t job;
        Fake f;

        fake_init(&f, 10, 1);
        fake_start(&f);
        Move move = fake_move(&f, node_bit(1), 0);
        f.starttime = 78;
        cr_assert_eq(mover_submit(f.mover, &move, &job), -ESRCH);
        cr_assert(!mover_is_busy(f.mover, move.id));
        fake_done(&f);
}

/* A chunk waits for the bandwidth while the engine is paused and half of its pages are freed. */
Test(mover_stop, chunk_is_looked_at_again_after_a_pause) {
        Fake f;

        fake_init(&f, 3000, 1);
        f.split = 0;
        for (int i = 0; i < 3000; i += 512)
                f.pages[i].node = 3; /* no unit is full: no tries for huge pages */
        f.settings.method = METHOD_MOVE_PAGES;
        f.settings.bandwidth_bytes = MIB;
        f.on_sleep = pause_in_sleep;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_hook(&f);
        wait_ms(20);
        uint32_t before = fake_pages_on(&f, 1);
        cr_assert_eq(before, 2994 - 2048);
        for (int i = 2500; i < 3000; i++)
                f.pages[i].node = NODE_NONE;
        uint32_t left = fake_pages_on(&f, 1);
        mover_pause(f.mover, false);
        Outcome o = fake_wait_end(&f, NULL);
        char line[32];
        snprintf(line, sizeof(line), "move %u @", left);
        cr_assert_not_null(strstr(f.log, line), "%s in\n%s", line, f.log);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 2048 + left);
        cr_assert_eq(o.pages_gone, before - left);
        fake_done(&f);
}

/* migrate_pages(2) cannot be stopped: not for what would take longer than 10 s. */
Test(mover_stop, no_sweep_that_takes_too_long) {
        Fake f;

        fake_init(&f, 100, 1);
        f.call_ns = 11 * NSEC_PER_SEC;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 100 ");
        for (int i = 0; i < 100; i++)
                f.pages[i].node = 1;
        f.call_ns = 0;
        fake_submit(&f, node_bit(1), 0);
        fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 100 move 100 ");
        for (int i = 0; i < 50; i++)
                f.pages[i].node = 1;
        fake_submit(&f, node_bit(1), 0);
        fake_wait_end(&f, NULL);
        fake_assert_calls(&f, "migrate 100 move 100 migrate 100 ");
        fake_done(&f);
}

/* 100 units without a page to move, 1 ms to look at each, at half of a CPU. */
Test(mover_stop, looking_for_pages_rests_too) {
        Fake f;

        fake_init(&f, 100 * 512, 3);
        f.split = 0;
        f.query_ns = NSEC_PER_MSEC;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        uint64_t ms = (o.finished_ns - o.started_ns) / NSEC_PER_MSEC;
        cr_assert(ms >= 190 && ms <= 210, "%lu ms", ms);
        fake_done(&f);
}
