/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/mathx.h"
#include "decide/round.h"
#include "decide/tuning.h"

/* The next order of the plan, filled with what is said of every process, and room for its ranges. */
static Move *move_new(const Round *round, size_t i, const Score *score, AddressRange **ret_ranges) {
        const ProcessInfo *info = round->snapshot->processes[i].info;
        Plan *plan = round->plan;
        Move *move = &plan->moves[plan->n_moves];

        *ret_ranges = plan->ranges + plan->n_moves * MOVE_RANGES_MAX;
        *move = (Move) {
                .id = info->id,
                .to = NODE_NONE,
                .score = score->score,
                .remote_before = score->remote_share,
                .cpu_ns = score->cpu_ns,
                .observe = round_only_observes(round, info),
                .bandwidth_bytes = info->bandwidth_bytes,
        };
        memcpy(move->comm, info->comm, sizeof(move->comm));
        memcpy(move->unit, info->unit, sizeof(move->unit));
        return move;
}

/* Puts it into the plan, and keeps its room. */
static void move_add(const Round *round, size_t i, const Move *move) {
        DecideState *state = round->state;
        Track *track = state->tracks_of[i];

        round->plan->n_moves++;
        round_reserve(state, move->to, move->bytes);
        state->jobs++;
        if (!track || move->observe)
                return;
        for (unsigned k = 0; k < PLANNED_MAX; k++) {
                if (track->planned[k].to != NODE_NONE)
                        continue;
                track->planned[k] = (Planned) { .bytes = move->bytes, .to = (int8_t)move->to };
                return;
        }
}

/* Orders that did not become jobs are forgotten. */
static void track_unplan(Track *track) {
        for (unsigned k = 0; track && k < PLANNED_MAX; k++)
                track->planned[k] = (Planned) { .to = NODE_NONE };
}

static void order_move(const Round *round, size_t i, const Score *score, const Placement *p) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Track *track = state->tracks_of[i];
        AddressRange *ranges;
        Move *move = move_new(round, i, score, &ranges);

        move->from = p->from;
        move->to = p->target;
        move->bytes = p->bytes;
        move->remote_expected = p->remote_expected;
        move->benefit_ns = p->benefit_ns;
        move->cost_ns = p->cost_ns;
        regions_hottest(state, view, p->from, p->target);
        for (size_t k = 0; k < state->n_choices; k++)
                ranges[k] = (AddressRange) { state->choices[k].start, state->choices[k].end };
        move->n_ranges = (uint32_t)state->n_choices;
        move->ranges = move->n_ranges > 0 ? ranges : NULL;
        move_add(round, i, move);
        if (track && !move->observe) {
                track->latency_before = p->latency_now;
                track->latency_expected = p->latency_expected;
                track->waited_before = score_counts_time(round->snapshot->processes[i].evidence)
                                               ? ratio_or(score->waited, score->time_samples, 0)
                                               : 0;
                track->waited_gain = ratio_or(p->waited_gain, score->time_samples, 0);
        }
}

/* Takes of the choices for node `to` what fits, best first. The reason that something does not is
 * kept in *obstacle. */
static void fill_ranges(const Round *round, int to, Move *move, AddressRange *ranges,
                        double *ret_remote, Placement *obstacle) {
        const DecideState *state = round->state;

        *ret_remote = 0;
        for (size_t k = 0; k < state->n_choices && move->n_ranges < MOVE_RANGES_MAX; k++) {
                const RegionChoice *c = &state->choices[k];
                uint64_t bytes = add_sat(move->bytes, c->end - c->start);
                Placement p = {};

                if (c->to != to)
                        continue;
                p.reason = place_node_against(state, round->snapshot, to, bytes, round->now_ns, &p);
                if (p.reason != REASON_NONE) {
                        *obstacle = p;
                        obstacle->target = to;
                        return;
                }
                ranges[move->n_ranges++] = (AddressRange) { c->start, c->end };
                move->bytes = bytes;
                move->benefit_ns += c->benefit_ns;
                move->cost_ns += c->cost_ns;
                *ret_remote += c->remote;
        }
}

