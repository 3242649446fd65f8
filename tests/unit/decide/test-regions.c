/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "decide/regions.h"
#include "fixture.h"

#define BASE      0x600000000000ull
#define N_REGIONS 128

/* A process with threads on both nodes of a machine, and what is known of its regions. */
typedef struct Halves {
        Fixture *f;
        FixtureProcess *p;
        Region regions[N_REGIONS];
} Halves;

static Region region_at(const Fixture *f, size_t i, int home) {
        Region r = {
                .start = BASE + i * REGION_BYTES,
                .bytes = REGION_BYTES,
                .mapping = BASE,
                .since_ns = f->now_ns - 200 * NSEC_PER_SEC,
                .home = (int8_t)home,
        };

        for (int k = 0; k < REGION_ACCESSORS; k++)
                r.access[k].node = NODE_NONE;
        return r;
}

static void set(Region *r, int slot, int node, double weight) {
        float w = (float)weight;

        r->access[slot] = (RegionAccess) { (int8_t)node, w, node == r->home ? 0 : w,
                                           node == r->home ? 0 : w };
}

/* Each half lies on the other node than the one that uses it. */
static Halves *halves_new(double weight) {
        Halves *h = calloc(1, sizeof(*h));

        h->f = fixture_new(2);
        h->p = fixture_add(h->f, 0, 1);
        h->p->cpu_ns[1] = h->p->cpu_ns[0];
        fixture_access(h->p, 0, 1, 64 * weight);
        fixture_access(h->p, 1, 0, 64 * weight);
        for (size_t i = 0; i < N_REGIONS; i++) {
                h->regions[i] = region_at(h->f, i, i < 64 ? 1 : 0);
                set(&h->regions[i], 0, i < 64 ? 0 : 1, weight);
        }
        h->p->regions = h->regions;
        h->p->n_regions = N_REGIONS;
        return h;
}

static void halves_free(Halves *h) {
        fixture_free(h->f);
        free(h);
}

static uint64_t bytes_of(const Move *m) {
        uint64_t sum = 0;

        for (uint32_t i = 0; i < m->n_ranges; i++)
                sum += m->ranges[i].end - m->ranges[i].start;
        return sum;
}

Test(regions, each_half_goes_to_its_node) {
        Halves *h = halves_new(20);
        const Plan *plan = &h->f->plan;

        fixture_decide(h->f);
        cr_assert_eq(fixture_verdict(h->f, 0)->reason, REASON_MOVE, "%s",
                     reason_to_string(fixture_verdict(h->f, 0)->reason));
        cr_expect_eq(fixture_verdict(h->f, 0)->regions, N_REGIONS);
        cr_expect_eq(fixture_verdict(h->f, 0)->regions_away, N_REGIONS);
        cr_assert_eq(plan->n_moves, 2);
        for (size_t i = 0; i < 2; i++) {
                const Move *m = &plan->moves[i];

                cr_expect(m->ranges_only);
                cr_assert_eq(m->n_ranges, 1, "adjacent regions are merged: %u", m->n_ranges);
                cr_expect_eq(m->ranges[0].start, BASE + (m->to == 0 ? 0 : 64) * REGION_BYTES);
                cr_expect_eq(bytes_of(m), m->bytes);
                cr_expect_eq(m->bytes, 64 * REGION_BYTES);
                cr_expect_eq(m->from, m->to == 0 ? 2 : 1);
                cr_expect_float_eq(m->remote_expected, 0.5, 1e-6);
        }
        halves_free(h);
}

/* Of a large process the regions are larger, and so is what it costs to move them: 16 MiB each, of the
 * same weight, need eight times the horizon. */
Test(regions, larger_ones_are_judged_alike) {
        for (int longer = 0; longer < 2; longer++) {
                Halves *h = halves_new(0.8);

                h->f->now_ns += 10000 * NSEC_PER_SEC;
                for (size_t i = 0; i < N_REGIONS; i++) {
                        Region *r = &h->regions[i];

                        r->start = BASE + i * 8 * REGION_BYTES;
                        r->bytes = 8 * REGION_BYTES;
                        r->since_ns = h->f->now_ns - (longer ? 80 : 10) * NSEC_PER_SEC;
                }
                fixture_decide(h->f);
                cr_expect_eq(h->f->plan.n_moves, longer ? 2 : 0, "%d: %s", longer,
                             reason_to_string(fixture_verdict(h->f, 0)->reason));
                if (longer)
                        cr_expect_eq(h->f->plan.moves[0].bytes, (64 - 16) * 8 * REGION_BYTES, "%lu",
                                     h->f->plan.moves[0].bytes / REGION_BYTES);
                halves_free(h);
        }
}

