/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/worklist.h"

#include <criterion/criterion.h>
#include <errno.h>

#define PAGE 4096ull
#define UNIT (UNIT_PAGES * PAGE)

Test(worklist, gives_back_what_it_got_in_order) {
        WorkList w;
        uint64_t got[16];

        worklist_init(&w, PAGE);
        const uint64_t pages[] = { UNIT, UNIT + 63 * PAGE, UNIT + 64 * PAGE, UNIT + 511 * PAGE,
                                   9 * UNIT + 5 * PAGE };
        for (size_t i = 0; i < 5; i++)
                cr_assert_eq(worklist_add(&w, pages[i]), 0);
        cr_assert_eq(worklist_add(&w, pages[4]), 0, "twice is once");
        cr_assert_eq(w.n_pages, 5);
        cr_assert_eq(worklist_take(&w, got, 2), 2);
        cr_assert_eq(worklist_take(&w, got + 2, 14), 3);
        for (size_t i = 0; i < 5; i++)
                cr_assert_eq(got[i], pages[i], "page %zu", i);
        cr_assert_eq(worklist_take(&w, got, 1), 0);
        cr_assert_eq(w.n_pages, 0);
        worklist_done(&w);
}

Test(worklist, what_comes_back_waits_for_the_next_round) {
        WorkList w;
        uint64_t got[8];

        worklist_init(&w, PAGE);
        for (uint64_t i = 0; i < 4; i++)
                cr_assert_eq(worklist_add(&w, i * UNIT), 0);
        cr_assert_eq(worklist_take(&w, got, 2), 2);
        cr_assert_eq(worklist_add(&w, got[1]), 0);
        cr_assert_eq(worklist_take(&w, got + 2, 8), 2);
        cr_assert_eq(got[2], 2 * UNIT);
        cr_assert_eq(worklist_take(&w, got, 8), 0);
        worklist_rewind(&w);
        cr_assert_eq(w.n_units, 1);
        cr_assert_eq(worklist_take(&w, got, 8), 1);
        cr_assert_eq(got[0], UNIT);
        worklist_done(&w);
}

Test(worklist, refuses_what_it_cannot_keep) {
        WorkList w;

        worklist_init(&w, PAGE);
        cr_assert_eq(worklist_add(&w, 5 * UNIT), 0);
        for (uint64_t i = 1; i < WORKLIST_UNITS_MAX; i++)
                cr_assert_eq(worklist_add(&w, (5 + i) * UNIT), 0);
        cr_assert_eq(worklist_add(&w, (5ull + WORKLIST_UNITS_MAX) * UNIT), -ENOSPC);
        cr_assert_eq(worklist_add(&w, 7 * UNIT + PAGE), 0, "a unit that it has");
        worklist_done(&w);
}

Test(worklist, sorts_what_comes_late) {
        static const uint64_t units[] = { 9, 3, 12, 4, 1, 10 };
        WorkList w;
        uint64_t got[8];

        worklist_init(&w, PAGE);
        for (size_t i = 0; i < 6; i++)
                cr_assert_eq(worklist_add(&w, units[i] * UNIT + i * PAGE), 0);
        cr_assert_eq(worklist_take(&w, got, 8), 6);
        static const uint64_t sorted[] = { 1, 3, 4, 9, 10, 12 };
        for (size_t i = 0; i < 6; i++)
                cr_assert_eq(got[i] / UNIT, sorted[i], "unit %zu", i);
        worklist_done(&w);
}

/* All pages of a process of 1 TiB, busy. */
Test(worklist, one_tebibyte_in_64_mebibytes) {
        WorkList w;

        worklist_init(&w, PAGE);
        for (uint64_t address = 0; address < 1ull << 40; address += UNIT)
                for (uint64_t page = 0; page < UNIT_PAGES; page += 73)
                        cr_assert_eq(worklist_add(&w, address + page * PAGE), 0);
        cr_assert(worklist_bytes(&w) <= 64ull << 20, "%zu bytes", worklist_bytes(&w));
        worklist_done(&w);
        cr_assert_eq(worklist_bytes(&w), 0);
}
