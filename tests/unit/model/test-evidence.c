/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/evidence.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>

#define NEAR(a, b) (fabs((a) - (b)) < 1e-9)

Test(evidence, init_checks_its_size) {
        Evidence e = {};

        cr_assert_eq(evidence_init(&e, 0), -EINVAL);
        cr_assert_eq(evidence_init(&e, NODES_MAX + 1), -EINVAL);
        cr_assert_null(e.access);
        cr_assert_eq(evidence_init(&e, NODES_MAX), 0);
        cr_assert_eq(e.access[NODES_MAX * NODES_MAX - 1], 0);
        cr_assert_eq(e.cpu_ns[NODES_MAX - 1], 0);
        evidence_done(&e);
        cr_assert_null(e.access);
        evidence_done(&e);
}

Test(evidence, add) {
        Evidence e = {};

        cr_assert_eq(evidence_init(&e, 3), 0);
        evidence_add(&e, 0, 0, 1, true);
        evidence_add(&e, 0, 2, 2, false);
        evidence_add(&e, 2, 0, 1, true);
        cr_assert_eq(e.access[0 * 3 + 0], 1);
        cr_assert_eq(e.access[0 * 3 + 2], 2);
        cr_assert_eq(e.waited[0 * 3 + 2], 0);
        cr_assert_eq(e.access[2 * 3 + 0], 1);
        cr_assert_eq(e.waited[2 * 3 + 0], 1);
        cr_assert_eq(e.samples, 4);
        cr_assert_eq(evidence_remote(&e), 3);
        cr_assert_eq(evidence_remote_share(&e), 0.75);
        evidence_done(&e);
}

Test(evidence, add_ignores_nonsense) {
        static const double weights[] = { 0, -1, NAN, INFINITY, -INFINITY };
        static const int indices[][2] = {
                { -1, 0 }, { 0, -1 }, { 2, 0 }, { 0, 2 }, { 1 << 30, 0 }
        };
        Evidence e = {};

        cr_assert_eq(evidence_init(&e, 2), 0);
        for (size_t i = 0; i < sizeof(weights) / sizeof(weights[0]); i++)
                evidence_add(&e, 0, 1, weights[i], true);
        cr_assert_eq(e.samples, 0);
        cr_assert_eq(e.unresolved, 0);
        for (size_t i = 0; i < sizeof(indices) / sizeof(indices[0]); i++)
                evidence_add(&e, indices[i][0], indices[i][1], 1, true);
        cr_assert_eq(e.samples, 0);
        cr_assert_eq(e.unresolved, 5);
        cr_assert_eq(evidence_remote_share(&e), 0, "no samples, no share");
        evidence_done(&e);
}

Test(evidence, decay) {
        Evidence e = {};

        cr_assert_eq(evidence_init(&e, 2), 0);
        evidence_decay(&e, 1000);
        evidence_add(&e, 0, 1, 8, true);
        evidence_add(&e, -1, 1, 4, true);
        e.cpu_ns[1] = 5;
        evidence_decay(&e, 1000 + EVIDENCE_HALF_LIFE_NS);
        cr_assert(NEAR(e.access[1], 4) && NEAR(e.waited[1], 4) && NEAR(e.samples, 4) &&
                  NEAR(e.unresolved, 2));
        cr_assert_eq(e.cpu_ns[1], 5, "a rate does not decay");
        evidence_decay(&e, 1000);
        cr_assert(NEAR(e.samples, 4), "time going backwards changes nothing");
        cr_assert_eq(e.updated_ns, 1000 + EVIDENCE_HALF_LIFE_NS);
        /* many small steps make one large one */
        for (int i = 1; i <= 100; i++)
                evidence_decay(&e, 1000 + EVIDENCE_HALF_LIFE_NS + i * EVIDENCE_HALF_LIFE_NS / 100);
        cr_assert(NEAR(e.samples, 2), "%g", e.samples);
        evidence_decay(&e, UINT64_MAX);
        cr_assert(e.samples >= 0 && e.samples < 1e-9);
        cr_assert(isfinite(evidence_remote_share(&e)));
        evidence_done(&e);
}

Test(evidence, copy) {
        Evidence a = {}, b = {}, other = {};

        cr_assert_eq(evidence_init(&a, 2), 0);
        cr_assert_eq(evidence_init(&b, 2), 0);
        cr_assert_eq(evidence_init(&other, 3), 0);
        evidence_add(&a, 0, 1, 3, true);
        a.source = SOURCE_CLOCK;
        a.cpu_ns[0] = 1;
        a.cpu_ns[1] = 2;
        cr_assert_eq(evidence_copy(&b, &a), 0);
        cr_assert_neq(b.access, a.access, "no shared memory");
        cr_assert_eq(b.access[1], 3);
        cr_assert_eq(b.waited[1], 3);
        cr_assert_eq(b.source, SOURCE_CLOCK);
        cr_assert_eq(evidence_cpu_ns(&b), 3);
        cr_assert_eq(evidence_copy(&other, &a), -EINVAL);
        cr_assert_eq(other.n_nodes, 3);
        evidence_done(&a);
        evidence_done(&b);
        evidence_done(&other);
}
