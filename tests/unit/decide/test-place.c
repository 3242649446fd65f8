/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/place.h"

#include <criterion/criterion.h>
#include <string.h>

#include "fixture.h"

/* The process of the fixture in numbers: it loses 193.557 ms per second (see test-score.c), of
 * which quality 0.8 x Poisson part of 100 samples 0.841382 = 0.673106 is credited: 130.284 ms per
 * second. Moving 1 GiB costs 262144 x 5 us + 0.2 ms = 1.310920 s, so twice the cost is earned after
 * 20.124 s on the same node. */
Test(place, moves_when_benefit_is_twice_the_cost) {
        Fixture *f = fixture_new(2);
        const Verdict *v;
        const Move *m;

        fixture_add(f, 0, 1);
        fixture_run(f, 21); /* 20 s */
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_COST);
        cr_expect_float_eq(v->cost_ns, 1.310920e9, 1);
        cr_expect_float_eq(v->benefit_ns, 20 * 130.284e6, 1e5, "%f", v->benefit_ns);
        cr_expect_float_eq(v->observed, 1.98767, 1e-4, "%f", v->observed);
        cr_expect_eq(v->threshold, 2);
        cr_expect_eq(v->horizon_ns, 20 * NSEC_PER_SEC);
        /* 2 x 1.310920 s / 130.284 ms/s = 20.124 s. */
        cr_expect_float_eq((double)(v->wait_until_ns - f->now_ns), 0.124e9, 1e6);
        cr_expect_eq(f->plan.n_moves, 0);

        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        v = fixture_verdict(f, 0);
        m = fixture_move(f, 0);
        cr_assert_not_null(m);
        cr_expect_eq(v->reason, REASON_MOVE);
        cr_expect_eq(v->target_node, 0);
        cr_expect_eq(v->move_bytes, GIB);
        cr_expect_float_eq(v->observed, 21 * 130.284e6 / 1.310920e9, 1e-3);
        cr_expect_eq(m->to, 0);
        cr_expect_eq(m->from, 2);
        cr_expect_eq(m->bytes, GIB);
        cr_expect_str_eq(m->comm, "job");
        cr_expect_str_eq(m->unit, "job.service");
        cr_expect_float_eq(m->remote_before, 1, 1e-9);
        cr_expect_float_eq(m->score, 0.193557, 1e-6);
        cr_expect_eq(m->benefit_ns, v->benefit_ns);
        fixture_free(f);
}

Test(place, quality_of_the_source_counts) {
        /* Residency 0.25 instead of 0.8: 20.124 s x 3.2 = 64.4 s. Hint 0.5: 32.2 s. */
        static const struct {
                EvidenceSource source;
                unsigned not_yet, then;
        } rows[] = { { SOURCE_RESIDENCY, 64, 65 }, { SOURCE_HINT, 32, 33 } };

        for (size_t i = 0; i < 2; i++) {
                Fixture *f = fixture_new(2);

                fixture_add(f, 0, 1)->evidence.source = rows[i].source;
                fixture_run(f, rows[i].not_yet + 1);
                cr_expect_eq(f->plan.n_moves, 0, "row %zu", i);
                f->now_ns += NSEC_PER_SEC;
                fixture_decide(f);
                cr_expect_eq(f->plan.n_moves, 1, "row %zu", i);
                fixture_free(f);
        }
}

Test(place, horizon_ends_at_half_an_hour) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        f->settings.benefit_ratio = 1000;
        f->now_ns = 10000 * NSEC_PER_SEC;
        fixture_run(f, 2000);
        cr_expect_eq(fixture_verdict(f, 0)->horizon_ns, 1800 * NSEC_PER_SEC);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_COST);
        fixture_free(f);
}

Test(place, size_from_accesses_where_residency_is_unknown) {
        Fixture *f = fixture_new(4);
        FixtureProcess *p = fixture_add(f, 0, 1);

        p->use_resident = false;
        fixture_access(p, 0, 1, 100);
        fixture_access(p, 0, 2, 60);
        fixture_access(p, 0, 0, 40);
        fixture_run(f, 200);
        cr_assert_eq(f->plan.n_moves, 1);
        /* 160 of 200 accesses are served elsewhere: 0.8 GiB. */
        cr_expect_float_eq((double)f->plan.moves[0].bytes, 0.8 * (double)GIB, 4);
        cr_expect_eq(f->plan.moves[0].from, 6);
        fixture_free(f);
}

Test(place, resident_here_already) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);

        p->resident[0] = GIB;
        p->resident[1] = 0;
        fixture_run(f, 100);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_BALANCED);
        cr_expect_eq(fixture_verdict(f, 0)->observed, 0);
        cr_expect_eq(f->plan.n_moves, 0);
        fixture_free(f);
}

