/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "decide/regions.h"
#include "fixture.h"

#define BASE      0x600000000000ull
#define N_REGIONS 64

/* A process with four busy CPUs on each of the nodes 0 and 1, which use all of its memory on node 1
 * alike: of 1,280 samples half are remote. */
typedef struct Pool {
        Fixture *f;
        FixtureProcess *p;
        Region regions[N_REGIONS];
} Pool;

static Pool *pool_new(uint32_t n_nodes) {
        Pool *pool = calloc(1, sizeof(*pool));

        pool->f = fixture_new(n_nodes);
        pool->f->settings.spread = true;
        pool->p = fixture_add(pool->f, 0, 1);
        pool->p->cpu_ns[0] = pool->p->cpu_ns[1] = 4e9;
        fixture_access(pool->p, 0, 1, 640);
        fixture_access(pool->p, 1, 1, 640);
        for (size_t i = 0; i < N_REGIONS; i++) {
                Region *r = &pool->regions[i];

                *r = (Region) {
                        .start = BASE + i * REGION_BYTES,
                        .bytes = REGION_BYTES,
                        .mapping = BASE,
                        .since_ns = pool->f->now_ns,
                        .home = 1,
                        .access = { { 0, 10, 10, 10 }, { 1, 10, 0, 0 } },
                };
                r->access[2].node = r->access[3].node = NODE_NONE;
        }
        pool->p->regions = pool->regions;
        pool->p->n_regions = N_REGIONS;
        return pool;
}

static void pool_free(Pool *pool) {
        fixture_free(pool->f);
        free(pool);
}

static Reason reason(const Pool *pool) {
        return fixture_verdict(pool->f, 0)->reason;
}

/* It serves 8 s per second, the mean is 4: half of the regions go. In numbers: K 0.5 x 8 s x waited
 * share 0.5 (lower bound 0.47705 of 1,280 samples), as much of it again for the local accesses, a tenth
 * of that, x quality 0.8 x Poisson part of 640 samples 0.93556: 0.28563 s per second for all, 4.463 ms
 * for each region, against 2 x 512 pages x 5 us = 5.12 ms. */
Test(spread, half_of_it_goes_when_that_pays) {
        Pool *pool = pool_new(2);
        const Move *m;

        fixture_decide(pool->f);
        cr_expect_eq(reason(pool), REASON_SHARED, "the load has to be known first");
        pool->f->now_ns += NSEC_PER_SEC;
        fixture_decide(pool->f);
        cr_expect_eq(reason(pool), REASON_COST, "%s", reason_to_string(reason(pool)));
        cr_expect_float_eq(fixture_verdict(pool->f, 0)->observed, 4.463 / 2.56, 1e-2, "%f",
                           fixture_verdict(pool->f, 0)->observed);
        cr_expect_float_eq((double)(fixture_verdict(pool->f, 0)->wait_until_ns - pool->f->now_ns) /
                                   1e9,
                           0.147, 1e-2);
        pool->f->now_ns += NSEC_PER_SEC;
        fixture_decide(pool->f);
        cr_assert_eq(reason(pool), REASON_SPREAD, "%s", reason_to_string(reason(pool)));
        m = fixture_move(pool->f, 0);
        cr_assert_not_null(m);
        cr_expect_eq(pool->f->plan.n_moves, 1);
        cr_expect_eq(m->to, 0);
        cr_expect(m->ranges_only);
        cr_expect_eq(m->bytes, N_REGIONS / 2 * REGION_BYTES);
        cr_expect_eq(m->n_ranges, N_REGIONS / 2);
        cr_expect_float_eq(m->remote_expected, m->remote_before, 1e-9, "nobody gets nearer");
        pool_free(pool);
}

static void not_asked_for(Pool *pool) {
        pool->f->settings.spread = false;
}

/* As much is served by node 0. */
static void both_serve(Pool *pool) {
        FixtureProcess *other = fixture_add(pool->f, 0, 0);

        other->cpu_ns[0] = 4e9;
        fixture_access(other, 0, 0, 100);
}

static void one_cpu_is_no_load(Pool *pool) {
        pool->p->cpu_ns[0] = pool->p->cpu_ns[1] = 0.49e9;
}

