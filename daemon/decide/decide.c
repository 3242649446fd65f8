/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mathx.h"
#include "decide/gates.h"
#include "decide/grow.h"
#include "decide/place.h"
#include "decide/sort.h"
#include "decide/state.h"
#include "decide/tuning.h"
#include "model/rules.h"

/* What one evaluation hands from step to step. */
typedef struct Round {
        const Snapshot *snapshot;
        DecideState *state;
        const Settings *settings;
        uint64_t now_ns;
        Plan *plan;
} Round;

static bool evidence_usable(const Evidence *e, const Topology *t) {
        return e && e->source != SOURCE_NONE && e->n_nodes == t->n_nodes && e->access &&
               e->waited && e->cpu_ns;
}

static void verdict_take_score(Verdict *v, const Score *s) {
        v->samples = s->samples;
        v->remote_share = s->remote_share;
        v->remote_lower = s->remote_lower;
        v->remote_upper = s->remote_upper;
        v->cpu_ns = s->cpu_ns;
        v->stall_ns = s->stall_ns;
        v->score = s->score;
        v->home_node = s->home_node;
        v->run_node = s->run_node;
        v->run_share = s->run_share;
}

static void verdict_take_placement(Verdict *v, const Placement *p) {
        v->target_node = p->target;
        v->move_bytes = p->bytes;
        v->benefit_ns = p->benefit_ns;
        v->cost_ns = p->cost_ns;
        v->horizon_ns = p->horizon_ns;
}

static void verdict_wait(Verdict *v, Reason reason, uint64_t until_ns, uint64_t now_ns) {
        v->reason = reason;
        v->wait_until_ns = until_ns;
        v->observed = (double)(until_ns - now_ns);
        v->threshold = 0;
}

/* What speaks against moving a process that passed the gates now, before its order is weighed
 * against those of others. */
static void judge_candidate(const Round *round, const ProcessView *view, const Track *track,
                            const Score *score, const Placement *p, Verdict *v) {
        if (track && track->gave_up_until_ns > round->now_ns) {
                verdict_wait(v, REASON_GAVE_UP, track->gave_up_until_ns, round->now_ns);
                return;
        }
        if (track && track->cooldown_until_ns > round->now_ns) {
                verdict_wait(v, REASON_COOLDOWN, track->cooldown_until_ns, round->now_ns);
                return;
        }
        v->reason = gates_single_node(view->info, track, score, &v->observed, &v->threshold);
        if (v->reason != REASON_NONE)
                return;
        v->reason = p->reason;
        v->observed = p->observed;
        v->threshold = p->threshold;
        v->wait_until_ns = p->wait_until_ns;
}

static void measure(const DecideState *state, const ProcessView *view, const Track *track,
                    Score *ret) {
        score_measure(view->evidence, &state->latency, state->movable & view->info->cpuset_mems,
                      state->movable, track ? track->exposed : EXPOSED_SHARE_START, ret);
}

/* What excludes it for good, else what it lacks now; fills candidate. score is NULL when nothing
 * was seen of it. */
static Reason judge_gates(const Round *round, const ProcessView *view, Track *track,
                          const Score *score, Verdict *v) {
        Reason refusal, gate;
        double observed = 0, threshold = 0;

        refusal = gates_refuse(view->info, track, round->snapshot->self, round->state->memory,
                               round->settings, &v->observed, &v->threshold);
        gate = gates_enter(view->info, view->evidence, score, track && track->active,
                           round->settings, &observed, &threshold);
        v->candidate = gate == REASON_NONE && refusal != REASON_SELF && refusal != REASON_INIT &&
                       refusal != REASON_KERNEL_THREAD;
        if (track)
                track->active = v->candidate;
        if (refusal != REASON_NONE)
                return refusal;
        if (view->busy)
                return REASON_BUSY;
        v->observed = observed;
        v->threshold = threshold;
        return gate;
}

/* Two programs that move the same memory would undo each other's work. */
static bool yields(const Round *round) {
        return round->snapshot->other_mover && !round->settings->ignore_other_movers;
}

/* Why a move is only told; NONE: it is carried out. */
static Reason why_observed(const Round *round, const ProcessInfo *info) {
        if (rule_mode_effective(info->rule_mode, round->settings->mode) != RULE_ACT)
                return REASON_OBSERVED;
        return yields(round) ? REASON_OTHER_MOVER : REASON_NONE;
}

static bool only_observes(const Round *round, const ProcessInfo *info) {
        return why_observed(round, info) != REASON_NONE;
}

/* Judges one process by itself and notes it as a candidate when a move would pay. */
static void judge(const Round *round, size_t i) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Track *track = state->tracks_of[i];
        bool seen = evidence_usable(view->evidence, round->snapshot->topology);
        Verdict *v = &round->plan->verdicts[i];
        Placement p;
        Score score;

        *v = (Verdict) {
                .id = view->info->id,
                .remote_upper = 1,
                .home_node = NODE_NONE,
                .run_node = NODE_NONE,
                .target_node = NODE_NONE,
        };
        if (seen) {
                measure(state, view, track, &score);
                verdict_take_score(v, &score);
                if (track)
                        track_settle(track, &score, round->now_ns);
        }
        v->reason = judge_gates(round, view, track, seen ? &score : NULL, v);
        if (v->reason != REASON_NONE)
                return;
        place_choose(state, round->snapshot, view, &score, track, round->settings, round->now_ns,
                     &p);
        verdict_take_placement(v, &p);
        judge_candidate(round, view, track, &score, &p, v);
        if (v->reason == REASON_MOVE)
                state->candidates[state->n_candidates++] =
                        (Candidate) { i, p.observed, only_observes(round, view->info) };
}

