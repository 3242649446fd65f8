/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/gates.h"

#include <criterion/criterion.h>

#include "fixture.h"

/* A change to a process that would be moved, and the reason that it must bring. */
typedef struct Row {
        const char *name;
        void (*change)(FixtureProcess *p);
        Reason reason;
        double observed, threshold;
        bool candidate;
} Row;

#define CHANGE(name, statement)                                                                    \
        static void name(FixtureProcess *p) {                                                      \
                statement;                                                                         \
        }

CHANGE(nothing, (void)p)
CHANGE(self, p->info.id.pid = 77)
CHANGE(init, p->info.id.pid = 1)
CHANGE(kernel_thread, p->info.kernel_thread = true)
CHANGE(cpuset, p->info.cpuset_mems = 2)
CHANGE(cpuset_elsewhere, p->info.cpuset_mems = 1ull << 40 | 1)
CHANGE(rule_off, p->info.rule_mode = RULE_OFF)
CHANGE(task_policy, p->info.task_policy = true)
CHANGE(vma_policy, p->info.vma_policy = true)
CHANGE(pinned, p->info.pinned_bytes = GIB / 4)
CHANGE(pinned_little, p->info.pinned_bytes = GIB / 4 - 1)
CHANGE(device, p->info.device_memory = true)
CHANGE(hugetlb, p->info.hugetlb_bytes = 2 * MIB)
CHANGE(realtime, p->info.realtime = true)
CHANGE(locked, p->info.locked_bytes = 4096)
CHANGE(unknown, p->info.attributes = ATTRIBUTES_UNKNOWN)
CHANGE(young, p->info.age_ns = 10 * NSEC_PER_SEC - 1)
CHANGE(old_enough, p->info.age_ns = 10 * NSEC_PER_SEC)
CHANGE(small, p->info.rss_bytes = 64 * MIB - 1)
CHANGE(unseen, p->unseen = true)
CHANGE(no_source, p->evidence.source = SOURCE_NONE)
CHANGE(other_machine, p->evidence.n_nodes = 1)
CHANGE(one_evaluation, p->evidence.evaluations = 1)
CHANGE(no_samples, fixture_access(p, 0, 1, 0))
/* All of 1000 local: upper bound 2.706025 / 1002.706 = 0.0026987 */
CHANGE(local, fixture_access(p, 0, 1, 0); fixture_access(p, 0, 0, 1000))
/* 6 of 16: lower (0.375 + 0.0845633 - 1.645 sqrt(0.0146484 + 0.0026426)) / 1.1691266
 * = (0.4595633 - 0.2163091) / 1.1691266 = 0.208065 */
CHANGE(doubtful, fixture_access(p, 0, 1, 6); fixture_access(p, 0, 0, 10))
CHANGE(busy, p->busy = true)
/* Half of its CPU time on each node: no target is better. */
CHANGE(two_nodes, p->cpu_ns[1] = 1e9)
CHANGE(bound, p->info.affinity_nodes = 1)
CHANGE(bound_but_elsewhere, p->info.affinity_nodes = 1; p->cpu_ns[1] = 1e9)

