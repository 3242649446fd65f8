/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/place.h"

#include <math.h>

#include "base/mathx.h"
#include "decide/confidence.h"
#include "decide/tuning.h"

uint64_t place_reserve(uint64_t bytes) {
        return mul_div(bytes, PLANNED_SHARE_PERCENT, 100);
}

double place_cost_ns(const DecideState *state, uint64_t bytes) {
        return CALL_COST_NS + state->page_cost_ns * (double)bytes / PAGE_COST_UNIT;
}

/* Sums over the evidence from which the cost of every target follows in one step per accessor. */
typedef struct Demand {
        double share[NODES_MAX];       /* [a] accesses to memory that may move */
        double waited[NODES_MAX];      /* [a] waiting for memory that may move */
        double waited_slow[NODES_MAX]; /* [a] the same, each divided by its latency now */
        double home[NODES_MAX];        /* [h] accesses served */
        double total;                  /* accesses */
        double cost_now;               /* latency-weighted cost where everything is now */
        double remote_fixed;           /* remote accesses to memory that stays */
        double cost_fixed;             /* part of it for memory that stays */
} Demand;

static void demand_sum(const Evidence *e, const Latency *l, NodeMask movable, Demand *ret) {
        bool time = score_counts_time(e);
        Demand d = {};

        for (uint32_t a = 0; a < e->n_nodes; a++)
                for (uint32_t h = 0; h < e->n_nodes; h++) {
                        double ratio = l->ratio[a][h];
                        double access = score_access(e, a, h);
                        double share = time ? access / ratio : access;

                        d.total += share;
                        d.home[h] += share;
                        d.cost_now += share * ratio;
                        if (!node_mask_has(movable, (int)h)) {
                                d.cost_fixed += share * ratio;
                                d.remote_fixed += a == h ? 0 : share;
                                continue;
                        }
                        d.share[a] += share;
                        d.waited[a] += score_waited(e, a, h);
                        d.waited_slow[a] += score_waited(e, a, h) / ratio;
                }
        *ret = d;
}

/* What the memory that may move would cost its users on each of these nodes. */
static void cost_by_node(const Demand *d, const Latency *l, NodeMask nodes, double ret[NODES_MAX]) {
        for (NodeMask left = nodes; left; left &= left - 1) {
                int node = node_mask_first(left);

                ret[node] = 0;
                for (uint32_t a = 0; a < l->n_nodes; a++)
                        ret[node] += d->share[a] * l->ratio[a][node];
        }
}

/* Of these nodes those whose memory is no farther from its users than that of the target: what is there
 * stays. */
static NodeMask near_as(const double cost[NODES_MAX], NodeMask movable, int target) {
        NodeMask near = 0;

        for (NodeMask left = movable & ~node_bit(target); left; left &= left - 1)
                if (cost[node_mask_first(left)] <= cost[target])
                        near |= left & -left;
        return near;
}

static double demand_cost_at(const Demand *d, const Latency *l, int target) {
        double cost = d->cost_fixed;

        for (uint32_t a = 0; a < l->n_nodes; a++)
                cost += d->share[a] * l->ratio[a][target];
        return cost;
}

/* Remote share after a move to target. */
static double demand_remote_at(const Demand *d, uint32_t n_nodes, int target) {
        double remote = d->remote_fixed;

        for (uint32_t a = 0; a < n_nodes; a++)
                if ((int)a != target)
                        remote += d->share[a];
        return clamp_double(ratio_or(remote, d->total, 0), 0, 1);
}

double place_latency(const DecideState *state, const Evidence *e) {
        Demand d;

        demand_sum(e, &state->latency, state->movable, &d);
        return ratio_or(d.cost_now, d.total, 0);
}

/* Weight of waiting that a move to target would save:
 * sum of waited[a][h] x (1 - lat[a][target] / lat[a][h]). */
