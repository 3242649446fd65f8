/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/latency.h"

#include <criterion/criterion.h>
#include <math.h>

static Topology machine(uint16_t there, uint16_t back) {
        return (Topology) { .n_nodes = 2, .distance = { { 10, there }, { back, 10 } } };
}

Test(latency, slit_is_compressed) {
        /* 1 + 0.6 x (d - 10) / 10: 21 -> 1.66, 32 -> 2.32, 12 -> 1.12, below 10 is nonsense */
        static const struct {
                uint16_t distance;
                double ratio;
        } rows[] = { { 10, 1 },    { 12, 1.12 },  { 20, 1.6 }, { 21, 1.66 },
                     { 32, 2.32 }, { 255, 15.7 }, { 0, 1 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Topology t = machine(rows[i].distance, 10);
                Latency l;

                latency_init(&l, &t, NULL);
                cr_expect_float_eq(l.ratio[0][1], rows[i].ratio, 1e-9, "%u: %f", rows[i].distance,
                                   l.ratio[0][1]);
                cr_expect_eq(l.ratio[0][0], 1);
                cr_expect_eq(l.ratio[1][0], 1);
        }
}

Test(latency, hmat_wins_where_it_tells_both) {
        Topology t = machine(21, 21);
        Latency l;

        t.hmat_latency_ns[0][0] = 80;
        t.hmat_latency_ns[0][1] = 140;
        t.hmat_latency_ns[1][0] = 140; /* but not [1][1] */
        latency_init(&l, &t, NULL);
        cr_expect_float_eq(l.ratio[0][1], 1.75, 1e-9);
        cr_expect_float_eq(l.ratio[1][0], 1.66, 1e-9);
}

Test(latency, a_wrong_table_stays_within_reason) {
        static const double told[] = { 1e-9, 40, INFINITY, NAN, 1e30 };
        Topology t = machine(21, 21);
        Latency l;

        for (size_t i = 0; i < sizeof(told) / sizeof(told[0]); i++) {
                t.hmat_latency_ns[0][0] = 80;
                t.hmat_latency_ns[0][1] = told[i];
                latency_init(&l, &t, NULL);
                cr_expect(l.ratio[0][1] >= 1 && l.ratio[0][1] <= 100, "%f", told[i]);
        }
}

Test(latency, configured_distances_are_taken_as_they_are) {
        Topology t = machine(21, 21);
        Settings settings = { .n_distances = 2, .distances = { { 10, 17 }, { 25, 10 } } };
        Latency l;

        t.hmat_latency_ns[0][0] = 80;
        t.hmat_latency_ns[0][1] = 140;
        latency_init(&l, &t, &settings);
        cr_expect_float_eq(l.ratio[0][1], 1.7, 1e-9);
        cr_expect_float_eq(l.ratio[1][0], 2.5, 1e-9);
        cr_expect_eq(l.ratio[0][0], 1);
        /* A table for another machine is not for this one. */
        settings.n_distances = 3;
        latency_init(&l, &t, &settings);
        cr_expect_float_eq(l.ratio[0][1], 1.75, 1e-9);
}
