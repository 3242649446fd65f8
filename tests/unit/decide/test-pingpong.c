/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/pingpong.h"

#include <criterion/criterion.h>

#include "decide/tuning.h"
#include "fixture.h"

#define S(seconds) ((uint64_t)(seconds)*NSEC_PER_SEC)

Test(pingpong, five_percent_stop) {
        PingPong p = {};

        for (int i = 0; i < 95; i++)
                ping_pong_count(&p, MIB, false, S(100));
        for (int i = 0; i < 5; i++) {
                ping_pong_count(&p, MIB, true, S(100));
                cr_assert_eq(ping_pong_stopped_until(&p, S(100)), 0, "5 of 100 are not too many");
        }
        cr_expect_eq(ping_pong_jobs(&p, S(100)), JOBS_IN_FLIGHT_MAX);
        ping_pong_count(&p, MIB, true, S(100));
        cr_expect_eq(ping_pong_stopped_until(&p, S(100)), S(400));
        cr_expect_eq(ping_pong_jobs(&p, S(399)), 0);
        cr_expect_eq(ping_pong_jobs(&p, S(400)), 1, "on trial");
        cr_expect_eq(ping_pong_jobs(&p, S(699)), 1);
        cr_expect_eq(ping_pong_jobs(&p, S(700)), JOBS_IN_FLIGHT_MAX);
}

/* 100 MiB moved at 0 s count 12.5 after three half-lives: 1 MiB of 13.5 that returns is 7 %. */
Test(pingpong, old_moves_fade) {
        PingPong p = {};

        ping_pong_count(&p, 100 * MIB, false, S(100));
        ping_pong_count(&p, MIB, true, S(100));
        cr_expect_eq(ping_pong_stopped_until(&p, S(100)), 0);
        p = (PingPong) {};
        ping_pong_count(&p, 100 * MIB, false, S(100));
        ping_pong_count(&p, MIB, true, S(1000));
        cr_expect_eq(ping_pong_stopped_until(&p, S(1000)), S(1300));
}

Test(pingpong, stops_in_a_row_double) {
        static const uint64_t seconds[] = { 300, 600, 1200, 2400, 4800, 4800 };
        uint64_t now_ns = S(100);
        PingPong p = {};

        for (size_t i = 0; i < sizeof(seconds) / sizeof(seconds[0]); i++) {
                ping_pong_count(&p, MIB, true, now_ns);
                cr_expect_eq(ping_pong_stopped_until(&p, now_ns), now_ns + S(seconds[i]), "%zu", i);
                now_ns = p.stopped_until_ns + S(299);
        }
        now_ns = p.stopped_until_ns + S(300);
        ping_pong_count(&p, MIB, true, now_ns);
        cr_expect_eq(ping_pong_stopped_until(&p, now_ns), now_ns + S(300), "passed the trial");
        cr_expect_eq(p.total, 7);
}

static void finish(Fixture *f, size_t i, double benefit_ns, NodeMask from, int to) {
        Outcome o = fixture_outcome(f, i, REASON_DONE, 1000);

        o.move.from = from;
        o.move.to = to;
        o.move.benefit_ns = benefit_ns;
        decide_learn(f->state, &o, &f->settings, f->now_ns);
}

Test(pingpong, only_a_quick_return_of_an_ordered_move_counts) {
        static const struct {
                const char *name;
                uint64_t after_ns;
                double benefit_ns;
                NodeMask from;
                int to;
                bool stops;
        } rows[] = {
                { "there and back", S(59), 1, 1, 1, true },
                { "back late", S(60), 1, 1, 1, false },
                { "on to a third node", S(59), 1, 1, 2, false },
                { "by hand", S(59), 0, 1, 1, false },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Fixture *f = fixture_new(3);

                fixture_add(f, 0, 1);
                finish(f, 0, 1, 2, 0);
                f->now_ns += rows[i].after_ns;
                finish(f, 0, rows[i].benefit_ns, rows[i].from, rows[i].to);
                cr_expect_eq(decide_stopped_until(f->state, f->now_ns) > 0, rows[i].stops, "%s",
                             rows[i].name);
                fixture_free(f);
        }
}

Test(pingpong, a_stopped_engine_plans_nothing_then_one_at_a_time) {
        Fixture *f = fixture_new(2);
        const Verdict *v;
        uint64_t until_ns;

        for (int i = 0; i < 4; i++)
                fixture_add(f, 0, 1);
        finish(f, 3, 1, 2, 0);
        finish(f, 3, 1, 1, 1);
        until_ns = decide_stopped_until(f->state, f->now_ns);
        cr_assert_eq(until_ns, f->now_ns + S(300));
        f->now_ns = until_ns - S(1);
        fixture_run(f, 100);
        cr_expect_eq(f->plan.n_moves, 0);
        v = fixture_verdict(f, 0);
        cr_expect_eq(v->reason, REASON_PING_PONG);
        cr_expect_eq(v->wait_until_ns, until_ns);
        cr_expect_eq(v->observed, 1e9);
        f->now_ns = until_ns;
        fixture_decide(f);
        cr_expect_eq(f->plan.n_moves, 1);
        v = fixture_verdict(f, 1);
        cr_expect_eq(v->reason, REASON_BUDGET);
        cr_expect_eq(v->observed, 1);
        cr_expect_eq(v->threshold, 1);
        f->now_ns += S(300);
        fixture_run(f, 100);
        cr_expect_eq(f->plan.n_moves, 4);
        fixture_free(f);
}
