/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>
#include <string.h>

#include "fake-kernel.h"

/* Moves by move_pages(2): sizes of calls, huge pages, limits, units that are left alone. */

/* The sizes of the move calls, as text. */
static void assert_sizes(const Fake *f, const char *expected) {
        char sizes[4096] = "";

        for (const char *line = f->log; *line; line = strchr(line, '\n') + 1)
                if (strncmp(line, "move ", 5) == 0)
                        strncat(sizes, line + 5, strcspn(line + 5, "@\n"));
                else
                        cr_assert_neq(strncmp(line, "migrate", 7), 0, "log:\n%s", f->log);
        cr_assert_str_eq(sizes, expected, "log:\n%s", f->log);
}

static void start_paged(Fake *f, uint32_t n) {
        fake_init(f, n, 1);
        f->split = 0;
        f->settings.method = METHOD_MOVE_PAGES;
        f->settings.cpu_percent = 100;
        f->settings.bandwidth_bytes = 1024 * 1024 * MIB;
}

static void make_huge(Fake *f, uint32_t first_unit, uint32_t n_units) {
        for (uint32_t i = first_unit * 512; i < (first_unit + n_units) * 512; i++)
                f->pages[i].huge = true;
}

Test(paged, calls_settle_at_the_pause_budget) {
        Fake f;

        /* 100 us a page: 200 in 20 ms. */
        start_paged(&f, 20000);
        f.page_ns = 100 * NSEC_PER_USEC;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 20000);
        cr_assert(o.calls > 90 && o.calls < 115, "%u calls", o.calls);
        cr_assert_eq(o.limit, LIMIT_PAUSE);

        /* Once it is learned, none is more than a tenth above the budget. */
        const char *line = f.log;
        uint32_t n_line = 0, n = 0;
        for (; *line; line = strchr(line, '\n') + 1)
                if (++n_line > 60) {
                        cr_assert_eq(sscanf(line, "move %u", &n), 1);
                        cr_assert(n <= 220, "call %u: %u pages", n_line, n);
                }
        fake_done(&f);
}

Test(paged, keeps_the_bandwidth) {
        Fake f;

        /* 40 MB at 10 MB/s. */
        start_paged(&f, 10240);
        f.settings.bandwidth_bytes = 10 * MIB;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        uint64_t ms = (o.finished_ns - o.started_ns) / NSEC_PER_MSEC;
        cr_assert(ms > 3000 && ms < 4100, "%lu ms", ms);
        cr_assert_eq(o.limit, LIMIT_BANDWIDTH);
        fake_done(&f);
}

Test(paged, huge_pages_move_whole_and_count_as_512) {
        Fake f;

        start_paged(&f, 20 * 512);
        make_huge(&f, 0, 20);
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        assert_sizes(&f, "1 2 4 8 5 ");
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 20 * 512);
        cr_assert_eq(o.pages_moved, 20 * 512);
        cr_assert_eq(o.bytes_moved, 40 * MIB);
        fake_done(&f);
}

Test(paged, huge_pages_obey_bandwidth_and_budget) {
        Fake f;

        /* 4 ms per huge page: 5 in a call; 40 MiB at 20 MiB/s. */
        start_paged(&f, 20 * 512);
        make_huge(&f, 0, 20);
        f.page_ns = 4 * NSEC_PER_MSEC / 512;
        f.settings.bandwidth_bytes = 20 * MIB;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        uint64_t ms = (o.finished_ns - o.started_ns) / NSEC_PER_MSEC;
        cr_assert(ms > 1300 && ms < 2100, "%lu ms\n%s", ms, f.log);
        cr_assert(strstr(f.log, "move 8 ") == NULL, "%s", f.log);
        fake_done(&f);
}

Test(paged, base_pages_are_found_out_by_one_try) {
        Fake f;

        start_paged(&f, 8 * 512);
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        /* Unit 0 by its first page, then the rest of it and four units without a try, and so on. */
        assert_sizes(&f, "1 2048 511 1 1535 ");
        cr_assert_eq(o.pages_moved, 8 * 512);
        fake_done(&f);
}

