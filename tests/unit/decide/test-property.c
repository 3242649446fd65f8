/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <math.h>
#include <stdlib.h>

#include "base/mathx.h"
#include "decide/place.h"
#include "decide/state.h"
#include "decide/tuning.h"
#include "machine.h"

/* What must hold on every machine. A failure names the seed, which names the machine. */

#define START_NS (1000 * NSEC_PER_SEC)

/* No larger than need be: clearing the full table ten thousand times would take most of the time. */
static DecideState *remember(const Machine *m) {
        DecideState *state = NULL;

        cr_assert_eq(state_new(&state, &m->topology, (uint32_t)m->n_processes + 1), 0);
        return state;
}

/* Evaluations one second apart, the first at START_NS; returns the time of the last. */
static uint64_t run(Machine *m, DecideState *state, Plan *plan, unsigned n) {
        uint64_t now_ns = START_NS;

        for (unsigned i = 0; i < n; i++) {
                now_ns = START_NS + i * NSEC_PER_SEC;
                cr_assert_eq(decide(&m->snapshot, state, &m->settings, now_ns, plan), 0);
        }
        return now_ns;
}

static const ProcessView *view_of(const Machine *m, ProcessId id) {
        for (size_t i = 0; i < m->n_processes; i++)
                if (process_id_equal(m->views[i].info->id, id))
                        return &m->views[i];
        return NULL;
}

static void check_verdict(const Verdict *v, const Machine *m, uint64_t seed) {
        const double numbers[] = { v->samples, v->remote_share, v->remote_lower, v->remote_upper,
                                   v->cpu_ns,  v->stall_ns,     v->score,        v->run_share,
                                   v->cost_ns, v->benefit_ns,   v->observed,     v->threshold };
        const int nodes[] = { v->home_node, v->run_node, v->target_node };

        for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++)
                cr_assert(isfinite(numbers[i]) && numbers[i] >= 0, "seed %lu number %zu: %f", seed,
                          i, numbers[i]);
        for (size_t i = 0; i < 3; i++)
                cr_assert(nodes[i] >= NODE_NONE && nodes[i] < (int)m->topology.n_nodes, "seed %lu",
                          seed);
        cr_assert(v->remote_lower <= v->remote_share + 1e-9, "seed %lu", seed);
        cr_assert(v->remote_upper >= v->remote_share - 1e-9, "seed %lu", seed);
        cr_assert(v->remote_share <= 1 && v->score <= 1 + 1e-9 && v->run_share <= 1, "seed %lu",
                  seed);
        cr_assert_neq(v->reason, REASON_NONE, "seed %lu", seed);
}

static void check_process(const ProcessView *view, const Move *move, const Machine *m,
                          uint64_t now_ns, uint64_t seed) {
        const ProcessInfo *info = view->info;
        const Topology *t = &m->topology;

        cr_assert(!info->kernel_thread && !info->task_policy && !info->vma_policy &&
                          !info->realtime && !info->device_memory && !info->locked_bytes &&
                          !info->hugetlb_bytes && !view->busy && info->id.pid != m->snapshot.self &&
                          info->attributes != ATTRIBUTES_UNKNOWN,
                  "seed %lu pid %d", seed, info->id.pid);
        cr_assert(info->age_ns >= m->settings.min_age_ns / 2, "seed %lu", seed);
        cr_assert(info->rss_bytes >= m->settings.min_rss_bytes / 2, "seed %lu", seed);
        cr_assert(move->to >= 0 && move->to < (int)t->n_nodes, "seed %lu", seed);
        cr_assert(node_mask_has(info->cpuset_mems, move->to), "seed %lu", seed);
        cr_assert(t->has_cpu[move->to] && t->has_memory[move->to], "seed %lu", seed);
        cr_assert(m->nodes[move->to].blocked_until_ns <= now_ns, "seed %lu", seed);
        cr_assert(move->from != 0 && !node_mask_has(move->from, move->to), "seed %lu", seed);
        for (uint32_t i = 0; i < NODES_MAX; i++)
                if (node_mask_has(move->from, (int)i))
                        cr_assert(i < t->n_nodes && t->has_cpu[i] && t->has_memory[i], "seed %lu",
                                  seed);
        cr_assert(move->benefit_ns >= m->settings.benefit_ratio * move->cost_ns * (1 - 1e-12),
                  "seed %lu", seed);
}

