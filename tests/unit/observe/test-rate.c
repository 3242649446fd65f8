/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/rate.h"

#include <criterion/criterion.h>
#include <math.h>

#define SECOND 1000000000ull

/* A machine on which a sample costs sample_ns and a tick tick_ns, for `seconds`; returns the largest
 * share of CPU time that was used in the last ten of them. */
static double run(RateController *c, unsigned n_cpus, double sample_ns, double tick_ns,
                  unsigned seconds) {
        double most = 0;

        for (unsigned i = 0; i < seconds; i++) {
                RateChoice choice = rate_choose(c);
                double ticks = (double)choice.tick_hz * n_cpus;
                double cost = ticks * tick_ns + ticks / choice.stride * sample_ns;

                rate_learn(c, choice, (uint64_t)cost, SECOND);
                if (i + 10 >= seconds && cost / SECOND > most)
                        most = cost / SECOND;
        }
        return most;
}

static double sampled_hz(const RateController *c) {
        RateChoice choice = rate_choose(c);

        return (double)choice.tick_hz / choice.stride;
}

Test(rate, ceiling_by_machine_size) {
        cr_expect_float_eq(rate_ceiling(3.0, 2), 0.01, 1e-9);
        cr_expect_float_eq(rate_ceiling(3.0, 100), 0.01, 1e-9);
        cr_expect_float_eq(rate_ceiling(3.0, 101), 0.02, 1e-9);
        cr_expect_float_eq(rate_ceiling(3.0, 201), 0.03, 1e-9);
        cr_expect_float_eq(rate_ceiling(3.0, 8192), 0.03, 1e-9);
}

Test(rate, cheap_samples_are_not_limited) {
        RateController c;

        rate_init(&c, 97, 3.0, 2);
        cr_expect_leq(run(&c, 2, 8000, 500, 20), 0.01);
        cr_expect_not(rate_is_limited(&c));
        cr_expect_float_eq(sampled_hz(&c), 97, 1e-9);
}

/* An emulated machine: 3 ms a sample; and a large one. */
Test(rate, expensive_samples_fit_the_ceiling) {
        static const struct {
                unsigned n_cpus;
                double sample_ns, tick_ns;
        } rows[] = {
                { 2, 3e6, 5000 },
                { 128, 8000, 500 },
                { 512, 8000, 300 },
                { 2, 15e6, 5000 },
        };

        for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                RateController c;
                double ceiling;

                rate_init(&c, 97, 3.0, rows[i].n_cpus);
                ceiling = c.ceiling;
                run(&c, rows[i].n_cpus, rows[i].sample_ns, rows[i].tick_ns, 2);
                cr_expect_leq(run(&c, rows[i].n_cpus, rows[i].sample_ns, rows[i].tick_ns, 30),
                              ceiling * 1.25, "row %u", i);
                cr_expect(rate_is_limited(&c), "row %u", i);
                cr_expect_geq(run(&c, rows[i].n_cpus, rows[i].sample_ns, rows[i].tick_ns, 30),
                              ceiling * 0.4, "row %u: far below what is allowed", i);
        }
}

/* A process on so many CPUs: what is counted of it settles where it is enough, and the rate stays whole where that
 * is never reached; a new one that is hardly known brings the rate back. */
Test(rate, enough_is_enough) {
        static const struct {
                unsigned n_cpus;
                double low, high;
        } rows[] = {
                { 1, 1200, 1500 },
                { 4, 4800, 6000 },
                { 16, 7000, 13000 },
                { 200, 7000, 14500 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const double keep = 0.93303299; /* of a half-life of 10 s */
                double samples = 0;
                RateController c;

                rate_init(&c, 97, 100.0, 1);
                for (unsigned t = 0; t < 600; t++) {
                        samples = samples * keep + sampled_hz(&c) * rows[i].n_cpus;
                        rate_satisfy(&c, samples);
                        if (t < 200)
                                continue;
                        cr_assert_geq(samples, rows[i].low, "row %zu, %u s: %f", i, t, samples);
                        cr_assert_leq(samples, rows[i].high, "row %zu, %u s: %f", i, t, samples);
                }
                rate_satisfy(&c, INFINITY);
                for (unsigned t = 0; t < 12; t++)
                        rate_satisfy(&c, 100);
                cr_expect_float_eq(sampled_hz(&c), 97, 1e-9, "row %zu", i);
        }
}

Test(rate, falls_within_two_intervals_and_comes_back) {
        RateController c;
        RateChoice choice;

        rate_init(&c, 97, 3.0, 2);
        for (int i = 0; i < 2; i++) {
                choice = rate_choose(&c);
                rate_learn(&c, choice, (uint64_t)(2.0 * choice.tick_hz / choice.stride * 3e6),
                           SECOND);
        }
        cr_expect_leq(sampled_hz(&c) * 2 * 3e6 / SECOND, 0.0125);
        run(&c, 2, 8000, 500, 30);
        cr_expect_float_eq(sampled_hz(&c), 97, 1e-9, "cheap again: %f Hz", sampled_hz(&c));
}

Test(rate, trickle_without_interest) {
        RateController c;

        rate_init(&c, 97, 3.0, 2);
        c.interest = false;
        cr_expect_eq(rate_choose(&c).tick_hz, 12u);
        cr_expect_eq(rate_choose(&c).stride, 1u);
        rate_init(&c, 3, 3.0, 2);
        c.interest = false;
        cr_expect_eq(rate_choose(&c).tick_hz, 1u);
        /* What a trickle costs does not let the limit grow beyond what fits at full rate. */
        rate_init(&c, 97, 3.0, 2);
        run(&c, 2, 3e6, 5000, 10);
        c.interest = false;
        run(&c, 2, 3e6, 5000, 30);
        c.interest = true;
        cr_expect_leq(sampled_hz(&c) * 2 * 3e6 / SECOND, 0.0125);
}

Test(rate, odd_intervals_change_nothing) {
        RateController c;

        rate_init(&c, 97, 3.0, 2);
        rate_learn(&c, rate_choose(&c), SECOND, 0);
        rate_learn(&c, rate_choose(&c), SECOND, 1000);
        cr_expect_not(rate_is_limited(&c));
        rate_learn(&c, rate_choose(&c), 0, SECOND);
        cr_expect_not(rate_is_limited(&c));
        rate_learn(&c, rate_choose(&c), UINT64_MAX, SECOND);
        cr_expect_gt(sampled_hz(&c), 0.0);
}