/* 0.8 samples of each region prove nothing by themselves; the neighbours do, except at the border. */
Test(regions, neighbours_lend_what_one_lacks) {
        Halves *h = halves_new(0.8);
        uint64_t bytes = 0;

        h->f->settings.benefit_ratio = 0.1;
        fixture_decide(h->f);
        for (size_t i = 0; i < h->f->plan.n_moves; i++)
                bytes += h->f->plan.moves[i].bytes;
        cr_expect_eq(bytes, (128 - 32) * REGION_BYTES, "%lu regions", bytes / REGION_BYTES);
        /* Not across mappings. */
        for (size_t i = 0; i < N_REGIONS; i++)
                h->regions[i].mapping = h->regions[i].start;
        h->f->now_ns += NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_expect_eq(h->f->plan.n_moves, 0);
        cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_MULTI_NODE);
        halves_free(h);
}

/* No neighbour decides for a region that has no samples. */
Test(regions, the_prior_alone_moves_nothing) {
        Halves *h = halves_new(50);

        set(&h->regions[10], 0, 0, 0);
        set(&h->regions[11], 0, 0, 1e-3);
        fixture_decide(h->f);
        for (size_t i = 0; i < h->f->plan.n_moves; i++)
                for (uint32_t k = 0; k < h->f->plan.moves[i].n_ranges; k++)
                        cr_expect(h->f->plan.moves[i].ranges[k].end <= h->regions[10].start ||
                                  h->f->plan.moves[i].ranges[k].start >= h->regions[12].start);
        halves_free(h);
}

Test(regions, what_two_nodes_use_stays) {
        static const struct {
                const char *name;
                double own, other;
        } rows[] = {
                { "equal", 10, 10 },
                { "nearly", 11, 9 },
                { "few samples", 2, 2 },
                { "many", 400, 300 },
        };

        for (size_t k = 0; k < sizeof(rows) / sizeof(rows[0]); k++) {
                Halves *h = halves_new(20);

                for (size_t i = 0; i < N_REGIONS; i++) {
                        set(&h->regions[i], 0, (int)i % 2, rows[k].own);
                        set(&h->regions[i], 1, 1 - (int)i % 2, rows[k].other);
                }
                fixture_decide(h->f);
                cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_SHARED, "%s: %s",
                             rows[k].name, reason_to_string(fixture_verdict(h->f, 0)->reason));
                cr_expect_eq(h->f->plan.n_moves, 0, "%s", rows[k].name);
                cr_expect_eq(fixture_verdict(h->f, 0)->regions_shared, N_REGIONS, "%s",
                             rows[k].name);
                halves_free(h);
        }
}

/* Eight of eight samples by one node, which alone would prove it, are chance among regions that are
 * shared all around. */
Test(regions, luck_is_no_proof_among_shared_regions) {
        Halves *h = halves_new(20);

        for (size_t i = 0; i < N_REGIONS; i++) {
                set(&h->regions[i], 0, 0, 4);
                set(&h->regions[i], 1, 1, 4);
        }
        h->regions[40].access[1].node = NODE_NONE;
        set(&h->regions[40], 0, 0, 8);
        fixture_decide(h->f);
        cr_expect_eq(h->f->plan.n_moves, 0);
        /* A hundred are none. */
        set(&h->regions[40], 0, 0, 100);
        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 1);
        cr_expect_eq(h->f->plan.moves[0].ranges[0].start, h->regions[40].start);
        halves_free(h);
}

Test(regions, hottest_first) {
        Halves *h = halves_new(20);
        const Move *m;

        for (size_t i = 64; i < N_REGIONS; i++)
                h->regions[i].home = 1;
        for (size_t i = 64; i < N_REGIONS; i++)
                set(&h->regions[i], 0, 1, 20);
        set(&h->regions[5], 0, 0, 40);
        set(&h->regions[4], 0, 0, 1);
        set(&h->regions[6], 0, 1, 30);
        set(&h->regions[50], 0, 0, 60);
        set(&h->regions[49], 0, 1, 30);
        set(&h->regions[51], 0, 1, 30);
        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 1);
        m = &h->f->plan.moves[0];
        cr_expect_eq(m->to, 0);
        cr_expect_eq(m->ranges[0].start, h->regions[50].start, "%lx", m->ranges[0].start);
        halves_free(h);
}

