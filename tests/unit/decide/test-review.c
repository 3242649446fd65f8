/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <math.h>

#include "decide/state.h"
#include "decide/tuning.h"
#include "fixture.h"

typedef struct Moved {
        Fixture *f;
        Outcome outcome;
        Track *track;
} Moved;

/* A process all of whose accesses were remote was moved, all 1000 pages of it. */
static Moved moved(void) {
        Moved m = { .f = fixture_new(2) };

        fixture_add(m.f, 0, 1);
        fixture_run(m.f, 100);
        cr_assert_eq(m.f->plan.n_moves, 1);
        cr_assert_float_eq(m.f->plan.moves[0].remote_before, 1, 1e-9);
        cr_assert_float_eq(m.f->plan.moves[0].remote_expected, 0, 1e-9);
        m.outcome = fixture_outcome(m.f, 0, REASON_DONE, 1000);
        decide_learn(m.f->state, &m.outcome, &m.f->settings, m.f->now_ns);
        m.track = state_find(m.f->state, m.outcome.move.id);
        cr_assert_not_null(m.track);
        return m;
}

static void review(Moved *m, double remote_after, const Evidence *after) {
        m->outcome.remote_after = remote_after;
        m->f->now_ns += 2 * NSEC_PER_SEC;
        decide_review(m->f->state, &m->outcome, after, &m->f->settings, m->f->now_ns);
}

static Ledger ledger(const Moved *m) {
        return m->f->state->ledger;
}

Test(review, a_kept_promise_changes_nothing) {
        Moved m = moved();
        uint64_t until_ns = m.track->cooldown_until_ns;

        review(&m, 0.7, NULL); /* 0.3 of 1 promised: enough */
        cr_expect_eq(m.track->exposed, 0.5);
        cr_expect_eq(m.track->cooldown_until_ns, until_ns);
        cr_expect_eq(ledger(&m).reviewed, 1);
        cr_expect_eq(ledger(&m).disappointing, 0);
        cr_expect_eq(ledger(&m).measured, 0);
        cr_expect_float_eq(ledger(&m).promised, 1, 1e-9);
        cr_expect_float_eq(ledger(&m).realised, 0.3, 1e-9);
        fixture_free(m.f);
}

Test(review, three_disappointments_and_it_is_left_alone) {
        Moved m = moved();
        const Verdict *v;

        review(&m, 0.8, NULL); /* 0.2 of 1 promised: not enough */
        cr_expect_eq(m.track->exposed, 0.25);
        cr_expect_eq(m.track->cooldown_until_ns, m.f->now_ns + 120 * NSEC_PER_SEC);
        cr_expect_eq(m.track->gave_up_until_ns, 0);
        decide_learn(m.f->state, &m.outcome, &m.f->settings, m.f->now_ns);
        cr_expect_eq(m.track->cooldown_until_ns, m.f->now_ns + 120 * NSEC_PER_SEC);
        review(&m, 1, NULL);
        cr_expect_eq(m.track->exposed, 0.125);
        cr_expect_eq(m.track->cooldown_until_ns, m.f->now_ns + 240 * NSEC_PER_SEC);
        review(&m, 1, NULL);
        cr_expect_eq(m.track->gave_up_until_ns, m.f->now_ns + 600 * NSEC_PER_SEC);
        cr_expect_eq(ledger(&m).given_up, 1);

        /* 0.5 / 8 = 0.0625: the score is an eighth of 0.193557, still above 2 % */
        m.f->now_ns += NSEC_PER_SEC;
        fixture_decide(m.f);
        v = fixture_verdict(m.f, 0);
        cr_expect_float_eq(v->score, 0.193557 / 8, 1e-6);
        cr_expect_eq(v->reason, REASON_GAVE_UP);
        cr_expect_eq(v->wait_until_ns, m.track->gave_up_until_ns);

        /* Twice as long the next time, until it execs. */
        for (int i = 0; i < 3; i++)
                review(&m, 1, NULL);
        cr_expect_eq(m.track->gave_up_until_ns, m.f->now_ns + 1200 * NSEC_PER_SEC);
        m.f->processes[0].info.comm[0] = 'x';
        fixture_decide(m.f);
        cr_expect_eq(fixture_verdict(m.f, 0)->reason, REASON_UNSETTLED);
        cr_expect_eq(m.track->exposed, 0.5);
        fixture_free(m.f);
}

