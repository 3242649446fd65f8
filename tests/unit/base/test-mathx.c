/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mathx.h"

#include <criterion/criterion.h>

Test(mathx, saturates) {
        cr_assert_eq(add_sat(UINT64_MAX, 1), UINT64_MAX);
        cr_assert_eq(add_sat(2, 3), 5);
        cr_assert_eq(sub_sat(2, 3), 0);
        cr_assert_eq(sub_sat(3, 2), 1);
        cr_assert_eq(mul_sat(1ull << 33, 1ull << 33), UINT64_MAX);
        cr_assert_eq(mul_sat(6, 7), 42);
}

Test(mathx, divides) {
        cr_assert_eq(div_or(7, 2, 9), 3);
        cr_assert_eq(div_or(7, 0, 9), 9);
        cr_assert_eq(mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX), UINT64_MAX);
        cr_assert_eq(mul_div(UINT64_MAX, 2, 1), UINT64_MAX);
        cr_assert_eq(mul_div(1ull << 40, 1ull << 40, 1ull << 50), 1ull << 30);
        cr_assert_eq(mul_div(1, 1, 0), 0);
        cr_assert_eq(ratio_or(1, 4, 9), 0.25);
        cr_assert_eq(ratio_or(1, 0, 9), 9);
        cr_assert_eq(ratio_or(0, 0, 9), 9);
        cr_assert_eq(ratio_or(1e300, 1e-300, 9), 9);
        cr_assert_eq(ratio_or(NAN, 1, 9), 9);
}

Test(mathx, clamps) {
        cr_assert_eq(clamp_u64(5, 1, 3), 3);
        cr_assert_eq(clamp_u64(0, 1, 3), 1);
        cr_assert_eq(clamp_double(0.5, 0, 1), 0.5);
        cr_assert_eq(clamp_double(-INFINITY, 0, 1), 0);
        cr_assert_eq(clamp_double(INFINITY, 0, 1), 1);
        cr_assert_eq(clamp_double(NAN, 0, 1), 0);
        cr_assert_eq(double_to_u64(-1), 0);
        cr_assert_eq(double_to_u64(NAN), 0);
        cr_assert_eq(double_to_u64(1e30), UINT64_MAX);
        cr_assert_eq(double_to_u64(42.9), 42);
}
