/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>

#include "migrate/walk.h"
#include "model/limits.h"

#define PAGE 4096u
#define K(n) ((uint64_t)(n)*PAGE)
#define END  UINT64_MAX

Test(walk, ranges_come_first_and_the_rest_in_order) {
        static const struct {
                bool only;
                uint32_t n;
                AddressRange given[3];
                uint32_t n_walk;
                AddressRange walk[8];
        } rows[] = {
                { false, 0, {}, 1, { { 0, END } } },
                { true, 1, { { K(5), K(7) } }, 1, { { K(5), K(7) } } },
                { false, 1, { { K(5), K(7) } }, 3, { { K(5), K(7) }, { 0, K(5) }, { K(7), END } } },
                /* Order kept; neighbours leave no gap. */
                { true,
                  3,
                  { { K(9), K(12) }, { K(1), K(2) }, { K(2), K(4) } },
                  3,
                  { { K(9), K(12) }, { K(1), K(2) }, { K(2), K(4) } } },
                { false,
                  3,
                  { { K(9), K(12) }, { K(1), K(2) }, { K(2), K(4) } },
                  6,
                  { { K(9), K(12) },
                    { K(1), K(2) },
                    { K(2), K(4) },
                    { 0, K(1) },
                    { K(4), K(9) },
                    { K(12), END } } },
                { false, 1, { { 0, K(1) } }, 2, { { 0, K(1) }, { K(1), END } } },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Move move = {
                        .ranges = rows[i].n ? rows[i].given : NULL,
                        .n_ranges = rows[i].n,
                        .ranges_only = rows[i].only,
                };
                Walk w;

                cr_assert_eq(walk_init(&w, &move, PAGE), 0, "row %zu", i);
                cr_assert_eq(w.n, rows[i].n_walk, "row %zu: %u", i, w.n);
                for (uint32_t j = 0; j < w.n; j++)
                        cr_assert(w.ranges[j].start == rows[i].walk[j].start &&
                                          w.ranges[j].end == rows[i].walk[j].end,
                                  "row %zu, range %u: %#lx-%#lx", i, j, w.ranges[j].start,
                                  w.ranges[j].end);
                walk_done(&w);
        }
}

Test(walk, refuses_what_is_no_list_of_ranges) {
        static const struct {
                bool only;
                uint32_t n;
                AddressRange given[3];
        } rows[] = {
                { true, 0, {} },                                  /* nothing at all */
                { true, 1, { { K(5), K(5) } } },                  /* empty */
                { true, 1, { { K(5), K(4) } } },                  /* backwards */
                { true, 1, { { K(5) + 1, K(7) } } },              /* not aligned */
                { true, 1, { { K(5), K(7) + 512 } } },            /* not aligned */
                { false, 2, { { K(5), K(7) }, { K(1), K(6) } } }, /* overlap */
                { false, 2, { { K(5), K(7) }, { K(5), K(7) } } }, /* twice */
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Move move = {
                        .ranges = rows[i].given,
                        .n_ranges = rows[i].n,
                        .ranges_only = rows[i].only,
                };
                Walk w;
                cr_assert_eq(walk_init(&w, &move, PAGE), -EINVAL, "row %zu", i);
        }
}

Test(walk, as_many_ranges_as_the_bound) {
        AddressRange *ranges = calloc(MOVE_RANGES_MAX + 1, sizeof(*ranges));
        Move move = { .ranges = ranges };
        Walk w;

        for (uint32_t i = 0; i <= MOVE_RANGES_MAX; i++)
                ranges[i] = (AddressRange) { K(2 * i + 1), K(2 * i + 2) };
        move.n_ranges = MOVE_RANGES_MAX + 1;
        cr_assert_eq(walk_init(&w, &move, PAGE), -EINVAL);
        move.n_ranges = MOVE_RANGES_MAX;
        cr_assert_eq(walk_init(&w, &move, PAGE), 0);
        cr_assert_eq(w.n, 2 * MOVE_RANGES_MAX + 1);
        walk_done(&w);
        move.ranges = NULL;
        cr_assert_eq(walk_init(&w, &move, PAGE), -EINVAL, "ranges without an array");
        free(ranges);
}