/* One job for each target node, best first. False: none was planned, and *obstacle says why. */
static bool order_regions(const Round *round, size_t i, const Score *score, NodeMask targets,
                          Placement *obstacle) {
        DecideState *state = round->state;
        uint32_t jobs_max = ping_pong_jobs(&state->ping_pong, round->now_ns);
        unsigned planned = 0;

        for (size_t k = 0; k < state->n_choices && targets; k++) {
                int to = state->choices[k].to;
                AddressRange *ranges;
                double remote;
                Move *move;

                if (!node_mask_has(targets, to) || planned == PLANNED_MAX)
                        continue;
                if (state->jobs >= jobs_max) {
                        *obstacle = (Placement) { .reason = REASON_BUDGET,
                                                  .target = to,
                                                  .observed = state->jobs,
                                                  .threshold = jobs_max };
                        break;
                }
                targets &= ~node_bit(to);
                move = move_new(round, i, score, &ranges);
                fill_ranges(round, to, move, ranges, &remote, obstacle);
                move->cost_ns += REGION_JOB_COST_NS;
                if (move->n_ranges == 0 ||
                    move->benefit_ns < round->settings->benefit_ratio * move->cost_ns)
                        continue;
                move->to = to;
                move->from = state->movable & ~node_bit(to);
                move->ranges = ranges;
                move->ranges_only = true;
                move->remote_expected = clamp_double(
                        score->remote_share * (1 - ratio_or(remote, score->remote_samples, 1)), 0,
                        1);
                move_add(round, i, move);
                planned++;
        }
        return planned > 0;
}

/* What holds for every order. */
static Reason judge_order(const Round *round, const ProcessView *view, Verdict *v) {
        DecideState *state = round->state;
        uint32_t jobs_max = ping_pong_jobs(&state->ping_pong, round->now_ns);

        if (view->info->attributes == ATTRIBUTES_UNKNOWN)
                return REASON_ATTRIBUTES_UNKNOWN;
        if (ping_pong_stopped_until(&state->ping_pong, round->now_ns) > 0) {
                verdict_wait(v, REASON_PING_PONG,
                             ping_pong_stopped_until(&state->ping_pong, round->now_ns),
                             round->now_ns);
                return v->reason;
        }
        if (state->jobs >= jobs_max) {
                v->observed = state->jobs;
                v->threshold = jobs_max;
                return REASON_BUDGET;
        }
        return REASON_MOVE;
}

static void plan_regions(const Round *round, size_t i, const Score *score, Verdict *v) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Placement obstacle = { .reason = REASON_COST, .target = v->target_node };
        RegionPlan p;

        regions_judge(state, view, score, state->tracks_of[i], round->settings, round->now_ns, &p);
        verdict_take_regions(v, &p);
        if (p.reason == REASON_MOVE)
                v->reason = judge_order(round, view, v);
        if (v->reason != REASON_MOVE)
                return;
        obstacle.observed = p.observed;
        obstacle.threshold = p.threshold;
        if (!order_regions(round, i, score, p.to, &obstacle))
                verdict_take_obstacle(v, &obstacle);
        else if (round_only_observes(round, view->info))
                v->reason = round_why_observed(round, view->info);
        else if (p.spread)
                v->reason = REASON_SPREAD;
}

static void plan_whole(const Round *round, size_t i, const Score *score, Verdict *v) {
        const ProcessView *view = &round->snapshot->processes[i];
        DecideState *state = round->state;
        Placement p;

        place_choose(state, round->snapshot, view, score, state->tracks_of[i], round->settings,
                     round->now_ns, &p);
        verdict_take_placement(v, &p);
        verdict_take_obstacle(v, &p);
        if (p.reason == REASON_MOVE)
                v->reason = judge_order(round, view, v);
        if (v->reason != REASON_MOVE)
                return;
        order_move(round, i, score, &p);
        if (round_only_observes(round, view->info))
                v->reason = round_why_observed(round, view->info);
}

void order_candidate(const Round *round, size_t i) {
        const ProcessView *view = &round->snapshot->processes[i];
        Track *track = round->state->tracks_of[i];
        Score score;

        track_unplan(track);
        round_measure(round->state, view, track, &score);
        if (round_goes_by_region(view, &score))
                plan_regions(round, i, &score, &round->plan->verdicts[i]);
        else
                plan_whole(round, i, &score, &round->plan->verdicts[i]);
}