Test(place, gain_below_a_tenth_is_no_target) {
        Fixture *f = fixture_new(2);
        const Verdict *v;

        fixture_add(f, 0, 1);
        f->settings.min_score_percent = 0;
        /* 1.06: 1 - 1/1.06 = 0.0566; 1.12: 0.1071 */
        f->topology.distance[0][1] = 11;
        fixture_run(f, 300);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_NO_TARGET);
        cr_expect_float_eq(v->observed, 0.056604, 1e-5);
        cr_expect_eq(v->threshold, 0.1);
        cr_expect_eq(v->target_node, NODE_NONE);
        f->topology.distance[0][1] = 12;
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        fixture_free(f);
}

Test(place, nearest_node_when_the_own_one_cannot_be_used) {
        static const struct {
                const char *name;
                int to;
        } rows[] = {
                { "free", 0 }, { "full", 2 }, { "blocked", 2 }, { "cpuset", 2 }, { "no memory", 2 },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fixture *f = fixture_new(4);
                FixtureProcess *p = fixture_add(f, 0, 1);

                f->topology.distance[0][1] = 32; /* two hops */
                f->topology.distance[0][2] = 16;
                if (i == 1)
                        f->nodes[0].available_bytes = GIB;
                else if (i == 2)
                        f->nodes[0].blocked_until_ns = f->now_ns + 1;
                else if (i == 3)
                        p->info.cpuset_mems = 0xe;
                else if (i == 4)
                        f->topology.has_memory[0] = false;
                fixture_run(f, 100);
                cr_assert_eq(f->plan.n_moves, 1, "%s: %s", rows[i].name,
                             reason_to_string(fixture_verdict(f, 0)->reason));
                cr_expect_eq(f->plan.moves[0].to, rows[i].to, "%s: %d", rows[i].name,
                             f->plan.moves[0].to);
                fixture_free(f);
        }
}

/* Node 0 is full, so what is on node 1 goes to node 2; what is on node 0 already is nearer there and stays. */
Test(place, what_is_nearer_than_the_target_stays) {
        Fixture *f = fixture_new(3);
        FixtureProcess *p = fixture_add(f, 0, 1);

        f->topology.distance[0][1] = 32;
        f->topology.distance[0][2] = 16;
        f->nodes[0].available_bytes = 0;
        fixture_access(p, 0, 1, 80);
        fixture_access(p, 0, 0, 20);
        p->use_resident = true;
        p->resident[0] = GIB / 4;
        p->resident[1] = GIB;
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1, "%s", reason_to_string(fixture_verdict(f, 0)->reason));
        cr_expect_eq(f->plan.moves[0].to, 2);
        cr_expect_eq(f->plan.moves[0].from, 2, "from node 1 only");
        cr_expect_eq(f->plan.moves[0].bytes, GIB);
        cr_expect_float_eq(f->plan.moves[0].remote_expected, 0.8, 1e-9);
        fixture_free(f);
}

/* Nodes 2 and 3 are as far, and node 0 cannot take it; what others use decides. */
Test(place, the_less_busy_of_equal_nodes) {
        for (int busy = 2; busy < 4; busy++) {
                Fixture *f = fixture_new(4);
                FixtureProcess *p = fixture_add(f, 0, 1), *other;

                f->topology.n_cpus = 4;
                for (int i = 0; i < 4; i++)
                        f->topology.cpu_node[i] = (int16_t)i;
                f->topology.distance[0][1] = 32;
                f->nodes[0].available_bytes = 0;
                p->info.cpuset_mems = 0xf;
                other = fixture_add(f, busy, busy);
                fixture_access(other, busy, busy, 100);
                fixture_run(f, 100);
                cr_assert_eq(f->plan.n_moves, 1, "%s",
                             reason_to_string(fixture_verdict(f, 0)->reason));
                cr_expect_eq(f->plan.moves[0].to, busy == 2 ? 3 : 2, "%d", f->plan.moves[0].to);
                fixture_free(f);
        }
}

Test(place, memory_only_nodes_are_neither_source_nor_target) {
        Fixture *f = fixture_new(3);
        FixtureProcess *p = fixture_add(f, 0, 1);

        f->topology.has_cpu[1] = false;
        fixture_run(f, 100);
        cr_expect_eq(f->plan.n_moves, 0, "source");
        f->topology.has_cpu[1] = true;
        f->topology.has_cpu[2] = false;
        f->topology.distance[0][2] = 10;
        p->info.cpuset_mems = 6;
        fixture_decide(f);
        cr_expect_eq(f->plan.n_moves, 0, "target");
        f->settings.never_cpuless = false;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 1, "allowed as target");
        cr_expect_eq(f->plan.moves[0].to, 2);
        p->info.cpuset_mems = 7;
        f->topology.has_cpu[1] = false;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 1, "allowed as source");
        cr_expect_eq(f->plan.moves[0].from, 2);
        cr_expect_eq(f->plan.moves[0].to, 0);
        fixture_free(f);
}