static const Row rows[] = {
        { "moved", nothing, REASON_MOVE, -1, 2, true },
        { "self", self, REASON_SELF, 0, 0, false },
        { "init", init, REASON_INIT, 0, 0, false },
        { "kernel thread", kernel_thread, REASON_KERNEL_THREAD, 0, 0, false },
        { "cpuset", cpuset, REASON_CPUSET, 1, 2, false },
        { "cpuset with unknown nodes", cpuset_elsewhere, REASON_CPUSET, 1, 2, true },
        { "rule", rule_off, REASON_RULE, 0, 0, true },
        { "task policy", task_policy, REASON_TASK_POLICY, 0, 0, true },
        { "mapping policy", vma_policy, REASON_VMA_POLICY, 0, 0, true },
        { "pinned", pinned, REASON_PINNED, 268435456, 268435456, true },
        { "pinned a little less", pinned_little, REASON_MOVE, -1, 2, true },
        { "device memory", device, REASON_DEVICE_MEMORY, 0, 0, true },
        { "hugetlb", hugetlb, REASON_HUGETLB, 2097152, 0, true },
        { "realtime", realtime, REASON_REALTIME, 0, 0, true },
        { "locked", locked, REASON_LOCKED, 4096, 0, true },
        { "policies unknown", unknown, REASON_ATTRIBUTES_UNKNOWN, -1, 2, true },
        { "young", young, REASON_TOO_YOUNG, 9999999999, 10e9, false },
        { "old enough", old_enough, REASON_MOVE, -1, 2, true },
        { "small", small, REASON_TOO_SMALL, 67108863, 67108864, false },
        { "unseen", unseen, REASON_NO_EVIDENCE, 0, 0, false },
        { "no source", no_source, REASON_NO_EVIDENCE, 0, 0, false },
        { "evidence of another machine", other_machine, REASON_NO_EVIDENCE, 0, 0, false },
        { "one evaluation", one_evaluation, REASON_TOO_FEW_SAMPLES, 1, 2, false },
        { "no samples", no_samples, REASON_TOO_FEW_SAMPLES, 5, 2, false },
        { "local", local, REASON_BALANCED, 0.0026987, 0.3, false },
        { "doubtful", doubtful, REASON_LOW_REMOTE, 0.208065, 0.3, false },
        { "busy", busy, REASON_BUSY, 0, 0, true },
        { "two nodes", two_nodes, REASON_MULTI_NODE, 0.5, 0.9, true },
        { "affinity", bound, REASON_MOVE, -1, 2, true },
        { "affinity of the first thread only", bound_but_elsewhere, REASON_MULTI_NODE, 0.5, 0.9,
          true },
};

Test(gates, every_reason) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fixture *f = fixture_new(2);
                FixtureProcess *p = fixture_add(f, 0, 1);
                const Verdict *v;

                rows[i].change(p);
                fixture_run(f, 40);
                v = fixture_verdict(f, 0);
                cr_expect_str_eq(reason_to_string(v->reason), reason_to_string(rows[i].reason),
                                 "%s: %s", rows[i].name, reason_to_string(v->reason));
                cr_expect_eq(v->candidate, rows[i].candidate, "%s", rows[i].name);
                if (rows[i].observed >= 0)
                        cr_expect_float_eq(v->observed, rows[i].observed,
                                           1e-6 * (1 + rows[i].observed), "%s: %f", rows[i].name,
                                           v->observed);
                cr_expect_float_eq(v->threshold, rows[i].threshold, 1e-6, "%s: %f", rows[i].name,
                                   v->threshold);
                cr_expect_eq(f->plan.n_moves, rows[i].reason == REASON_MOVE, "%s", rows[i].name);
                fixture_free(f);
        }
}

Test(gates, refusals_that_can_be_switched_off) {
        static const Row switched[] = {
                { .name = "hugetlb", .change = hugetlb },
                { .name = "realtime", .change = realtime },
                { .name = "locked", .change = locked },
        };

        for (size_t i = 0; i < 3; i++) {
                Fixture *f = fixture_new(2);

                f->settings.never_hugetlb = f->settings.never_realtime = false;
                f->settings.never_locked = false;
                switched[i].change(fixture_add(f, 0, 1));
                fixture_run(f, 40);
                cr_expect_eq(f->plan.n_moves, 1, "%s", switched[i].name);
                fixture_free(f);
        }
}

Test(gates, policies_read_later_let_it_go) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);

        p->info.attributes = ATTRIBUTES_UNKNOWN;
        fixture_run(f, 40);
        cr_assert_eq(f->plan.n_moves, 0);
        p->info.attributes = ATTRIBUTES_NUMA_MAPS;
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 1);
        p->info.attributes = ATTRIBUTES_BPF;
        p->info.task_policy = true;
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 0);
        fixture_free(f);
}

