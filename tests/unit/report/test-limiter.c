/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "report/limiter.h"

#define SEC UINT64_C(1000000000)

static Limiter limiter;

Test(limiter, passes_a_burst_and_counts_the_rest) {
        unsigned dropped = 99;

        for (int i = 0; i < 3; i++) {
                cr_assert(limiter_pass(&limiter, 1, 3, 60 * SEC, SEC + i, &dropped), "%d", i);
                cr_assert_eq(dropped, 0);
        }
        for (int i = 0; i < 5; i++) {
                dropped = 99;
                cr_assert_not(limiter_pass(&limiter, 1, 3, 60 * SEC, 2 * SEC, &dropped), "%d", i);
                cr_assert_eq(dropped, 99, "not written when held back");
        }
        cr_assert_not(limiter_pass(&limiter, 1, 3, 60 * SEC, 61 * SEC - 1, &dropped));
        cr_assert(limiter_pass(&limiter, 1, 3, 60 * SEC, 61 * SEC, &dropped), "next interval");
        cr_assert_eq(dropped, 6);
        cr_assert(limiter_pass(&limiter, 1, 3, 60 * SEC, 61 * SEC, &dropped));
        cr_assert_eq(dropped, 0, "told once");
}

Test(limiter, subjects_do_not_disturb_each_other) {
        unsigned dropped;

        cr_assert(limiter_pass(&limiter, 1, 1, SEC, 0, &dropped));
        cr_assert(limiter_pass(&limiter, 2, 1, SEC, 0, &dropped));
        cr_assert(limiter_pass(&limiter, 0, 1, SEC, 0, &dropped), "key 0 is a key");
        cr_assert_not(limiter_pass(&limiter, 0, 1, SEC, 1, &dropped));
        cr_assert_not(limiter_pass(&limiter, 1, 1, SEC, 1, &dropped));
}

Test(limiter, no_burst_means_no_limit) {
        unsigned dropped;

        for (int i = 0; i < 1000; i++)
                cr_assert(limiter_pass(&limiter, 5, 0, SEC, 0, &dropped));
        cr_assert_eq(dropped, 0);
}

Test(limiter, clock_that_goes_backwards_lets_pass) {
        unsigned dropped;

        cr_assert(limiter_pass(&limiter, 1, 1, SEC, 100 * SEC, &dropped));
        cr_assert_not(limiter_pass(&limiter, 1, 1, SEC, 100 * SEC, &dropped));
        cr_assert(limiter_pass(&limiter, 1, 1, SEC, 50 * SEC, &dropped));
        cr_assert_eq(dropped, 1);
}

Test(limiter, oldest_makes_room) {
        unsigned dropped;

        for (uint64_t key = 0; key < LIMITER_ENTRIES; key++)
                cr_assert(limiter_pass(&limiter, key, 1, 1000 * SEC, key, &dropped));
        cr_assert(limiter_pass(&limiter, 777, 1, 1000 * SEC, 300, &dropped));
        cr_assert_not(limiter_pass(&limiter, 1, 1, 1000 * SEC, 301, &dropped), "still known");
        cr_assert(limiter_pass(&limiter, 0, 1, 1000 * SEC, 302, &dropped), "was forgotten");
}
