/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/backoff.h"

#include <criterion/criterion.h>

#define SEC 1000000000ull

Test(backoff, doubles_within_a_fifth) {
        for (uint64_t job = 1; job < 200; job++)
                for (uint32_t pass = 1; pass <= 8; pass++) {
                        uint64_t exact = SEC << (pass - 1);
                        uint64_t d = backoff_delay_ns(SEC, 300 * SEC, pass, job);
                        cr_assert(d >= exact / 10 * 8 && d <= exact / 10 * 12,
                                  "job %lu pass %u: %lu", job, pass, d);
                }
}

Test(backoff, never_above_the_maximum) {
        for (uint64_t job = 1; job < 200; job++) {
                cr_assert(backoff_delay_ns(SEC, 300 * SEC, 100, job) <= 300 * SEC);
                cr_assert(backoff_delay_ns(SEC, 300 * SEC, 100, job) >= 240 * SEC);
                cr_assert(backoff_delay_ns(10 * SEC, 2 * SEC, 1, job) <= 2 * SEC);
                cr_assert(backoff_delay_ns(UINT64_MAX, UINT64_MAX, UINT32_MAX, job) >
                          UINT64_MAX / 2);
        }
}

Test(backoff, spreads_and_repeats) {
        uint64_t first = backoff_delay_ns(SEC, 300 * SEC, 1, 1);
        bool differs = false;

        for (uint64_t job = 2; job < 20; job++)
                differs |= backoff_delay_ns(SEC, 300 * SEC, 1, job) != first;
        cr_assert(differs);
        cr_assert_eq(backoff_delay_ns(SEC, 300 * SEC, 1, 1), first);
}