Test(paged, mixed_and_busy_huge_pages) {
        Fake f;

        start_paged(&f, 12 * 512);
        make_huge(&f, 0, 3);
        make_huge(&f, 5, 2);
        f.pages[512].busy = 3;     /* a huge page busy for a while */
        f.pages[7 * 512].busy = 1; /* the first of base pages */
        f.pages[9 * 512 + 5].shared = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 12 * 512);
        cr_assert_eq(o.pages_moved, 12 * 512 - 1);
        cr_assert_eq(o.pages_shared, 1);
        cr_assert_eq(fake_pages_on(&f, 0), 12 * 512 - 1);
        fake_done(&f);
}

Test(paged, full_node_between_huge_pages) {
        Fake f;

        start_paged(&f, 10 * 512);
        make_huge(&f, 0, 10);
        f.room = 5 * 512 + 100;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_NO_MEMORY);
        cr_assert_eq(o.pages_moved, 5 * 512);
        cr_assert_eq(o.pages_retry, 5 * 512);
        fake_done(&f);
}

static void pause_once(Fake *f, void *userdata) {
        mover_pause(f->mover, true);
        f->on_call = f->on_sleep = NULL;
        atomic_store(&f->hooked, true);
}

/* Paused in a call or while waiting for the pace: nothing is done twice or left out. */
Test(paged, pause_in_the_middle_loses_nothing) {
        for (int in_sleep = 0; in_sleep < 2; in_sleep++) {
                Fake f;

                start_paged(&f, 30 * 512);
                make_huge(&f, 10, 10);
                f.settings.bandwidth_bytes = 100 * MIB;
                for (uint32_t i = 0; i < f.n_pages; i += 97)
                        if (!f.pages[i].huge)
                                f.pages[i].shared = true;
                uint32_t failing = 0;
                for (uint32_t i = 0; i < f.n_pages; i++)
                        failing += f.pages[i].shared;
                if (in_sleep)
                        f.on_sleep = pause_once;
                else
                        f.on_call = pause_once;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                fake_wait_hook(&f);
                mover_pause(f.mover, false);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE);
                cr_assert_eq(o.pages_planned, 30 * 512);
                cr_assert_eq(o.pages_shared, failing);
                cr_assert_eq(o.pages_moved, 30 * 512 - failing);
                fake_done(&f);
        }
}

Test(paged, auto_sweeps_what_is_small) {
        static const struct {
                uint32_t n;
                uint64_t budget_ns;
                bool sweeps;
        } rows[] = {
                { 3000, 20 * NSEC_PER_MSEC, true }, /* 15 ms at 5 us */
                { 6000, 20 * NSEC_PER_MSEC, false },
                { 3000, 5 * NSEC_PER_MSEC, false },
                { 3000, 0, true }, /* no budget */
                { 60000, 0, true },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;

                start_paged(&f, rows[i].n);
                f.settings.method = METHOD_AUTO;
                f.settings.pause_budget_ns = rows[i].budget_ns;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE, "row %zu", i);
                cr_assert_eq(strstr(f.log, "migrate") != NULL, rows[i].sweeps, "row %zu:\n%s", i,
                             f.log);
                fake_done(&f);
        }
}

Test(paged, auto_sweeps_a_small_rest_in_the_last_pass) {
        for (uint32_t passes = 2; passes <= 3; passes++) {
                Fake f;

                start_paged(&f, 6000);
                f.settings.method = METHOD_AUTO;
                f.settings.passes = passes;
                f.pages[17].busy = passes - 1;
                fake_start(&f);
                fake_submit(&f, node_bit(1), 0);
                Outcome o = fake_wait_end(&f, NULL);
                cr_assert_eq(o.reason, REASON_DONE);
                cr_assert_eq(o.passes, passes);
                cr_assert_eq(o.pages_moved, 6000);
                /* Once, and before the pages one by one. */
                const char *sweep = strstr(f.log, "migrate");
                cr_assert_not_null(sweep);
                cr_assert_null(strstr(sweep + 1, "migrate"));
                cr_assert_null(strstr(sweep, "move"), "%s", f.log);
                fake_done(&f);
        }
}