Test(review, never_longer_than_a_day) {
        Moved m = moved();

        for (int i = 0; i < 100; i++)
                review(&m, 1, NULL);
        cr_expect_eq(m.track->gave_up_until_ns - m.f->now_ns <= 24 * 3600 * NSEC_PER_SEC, 1);
        cr_expect_eq(m.track->cooldown_until_ns - m.f->now_ns, 64 * 60 * NSEC_PER_SEC);
        cr_expect_eq(m.track->exposed, EXPOSED_SHARE_MIN);
        fixture_free(m.f);
}

Test(review, success_is_forgiven) {
        Moved m = moved();

        review(&m, 1, NULL);
        review(&m, 1, NULL);
        review(&m, 0, NULL);
        review(&m, 1, NULL);
        review(&m, 1, NULL);
        cr_expect_eq(m.track->gave_up_until_ns, 0);
        fixture_free(m.f);
}

Test(review, half_moved_is_half_promised) {
        Moved m = moved();

        m.outcome.pages_planned = 4000; /* a quarter moved: 0.25 promised, 0.0625 asked for */
        review(&m, 0.93, NULL);
        cr_expect_eq(m.track->disappointments, 0);
        review(&m, 0.95, NULL);
        cr_expect_eq(m.track->disappointments, 1);
        fixture_free(m.f);
}

/* 7 of 8 samples are still remote: the lower bound is (0.875 + 0.169127 - 1.645 x sqrt(0.0136719 +
 * 0.0105704)) / 1.338253 = 0.588796, so 0.41 may have been realised. 70 of 80 are certain. */
Test(review, few_samples_get_the_benefit_of_the_doubt) {
        Moved m = moved();
        Evidence after = { .samples = 8 };

        review(&m, 0.875, &after);
        cr_expect_eq(m.track->disappointments, 0);
        after.samples = 80;
        review(&m, 0.875, &after);
        cr_expect_eq(m.track->disappointments, 1);
        fixture_free(m.f);
}

Test(review, what_cannot_be_judged_is_not) {
        static const double after[] = { NAN, INFINITY };
        Moved m = moved();

        for (size_t i = 0; i < 2; i++)
                review(&m, after[i], NULL);
        m.outcome.move.benefit_ns = 0; /* by hand: nothing was promised */
        review(&m, 1, NULL);
        m.outcome.move.benefit_ns = 1;
        m.outcome.pages_moved = 0;
        review(&m, 1, NULL);
        m.outcome.pages_moved = 1000;
        m.outcome.move.id.pid = 4711; /* unknown */
        review(&m, 1, NULL);
        cr_expect_eq(ledger(&m).reviewed, 0);
        fixture_free(m.f);
}

/* 80 of 100 time samples wait for node 1; local, each would take 1/1.66 = 0.602410 of the time, so
 * 0.8 x 0.397590 = 0.318072 could be saved if nothing were hidden. Since the move 70 of 100 wait:
 * the same work took 0.2 + 0.8 and now takes 0.2 + 0.2 x 0.7/0.3 = 0.666667, so 0.333333 was saved:
 * more than all, K = 1. K = 0.5 + 0.5 x (1 - 0.5) = 0.75. */
Test(review, exposed_share_is_learned_from_waiting) {
        Fixture *f = fixture_new(2);
        FixtureProcess *p = fixture_add(f, 0, 1);
        Moved m = { .f = f };

        p->evidence.skid = true;
        p->waited[1] = 80;
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1);
        m.outcome = fixture_outcome(f, 0, REASON_DONE, 1000);
        m.track = state_find(f->state, p->info.id);
        cr_expect_float_eq(m.track->waited_before, 0.8, 1e-9);
        cr_expect_float_eq(m.track->waited_gain, 0.318072, 1e-6);
        fixture_access(p, 0, 1, 0);
        fixture_access(p, 0, 0, 100);
        p->waited[0] = 70;
        review(&m, 0, &p->evidence);
        cr_expect_float_eq(m.track->exposed, 0.75, 1e-9);

        /* 76 of 100: 0.2 + 0.2 x 0.76/0.24 = 0.833333, saved 0.166667, K = 0.523989;
         * 0.75 + 0.5 x (0.523989 - 0.75) = 0.636995 */
        p->waited[0] = 76;
        review(&m, 0, &p->evidence);
        cr_expect_float_eq(m.track->exposed, 0.636995, 1e-5, "%f", m.track->exposed);

        /* As much waiting as before although all is local: no help. 99 of 100 leave no doubt. */
        p->waited[0] = 99;
        review(&m, 0, &p->evidence);
        cr_expect_float_eq(m.track->exposed, 0.318498, 1e-5, "%f", m.track->exposed);
        cr_expect_eq(m.track->disappointments, 1);

        /* Too few samples: placement only. */
        fixture_access(p, 0, 0, 63);
        review(&m, 0, &p->evidence);
        cr_expect_eq(ledger(&m).reviewed, 4);
        cr_expect_eq(ledger(&m).measured, 3);
        cr_expect_eq(m.track->disappointments, 0);
        fixture_free(f);
}

