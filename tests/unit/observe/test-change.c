/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/change.h"

#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "common.h"
#include "decide/confidence.h"
#include "observe/internal.h"

#define SECOND NSEC_PER_SEC

/* xorshift64*: the same samples in each run. */
static double random_part(uint64_t *seed) {
        *seed ^= *seed >> 12;
        *seed ^= *seed << 25;
        *seed ^= *seed >> 27;
        return (double)((*seed * 0x2545f4914f6cdd1dull) >> 11) / 0x1p53;
}

/* One second of a process of which each sample is remote with this probability. */
static void second(ChangeWatch *c, unsigned samples, double share, uint64_t *seed) {
        for (unsigned i = 0; i < samples; i++)
                change_add(c, 1, random_part(seed) < share);
}

/* Processes that do the same all the time: hours of each, and hardly ever a false alarm. */
Test(change, steady_processes) {
        static const double shares[] = { 0, 0.02, 0.1, 0.5, 0.8, 1 };
        static const unsigned rates[] = { 1, 3, 10, 97, 400 };
        uint64_t seed = 1;
        unsigned found = 0;

        for (size_t s = 0; s < N(shares); s++)
                for (size_t r = 0; r < N(rates); r++) {
                        ChangeWatch c = {};

                        for (uint64_t t = 1; t <= 4 * 3600; t++) {
                                second(&c, rates[r], shares[s], &seed);
                                found += change_close(&c, t * SECOND);
                        }
                }
        cr_expect_eq(found, 0u, "%u in 120 hours", found);
}

/* A process that is not as even as coins, but has no before and after: each second has a share of its own,
 * or it does one thing and another in turns. It is found to change now and then, ever more rarely. */