static double demand_relieved_at(const Demand *d, const Latency *l, int target) {
        double relieved = 0;

        for (uint32_t a = 0; a < l->n_nodes; a++)
                relieved += d->waited[a] - l->ratio[a][target] * d->waited_slow[a];
        return relieved > 0 ? relieved : 0;
}

/* What a move to target would copy, and from where: resident pages where they were sampled, else
 * the resident size spread as the accesses are. */
static uint64_t bytes_elsewhere(const ProcessView *view, const Demand *d, NodeMask movable,
                                int target, NodeMask *ret_from) {
        NodeMask from = 0;
        uint64_t bytes = 0;

        for (NodeMask left = movable & ~node_bit(target); left; left &= left - 1) {
                int h = node_mask_first(left);
                uint64_t here;

                if (view->resident_bytes)
                        here = view->resident_bytes[h];
                else
                        here = double_to_u64((double)view->info->rss_bytes *
                                             ratio_or(d->home[h], d->total, 0));
                if (here > 0 || d->home[h] > 0)
                        from |= node_bit(h);
                bytes = add_sat(bytes, here);
        }
        *ret_from = from;
        return bytes;
}

/* Bytes that must be available on a node for a move to it, beside reservations. */
static uint64_t bytes_needed(const Snapshot *snapshot, int node, uint64_t bytes) {
        uint64_t keep = snapshot->topology->total_bytes[node] / TARGET_RESERVE_PARTS;
        uint64_t watermarks =
                mul_sat(TARGET_WATERMARKS, snapshot->nodes[node].high_watermark_bytes);

        return add_sat(place_reserve(bytes), keep > watermarks ? keep : watermarks);
}

Reason place_node_against(const DecideState *state, const Snapshot *snapshot, int node,
                          uint64_t bytes, uint64_t now_ns, Placement *p) {
        uint64_t until_ns = state_blocked_until(state, &snapshot->nodes[node], node);
        uint64_t needed = bytes_needed(snapshot, node, bytes);
        uint64_t available =
                sub_sat(snapshot->nodes[node].available_bytes, state->reserved_bytes[node]);

        if (until_ns > now_ns) {
                p->wait_until_ns = until_ns;
                p->observed = (double)(until_ns - now_ns);
                p->threshold = 0;
                return REASON_NODE_BLOCKED;
        }
        /* A saturated sum stands for more than any node has. */
        if (available < needed || needed == UINT64_MAX) {
                p->observed = (double)needed;
                p->threshold = (double)available;
                return REASON_NODE_FULL;
        }
        return REASON_NONE;
}

/* CPU time that memory of the node serves, for each of its CPUs. */
static double load_of(const DecideState *state, int node) {
        return state->served_known ? ratio_or((double)state->served_ns[node], state->cpus[node], 0)
                                   : 0;
}

/* Whether p is to be preferred: one that can take it before one that cannot, then by gain, then the
 * less busy one. */
static bool is_better(const DecideState *state, const Placement *p, const Placement *best,
                      double best_gain) {
        if (best->target == NODE_NONE ||
            (p->reason == REASON_NONE) != (best->reason == REASON_NONE))
                return best->target == NODE_NONE || p->reason == REASON_NONE;
        if (p->gain_share != best_gain)
                return p->gain_share > best_gain;
        return load_of(state, p->target) < load_of(state, best->target);
}

/* Fills target, from, bytes, gain_share, and the demand for what would move; reason REASON_NONE when a
 * node was found. Of nodes that cannot take it now, the best one names the reason. */