Test(regions, room_and_cpuset) {
        Halves *h = halves_new(20);

        /* 4 GiB are kept, 64 MiB x 1.25 fit; ranges are cut where neighbours are not adjacent. */
        for (size_t i = 0; i < 64; i++)
                h->regions[i].start += i * REGION_BYTES;
        for (size_t i = 64; i < N_REGIONS; i++)
                h->regions[i].start += 64 * REGION_BYTES;
        h->f->nodes[0].available_bytes = 4 * GIB + 80 * MIB;
        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 2);
        for (size_t i = 0; i < 2; i++)
                cr_expect_eq(h->f->plan.moves[i].bytes,
                             (h->f->plan.moves[i].to == 0 ? 32 : 64) * REGION_BYTES);
        h->f->nodes[0].available_bytes = GIB;
        h->f->nodes[1].blocked_until_ns = h->f->now_ns + 5;
        fixture_decide(h->f);
        cr_expect_eq(h->f->plan.n_moves, 0);
        cr_expect(fixture_verdict(h->f, 0)->reason == REASON_NODE_FULL ||
                  fixture_verdict(h->f, 0)->reason == REASON_NODE_BLOCKED);
        h->f->nodes[1].blocked_until_ns = 0;
        h->f->nodes[0].available_bytes = 32 * GIB;
        h->p->info.cpuset_mems = 6; /* there is no node 2 */
        fixture_decide(h->f);
        cr_expect_leq(h->f->plan.n_moves, 1);
        for (size_t i = 0; i < h->f->plan.n_moves; i++)
                cr_expect_eq(h->f->plan.moves[i].to, 1);
        halves_free(h);
}

static Outcome outcome_of(const Move *m, AddressRange *copy) {
        Outcome o = {
                .job = 1,
                .move = *m,
                .state = JOB_FINISHED,
                .reason = REASON_DONE,
                .pages_planned = m->bytes / 4096,
                .pages_moved = m->bytes / 4096,
                .bytes_moved = m->bytes,
                .busy_ns = m->bytes / 4096 * 5000,
        };

        memcpy(copy, m->ranges, m->n_ranges * sizeof(*copy));
        o.move.ranges = copy;
        return o;
}

/* What was moved rests; other regions of the same process do not. */
Test(regions, moved_regions_rest) {
        static AddressRange ranges[MOVE_RANGES_MAX];
        Halves *h = halves_new(20);
        Outcome o;

        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 2);
        o = outcome_of(&h->f->plan.moves[0], ranges);
        decide_learn(h->f->state, &o, &h->f->settings, h->f->now_ns);
        h->f->now_ns += NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 1, "the other half still goes");
        cr_expect_neq(h->f->plan.moves[0].to, o.move.to);
        h->f->now_ns += 58 * NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_expect_eq(h->f->plan.n_moves, 1);
        h->f->now_ns += NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_expect_eq(h->f->plan.n_moves, 2, "after the rest");
        /* A repeat takes 0.75: 8 of 8 are enough, 5 of 5 for a first move only. */
        for (size_t i = 0; i < N_REGIONS; i++) {
                h->regions[i].mapping = h->regions[i].start; /* no help by neighbours */
                set(&h->regions[i], 0, i < 64 ? 0 : 1, 5);
        }
        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 1);
        cr_expect_neq(h->f->plan.moves[0].to, o.move.to);
        halves_free(h);
}

/* A process whose regions were moved is not moved whole at once, were it on one node suddenly. */
Test(regions, the_whole_process_rests_too) {
        static AddressRange ranges[MOVE_RANGES_MAX];
        Halves *h = halves_new(20);
        Outcome o;

        fixture_decide(h->f);
        o = outcome_of(&h->f->plan.moves[0], ranges);
        decide_learn(h->f->state, &o, &h->f->settings, h->f->now_ns);
        h->p->cpu_ns[1] = 0;
        fixture_access(h->p, 1, 0, 0);
        h->f->now_ns += 50 * NSEC_PER_SEC;
        fixture_run(h->f, 10);
        cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_COOLDOWN, "%s",
                     reason_to_string(fixture_verdict(h->f, 0)->reason));
        h->f->now_ns += 200 * NSEC_PER_SEC;
        fixture_run(h->f, 190);
        cr_assert_eq(h->f->plan.n_moves, 1);
        /* The hot ones first, then the rest. */
        cr_expect(!h->f->plan.moves[0].ranges_only);
        cr_expect_gt(h->f->plan.moves[0].n_ranges, 0);
        halves_free(h);
}

/* What was left out of the first orders follows though it is too little to begin with: of 64 regions
 * of each half all but 8 are where they belong, 12 % of the accesses are remote. */