Test(change, uneven_processes) {
        static const struct {
                const char *name;
                double low, high;
                unsigned period_s; /* 0: random */
                unsigned most;     /* in an hour */
        } rows[] = {
                { "any share in each second", 0.2, 0.8, 0, 6 },
                { "a little more or less", 0.4, 0.6, 0, 2 },
                { "turns of 1 s", 0.1, 0.9, 2, 2 },
                { "turns of 3 s", 0.1, 0.9, 6, 35 },
                { "turns of 8 s", 0, 1, 16, 35 },
                { "turns of 30 s", 0, 1, 60, 50 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                uint64_t seed = 7 + i;
                unsigned found = 0;
                ChangeWatch c = {};

                for (uint64_t t = 1; t <= 3600; t++) {
                        double part = rows[i].period_s ? (double)(t / (rows[i].period_s / 2) % 2)
                                                       : random_part(&seed);

                        second(&c, 97, rows[i].low + part * (rows[i].high - rows[i].low), &seed);
                        found += change_close(&c, t * SECOND);
                }
                cr_expect_leq(found, rows[i].most, "%s: %u", rows[i].name, found);
        }
}

/* A source that brings samples without a kernel. */
static const SourceType scripted_type = { .id = SOURCE_CLOCK, .current = true };

typedef struct Script {
        Source source;
        Observer *o;
        SystemRoot root;
        ProcessTable *processes;
        TrackedProcess *p;
        uint64_t now_ns;
} Script;

static const Topology topology = { .n_nodes = 2, .node_id = { 0, 1 } };

static void script_open(Script *s, SourceType const *type) {
        *s = (Script) { .source = { .type = type }, .now_ns = 1000 * SECOND };
        cr_assert_eq(system_root_open(&s->root, ""), 0);
        cr_assert_eq(observer_new(&s->o, &topology, &s->root), 0);
        s->source.observer = s->o;
        s->o->slots[s->o->n_slots++] = (SourceSlot) { .type = type, .source = &s->source };
        cr_assert_eq(process_table_touch(s->o->processes, (ProcessId) { 1 << 23, 1 }, &s->p), 0);
}

static void script_close(Script *s) {
        s->o->n_slots = 0;
        observer_free(s->o);
        system_root_close(&s->root);
}

static void script_second(Script *s, unsigned samples, double share, uint64_t *seed) {
        Access a = { .process = s->p,
                     .source = s->source.type->id,
                     .address = 1ull << 40,
                     .weight = 1,
                     .n = 1 };

        s->now_ns += SECOND;
        evidence_decay(&s->p->observed.evidence, s->now_ns);
        for (unsigned i = 0; i < samples; i++) {
                a.home = random_part(seed) < share;
                ledger_account(&s->o->ledger, &a);
        }
        observer_close_interval(s->o, s->now_ns, SECOND);
}

/* After 15 s the estimate says what is, wherever the old one was; and nothing is claimed meanwhile that
 * the new samples alone do not bear out. */
Test(change, the_estimate_follows_within_15_seconds) {
        static const struct {
                double before, after;
                unsigned samples, found;
        } rows[] = {
                { 0.8, 0, 97, 1 },   { 0.8, 0, 10, 1 },   { 0, 0.8, 97, 1 },   { 0.9, 0.3, 30, 1 },
                { 0.3, 0.6, 97, 1 }, { 1, 0, 5, 1 },      { 0.5, 0.9, 97, 1 }, { 0.06, 0, 97, 0 },
                { 0.5, 0.5, 97, 0 }, { 0.2, 0.4, 97, 1 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                double sum = 0, over = 0;
                enum { RUNS = 40 };

                for (uint64_t run = 0; run < RUNS; run++) {
                        uint64_t seed = 1000 * (i + 1) + run;
                        const Evidence *e;
                        Script s;

                        script_open(&s, &scripted_type);
                        e = &s.p->observed.evidence;
                        for (int t = 0; t < 40; t++)
                                script_second(&s, rows[i].samples, rows[i].before, &seed);
                        /* It changes in the middle of a second. */
                        script_second(&s, rows[i].samples, (rows[i].before + rows[i].after) / 2,
                                      &seed);
                        for (int t = 1; t < 15; t++) {
                                script_second(&s, rows[i].samples, rows[i].after, &seed);
                                if (s.o->ledger.counters.processes_changed && e->evaluations >= 2)
                                        over += wilson_lower(evidence_remote(e), e->samples) >
                                                rows[i].after + 1e-3;
                        }
                        sum += evidence_remote_share(e);
                        cr_expect_eq(s.o->ledger.counters.processes_changed, rows[i].found,
                                     "row %zu, run %llu", i, (unsigned long long)run);
                        script_close(&s);
                }
                cr_expect_float_eq(sum / RUNS, rows[i].after, 0.03, "row %zu: %f", i, sum / RUNS);
                cr_expect_leq(over / (RUNS * 12), 0.05, "row %zu: lower bound too high in %f", i,
                              over / (RUNS * 12));
        }
}

/* What is dropped, and what is not. */
Test(change, the_past_is_dropped) {
        static const SourceType in_turns = { .id = SOURCE_HINT };
        uint64_t seed = 1;
        Script s;

        script_open(&s, &scripted_type);
        for (int t = 0; t < 20; t++)
                script_second(&s, 97, 0, &seed);
        for (int t = 0; t < 4 && s.o->ledger.counters.processes_changed == 0; t++)
                script_second(&s, 97, 1, &seed);
        cr_expect_eq(s.o->ledger.counters.processes_changed, 1u);
        cr_expect_eq(s.p->observed.evidence.evaluations, 0u);
        cr_expect_lt(s.p->observed.evidence.samples, 2.0);
        cr_expect_eq(s.p->regions.n, 1u, "where it accessed memory is known, but weighs little");
        script_close(&s);

        /* A scanner that passes through the memory shows one node's part after the other's. */
        script_open(&s, &in_turns);
        for (int t = 0; t < 60; t++)
                script_second(&s, 97, t / 30, &seed);
        cr_expect_eq(s.o->ledger.counters.processes_changed, 0u);
        script_close(&s);
}

/* Samples that were moved are no change, and few samples make none. */
Test(change, known_reasons_and_few_samples) {
        ChangeWatch c = {};
        uint64_t seed = 3, t = 0;

        for (; t < 20; t++) {
                second(&c, 97, 1, &seed);
                cr_expect_not(change_close(&c, t * SECOND));
        }
        change_reset(&c);
        for (; t < 40; t++) {
                second(&c, 97, 0, &seed);
                cr_expect_not(change_close(&c, t * SECOND));
        }
        c = (ChangeWatch) {};
        for (t = 0; t < 40; t++) {
                if (t % 8 == 0)
                        change_add(&c, 1, t >= 20);
                cr_expect_not(change_close(&c, t * SECOND));
        }
        cr_expect_eq(c.n_bins, 0u);
}