static void something_is_under_way(Pool *pool) {
        fixture_add(pool->f, 0, 1)->busy = true;
}

static void confined(Pool *pool) {
        pool->p->info.cpuset_mems = 6;
}

static void of_others_too(Pool *pool) {
        for (size_t i = 0; i < N_REGIONS; i++)
                pool->regions[i].unmovable = true;
}

static void elsewhere(Pool *pool) {
        for (size_t i = 0; i < N_REGIONS; i++)
                pool->regions[i].home = 2;
}

Test(spread, it_stays) {
        static const struct {
                const char *name;
                void (*change)(Pool *pool);
                uint32_t n_nodes;
                Reason reason;
        } rows[] = {
                { "off by default", not_asked_for, 2, REASON_SHARED },
                { "the load is even", both_serve, 2, REASON_SHARED },
                { "less than a CPU is served", one_cpu_is_no_load, 2, REASON_SHARED },
                { "another job", something_is_under_way, 2, REASON_SHARED },
                { "the other users' node is not allowed", confined, 3, REASON_LOW_SCORE },
                { "shared mappings", of_others_too, 2, REASON_SHARED },
                { "not on the node that serves too much", elsewhere, 3, REASON_SHARED },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Pool *pool = pool_new(rows[i].n_nodes);

                rows[i].change(pool);
                fixture_run(pool->f, 20);
                cr_expect_null(fixture_move(pool->f, 0), "%s", rows[i].name);
                cr_expect_eq(reason(pool), rows[i].reason, "%s: %s", rows[i].name,
                             reason_to_string(reason(pool)));
                pool_free(pool);
        }
        cr_expect_not((&(Settings) {})->spread);
}

/* Of four nodes two use it: it goes to these, for elsewhere it would be far from both. */
Test(spread, only_to_nodes_that_use_it) {
        Pool *pool = pool_new(4);

        fixture_run(pool->f, 20);
        cr_assert_eq(pool->f->plan.n_moves, 1);
        cr_expect_eq(pool->f->plan.moves[0].to, 0);
        /* The mean of four is 2 s per second. */
        cr_expect_eq(pool->f->plan.moves[0].bytes, N_REGIONS / 4 * REGION_BYTES);
        pool_free(pool);
}

/* What was spread is not spread again soon, whatever the load says. */
Test(spread, what_was_moved_rests) {
        Pool *pool = pool_new(2);
        uint64_t bytes;
        Outcome o;

        fixture_run(pool->f, 20);
        bytes = fixture_move(pool->f, 0)->bytes;
        o = fixture_outcome(pool->f, 0, REASON_DONE, bytes / 4096);
        o.move.ranges = fixture_move(pool->f, 0)->ranges;
        decide_learn(pool->f->state, &o, &pool->f->settings, pool->f->now_ns);
        /* It did not help: everything is served by node 1 as before. */
        pool->f->now_ns += NSEC_PER_SEC;
        fixture_decide(pool->f);
        cr_expect_eq(pool->f->plan.n_moves, 0);
        pool->f->now_ns += 58 * NSEC_PER_SEC;
        fixture_decide(pool->f);
        cr_expect_eq(pool->f->plan.n_moves, 0);
        cr_expect_eq(reason(pool), REASON_SHARED, "%s", reason_to_string(reason(pool)));
        pool->f->now_ns += 30 * NSEC_PER_SEC;
        fixture_run(pool->f, 20);
        cr_expect_eq(pool->f->plan.n_moves, 1);
        pool_free(pool);
}

/* Memory that belongs to one node goes there first. */
Test(spread, what_is_misplaced_comes_first) {
        Pool *pool = pool_new(2);

        for (int i = 0; i < 4; i++) {
                pool->regions[i].access[0] = (RegionAccess) { 0, 60, 60, 60 };
                pool->regions[i].access[1] = (RegionAccess) { .node = NODE_NONE };
                pool->regions[i].since_ns -= 100 * NSEC_PER_SEC;
        }
        fixture_run(pool->f, 20);
        cr_assert_eq(reason(pool), REASON_MOVE, "%s", reason_to_string(reason(pool)));
        cr_expect_eq(pool->f->plan.moves[0].bytes, 4 * REGION_BYTES);
        pool_free(pool);
}
