/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/score.h"

#include <criterion/criterion.h>
#include <math.h>

#include "fixture.h"

static Score measure(const Fixture *f, const FixtureProcess *p, NodeMask feasible) {
        Latency l;
        Score s;

        latency_init(&l, &f->topology, NULL);
        score_measure(&p->evidence, &l, feasible, UINT64_MAX, 0.5, &s);
        return s;
}

Test(score, all_remote) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Score s = measure(f, p, 3);

        /* 100 of 100 samples: lower bound 100 / 102.706025 = 0.973653. Latency 1.66, so a local
         * access takes 1/1.66 = 0.602410 of the time and 0.397590 can be saved.
         * stall = 0.5 x 1e9 x 0.973653 x 0.397590 = 193,557,...  */
        cr_expect_float_eq(s.remote_share, 1, 1e-9);
        cr_expect_float_eq(s.remote_lower, 0.973653, 1e-6);
        cr_expect_float_eq(s.stall_ns, 193.557e6, 1e3, "%f", s.stall_ns);
        cr_expect_float_eq(s.score, 0.193557, 1e-6);
        cr_expect_eq(s.run_node, 0);
        cr_expect_eq(s.home_node, 1);
        cr_expect_float_eq(s.run_share, 1, 1e-9);
        fixture_free(f);
}

Test(score, half_remote) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Score s;

        fixture_access(p, 0, 0, 50);
        fixture_access(p, 0, 1, 50);
        s = measure(f, p, 3);
        /* p = 0.5, n = 100: (0.5 + 0.0135301 - 1.645 x sqrt(0.0025 + 0.0000676506)) / 1.02706025
         * = (0.5135301 - 0.0833549) / 1.0270603 = 0.418841; x 0.397590 x 0.5e9 = 83.263e6 */
        cr_expect_float_eq(s.remote_lower, 0.418841, 1e-5);
        cr_expect_float_eq(s.stall_ns, 83.263e6, 5e3, "%f", s.stall_ns);
        cr_expect_float_eq(s.remote_upper, 0.581159, 1e-5);
        fixture_free(f);
}

Test(score, waiting_samples_only_make_stall_where_there_is_skid) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Score s;

        p->evidence.skid = true;
        p->evidence.unresolved = 100;
        p->waited[1] = 40; /* of 100 accesses from node 0 to node 1 */
        s = measure(f, p, 3);
        /* 40 of 200 time samples: p = 0.2: (0.2 + 2.706025/400 - 1.645 x sqrt(0.16/200 +
         * 2.706025/160000)) / 1.0135301 = (0.2067651 - 0.0470117) / 1.0135301 = 0.157621;
         * x 0.397590 x 0.5e9 = 31.334e6. Every access is remote, so the share stays 1. */
        cr_expect_float_eq(s.stall_ns, 31.334e6, 5e3, "%f", s.stall_ns);
        cr_expect_float_eq(s.remote_share, 1, 1e-9);
        fixture_free(f);
}

Test(score, time_samples_are_divided_by_latency) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Score s;

        p->evidence.skid = true;
        fixture_access(p, 0, 0, 100);
        fixture_access(p, 0, 1, 166);
        s = measure(f, p, 3);
        /* 166 samples of an access that takes 1.66 times as long are 100 accesses. */
        cr_expect_float_eq(s.remote_share, 0.5, 1e-9, "%f", s.remote_share);
        cr_expect_float_eq(s.samples, 266, 1e-9);
        fixture_free(f);
}

Test(score, only_what_can_be_saved_counts) {
        Fixture *f = fixture_new(3);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Latency l;
        Score s;

        f->topology.distance[0][2] = 16; /* 1.36 */
        /* Nodes 1 and 2 allowed: the best is node 2, 1 - 1.36/1.66 = 0.180723;
         * 0.5e9 x 0.973653 x 0.180723 = 87.981e6 */
        s = measure(f, p, 6);
        cr_expect_float_eq(s.stall_ns, 87.981e6, 5e3, "%f", s.stall_ns);
        /* Only node 1 allowed, or nothing: no placement is better than now. */
        cr_expect_eq(measure(f, p, 2).stall_ns, 0);
        cr_expect_eq(measure(f, p, 0).stall_ns, 0);
        /* Memory of node 1 may not be moved away. */
        latency_init(&l, &f->topology, NULL);
        score_measure(&p->evidence, &l, 7, 5, 0.5, &s);
        cr_expect_eq(s.stall_ns, 0);
        cr_expect_float_eq(s.remote_share, 1, 1e-9);
        fixture_free(f);
}

Test(score, nothing_seen) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Score s;

        fixture_access(p, 0, 1, 0);
        p->cpu_ns[0] = 0;
        s = measure(f, p, 3);
        cr_expect_eq(s.stall_ns, 0);
        cr_expect_eq(s.score, 0);
        cr_expect_eq(s.remote_lower, 0);
        cr_expect_eq(s.remote_upper, 1);
        cr_expect_eq(s.run_node, NODE_NONE);
        cr_expect_eq(s.home_node, NODE_NONE);
        fixture_free(f);
}

Test(score, hostile_numbers) {
        static const double numbers[] = { NAN, INFINITY, -5, 1e300, 0 };
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);

        for (size_t i = 0; i < 5; i++)
                for (size_t j = 0; j < 5; j++)
                        for (size_t k = 0; k < 5; k++) {
                                Score s;

                                p->access[1] = p->waited[1] = numbers[i];
                                p->cpu_ns[0] = numbers[j];
                                p->evidence.unresolved = numbers[k];
                                p->evidence.skid = k % 2;
                                s = measure(f, p, 3);
                                cr_assert(isfinite(s.stall_ns) && s.stall_ns >= 0);
                                cr_assert(isfinite(s.score) && s.score >= 0 && s.score <= 1);
                                cr_assert(s.remote_share >= 0 && s.remote_share <= 1);
                                cr_assert(isfinite(s.cpu_ns));
                        }
        fixture_free(f);
}
