/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/decide.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/mathx.h"
#include "decide/gates.h"
#include "decide/grow.h"
#include "decide/place.h"
#include "decide/regions.h"
#include "decide/round.h"
#include "decide/sort.h"
#include "decide/spread.h"
#include "decide/state.h"

static bool evidence_usable(const Evidence *e, const Topology *t) {
        return e && e->source != SOURCE_NONE && e->n_nodes == t->n_nodes && e->access &&
               e->waited && e->cpu_ns;
}

/* Whether it has to wait after earlier moves. */
static bool judge_rest(const Round *round, const Track *track, bool whole, Verdict *v) {
        if (track && track->gave_up_until_ns > round->now_ns)
                verdict_wait(v, REASON_GAVE_UP, track->gave_up_until_ns, round->now_ns);
        else if (track && track->cooldown_until_ns > round->now_ns)
                verdict_wait(v, REASON_COOLDOWN, track->cooldown_until_ns, round->now_ns);
        else if (track && whole && track->pieces_until_ns > round->now_ns)
                verdict_wait(v, REASON_COOLDOWN, track->pieces_until_ns, round->now_ns);
        else
                return false;
        return true;
}

/* What speaks against moving a process that passed the gates now, before its order is weighed
 * against those of others. */
static void judge_candidate(const Round *round, const ProcessView *view, const Track *track,
                            const Score *score, const Placement *p, Verdict *v) {
        if (judge_rest(round, track, true, v))
                return;
        v->reason = gates_single_node(view->info, track, score, &v->observed, &v->threshold);
        if (v->reason != REASON_NONE)
                return;
        v->reason = p->reason;
        v->observed = p->observed;
        v->threshold = p->threshold;
        v->wait_until_ns = p->wait_until_ns;
}

/* What excludes it for good, else what it lacks now; fills candidate. score is NULL when nothing
 * was seen of it. */
static Reason judge_gates(const Round *round, const ProcessView *view, Track *track,
                          const Score *score, Verdict *v) {
        Reason refusal, gate;
        double observed = 0, threshold = 0;

        refusal = gates_refuse(view->info, track, round->snapshot->self, round->state->memory,
                               round->settings, &v->observed, &v->threshold);
        gate = gates_enter(view->info, view->evidence, score, track, round->settings, round->now_ns,
                           &observed, &threshold);
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

/* Since when it has shared memory to spread. */
static void note_shared(Track *track, bool shared, uint64_t now_ns) {
        if (track && (!shared || track->shared_since_ns == 0))
                track->shared_since_ns = shared ? now_ns : 0;
}

static void judge_regions(const Round *round, size_t i, const Score *score, Verdict *v) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        RegionPlan p;

        regions_judge(state, view, score, state->tracks_of[i], round->settings, round->now_ns, &p);
        verdict_take_regions(v, &p);
        note_shared(state->tracks_of[i], p.reason == REASON_SHARED, round->now_ns);
        (void)judge_rest(round, state->tracks_of[i], false, v);
}

static void judge_whole(const Round *round, size_t i, const Score *score, Verdict *v) {
        const ProcessView *view = &round->snapshot->processes[i];
        const Track *track = round->state->tracks_of[i];
        Placement p;

        place_choose(round->state, round->snapshot, view, score, track, round->settings,
                     round->now_ns, &p);
        verdict_take_placement(v, &p);
        judge_candidate(round, view, track, score, &p, v);
}

/* In whole numbers, so that the sum does not depend on the order of the processes. */
static void count_served(DecideState *state, const Score *score, uint32_t n_nodes) {
        for (uint32_t h = 0; h < n_nodes; h++)
                state->served_ns[h] = add_sat(state->served_ns[h],
                                              double_to_u64(score->served[h] * score->cpu_ns));
}