Test(paged, failed_units_are_left_alone_for_ten_minutes) {
        Fake f;

        start_paged(&f, 4 * 512);
        f.settings.passes = 2;
        f.pages[512 + 3].shared = true;
        f.pages[2 * 512 + 9].busy = FAKE_FOREVER;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        cr_assert_eq(fake_wait_end(&f, NULL).reason, REASON_PARTLY);

        /* All of it back on node 1: two units are not touched. */
        for (uint32_t i = 0; i < f.n_pages; i++)
                f.pages[i].node = 1;
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_planned, 2 * 512);
        cr_assert_eq(o.pages_moved, 2 * 512);

        /* Only those two: nothing to do. */
        fake_submit(&f, node_bit(1), 0);
        o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_UNMOVABLE);
        cr_assert_eq(o.pages_planned, 0);

        atomic_fetch_add(&f.now_ns, 601 * NSEC_PER_SEC);
        f.pages[512 + 3].shared = false;
        f.pages[2 * 512 + 9].busy = 0;
        fake_submit(&f, node_bit(1), 0);
        o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.reason, REASON_DONE);
        cr_assert_eq(o.pages_moved, 2 * 512);
        fake_done(&f);
}

Test(paged, another_process_is_not_left_alone) {
        Fake f;

        start_paged(&f, 512);
        f.pages[3].shared = true;
        fake_start(&f);
        fake_submit(&f, node_bit(1), 0);
        fake_wait_end(&f, NULL);
        f.starttime = 99;
        f.pages[3].shared = false;
        fake_submit(&f, node_bit(1), 0);
        Outcome o = fake_wait_end(&f, NULL);
        cr_assert_eq(o.pages_moved, 1);
        fake_done(&f);
}

/* A process that works keeps most of its time, one that waits for its pages during each call even more;
 * for an idle one the move goes as fast as it may; without a pause budget nobody asks. */
Test(paged, a_process_that_suffers_is_moved_slowly) {
        static const struct {
                bool suffers;
                uint64_t cpu_ns, budget_ms;
                double least, most; /* share of the time in calls */
                Limit limit;
        } rows[] = {
                { true, NSEC_PER_SEC, 20, 0.01, 0.14, LIMIT_PROGRESS },
                { false, NSEC_PER_SEC, 20, 0.1, 0.14, LIMIT_PROGRESS },
                { false, 0, 20, 0.4, 0.52, LIMIT_CPU }, /* nobody knows that it works */
                { true, NSEC_PER_SEC, 0, 0.45, 0.52, LIMIT_CPU },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fake f;
                uint64_t job;

                start_paged(&f, 40000);
                f.page_ns = 100 * NSEC_PER_USEC;
                f.suffers = rows[i].suffers;
                f.settings.cpu_percent = 50;
                f.settings.pause_budget_ns = rows[i].budget_ms * NSEC_PER_MSEC;
                fake_start(&f);
                Move move = fake_move(&f, node_bit(1), 0);
                move.cpu_ns = rows[i].cpu_ns;
                cr_assert_eq(mover_submit(f.mover, &move, &job), 0);
                Outcome o = fake_wait_end(&f, NULL);
                double share = (double)o.busy_ns / (double)(o.finished_ns - o.started_ns);
                cr_assert_eq(o.reason, REASON_DONE);
                cr_assert(share >= rows[i].least && share <= rows[i].most, "row %zu: %.2f", i,
                          share);
                cr_assert_eq(o.limit, rows[i].limit, "row %zu: %s", i, limit_to_string(o.limit));
                fake_done(&f);
        }
}
