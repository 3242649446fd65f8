/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "fixture.h"
#include "machine.h"

/* The policy in a closed loop with a machine that is played: samples come at random from where the
 * process runs and where its memory is, orders take time and move memory, evidence fades and starts
 * anew after a move, and moves are reviewed, as the daemon does it. */

#define SEEDS            20
#define SAMPLES_PER_CPU  97 /* per second */
#define BYTES_PER_SECOND (256 * MIB)

typedef struct Played {
        Fixture *f;
        FixtureProcess *p;
        Random random;
        double cpus[2];   /* CPUs used on each node */
        double memory[2]; /* part of its memory on each node */
        bool unmovable;   /* orders report success and change nothing */
        Move move;        /* under way */
        uint64_t move_ends_ns;
        Outcome reviewed; /* waits for two evaluations */
        unsigned review_in;
        unsigned moves;
} Played;

static Played played_new(uint64_t seed, double cpus0, double cpus1, double memory0) {
        Played s = { .f = fixture_new(2), .random = { seed } };

        s.p = fixture_add(s.f, 0, 1);
        fixture_access(s.p, 0, 1, 0);
        s.p->evidence.evaluations = 0;
        s.p->evidence.updated_ns = s.f->now_ns;
        s.cpus[0] = cpus0;
        s.cpus[1] = cpus1;
        s.memory[0] = memory0;
        s.memory[1] = 1 - memory0;
        return s;
}

/* One second of samples. */
static void sample(Played *s) {
        bool any = false;

        evidence_decay(&s->p->evidence, s->f->now_ns);
        for (int a = 0; a < 2; a++) {
                unsigned n = (unsigned)(SAMPLES_PER_CPU * s->cpus[a]);

                s->p->cpu_ns[a] = s->cpus[a] * 1e9;
                for (unsigned i = 0; i < n; i++) {
                        /* Two of three samples lead to an address. */
                        if (random_once_in(&s->random, 3))
                                evidence_add(&s->p->evidence, NODE_NONE, 0, 1, false);
                        else
                                evidence_add(&s->p->evidence, a,
                                             random_unit(&s->random) >= s->memory[0], 1, true);
                        any = true;
                }
        }
        for (int h = 0; h < 2; h++)
                s->p->resident[h] = (uint64_t)(s->memory[h] * (double)s->p->info.rss_bytes);
        s->p->evidence.evaluations += any;
}

static void forget(Played *s) {
        for (int c = 0; c < 4; c++)
                s->p->access[c] = s->p->waited[c] = 0;
        s->p->evidence.samples = s->p->evidence.unresolved = 0;
        s->p->evidence.evaluations = 0;
}

static void finish_job(Played *s) {
        Outcome o = { .move = s->move,
                      .reason = REASON_DONE,
                      .pages_planned = s->move.bytes / 4096,
                      .pages_moved = s->move.bytes / 4096,
                      .bytes_moved = s->move.bytes,
                      .busy_ns = s->move.bytes / 4096 * 1500 };

        if (!s->unmovable) {
                s->memory[s->move.to] = 1;
                s->memory[!s->move.to] = 0;
        }
        decide_learn(s->f->state, &o, &s->f->settings, s->f->now_ns);
        forget(s);
        s->p->busy = false;
        s->reviewed = o;
        s->review_in = 2;
}

static void review(Played *s) {
        if (s->review_in == 0 || --s->review_in > 0)
                return;
        s->reviewed.remote_after = evidence_remote_share(&s->p->evidence);
        decide_review(s->f->state, &s->reviewed, &s->p->evidence, &s->f->settings, s->f->now_ns);
}

static void play(Played *s, unsigned seconds) {
        for (unsigned i = 0; i < seconds; i++) {
                s->f->now_ns += NSEC_PER_SEC;
                sample(s);
                if (s->p->busy && s->f->now_ns >= s->move_ends_ns)
                        finish_job(s);
                fixture_decide(s->f);
                review(s);
                if (s->f->plan.n_moves == 0)
                        continue;
                s->move = s->f->plan.moves[0];
                s->move_ends_ns = s->f->now_ns + s->move.bytes * NSEC_PER_SEC / BYTES_PER_SECOND;
                s->p->busy = true;
                s->moves++;
        }
}

Test(simulation, what_is_local_stays) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 0, 1);

                play(&s, 300);
                cr_assert_eq(s.moves, 0, "seed %lu", seed);
                cr_assert_eq(fixture_verdict(s.f, 0)->reason, REASON_BALANCED, "seed %lu", seed);
                fixture_free(s.f);
        }
}

Test(simulation, what_is_misplaced_moves_once) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 0, 0);

                play(&s, 60);
                cr_assert_eq(s.moves, 1, "seed %lu: %u moves in the first minute", seed, s.moves);
                play(&s, 600);
                cr_assert_eq(s.moves, 1, "seed %lu: %u moves", seed, s.moves);
                cr_assert_eq(fixture_verdict(s.f, 0)->reason, REASON_BALANCED, "seed %lu", seed);
                fixture_free(s.f);
        }
}

/* Interleaved, on one node: the remote half follows. */
Test(simulation, half_misplaced_moves_once) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 0, 2, 0.5);

                play(&s, 600);
                cr_assert_eq(s.moves, 1, "seed %lu: %u moves", seed, s.moves);
                cr_assert_eq(s.memory[1], 1, "seed %lu", seed);
                fixture_free(s.f);
        }
}

Test(simulation, what_runs_on_both_nodes_stays) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 1, 0.5);

                play(&s, 300);
                cr_assert_eq(s.moves, 0, "seed %lu", seed);
                fixture_free(s.f);
        }
}

/* Goes to the other node every ten seconds: it never stays long enough to pay for a move. */
Test(simulation, a_restless_process_is_not_chased) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 0, 1);

                for (int i = 0; i < 60; i++) {
                        int node = i % 2;

                        s.cpus[node] = 1;
                        s.cpus[!node] = 0;
                        play(&s, 10);
                }
                cr_assert_eq(s.moves, 0, "seed %lu: %u moves", seed, s.moves);
                fixture_free(s.f);
        }
}

/* Goes to the other node every two minutes: worth following, but not more often than that. */
Test(simulation, a_slow_change_is_followed) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 0, 1);

                for (int i = 0; i < 10; i++) {
                        int node = i % 2;

                        s.cpus[node] = 1;
                        s.cpus[!node] = 0;
                        play(&s, 120);
                }
                cr_assert(s.moves >= 5 && s.moves <= 10, "seed %lu: %u moves", seed, s.moves);
                cr_assert_eq(decide_stopped_until(s.f->state, s.f->now_ns), 0, "seed %lu", seed);
                fixture_free(s.f);
        }
}

/* Three moves without effect, after the first minute of each cool-down: then 10 min of rest. */
Test(simulation, what_does_not_help_is_given_up) {
        for (uint64_t seed = 1; seed <= SEEDS; seed++) {
                Played s = played_new(seed, 1, 0, 0);

                s.unmovable = true;
                play(&s, 900);
                cr_assert_eq(s.moves, 3, "seed %lu: %u moves", seed, s.moves);
                cr_assert_eq(fixture_verdict(s.f, 0)->reason, REASON_GAVE_UP, "seed %lu", seed);
                fixture_free(s.f);
        }
}

/* An idle process is not worth a move however misplaced it is. */
Test(simulation, an_idle_process_stays) {
        Played s = played_new(1, 0.03, 0, 0);

        play(&s, 900);
        cr_assert_eq(s.moves, 0);
        fixture_free(s.f);
}