/* Score and stall by settings: the fixture loses 0.193557 of its CPU time, 193.557 ms per s. */
Test(gates, score_and_stall) {
        Fixture *f = fixture_new(2);
        const Verdict *v;

        fixture_add(f, 0, 1);
        f->settings.min_score_percent = 19.4;
        fixture_run(f, 40);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_LOW_SCORE);
        cr_expect_float_eq(v->observed, 0.193557, 1e-6);
        cr_expect_float_eq(v->threshold, 0.194, 1e-9);
        f->settings.min_score_percent = 19.3;
        f->settings.min_stall_ns = 194 * NSEC_PER_MSEC;
        fixture_decide(f);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_LOW_STALL);
        cr_expect_float_eq(v->observed, 193.557e6, 1e3);
        cr_expect_float_eq(v->threshold, 194e6, 1);
        f->settings.min_stall_ns = 193 * NSEC_PER_MSEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        fixture_free(f);
}

/* Enters at a threshold, stays down to half of it, and enters again at the full one only. */
Test(gates, hysteresis) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        static const struct {
                double remote, local;
                bool candidate;
        } steps[] = {
                { 250, 750, false }, /* lower bound about 0.23 */
                { 350, 650, true },  /* 0.33 */
                { 250, 750, true },  /* stays: 0.23 >= 0.15 */
                { 140, 860, false }, /* 0.12 */
                { 250, 750, false }, /* has to reach 0.3 again */
                { 350, 650, true },
        };

        for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
                fixture_access(p, 0, 1, steps[i].remote);
                fixture_access(p, 0, 0, steps[i].local);
                f->now_ns += NSEC_PER_SEC;
                fixture_decide(f);
                cr_expect_eq(fixture_verdict(f, 0)->candidate, steps[i].candidate, "step %zu", i);
        }
        fixture_free(f);
}

Test(gates, settles_after_three_evaluations) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);

        f->settings.benefit_ratio = 0;
        for (unsigned i = 1; i <= 4; i++) {
                const Verdict *v;

                f->now_ns += NSEC_PER_SEC;
                fixture_decide(f);
                v = fixture_verdict(f, 0);
                cr_expect_eq(v->reason, i < 3 ? REASON_UNSETTLED : REASON_MOVE, "%u: %s", i,
                             reason_to_string(v->reason));
                if (i < 3)
                        cr_expect_eq(v->observed, i);
        }
        /* The same time does not count twice, another node starts anew. */
        p->cpu_ns[0] = 0;
        p->cpu_ns[1] = 1e9;
        f->now_ns += NSEC_PER_SEC;
        for (unsigned i = 0; i < 5; i++)
                fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_UNSETTLED);
        cr_expect_eq(fixture_verdict(f, 0)->observed, 1);
        fixture_free(f);
}

Test(gates, affinity_needs_no_waiting) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1)->info.affinity_nodes = 1;
        f->settings.benefit_ratio = 0;
        fixture_decide(f);
        cr_expect_eq(f->plan.n_moves, 1);
        fixture_free(f);
}

Test(gates, absence_and_exec_start_anew) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);

        f->settings.benefit_ratio = 0;
        fixture_run(f, 5);
        cr_assert_eq(f->plan.n_moves, 1);
        f->now_ns += 16 * NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_UNSETTLED, "after a gap");
        f->now_ns += 2 * NSEC_PER_SEC;
        fixture_run(f, 3);
        cr_assert_eq(f->plan.n_moves, 1);
        p->info.comm[0] = 'J';
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_UNSETTLED, "after exec");
        fixture_free(f);
}

/* Mode of the configuration, rule, and whether the move is to be carried out. */
Test(gates, rules_outweigh_the_mode) {
        static const struct {
                Mode mode;
                RuleMode rule;
                bool observe;
        } modes[] = {
                { MODE_ACT, RULE_DEFAULT, false }, { MODE_ACT, RULE_ACT, false },
                { MODE_ACT, RULE_OBSERVE, true },  { MODE_OBSERVE, RULE_DEFAULT, true },
                { MODE_OBSERVE, RULE_ACT, false }, { MODE_OBSERVE, RULE_OBSERVE, true },
        };

        for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
                Fixture *f = fixture_new(2);

                f->settings.mode = modes[i].mode;
                fixture_add(f, 0, 1)->info.rule_mode = modes[i].rule;
                f->processes[0].info.bandwidth_bytes = i;
                fixture_run(f, 40);
                cr_assert_eq(f->plan.n_moves, 1, "row %zu", i);
                cr_expect_eq(f->plan.moves[0].bandwidth_bytes, i, "row %zu", i);
                cr_expect_eq(f->plan.moves[0].observe, modes[i].observe, "row %zu", i);
                cr_expect_eq(fixture_verdict(f, 0)->reason,
                             modes[i].observe ? REASON_OBSERVED : REASON_MOVE, "row %zu", i);
                fixture_free(f);
        }
}

