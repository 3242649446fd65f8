/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <time.h>

#include "fake-kernel.h"
#include "migrate/chunk.h"

/* Calls of one job at the same time, where more than one CPU may be used. */

static int64_t (*move_alone)(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                             int to, bool all, int32_t *status);
static atomic_uint inside, most_inside;

/* Each call with enough pages waits a while for company before it goes on. */
static int64_t move_together(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                             int to, bool all, int32_t *status) {
        const struct timespec ms = { .tv_nsec = 1000 * 1000 };
        unsigned now = atomic_fetch_add(&inside, 1) + 1, most = atomic_load(&most_inside);

        while (now > most && !atomic_compare_exchange_weak(&most_inside, &most, now))
                ;
        for (int i = 0; n >= LANE_PAGES && i < 100 && atomic_load(&most_inside) < 2; i++)
                nanosleep(&ms, NULL);
        int64_t r = move_alone(userdata, pid, addresses, n, to, all, status);
        atomic_fetch_sub(&inside, 1);
        return r;
}

static void start(Fake *f, uint32_t cpu_percent, uint32_t cpus) {
        fake_init(f, 4 * 2048, 1);
        f->split = 0;
        f->settings.method = METHOD_MOVE_PAGES;
        f->settings.pause_budget_ns = 0;
        f->settings.bandwidth_bytes = 1024 * 1024 * MIB;
        f->settings.cpu_percent = cpu_percent;
        f->kernel.cpus = cpus;
        move_alone = f->kernel.move_pages;
        f->kernel.move_pages = move_together;
        atomic_store(&inside, 0);
        atomic_store(&most_inside, 0);
}

Test(lanes, as_many_as_may_be) {
        static const struct {
                uint32_t cpu_percent, cpus;
                bool together;
        } rows[] = { { 400, 4, true },
                     { 200, 2, true },
                     { 100, 4, false },
                     { 199, 4, false },
                     { 400, 1, false } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                start(&f, rows[i].cpu_percent, rows[i].cpus);
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE, "row %zu", i);
                cr_assert_eq(o.pages_moved, f.n_pages, "row %zu", i);
                cr_assert_eq(fake_pages_on(&f, 0), f.n_pages, "row %zu", i);
                cr_assert_eq(atomic_load(&most_inside) > 1, rows[i].together, "row %zu: %u", i,
                             atomic_load(&most_inside));
                fake_done(&f);
        }
}

/* What fails in one of them is accounted as if there were one call. */
Test(lanes, failures_are_told_of_each) {
        static const uint32_t busy[] = { 700, 1500, 1501, 5000 };
        Fake f;

        start(&f, 400, 4);
        f.settings.passes = 2;
        for (uint32_t i = 0; i < 4; i++)
                f.pages[busy[i]].busy = FAKE_FOREVER;
        f.pages[3000].shared = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_PARTLY);
        cr_assert_eq(o.pages_moved, f.n_pages - 5);
        cr_assert_eq(o.pages_retry, 4);
        cr_assert_eq(o.pages_shared, 1);
        fake_done(&f);
}

/* A full node ends the job whichever call meets it. */
Test(lanes, no_memory_in_one_of_them_ends_the_job) {
        Fake f;

        start(&f, 400, 4);
        f.room = 3000;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_NO_MEMORY);
        cr_assert_eq(o.pages_moved, 3000);
        fake_done(&f);
}

/* Who works keeps the other CPUs for itself. */
Test(lanes, not_beside_a_process_that_works) {
        uint64_t job;
        Fake f;

        start(&f, 400, 4);
        f.settings.pause_budget_ns = 20 * NSEC_PER_MSEC;
        fake_start(&f);
        Move move = fake_move(&f, node_bit(1), 0);
        move.cpu_ns = NSEC_PER_SEC;
        cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(atomic_load(&most_inside), 1);
        fake_done(&f);
}