Test(regions, what_was_begun_is_finished) {
        static AddressRange ranges[MOVE_RANGES_MAX];

        for (int begun = 0; begun < 2; begun++) {
                Halves *h = halves_new(20);
                Outcome o;

                fixture_decide(h->f);
                cr_assert_eq(h->f->plan.n_moves, 2);
                for (size_t i = 0; i < 2 && begun; i++) {
                        o = outcome_of(&h->f->plan.moves[i], ranges);
                        o.move.n_ranges = 1;
                        ranges[0] = (AddressRange) { BASE + (i * 64) * REGION_BYTES,
                                                     BASE + (i * 64 + 56) * REGION_BYTES };
                        decide_learn(h->f->state, &o, &h->f->settings, h->f->now_ns);
                }
                for (size_t i = 0; i < N_REGIONS; i++) {
                        bool upper = i >= 64, moved = i % 64 < 56;
                        h->regions[i] = region_at(h->f, i, upper == moved ? 1 : 0);
                        set(&h->regions[i], 0, upper, 20);
                }
                for (int a = 0; a < 2; a++) {
                        fixture_access(h->p, a, a, 56 * 20);
                        fixture_access(h->p, a, !a, 8 * 20);
                }
                h->f->now_ns += NSEC_PER_SEC;
                fixture_decide(h->f);
                cr_expect_eq(h->f->plan.n_moves, begun ? 2 : 0, "%s",
                             reason_to_string(fixture_verdict(h->f, 0)->reason));
                cr_expect_eq(fixture_verdict(h->f, 0)->reason,
                             begun ? REASON_MOVE : REASON_BALANCED);
                /* After the rest it is no longer asked. */
                h->f->now_ns += 3600 * NSEC_PER_SEC;
                fixture_decide(h->f);
                cr_expect_eq(h->f->plan.n_moves, 0);
                halves_free(h);
        }
}

Test(regions, not_worth_it) {
        Halves *h = halves_new(20);

        for (size_t i = 0; i < N_REGIONS; i++)
                h->regions[i].since_ns = h->f->now_ns;
        fixture_decide(h->f);
        cr_expect_neq(fixture_verdict(h->f, 0)->reason, REASON_MOVE);
        for (size_t i = 0; i < N_REGIONS; i++)
                h->regions[i].since_ns = h->f->now_ns - NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_COST);
        /* Half of the pages are where they should be, and the home is theirs: still to be done. */
        for (size_t i = 0; i < N_REGIONS; i++) {
                h->regions[i].since_ns = 0;
                h->regions[i].home = i < 64 ? 0 : 1;
                h->regions[i].access[0].remote = h->regions[i].access[0].waited = 10;
        }
        fixture_decide(h->f);
        cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_MOVE);
        halves_free(h);
}

Test(regions, without_ranges_the_process_rests) {
        Halves *h = halves_new(20);
        static AddressRange ranges[MOVE_RANGES_MAX];
        Outcome o;

        fixture_decide(h->f);
        o = outcome_of(&h->f->plan.moves[0], ranges);
        o.move.ranges = NULL;
        decide_learn(h->f->state, &o, &h->f->settings, h->f->now_ns);
        h->f->now_ns += NSEC_PER_SEC;
        fixture_decide(h->f);
        cr_expect_eq(fixture_verdict(h->f, 0)->reason, REASON_COOLDOWN);
        halves_free(h);
}

/* Both jobs of a plan take their share of the promise, and neither is blamed for the other's. */
Test(regions, review_of_two_jobs) {
        static AddressRange ranges[MOVE_RANGES_MAX];
        Halves *h = halves_new(20);
        Counters counters = {};
        Outcome o[2];

        fixture_decide(h->f);
        cr_assert_eq(h->f->plan.n_moves, 2);
        for (int i = 0; i < 2; i++)
                o[i] = outcome_of(&h->f->plan.moves[i], ranges);
        for (int i = 0; i < 2; i++) {
                decide_learn(h->f->state, &o[i], &h->f->settings, h->f->now_ns);
                o[i].remote_after = i == 0 ? 0.5 : 0;
                decide_review(h->f->state, &o[i], NULL, &h->f->settings, h->f->now_ns);
        }
        decide_count(h->f->state, &counters);
        cr_expect_eq(counters.moves_reviewed, 2);
        cr_expect_eq(counters.moves_disappointing, 0);
        cr_expect_eq(counters.points_promised, 100);
        cr_expect_eq(counters.points_realised, 100);
        o[0].remote_after = 0.95;
        decide_review(h->f->state, &o[0], NULL, &h->f->settings, h->f->now_ns);
        counters = (Counters) {};
        decide_count(h->f->state, &counters);
        cr_expect_eq(counters.moves_disappointing, 1);
        halves_free(h);
}
