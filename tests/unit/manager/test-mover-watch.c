/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "manager/mover_watch.h"

#define SEC UINT64_C(1000000000)

static const ForeignMover numad = { .pid = 77, .comm = "numad" };

static ForeignMover moved(pid_t pid, uint64_t pages) {
        return (ForeignMover) { .pid = pid, .comm = "x", .pages = pages };
}

Test(mover_watch, a_known_program_comes_and_goes) {
        MoverWatch w = { 0 };
        uint64_t now = 1000 * SEC;

        cr_expect_eq(mover_watch_conclude(&w, now), MOVER_SAME);
        cr_expect_not(w.present);
        mover_watch_see(&w, &numad, now);
        cr_expect_eq(mover_watch_conclude(&w, now), MOVER_APPEARED);
        cr_expect(w.present);
        cr_expect_eq(w.mover.pid, 77);
        mover_watch_see(&w, &numad, now + 60 * SEC);
        cr_expect_eq(mover_watch_conclude(&w, now + 60 * SEC), MOVER_SAME);
        cr_expect_eq(mover_watch_conclude(&w, now + 359 * SEC), MOVER_SAME);
        cr_expect(w.present);
        cr_expect_eq(mover_watch_conclude(&w, now + 360 * SEC), MOVER_VANISHED);
        cr_expect_not(w.present);
        cr_expect_eq(w.mover.pid, 77, "for the record");
        cr_expect_eq(mover_watch_conclude(&w, now + 999 * SEC), MOVER_SAME);
}

Test(mover_watch, few_pages_do_not_count) {
        static const struct {
                uint64_t pages, every_ns;
                unsigned times;
                bool present;
        } rows[] = {
                { 511, 0, 1, false },        { 512, 0, 1, true },
                { 256, 10 * SEC, 2, true },  { 100, 10 * SEC, 5, false },
                { 100, 10 * SEC, 6, true }, /* the window is 60 s long */
                { 100, 12 * SEC, 6, false }, { 200, 61 * SEC, 20, false },
                { 1, SEC / 10, 512, true },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                MoverWatch w = { 0 };
                uint64_t now = 1000 * SEC;

                for (unsigned k = 0; k < rows[i].times; k++, now += rows[i].every_ns) {
                        ForeignMover m = moved(5, rows[i].pages);

                        mover_watch_count(&w, &m, now);
                }
                mover_watch_conclude(&w, now);
                cr_expect_eq(w.present, rows[i].present, "row %zu", i);
        }
}

Test(mover_watch, the_one_that_moves_most_is_named) {
        ForeignMover few = moved(5, 10), many = moved(6, 505);
        MoverWatch w = { 0 };

        mover_watch_count(&w, &many, SEC);
        mover_watch_count(&w, &few, 2 * SEC);
        cr_expect_eq(mover_watch_conclude(&w, 2 * SEC), MOVER_APPEARED);
        cr_expect_eq(w.mover.pid, 6);
}