Test(review, moving_nothing_counts_unless_others_are_to_blame) {
        static const struct {
                Reason reason;
                unsigned disappointments;
                bool gave_up;
        } rows[] = {
                { REASON_PASSES_EXHAUSTED, 1, false },
                { REASON_ERROR, 1, false },
                { REASON_UNMOVABLE, 0, true },
                { REASON_SHARED, 0, true },
                { REASON_NO_MEMORY, 0, false },
                { REASON_CANCELLED, 0, false },
                { REASON_DONE, 0, false },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                const char *name = reason_to_string(rows[i].reason);
                Moved m = moved();

                m.outcome.reason = rows[i].reason;
                m.outcome.pages_moved = 0;
                decide_learn(m.f->state, &m.outcome, &m.f->settings, m.f->now_ns);
                cr_expect_eq(m.track->disappointments, rows[i].disappointments, "%s", name);
                cr_expect_eq(m.track->cooldown_until_ns,
                             m.f->now_ns + (60u << rows[i].disappointments) * NSEC_PER_SEC, "%s",
                             name);
                cr_expect_eq(m.track->gave_up_until_ns,
                             rows[i].gave_up ? m.f->now_ns + 600 * NSEC_PER_SEC : 0, "%s", name);
                fixture_free(m.f);
        }
}

/* Its own node 0 is full, so it moves from node 2 (latency 1 + 0.6 x 2.2 = 2.32) to node 1 (1.36) and
 * stays remote. 2.32 - 1.36 = 0.96 is promised, a quarter of it is 0.24: 2.08 will do, which is 75
 * of 100 samples left on node 2. */
Test(review, a_move_to_a_nearer_node_is_judged_by_latency) {
        static const struct {
                double left, here;
                unsigned disappointments;
        } rows[] = { { 0, 1000, 0 }, { 740, 260, 0 }, { 760, 240, 1 }, { 1000, 0, 1 } };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fixture *f = fixture_new(3);
                FixtureProcess *p = fixture_add(f, 0, 2);
                Moved m = { .f = f };

                f->topology.distance[0][1] = 16;
                f->topology.distance[0][2] = 32;
                f->nodes[0].available_bytes = 0;
                fixture_run(f, 100);
                cr_assert_eq(f->plan.n_moves, 1);
                cr_assert_eq(f->plan.moves[0].to, 1);
                cr_assert_eq(f->plan.moves[0].remote_expected, 1);
                m.outcome = fixture_outcome(f, 0, REASON_DONE, 1000);
                m.track = state_find(f->state, p->info.id);
                cr_expect_float_eq(m.track->latency_before, 2.32, 1e-9);
                cr_expect_float_eq(m.track->latency_expected, 1.36, 1e-9);
                fixture_access(p, 0, 2, rows[i].left);
                fixture_access(p, 0, 1, rows[i].here);
                review(&m, 1, &p->evidence);
                cr_expect_eq(m.track->disappointments, rows[i].disappointments, "row %zu", i);
                fixture_free(f);
        }
}

Test(review, counters) {
        Moved m = moved();
        Counters c = { .moves_reviewed = 5 };

        review(&m, 0.25, NULL);
        review(&m, 1, NULL);
        m.f->state->ping_pong.total = 3;
        decide_count(m.f->state, &c);
        cr_expect_eq(c.moves_reviewed, 7);
        cr_expect_eq(c.moves_disappointing, 1);
        cr_expect_eq(c.moves_measured, 0);
        cr_expect_eq(c.processes_given_up, 0);
        cr_expect_eq(c.points_promised, 200);
        cr_expect_eq(c.points_realised, 75);
        cr_expect_eq(c.ping_pong_stops, 3);
        fixture_free(m.f);
}

/* All that it has elsewhere is mapped by others, so nothing was even planned: it would be the same at the
 * end of the cool-down. */
Test(review, only_shared_pages_left) {
        Moved m = moved();

        m.outcome.reason = REASON_SHARED;
        m.outcome.pages_moved = m.outcome.pages_planned = 0;
        decide_learn(m.f->state, &m.outcome, &m.f->settings, m.f->now_ns);
        cr_expect_eq(m.track->gave_up_until_ns, m.f->now_ns + 600 * NSEC_PER_SEC);
        fixture_free(m.f);
}
