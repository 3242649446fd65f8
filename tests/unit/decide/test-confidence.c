/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/confidence.h"

#include <criterion/criterion.h>
#include <math.h>

/* z = 1.645, z2 = 2.706025. n of n: (1 + z2/2n + z sqrt(z2/4n2)) ... reduces to n / (n + z2). */
static const struct {
        double k, n, lower, upper;
} shares[] = {
        { 0, 0, 0, 1 },
        { 4, 4, 0.5965, 1 }, /* 4 / 6.706025 */
        { 8, 8, 0.7473, 1 }, /* 8 / 10.706025 */
        { 100, 100, 0.97365, 1 },
        { 0, 100, 0, 0.02635 }, /* mirror image: 2.706025 / 102.706025 */
        /* p = 0.8, n = 50: centre 0.8 + 2.706025/100 = 0.827060; root sqrt(0.16/50 +
         * 2.706025/10000) = sqrt(0.0034706) = 0.0589118, times z 0.0969099; divisor 1.0541205:
         * 0.730150 / 1.0541205 and 0.923970 / 1.0541205 */
        { 40, 50, 0.69266, 0.87653 },
        /* the same with n = 200: (0.806765 -+ 0.047017) / 1.013530 */
        { 160, 200, 0.74961, 0.84238 },
};

Test(confidence, wilson) {
        for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
                cr_expect_float_eq(wilson_lower(shares[i].k, shares[i].n), shares[i].lower, 1e-4,
                                   "row %zu lower: %f", i, wilson_lower(shares[i].k, shares[i].n));
                cr_expect_float_eq(wilson_upper(shares[i].k, shares[i].n), shares[i].upper, 1e-4,
                                   "row %zu upper: %f", i, wilson_upper(shares[i].k, shares[i].n));
        }
}

Test(confidence, wilson_is_monotone_and_within_bounds) {
        for (double n = 0.25; n < 1e6; n *= 3) {
                double before = 0;

                for (int i = 0; i <= 50; i++) {
                        double lower = wilson_lower(n * i / 50, n), p = i / 50.0;

                        cr_assert(lower >= before - 1e-12, "n %f i %d", n, i);
                        cr_assert(lower <= p + 1e-12 && wilson_upper(n * i / 50, n) >= p - 1e-12);
                        before = lower;
                }
        }
}

Test(confidence, poisson) {
        /* k = 8: 1 - 1/72 - 1.645/(3 x 2.828427) = 1 - 0.0138889 - 0.1938651 = 0.792246; cubed
         * 0.49726. The exact lower bounds (chi-square) differ by less
         * than 0.01 from k = 4 on. */
        static const struct {
                double k, part;
        } rows[] = { { 0, 0 },      { 4, 0.340 },   { 8, 0.4973 },
                     { 16, 0.627 }, { 64, 0.8036 }, { 100, 0.8414 } };
        double before = 0;

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                cr_expect_float_eq(poisson_lower_part(rows[i].k), rows[i].part, 1e-3, "%f: %f",
                                   rows[i].k, poisson_lower_part(rows[i].k));
        for (double k = 0.01; k < 1e9; k *= 1.5) {
                double part = poisson_lower_part(k);

                cr_assert(part >= before && part <= 1 && k * part >= 0, "%f", k);
                before = part;
        }
}

Test(confidence, hostile_numbers) {
        const double numbers[] = { NAN, INFINITY, -INFINITY, -1, 1e-300, 1e300 };

        for (size_t i = 0; i < 6; i++)
                for (size_t j = 0; j < 6; j++) {
                        double lower = wilson_lower(numbers[i], numbers[j]);
                        double upper = wilson_upper(numbers[i], numbers[j]);

                        cr_assert(lower >= 0 && lower <= 1, "%f of %f", numbers[i], numbers[j]);
                        cr_assert(upper >= 0 && upper <= 1, "%f of %f", numbers[i], numbers[j]);
                }
}
