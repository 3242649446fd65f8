/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <math.h>
#include <stdlib.h>

#include "report/history.h"

Test(history, rows_are_differences) {
        History *h = calloc(1, sizeof *h);
        StatusView s = { .processes_tracked = 4, .cpu_usage_usec = 500 };

        s.counters.accesses_total = 1000;
        history_sample(h, &s, 100, 10);
        cr_assert_null(history_row(h, 0), "the first call only begins");
        s.counters.accesses_total = 1500;
        s.counters.accesses_remote = 200;
        s.counters.bytes_moved = 4096;
        s.cpu_usage_usec = 700;
        history_sample(h, &s, 200, 110);
        cr_assert_not_null(history_row(h, 0));
        cr_assert_null(history_row(h, 1));
        cr_assert_eq(history_row(h, 0)->end_usec, 200);
        cr_assert_eq(history_row(h, 0)->interval_usec, 100);
        cr_assert_eq(history_row(h, 0)->accesses, 500);
        cr_assert_eq(history_row(h, 0)->remote, 200);
        cr_assert_eq(history_row(h, 0)->bytes_moved, 4096);
        cr_assert_eq(history_row(h, 0)->cpu_usec, 200);
        cr_assert_eq(history_row(h, 0)->processes, 4);
        /* A counter that goes back is no huge number. */
        s.counters.accesses_total = 0;
        history_sample(h, &s, 300, 210);
        cr_assert_eq(history_row(h, 1)->accesses, 0);
        free(h);
}

Test(history, the_oldest_rows_make_room) {
        History *h = calloc(1, sizeof *h);
        StatusView s = { 0 };

        for (uint64_t i = 0; i <= HISTORY_ROWS_MAX + 5; i++)
                history_sample(h, &s, i, i);
        cr_assert_eq(history_row(h, 0)->end_usec, 6, "%d", (int)history_row(h, 0)->end_usec);
        cr_assert_eq(history_row(h, HISTORY_ROWS_MAX - 1)->end_usec, HISTORY_ROWS_MAX + 5);
        cr_assert_null(history_row(h, HISTORY_ROWS_MAX));
        free(h);
}

Test(history, jobs_latest_first_and_once) {
        History *h = calloc(1, sizeof *h);
        Outcome o = { .remote_after = NAN };

        cr_assert_null(history_job(h, 0));
        for (uint64_t job = 1; job <= HISTORY_JOBS_MAX + 3; job++) {
                o.job = job;
                history_add_job(h, &o, job * 10);
        }
        cr_assert_eq(history_job(h, 0)->outcome.job, HISTORY_JOBS_MAX + 3);
        cr_assert_eq(history_job(h, HISTORY_JOBS_MAX - 1)->outcome.job, 4);
        cr_assert_null(history_job(h, HISTORY_JOBS_MAX));
        o.job = HISTORY_JOBS_MAX;
        o.remote_after = 0.5;
        history_add_job(h, &o, 99999999);
        cr_assert_eq(history_job(h, 0)->outcome.job, HISTORY_JOBS_MAX + 3, "no new entry");
        cr_assert_eq(history_job(h, 3)->outcome.remote_after, 0.5);
        cr_assert_eq(history_job(h, 3)->end_usec, HISTORY_JOBS_MAX * 10, "when it ended");
        free(h);
}
