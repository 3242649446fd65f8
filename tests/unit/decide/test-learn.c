/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include "decide/place.h"
#include "fixture.h"

/* Runs until process 0 is ordered to move. */
static Fixture *moving(void) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 1);
        return f;
}

static void learn(Fixture *f, Reason reason, uint64_t pages_moved) {
        Outcome o = fixture_outcome(f, 0, reason, pages_moved);

        decide_learn(f->state, &o, &f->settings, f->now_ns);
}

Test(learn, cooldown) {
        Fixture *f = moving();
        uint64_t until_ns = f->now_ns + 60 * NSEC_PER_SEC;

        learn(f, REASON_DONE, 262144);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_COOLDOWN);
        cr_expect_eq(fixture_verdict(f, 0)->wait_until_ns, until_ns);
        cr_expect_eq(fixture_verdict(f, 0)->observed, 59e9);
        f->now_ns = until_ns - 1;
        fixture_run(f, 40);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_COOLDOWN);
        f->now_ns = until_ns;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        fixture_free(f);
}

/* Benefit per second 130.284 ms against 1.310920 s: three times the cost after 30.187 s. */
Test(learn, more_is_asked_soon_after_a_move) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        f->settings.cooldown_ns = 0;
        fixture_run(f, 22);
        cr_assert_eq(f->plan.n_moves, 1);
        learn(f, REASON_DONE, 262144);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_COST);
        cr_expect_eq(fixture_verdict(f, 0)->threshold, 3);
        f->now_ns += 8 * NSEC_PER_SEC; /* 30 s */
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_COST);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        f->now_ns += 300 * NSEC_PER_SEC;
        fixture_run(f, 280);
        cr_expect_eq(fixture_verdict(f, 0)->threshold, 2);
        fixture_free(f);
}

/* 5 us + 1/4 x (9 us - 5 us) = 6 us; 262144 x 6 us + 0.2 ms = 1.573064 s. */
Test(learn, cost_per_page) {
        Fixture *f = moving();
        Outcome o = fixture_outcome(f, 0, REASON_DONE, 262144);

        o.busy_ns = 262144 * 9000ull;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        cr_expect_float_eq(place_cost_ns(f->state, GIB), 1.573064e9, 1);
        /* A tiny job and one without time teach nothing, an absurd one little. */
        o.bytes_moved = 4 * MIB - 1;
        o.busy_ns = 1000 * NSEC_PER_SEC;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        o.bytes_moved = GIB;
        o.busy_ns = 0;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        cr_expect_float_eq(place_cost_ns(f->state, GIB), 1.573064e9, 1);
        o.busy_ns = UINT64_MAX;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        /* 6 us + 1/4 x (1 ms - 6 us) = 254.5 us */
        cr_expect_float_eq(place_cost_ns(f->state, 4096), 254500 + 200000, 1e-3);
        fixture_free(f);
}

Test(learn, no_memory_blocks_the_node_longer_each_time) {
        Fixture *f = moving();
        static const uint64_t seconds[] = { 10, 20, 40, 80, 160, 320, 640, 1280, 2560, 2560 };
        Outcome o = fixture_outcome(f, 0, REASON_NO_MEMORY, 1000);

        for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
                decide_learn(f->state, &o, &f->settings, f->now_ns);
                cr_expect_eq(decide_node_blocked_until(f->state, 0),
                             f->now_ns + seconds[i] * NSEC_PER_SEC, "failure %zu", i);
                f->now_ns = decide_node_blocked_until(f->state, 0);
        }
        cr_expect_eq(decide_node_blocked_until(f->state, 1), 0);
        cr_expect_eq(decide_node_blocked_until(f->state, -1), 0);
        cr_expect_eq(decide_node_blocked_until(f->state, NODES_MAX), 0);
        /* Success there, or a long time without failure, starts anew. */
        learn(f, REASON_DONE, 5);
        cr_expect_eq(decide_node_blocked_until(f->state, 0), 0);
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        f->now_ns += 2561 * NSEC_PER_SEC;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
        cr_expect_eq(decide_node_blocked_until(f->state, 0), f->now_ns + 10 * NSEC_PER_SEC);
        fixture_free(f);
}

Test(learn, a_blocked_node_holds_for_other_processes) {
        Fixture *f = fixture_new(2);

        fixture_add(f, 0, 1);
        fixture_add(f, 0, 1);
        fixture_run(f, 100);
        cr_assert_eq(f->plan.n_moves, 2);
        learn(f, REASON_NO_MEMORY, 0);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 1)->reason, REASON_NODE_BLOCKED);
        cr_expect_eq(fixture_verdict(f, 1)->observed, 9e9);
        fixture_free(f);
}

Test(learn, forbidden_until_exec) {
        Fixture *f = moving();

        learn(f, REASON_FORBIDDEN, 0);
        f->now_ns += 3600 * NSEC_PER_SEC;
        fixture_run(f, 100);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_FORBIDDEN);
        f->processes[0].info.comm[1] = 'x';
        f->now_ns += 100 * NSEC_PER_SEC;
        fixture_run(f, 100);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_MOVE);
        fixture_free(f);
}

Test(learn, a_gone_process_is_forgotten) {
        Fixture *f = moving();

        learn(f, REASON_PROCESS_GONE, 0);
        f->now_ns += NSEC_PER_SEC;
        fixture_decide(f);
        cr_expect_eq(fixture_verdict(f, 0)->reason, REASON_UNSETTLED);
        fixture_free(f);
}

Test(learn, outcomes_without_sense_do_no_harm) {
        Fixture *f = moving();
        Outcome o = { .reason = REASON_NO_MEMORY, .move = { .to = 99 } };

        decide_learn(f->state, &o, &f->settings, UINT64_MAX);
        o.move.to = -5;
        o.reason = REASON_MAX;
        decide_learn(f->state, &o, &f->settings, 0);
        fixture_decide(f);
        cr_expect_eq(f->plan.n_moves, 1);
        fixture_free(f);
}