/* Judges one process by itself and notes it as a candidate when a move would pay. */
static void judge(const Round *round, size_t i) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Track *track = state->tracks_of[i];
        bool seen = evidence_usable(view->evidence, round->snapshot->topology);
        Verdict *v = &round->plan->verdicts[i];
        Score score;

        *v = (Verdict) {
                .id = view->info->id,
                .remote_upper = 1,
                .home_node = NODE_NONE,
                .run_node = NODE_NONE,
                .target_node = NODE_NONE,
        };
        if (seen) {
                round_measure(state, view, track, &score);
                verdict_take_score(v, &score);
                count_served(state, &score, view->evidence->n_nodes);
                if (track)
                        track_settle(track, &score, round->now_ns);
        }
        v->reason = judge_gates(round, view, track, seen ? &score : NULL, v);
        if (v->reason != REASON_NONE)
                return;
        if (round_goes_by_region(view, &score))
                judge_regions(round, i, &score, v);
        else
                judge_whole(round, i, &score, v);
        /* Whether a node serves too much is known when all are summed up; what moves for other
         * reasons comes first. */
        if (v->reason == REASON_MOVE || (v->reason == REASON_SHARED && round->settings->spread))
                state->candidates[state->n_candidates++] =
                        (Candidate) { i, v->reason == REASON_MOVE ? v->observed : 0,
                                      round_only_observes(round, view->info) };
}

/* What is under way keeps its room on the target until it has arrived. */
static void reserve_busy(const Round *round) {
        DecideState *state = round->state;

        memset(state->reserved_bytes, 0, sizeof(state->reserved_bytes));
        state->jobs = 0;
        for (size_t i = 0; i < round->snapshot->n_processes; i++) {
                const Track *track = state->tracks_of[i];
                uint32_t planned;

                if (!round->snapshot->processes[i].busy)
                        continue;
                planned = track ? track_planned(track) : 0;
                state->jobs += planned > 0 ? planned : 1;
                for (unsigned k = 0; planned > 0 && k < PLANNED_MAX; k++)
                        if (track->planned[k].to != NODE_NONE)
                                round_reserve(state, track->planned[k].to, track->planned[k].bytes);
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

/* Room for what is judged by region. */
static int grow_regions(const Snapshot *snapshot, DecideState *state, Plan *plan) {
        size_t most = 0;

        for (size_t i = 0; i < snapshot->n_processes; i++)
                if (snapshot->processes[i].n_regions > most)
                        most = snapshot->processes[i].n_regions;
        if (GROW(state->choices, state->choices_allocated, most) < 0 ||
            GROW(state->spreads, state->spreads_allocated, most) < 0)
                return -ENOMEM;
        return GROW(plan->ranges, plan->ranges_allocated, JOBS_IN_FLIGHT_MAX * MOVE_RANGES_MAX);
}

static void count_cpus(DecideState *state, const Topology *t) {
        memset(state->cpus, 0, sizeof(state->cpus));
        memset(state->served_ns, 0, sizeof(state->served_ns));
        state->served_known = false;
        for (uint32_t i = 0; i < t->n_cpus && i < CPUS_MAX; i++)
                if (t->cpu_node[i] >= 0 && t->cpu_node[i] < NODES_MAX)
                        state->cpus[t->cpu_node[i]]++;
}

int decide(const Snapshot *snapshot, DecideState *state, const Settings *settings, uint64_t now_ns,
           Plan *plan) {
        Round round = { snapshot, state, settings, now_ns, plan };

        plan->n_verdicts = plan->n_moves = 0;
        if (GROW(plan->verdicts, plan->verdicts_allocated, snapshot->n_processes) < 0 ||
            GROW(plan->moves, plan->moves_allocated, JOBS_IN_FLIGHT_MAX) < 0 ||
            GROW(state->candidates, state->candidates_allocated, snapshot->n_processes) < 0 ||
            grow_regions(snapshot, state, plan) < 0 ||
            state_follow(state, snapshot, settings, now_ns) < 0)
                return -ENOMEM;
        latency_init(&state->latency, snapshot->topology, settings);
        state->memory = topology_memory_mask(snapshot->topology);
        state->movable = state->memory;
        if (settings->never_cpuless)
                state->movable &= topology_cpu_mask(snapshot->topology);
        state->n_candidates = 0;
        count_cpus(state, snapshot->topology);
        reserve_busy(&round);
        for (size_t i = 0; i < snapshot->n_processes; i++)
                judge(&round, i);
        plan->n_verdicts = snapshot->n_processes;
        sort_in_place(state->candidates, state->n_candidates, sizeof(*state->candidates),
                      compare_candidates, (void *)snapshot->processes);
        spread_find_overload(state, now_ns);
        for (size_t i = 0; i < state->n_candidates; i++)
                order_candidate(&round, state->candidates[i].index);
        return 0;
}