/* Ranges of an order lie in regions of the process that are its own to move, and overlap nowhere. */
static void check_ranges(const ProcessView *view, const Move *move, uint64_t seed) {
        uint64_t bytes = 0;

        cr_assert(move->n_ranges <= MOVE_RANGES_MAX && !move->ranges == (move->n_ranges == 0),
                  "seed %lu", seed);
        cr_assert(move->n_ranges > 0 || !move->ranges_only, "seed %lu", seed);
        for (uint32_t i = 0; i < move->n_ranges; i++) {
                uint64_t start = move->ranges[i].start, end = move->ranges[i].end, covered = 0;

                cr_assert(start < end && start % 4096 == 0 && end % 4096 == 0, "seed %lu", seed);
                for (uint32_t k = 0; k < i; k++)
                        cr_assert(end <= move->ranges[k].start || start >= move->ranges[k].end,
                                  "seed %lu", seed);
                for (size_t k = 0; k < view->n_regions; k++)
                        if (view->regions[k].start >= start && view->regions[k].start < end) {
                                cr_assert(!view->regions[k].unmovable, "seed %lu", seed);
                                covered += view->regions[k].bytes;
                        }
                cr_assert_eq(covered, end - start, "seed %lu", seed);
                bytes += covered;
        }
        if (move->ranges_only)
                cr_assert_eq(bytes, move->bytes, "seed %lu", seed);
}

/* Everything that a plan promises. */
static void check_plan(const Machine *m, const Plan *plan, uint64_t now_ns, uint64_t seed) {
        unsigned __int128 planned[NODES_MAX] = {};
        size_t jobs = plan->n_moves;

        cr_assert_eq(plan->n_verdicts, m->n_processes, "seed %lu", seed);
        for (size_t i = 0; i < plan->n_verdicts; i++) {
                cr_assert(process_id_equal(plan->verdicts[i].id, m->views[i].info->id), "seed %lu",
                          seed);
                check_verdict(&plan->verdicts[i], m, seed);
                jobs += m->views[i].busy;
        }
        cr_assert(plan->n_moves == 0 || jobs <= JOBS_IN_FLIGHT_MAX, "seed %lu", seed);
        for (size_t i = 0; i < plan->n_moves; i++) {
                const Move *move = &plan->moves[i];

                check_process(view_of(m, move->id), move, m, now_ns, seed);
                check_ranges(view_of(m, move->id), move, seed);
                /* Another order of the same process has another target, and both are of regions. */
                for (size_t k = 0; k < i; k++)
                        if (process_id_equal(plan->moves[k].id, move->id))
                                cr_assert(plan->moves[k].to != move->to && move->ranges_only &&
                                                  plan->moves[k].ranges_only,
                                          "seed %lu", seed);
                planned[move->to] += place_reserve(move->bytes);
        }
        for (uint32_t i = 0; i < m->topology.n_nodes; i++) {
                uint64_t keep = m->topology.total_bytes[i] / 16;
                uint64_t watermarks = mul_sat(2, m->nodes[i].high_watermark_bytes);

                if (planned[i] > 0)
                        cr_assert(planned[i] + (keep > watermarks ? keep : watermarks) <=
                                          m->nodes[i].available_bytes,
                                  "seed %lu node %u", seed, i);
        }
}

static void compare_plans(const Plan *a, const Plan *b, uint64_t seed) {
        cr_assert_eq(a->n_moves, b->n_moves, "seed %lu: %zu and %zu moves", seed, a->n_moves,
                     b->n_moves);
        for (size_t i = 0; i < a->n_moves; i++) {
                const Move *x = &a->moves[i], *y = &b->moves[i];

                cr_assert(process_id_equal(x->id, y->id) && x->to == y->to && x->from == y->from &&
                                  x->bytes == y->bytes && x->benefit_ns == y->benefit_ns &&
                                  x->n_ranges == y->n_ranges && x->ranges_only == y->ranges_only,
                          "seed %lu move %zu", seed, i);
                for (uint32_t k = 0; k < x->n_ranges; k++)
                        cr_assert(x->ranges[k].start == y->ranges[k].start &&
                                          x->ranges[k].end == y->ranges[k].end,
                                  "seed %lu move %zu", seed, i);
        }
}