static void choose_target(const DecideState *state, const Snapshot *snapshot,
                          const ProcessView *view, uint64_t now_ns, Demand *demand,
                          Placement *ret) {
        const Latency *l = &state->latency;
        Placement best = { .reason = REASON_NO_TARGET,
                           .target = NODE_NONE,
                           .threshold = GAIN_SHARE_MIN };
        double best_gain = 0, cost[NODES_MAX];
        Demand all, d;

        demand_sum(view->evidence, l, state->movable, &all);
        cost_by_node(&all, l, state->movable, cost);
        *demand = all;
        for (NodeMask left = state->movable & view->info->cpuset_mems; left; left &= left - 1) {
                Placement p = { .target = node_mask_first(left) };
                NodeMask movable = state->movable & ~near_as(cost, state->movable, p.target);

                d = all;
                if (movable != state->movable)
                        demand_sum(view->evidence, l, movable, &d);
                p.gain_share = 1 - ratio_or(demand_cost_at(&d, l, p.target), d.cost_now, 1);
                if (best.target == NODE_NONE && p.gain_share > best.observed)
                        best.observed = p.gain_share;
                if (p.gain_share < GAIN_SHARE_MIN)
                        continue;
                p.bytes = bytes_elsewhere(view, &d, movable, p.target, &p.from);
                p.reason = place_node_against(state, snapshot, p.target, p.bytes, now_ns, &p);
                if (!is_better(state, &p, &best, best_gain))
                        continue;
                best = p;
                best_gain = p.gain_share;
                *demand = d;
        }
        *ret = best;
}

static double ratio_wanted(const Track *track, const Settings *settings, uint64_t now_ns) {
        bool recent = track && track->last_move_ns > 0 &&
                      sub_sat(now_ns, track->last_move_ns) < RECENT_MOVE_NS;

        return settings->benefit_ratio * (recent ? RECENT_RATIO_FACTOR : 1);
}

uint64_t place_pays_at_ns(uint64_t horizon_ns, double ratio, double wanted, uint64_t now_ns) {
        double needed_ns = ratio_or((double)horizon_ns * wanted, ratio, INFINITY);

        if (!(needed_ns <= (double)HORIZON_MAX_NS))
                return 0;
        return add_sat(now_ns, sub_sat(double_to_u64(needed_ns), horizon_ns));
}

void place_choose(const DecideState *state, const Snapshot *snapshot, const ProcessView *view,
                  const Score *score, const Track *track, const Settings *settings, uint64_t now_ns,
                  Placement *ret) {
        const Evidence *e = view->evidence;
        double proven =
                evidence_source_quality(e->source) * poisson_lower_part(score->waited_remote);
        double ratio, wanted;
        Demand d;

        choose_target(state, snapshot, view, now_ns, &d, ret);
        if (ret->target == NODE_NONE)
                return;
        ret->horizon_ns =
                clamp_u64(track ? sub_sat(now_ns, track->stable_since_ns) : 0, 0, HORIZON_MAX_NS);
        ret->latency_now = ratio_or(d.cost_now, d.total, 0);
        ret->latency_expected =
                ratio_or(demand_cost_at(&d, &state->latency, ret->target), d.total, 0);
        ret->waited_gain = demand_relieved_at(&d, &state->latency, ret->target);
        ret->remote_expected = demand_remote_at(&d, e->n_nodes, ret->target);
        ret->benefit_ns = proven * score->stall_factor * ret->waited_gain *
                          (double)ret->horizon_ns / (double)NSEC_PER_SEC;
        ret->cost_ns = place_cost_ns(state, ret->bytes);
        if (ret->reason != REASON_NONE)
                return;
        if (ret->bytes == 0) {
                ret->reason = REASON_BALANCED;
                ret->threshold = settings->min_remote_percent / 100;
                return;
        }
        ratio = ratio_or(ret->benefit_ns, ret->cost_ns, 0);
        wanted = ratio_wanted(track, settings, now_ns);
        ret->observed = ratio;
        ret->threshold = wanted;
        ret->reason = ratio >= wanted ? REASON_MOVE : REASON_COST;
        if (ret->reason == REASON_COST)
                ret->wait_until_ns = place_pays_at_ns(ret->horizon_ns, ratio, wanted, now_ns);
}