/* What is under way keeps its room on the target until it has arrived. */
static void reserve_busy(const Round *round) {
        DecideState *state = round->state;

        memset(state->reserved_bytes, 0, sizeof(state->reserved_bytes));
        state->jobs = 0;
        for (size_t i = 0; i < round->snapshot->n_processes; i++) {
                const Track *track = state->tracks_of[i];

                if (!round->snapshot->processes[i].busy)
                        continue;
                state->jobs++;
                if (track && track->planned_to >= 0)
                        state->reserved_bytes[track->planned_to] =
                                add_sat(state->reserved_bytes[track->planned_to],
                                        place_reserve(track->planned_bytes));
        }
}

/* What is only told never takes room from what is carried out. */
static int compare_candidates(const void *a, const void *b, void *userdata) {
        const Candidate *x = a, *y = b;
        const ProcessView *views = userdata;
        ProcessId i = views[x->index].info->id, j = views[y->index].info->id;

        if (x->observe != y->observe)
                return x->observe ? 1 : -1;
        if (x->ratio != y->ratio)
                return x->ratio > y->ratio ? -1 : 1;
        if (i.pid != j.pid)
                return i.pid < j.pid ? -1 : 1;
        return (i.starttime > j.starttime) - (i.starttime < j.starttime);
}

static void order_move(const Round *round, size_t i, const Score *score, const Placement *p) {
        const ProcessInfo *info = round->snapshot->processes[i].info;
        DecideState *state = round->state;
        Track *track = state->tracks_of[i];
        Move *move = &round->plan->moves[round->plan->n_moves++];

        *move = (Move) {
                .id = info->id,
                .from = p->from,
                .to = p->target,
                .bytes = p->bytes,
                .score = score->score,
                .remote_before = score->remote_share,
                .remote_expected = p->remote_expected,
                .benefit_ns = p->benefit_ns,
                .cost_ns = p->cost_ns,
                .cpu_ns = score->cpu_ns,
                .observe = only_observes(round, info),
                .bandwidth_bytes = info->bandwidth_bytes,
        };
        memcpy(move->comm, info->comm, sizeof(move->comm));
        memcpy(move->unit, info->unit, sizeof(move->unit));
        state->reserved_bytes[p->target] =
                add_sat(state->reserved_bytes[p->target], place_reserve(p->bytes));
        state->jobs++;
        if (track && !move->observe) {
                track->planned_to = (int8_t)p->target;
                track->planned_bytes = p->bytes;
                track->latency_before = p->latency_now;
                track->latency_expected = p->latency_expected;
                track->waited_before = score_counts_time(round->snapshot->processes[i].evidence)
                                               ? ratio_or(score->waited, score->time_samples, 0)
                                               : 0;
                track->waited_gain = ratio_or(p->waited_gain, score->time_samples, 0);
        }
}

/* Gives a candidate its order if there still is room beside those that are better. */
static void plan_candidate(const Round *round, size_t i) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Verdict *v = &round->plan->verdicts[i];
        uint32_t jobs_max;
        Placement p;
        Score score;

        measure(state, view, state->tracks_of[i], &score);
        place_choose(state, round->snapshot, view, &score, state->tracks_of[i], round->settings,
                     round->now_ns, &p);
        verdict_take_placement(v, &p);
        v->reason = p.reason;
        v->observed = p.observed;
        v->threshold = p.threshold;
        v->wait_until_ns = p.wait_until_ns;
        if (p.reason != REASON_MOVE)
                return;
        if (view->info->attributes == ATTRIBUTES_UNKNOWN) {
                v->reason = REASON_ATTRIBUTES_UNKNOWN;
                return;
        }
        if (ping_pong_stopped_until(&state->ping_pong, round->now_ns) > 0) {
                verdict_wait(v, REASON_PING_PONG,
                             ping_pong_stopped_until(&state->ping_pong, round->now_ns),
                             round->now_ns);
                return;
        }
        jobs_max = ping_pong_jobs(&state->ping_pong, round->now_ns);
        if (state->jobs >= jobs_max) {
                v->reason = REASON_BUDGET;
                v->observed = state->jobs;
                v->threshold = jobs_max;
                return;
        }
        order_move(round, i, &score, &p);
        if (only_observes(round, view->info))
                v->reason = why_observed(round, view->info);
}

int decide(const Snapshot *snapshot, DecideState *state, const Settings *settings, uint64_t now_ns,
           Plan *plan) {
        Round round = { snapshot, state, settings, now_ns, plan };

        plan->n_verdicts = plan->n_moves = 0;
        if (GROW(plan->verdicts, plan->verdicts_allocated, snapshot->n_processes) < 0 ||
            GROW(plan->moves, plan->moves_allocated, JOBS_IN_FLIGHT_MAX) < 0 ||
            GROW(state->candidates, state->candidates_allocated, snapshot->n_processes) < 0 ||
            state_follow(state, snapshot, settings, now_ns) < 0)
                return -ENOMEM;
        latency_init(&state->latency, snapshot->topology, settings);
        state->memory = topology_memory_mask(snapshot->topology);
        state->movable = state->memory;
        if (settings->never_cpuless)
                state->movable &= topology_cpu_mask(snapshot->topology);
        state->n_candidates = 0;
        reserve_busy(&round);
        for (size_t i = 0; i < snapshot->n_processes; i++)
                judge(&round, i);
        plan->n_verdicts = snapshot->n_processes;
        sort_in_place(state->candidates, state->n_candidates, sizeof(*state->candidates),
                      compare_candidates, (void *)snapshot->processes);
        for (size_t i = 0; i < state->n_candidates; i++)
                plan_candidate(&round, state->candidates[i].index);
        return 0;
}