Test(property, plans_are_sound_whatever_the_order) {
        size_t moves = 0, moved = 0, by_region = 0;

        for (uint64_t seed = 1; seed <= 10000; seed++) {
                Machine *m = machine_new(seed, MACHINE_ANY);
                DecideState *one = remember(m), *other = remember(m);
                Plan plan = {}, shuffled = {};
                uint64_t now_ns;

                now_ns = run(m, one, &plan, 5);
                check_plan(m, &plan, now_ns, seed);
                machine_shuffle(m, seed);
                run(m, other, &shuffled, 5);
                check_plan(m, &shuffled, now_ns, seed);
                compare_plans(&plan, &shuffled, seed);
                moves += plan.n_moves;
                moved += plan.n_moves > 0;
                for (size_t i = 0; i < plan.n_moves; i++)
                        by_region += plan.moves[i].ranges_only;
                plan_done(&plan);
                plan_done(&shuffled);
                decide_state_free(one);
                decide_state_free(other);
                machine_free(m);
        }
        /* The machines must give something to do, or this proves nothing. */
        cr_assert_gt(moved, 1000, "%zu machines with moves", moved);
        cr_assert_gt(moves, 1500, "%zu moves", moves);
        cr_assert_gt(by_region, 1000, "%zu moves by region", by_region);
}

Test(property, nothing_moves_when_balanced) {
        for (uint64_t seed = 1; seed <= 10000; seed++) {
                Machine *m = machine_new(seed, MACHINE_BALANCED);
                DecideState *state = remember(m);
                Plan plan = {};

                m->settings.benefit_ratio = 0;
                run(m, state, &plan, 5);
                cr_assert_eq(plan.n_moves, 0, "seed %lu", seed);
                plan_done(&plan);
                decide_state_free(state);
                machine_free(m);
        }
}

Test(property, absurd_numbers_stay_finite) {
        for (uint64_t seed = 1; seed <= 10000; seed++) {
                Machine *m = machine_new(seed, MACHINE_HOSTILE);
                DecideState *state = remember(m);
                Plan plan = {};
                uint64_t now_ns = run(m, state, &plan, 5);

                check_plan(m, &plan, now_ns, seed);
                cr_assert_eq(decide(&m->snapshot, state, &m->settings, UINT64_MAX, &plan), 0);
                for (size_t i = 0; i < plan.n_verdicts; i++)
                        check_verdict(&plan.verdicts[i], m, seed);
                cr_assert_eq(decide(&m->snapshot, state, &m->settings, 0, &plan), 0);
                for (size_t i = 0; i < plan.n_verdicts; i++)
                        check_verdict(&plan.verdicts[i], m, seed);
                plan_done(&plan);
                decide_state_free(state);
                machine_free(m);
        }
}

/* Without gates, the same number of samples with more of them remote never promises less. */
Test(property, benefit_never_falls_when_the_remote_share_rises) {
        size_t compared = 0;

        for (uint64_t seed = 1; seed <= 10000; seed++) {
                Machine *m = machine_new(seed, MACHINE_ANY);
                uint32_t n = m->topology.n_nodes;
                double before = 0, samples = 1 + (double)(seed % 300);
                Random r = { seed };
                uint32_t a = (uint32_t)random_below(&r, n);
                uint32_t h = (a + 1 + (uint32_t)random_below(&r, n - 1)) % n;

                m->settings.min_remote_percent = m->settings.min_score_percent = 0;
                m->settings.min_stall_ns = 0;
                if (m->n_processes == 0 || !m->views[0].evidence) {
                        machine_free(m);
                        continue;
                }
                /* Room everywhere, so that more to move never means a worse target. */
                for (uint32_t i = 0; i < n; i++)
                        m->nodes[i] = (NodeState) { .available_bytes = UINT64_MAX / 2 };
                m->snapshot.n_processes = 1;
                m->snapshot.self = 0;
                m->infos[0] = (ProcessInfo) { .id = { 2, 1 },
                                              .cpuset_mems = UINT64_MAX,
                                              .age_ns = UINT64_MAX,
                                              .rss_bytes = 1024 * MIB };
                m->evidence[0].evaluations = 5;
                m->views[0].busy = false;
                for (int part = 0; part <= 10; part++) {
                        DecideState *state = remember(m);
                        Evidence *e = &m->evidence[0];
                        double remote = samples * part / 10;
                        Plan plan = {};

                        for (uint32_t c = 0; c < n * n; c++)
                                e->access[c] = e->waited[c] = 0;
                        e->access[a * n + a] = e->waited[a * n + a] = samples - remote;
                        e->access[a * n + h] = e->waited[a * n + h] = remote;
                        run(m, state, &plan, 3);
                        cr_assert(plan.verdicts[0].benefit_ns >= before * (1 - 1e-9),
                                  "seed %lu part %d: %f after %f", seed, part,
                                  plan.verdicts[0].benefit_ns, before);
                        before = plan.verdicts[0].benefit_ns;
                        plan_done(&plan);
                        decide_state_free(state);
                }
                compared += before > 0;
                machine_free(m);
        }
        cr_assert_gt(compared, 500, "%zu", compared);
}