/* Another program moves pages; rule; setting; what becomes of it. */
Test(gates, another_mover) {
        static const struct {
                RuleMode rule;
                bool other, ignore;
                Reason reason;
        } cases[] = {
                { RULE_DEFAULT, false, false, REASON_MOVE },
                { RULE_DEFAULT, true, false, REASON_OTHER_MOVER },
                { RULE_ACT, true, false, REASON_OTHER_MOVER },
                { RULE_OBSERVE, true, false, REASON_OBSERVED },
                { RULE_DEFAULT, true, true, REASON_MOVE },
                { RULE_OBSERVE, true, true, REASON_OBSERVED },
        };

        for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
                Fixture *f = fixture_new(2);

                fixture_add(f, 0, 1)->info.rule_mode = cases[i].rule;
                f->settings.ignore_other_movers = cases[i].ignore;
                f->other_mover = cases[i].other;
                fixture_run(f, 40);
                cr_assert_eq(f->plan.n_moves, 1, "row %zu", i);
                cr_expect_eq(fixture_verdict(f, 0)->reason, cases[i].reason, "row %zu: %s", i,
                             reason_to_string(fixture_verdict(f, 0)->reason));
                cr_expect_eq(f->plan.moves[0].observe, cases[i].reason != REASON_MOVE, "row %zu",
                             i);
                f->other_mover = false;
                fixture_run(f, 1);
                cr_expect_eq(f->plan.moves[0].observe, cases[i].rule == RULE_OBSERVE,
                             "row %zu: it is gone", i);
                fixture_free(f);
        }
}

/* The better of two is only told, so the other one gets the room. */
Test(gates, what_is_only_told_takes_no_room) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        fixture_add(f, 0, 1);
        f->processes[0].cpu_ns[0] = 2e9;
        f->processes[0].info.rule_mode = RULE_OBSERVE;
        f->nodes[0].available_bytes = 6 * GIB;
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1);
        cr_expect_not_null(fixture_move(f, 1));
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_NODE_FULL);
        f->nodes[0].available_bytes = 7 * GIB;
        fixture_decide(f);
        cr_assert_eq(f->plan.n_moves, 2);
        cr_expect_eq(f->plan.moves[0].id.pid, 101);
        cr_expect_eq(f->plan.moves[1].observe, true);
        fixture_free(f);
}

/* Where execs are counted, a new name alone is none, and the same name does not hide one. */
Test(gates, counted_execs_outweigh_the_name) {
        static const struct {
                uint64_t before, after;
                bool renamed;
                Reason reason;
        } execs[] = {
                { 7, 7, true, REASON_MOVE },      { 7, 8, false, REASON_UNSETTLED },
                { 0, 7, false, REASON_MOVE },     { 7, 0, false, REASON_MOVE },
                { 0, 7, true, REASON_UNSETTLED }, { 7, 0, true, REASON_UNSETTLED },
                { 0, 0, true, REASON_UNSETTLED },
        };

        for (size_t i = 0; i < sizeof(execs) / sizeof(execs[0]); i++) {
                Fixture *f = fixture_new(2);
                FixtureProcess *p = fixture_add(f, 0, 1);

                p->exec_id = execs[i].before;
                fixture_run(f, 40);
                cr_assert_eq(f->plan.n_moves, 1);
                p->exec_id = execs[i].after;
                if (execs[i].renamed)
                        p->info.comm[0] = 'J';
                f->now_ns += NSEC_PER_SEC;
                fixture_decide(f);
                cr_expect_eq(fixture_verdict(f, 0)->reason, execs[i].reason, "row %zu: %s", i,
                             reason_to_string(fixture_verdict(f, 0)->reason));
                fixture_free(f);
        }
}