/* 64 GiB node: 4 GiB stay free, 1 GiB counts as 1.25 GiB. */
Test(place, room_on_the_target) {
        Fixture *f = fixture_new(2);
        uint64_t needed = 4 * GIB + GIB + GIB / 4;
        const Verdict *v;

        fixture_add(f, 0, 1);
        f->nodes[0].available_bytes = needed - 1;
        fixture_run(f, 100);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_NODE_FULL);
        cr_expect_eq(v->observed, (double)needed);
        cr_expect_eq(v->threshold, (double)(needed - 1));
        cr_expect_eq(v->target_node, 0);
        f->nodes[0].available_bytes = needed;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        /* Twice the high watermark where that is more. */
        f->nodes[0].high_watermark_bytes = 2 * GIB + 1;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_NODE_FULL);
        fixture_free(f);
}

Test(place, blocked_target) {
        Fixture *f = fixture_new(2);
        const Verdict *v;

        fixture_add(f, 0, 1);
        f->nodes[0].blocked_until_ns = f->now_ns + 5;
        fixture_run(f, 100);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_NODE_BLOCKED);
        cr_expect_eq(v->wait_until_ns, f->now_ns + 5);
        cr_expect_eq(v->observed, 5);
        f->now_ns += 5;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        fixture_free(f);
}

/* Two want 1 GiB each on node 0, which has room for one. The better one is that with more CPU time,
 * wherever it stands in the list. */
Test(place, the_better_of_two_gets_the_room) {
        for (int better = 0; better < 2; better++)
                for (int reversed = 0; reversed < 2; reversed++) {
                        Fixture *f = fixture_new(2);

                        fixture_add(f, 0, 1);
                        fixture_add(f, 0, 1);
                        f->processes[better].cpu_ns[0] = 2e9;
                        f->nodes[0].available_bytes = 4 * GIB + 2 * GIB;
                        fixture_run(f, 99);
                        f->now_ns += NSEC_PER_SEC;
                        if (reversed)
                                fixture_decide_reversed(f);
                        else
                                fixture_decide(f);
                        cr_assert_eq(f->plan.n_moves, 1);
                        cr_expect_not_null(fixture_move(f, (size_t)better));
                        cr_expect_eq(fixture_verdict(f, (size_t)!better)->reason, REASON_NODE_FULL);
                        /* With room for both, both move, best first. */
                        f->nodes[0].available_bytes = 4 * GIB + 5 * GIB / 2;
                        fixture_decide(f);
                        cr_assert_eq(f->plan.n_moves, 2);
                        cr_expect_eq(f->plan.moves[0].id.pid, 100 + better);
                        fixture_free(f);
                }
}

Test(place, what_is_under_way_keeps_its_room) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        f->nodes[0].available_bytes = 6 * GIB;
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1);
        f->processes[0].busy = true;
        fixture_add(f, 0, 1);
        f->now_ns += 100 * NSEC_PER_SEC;
        fixture_run(f, 90);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_BUSY);
        cr_expect_eq(fixture_verdict(f, 1)->reason, REASON_NODE_FULL, "%s",
                     reason_to_string(fixture_verdict(f, 1)->reason));
        f->processes[0].busy = false;
        f->processes[0].resident[0] = GIB;
        f->processes[0].resident[1] = 0;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 1)->reason, REASON_MOVE);
        fixture_free(f);
}

Test(place, latency_weighted_target) {
        Fixture *f = fixture_new(3);
        FixtureProcess *p = fixture_add(f, 0, 2);

        /* 92 % of its CPU time and accesses on node 0, the rest on node 1. */
        p->cpu_ns[0] = 0.92e9;
        p->cpu_ns[1] = 0.08e9;
        fixture_access(p, 0, 2, 92);
        fixture_access(p, 1, 2, 8);
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1);
        cr_expect_eq(f->plan.moves[0].to, 0);
        cr_expect_float_eq(f->plan.moves[0].remote_before, 1, 1e-9);
        cr_expect_float_eq(f->plan.moves[0].remote_expected, 0.08, 1e-9);
        /* 25 accesses to memory that stays, for it is no node's own: (8 + 25) / 125 */
        f->topology.has_cpu[1] = false;
        fixture_access(p, 0, 1, 25);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 1);
        cr_expect_float_eq(f->plan.moves[0].remote_expected, 0.264, 1e-9);
        fixture_free(f);
}

Test(place, no_process_and_no_node_to_go_to) {
        Fixture *f = fixture_new(1);

        fixture_decide(f);
        cr_expect_eq(f->plan.n_verdicts, 0);
        fixture_add(f, 0, 0);
        fixture_run(f, 10);
        cr_expect_eq(f->plan.n_moves, 0);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_BALANCED);
        fixture_free(f);
}

/* The memory of each lies on the node of the other, and each node serves the other one's process: load
 * must not keep them where they are, however unequal they are. */
Test(place, two_that_are_mutually_misplaced_both_move) {
        for (int cpus = 1; cpus < 8; cpus += 3) {
                Fixture *f = fixture_new(2);

                fixture_add(f, 0, 1)->cpu_ns[0] = cpus * 1e9;
                fixture_add(f, 1, 0);
                fixture_run(f, 30);
                cr_assert_eq(f->plan.n_moves, 2, "%d", cpus);
                cr_expect_eq(fixture_move(f, 0)->to, 0);
                cr_expect_eq(fixture_move(f, 1)->to, 1);
                fixture_free(f);
        }
}