/* When a process was moved whole, when any region of it, and when each. */
typedef struct LastMove {
        uint64_t whole_ns;
        uint64_t pieces_ns;
        uint64_t region_ns[MACHINE_REGIONS];
} LastMove;

/* What the engine may say, true or not. */
static Outcome any_outcome(const Move *move, Random *r) {
        static const Reason ends[] = { REASON_DONE,   REASON_PARTLY,    REASON_NO_MEMORY,
                                       REASON_ERROR,  REASON_CANCELLED, REASON_PASSES_EXHAUSTED,
                                       REASON_CPUSET, REASON_DONE };
        Outcome o = { .move = *move, .state = JOB_FINISHED, .remote_after = NAN };

        o.reason = ends[random_below(r, sizeof(ends) / sizeof(ends[0]))];
        o.pages_planned = move->bytes / 4096;
        o.pages_moved = random_below(r, o.pages_planned + 1);
        o.bytes_moved = o.pages_moved * 4096;
        o.busy_ns = random_below(r, 10 * NSEC_PER_SEC);
        return o;
}

static void expect_rest(uint64_t last_ns, uint64_t rest_ns, uint64_t now_ns, uint64_t seed,
                        const char *what) {
        cr_assert(last_ns == 0 || now_ns - last_ns >= rest_ns, "seed %lu: %s again after %lu ns",
                  seed, what, now_ns - last_ns);
}

/* What one order does to the machine, if anything. */
static void carry_out_regions(Machine *m, const Move *move, size_t i, LastMove *last, Random *r,
                              uint64_t now_ns, uint64_t seed) {
        bool really = random_once_in(r, 2);

        expect_rest(last->whole_ns, RETURN_NS, now_ns, seed, "regions of a moved process");
        for (size_t k = 0; k < m->views[i].n_regions; k++)
                for (uint32_t n = 0; n < move->n_ranges; n++) {
                        uint64_t at = m->views[i].regions[k].start;

                        if (at < move->ranges[n].start || at >= move->ranges[n].end)
                                continue;
                        expect_rest(last->region_ns[k], RETURN_NS, now_ns, seed, "a region");
                        last->region_ns[k] = now_ns;
                        if (really)
                                machine_move_region(m, i, k, move->to);
                }
        last->pieces_ns = now_ns;
}

/* Carries out a plan: memory really moves, or not. */
static void carry_out(Machine *m, DecideState *state, const Plan *plan, LastMove *last, Random *r,
                      uint64_t now_ns, uint64_t seed) {
        for (size_t k = 0; k < plan->n_moves; k++) {
                const Move *move = &plan->moves[k];
                size_t i = (size_t)(move->id.pid - 2) / 3;
                Outcome o = any_outcome(move, r);

                if (move->ranges_only)
                        carry_out_regions(m, move, i, &last[i], r, now_ns, seed);
                else {
                        expect_rest(last[i].whole_ns, m->settings.cooldown_ns, now_ns, seed,
                                    "a process");
                        expect_rest(last[i].pieces_ns, RETURN_NS, now_ns, seed,
                                    "a process of which regions were");
                        last[i].whole_ns = now_ns;
                        if (random_once_in(r, 2))
                                machine_move(m, i, move->to);
                }
                if (random_once_in(r, 20))
                        o.move.ranges = NULL; /* not known any more */
                decide_learn(state, &o, &m->settings, now_ns);
        }
}

