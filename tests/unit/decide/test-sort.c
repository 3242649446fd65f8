/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/sort.h"

#include <criterion/criterion.h>
#include <stdint.h>

#include "machine.h"

static int compare(const void *a, const void *b, void *userdata) {
        uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

        ++*(size_t *)userdata;
        return (x > y) - (x < y);
}

Test(sort, every_length_and_order) {
        uint32_t values[300];
        Random r = { 1 };

        for (size_t n = 0; n <= 300; n++) {
                size_t compared = 0;
                uint64_t sum = 0;

                for (size_t i = 0; i < n; i++)
                        sum += values[i] = (uint32_t)(n % 3 == 0   ? random_below(&r, 1000)
                                                      : n % 3 == 1 ? i
                                                                   : n - i);
                sort_in_place(values, n, sizeof(values[0]), compare, &compared);
                for (size_t i = 0; i < n; i++) {
                        sum -= values[i];
                        cr_assert(i == 0 || values[i - 1] <= values[i], "%zu of %zu", i, n);
                }
                cr_assert_eq(sum, 0, "%zu", n);
                cr_assert_leq(compared, 2 * n * 10, "%zu", n);
        }
}
