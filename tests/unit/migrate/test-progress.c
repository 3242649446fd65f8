/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/progress.h"

#include <criterion/criterion.h>

#define MS UINT64_C(1000000)

/* One second later, with so much CPU time and so many faults more. */
static ProgressSample later(const ProgressSample *s, uint64_t cpu_ms, uint64_t faults) {
        return (ProgressSample) {
                .at_ns = s->at_ns + 1000 * MS,
                .cpu_ns = s->cpu_ns + cpu_ms * MS,
                .faults = s->faults + faults,
        };
}

Test(progress, before_a_move) {
        static const struct {
                uint64_t wait_ms, cpu_ms;
                double told;
                bool known;
                double rate;
                unsigned brake;
        } rows[] = {
                { 1000, 900, 0, true, 0.9, 1 },  /* it works: carefully at first */
                { 1000, 900, 4, true, 0.9, 1 },  /* what was seen before what was told */
                { 100, 90, 0, false, 0, 0 },     /* too short to tell */
                { 100, 90, 4, true, 4, 1 },      /* then what was told */
                { 1000, 20, 0, true, 0.02, 0 },  /* idle */
                { 1000, 3900, 0, true, 3.9, 1 }, /* many threads */
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ProgressSample a = { 500 * MS, 70 * MS, 9 };
                ProgressSample b = { a.at_ns + rows[i].wait_ms * MS, a.cpu_ns + rows[i].cpu_ms * MS,
                                     9 };
                Progress p;

                progress_start(&p, &a);
                progress_begin(&p, &b, rows[i].told, 1);
                cr_assert_eq(p.known, rows[i].known, "row %zu", i);
                cr_assert_float_eq(p.cpu_rate, rows[i].rate, 1e-9, "row %zu: %g", i, p.cpu_rate);
                cr_assert_eq(p.brake, rows[i].brake, "row %zu", i);
                cr_assert(!progress_is_due(&p, b.at_ns + 200 * MS), "row %zu", i);
                cr_assert_eq(progress_is_due(&p, b.at_ns + 300 * MS), rows[i].known, "row %zu", i);
        }
}

/* A process that had a whole CPU and 10 faults per second; at least brake 1 as long as it works. */
Test(progress, brakes_while_it_suffers) {
        static const struct {
                uint64_t cpu_ms[5], faults;
                unsigned brake[5];
        } rows[] = {
                { { 990, 990, 990, 990, 990 }, 50, { 1, 1, 1, 1, 1 } },
                { { 500, 500, 500, 500, 500 }, 50, { 2, 3, 4, 5, 5 } },
                { { 500, 500, 990, 990, 990 }, 50, { 2, 3, 2, 1, 1 } },
                { { 800, 500, 800, 800, 900 }, 50, { 1, 2, 2, 2, 1 } }, /* between: as it is */
                { { 500, 500, 500, 500, 500 }, 10, { 1, 1, 1, 1, 1 } }, /* it just does less */
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                ProgressSample s = { 1000 * MS, 0, 0 };
                Progress p;

                progress_start(&p, &s);
                s = later(&s, 1000, 10);
                progress_begin(&p, &s, 0, 1);
                cr_assert_eq(p.brake, 1);
                for (int second = 0; second < 5; second++) {
                        s = later(&s, rows[i].cpu_ms[second], rows[i].faults);
                        progress_judge(&p, &s);
                        cr_assert_eq(p.brake, rows[i].brake[second], "row %zu, second %d: %u", i,
                                     second, p.brake);
                        cr_assert_eq(progress_call_brake(&p), p.brake - 1, "row %zu", i);
                }
        }
}

/* Who maps memory all the time faults less when it is held up. */
Test(progress, many_faults_tell_nothing) {
        ProgressSample s = { 1000 * MS, 0, 0 };
        Progress p;

        progress_start(&p, &s);
        s = later(&s, 1000, 500);
        progress_begin(&p, &s, 0, 1);
        s = later(&s, 400, 200);
        progress_judge(&p, &s);
        cr_assert_eq(p.brake, 2);
}

/* The wait between passes shows how it is without moves. */
Test(progress, learns_again_between_passes) {
        ProgressSample s = { 1000 * MS, 0, 0 };
        Progress p;

        progress_start(&p, &s);
        s = later(&s, 1000, 0);
        progress_begin(&p, &s, 0, 1);
        s = later(&s, 300, 100);
        progress_judge(&p, &s);
        cr_assert_eq(p.brake, 2);
        s = later(&s, 300, 0);
        progress_begin(&p, &s, 0, 1);
        cr_assert_float_eq(p.cpu_rate, 0.3, 1e-9);
        cr_assert_eq(p.brake, 2, "kept");
        s = later(&s, 300, 100);
        progress_judge(&p, &s);
        cr_assert_eq(p.brake, 1);
}

/* Who does nothing is not braked, and neither is one that has become idle by the next pass. */
Test(progress, idle_processes_have_no_floor) {
        ProgressSample s = { 1000 * MS, 0, 0 };
        Progress p;

        progress_start(&p, &s);
        s = later(&s, 1000, 0);
        progress_begin(&p, &s, 0, PROGRESS_FLOOR);
        cr_assert_eq(p.brake, PROGRESS_FLOOR);
        cr_assert_eq(progress_call_brake(&p), 0);
        s = later(&s, 0, 0);
        progress_begin(&p, &s, 0, PROGRESS_FLOOR);
        for (int i = 0; i < PROGRESS_FLOOR; i++) {
                s = later(&s, 0, 0);
                progress_judge(&p, &s);
        }
        cr_assert_eq(p.brake, 0);
        cr_assert_eq(progress_call_brake(&p), 0);
}