Test(property, no_return_within_the_dwell_time) {
        size_t moves = 0, by_region = 0;

        for (uint64_t seed = 1; seed <= 10000; seed++) {
                Machine *m = machine_new(seed, MACHINE_ANY);
                DecideState *state = remember(m);
                LastMove *last = calloc(m->n_processes + 1, sizeof(*last));
                Random r = { seed };
                Plan plan = {};

                m->settings.benefit_ratio = 0;
                m->settings.cooldown_ns = (1 + random_below(&r, 20)) * NSEC_PER_SEC;
                if (m->n_processes > 200) /* enough are small */
                        m->snapshot.n_processes = 200;
                for (unsigned step = 0; step < 60; step++) {
                        uint64_t now_ns = START_NS + step * 2 * NSEC_PER_SEC;

                        /* The others stay on the nodes that they run on, and go by region. */
                        for (size_t i = 0; i < m->snapshot.n_processes; i += 2)
                                if (random_once_in(&r, 10))
                                        machine_reschedule(
                                                m, i, (int)random_below(&r, m->topology.n_nodes));
                        cr_assert_eq(decide(&m->snapshot, state, &m->settings, now_ns, &plan), 0);
                        carry_out(m, state, &plan, last, &r, now_ns, seed);
                        moves += plan.n_moves;
                        for (size_t i = 0; i < plan.n_moves; i++)
                                by_region += plan.moves[i].ranges_only;
                }
                plan_done(&plan);
                free(last);
                decide_state_free(state);
                machine_free(m);
        }
        cr_assert_gt(moves, 500, "%zu moves", moves);
        cr_assert_gt(by_region, 100, "%zu moves by region", by_region);
}

/* More processes than can be remembered: the plan still does not depend on their order. */
Test(property, a_crowd_is_bounded) {
        size_t n = PROCESSES_MAX + 500;
        Machine *m = machine_new(7, MACHINE_ANY);
        ProcessInfo *infos = calloc(n, sizeof(*infos));
        ProcessView *views = calloc(n, sizeof(*views));
        double cells[2][2] = { { 0, 100 }, { 0, 0 } }, cpu_ns[2] = { 1e9, 0 };
        Evidence e = { .source = SOURCE_CLOCK,
                       .n_nodes = 2,
                       .access = cells[0],
                       .waited = cells[0],
                       .cpu_ns = cpu_ns,
                       .evaluations = 5 };
        DecideState *state[2];
        Plan plan[2] = {};

        m->topology = (Topology) { .n_nodes = 2,
                                   .has_cpu = { true, true },
                                   .has_memory = { true, true },
                                   .distance = { { 10, 21 }, { 21, 10 } } };
        m->nodes[0] = m->nodes[1] = (NodeState) { .available_bytes = UINT64_MAX };
        m->settings.benefit_ratio = 0;
        for (size_t i = 0; i < n; i++) {
                infos[i] = (ProcessInfo) { .id = { (pid_t)(i + 10), 1 },
                                           .cpuset_mems = 3,
                                           .age_ns = UINT64_MAX,
                                           .attributes = ATTRIBUTES_BPF,
                                           .rss_bytes = (100 + i * 7919 % n) * MIB };
                views[i] = (ProcessView) { .info = &infos[i], .evidence = &e };
        }
        m->snapshot.processes = views;
        m->snapshot.n_processes = n;
        for (int order = 0; order < 2; order++) {
                cr_assert_eq(decide_state_new(&state[order], &m->topology), 0);
                run(m, state[order], &plan[order], 4);
                cr_assert_eq(plan[order].n_moves, JOBS_IN_FLIGHT_MAX);
                for (size_t i = 0; i < n / 2; i++) {
                        ProcessView view = views[i];

                        views[i] = views[n - 1 - i];
                        views[n - 1 - i] = view;
                }
        }
        compare_plans(&plan[0], &plan[1], 7);
        for (int order = 0; order < 2; order++) {
                plan_done(&plan[order]);
                decide_state_free(state[order]);
        }
        free(infos);
        free(views);
        machine_free(m);
}
