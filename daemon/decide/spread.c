/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/spread.h"

#include <string.h>

#include "base/mathx.h"
#include "decide/region_judge.h"
#include "decide/tuning.h"

void spread_find_overload(DecideState *state, uint64_t now_ns) {
        int nodes = node_mask_count(state->movable), most = NODE_NONE;
        double sum = 0, largest = SPREAD_SERVED_MIN_NS;

        state->served_known = true;
        for (NodeMask left = state->movable; left; left &= left - 1) {
                int node = node_mask_first(left);
                double served_ns = (double)state->served_ns[node];

                sum += served_ns;
                if (served_ns > largest) {
                        largest = served_ns;
                        most = node;
                }
        }
        state->served_mean_ns = ratio_or(sum, nodes, 0);
        if (!(largest > SPREAD_IMBALANCE * state->served_mean_ns))
                most = NODE_NONE;
        if (most != state->overloaded)
                state->overloaded_since_ns = now_ns;
        state->overloaded = most;
}

/* As long as the memory was shared and the node overloaded, both are expected to stay so. */
static uint64_t horizon_of(const Judge *j) {
        uint64_t since_ns = j->state->overloaded_since_ns;

        if (!j->track || j->track->shared_since_ns == 0)
                return 0;
        if (j->track->shared_since_ns > since_ns)
                since_ns = j->track->shared_since_ns;
        return clamp_u64(sub_sat(j->now_ns, since_ns), 0, HORIZON_MAX_NS);
}

/* Nodes on which it would be as near to its users as it is, but for what is noise in the distances. */
static NodeMask targets_of(const Judge *j, const Region *r) {
        NodeMask targets = 0;
        double gain;

        for (NodeMask left = j->targets & ~node_bit(j->spread_from); left; left &= left - 1) {
                (void)region_relieved(j, r, node_mask_first(left), &gain);
                if (gain > -GAIN_SHARE_MIN)
                        targets |= node_bit(node_mask_first(left));
        }
        return targets;
}

/* Weight of the accesses that wait. Those that are local now would do so as often as the others. */
static double waited_in(const Region *r) {
        double waited = 0, remote = 0, weight = 0;

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *a = &r->access[i];

                waited += clamp_double(region_number(a->waited), 0, region_weight_remote(a));
                remote += region_weight_remote(a);
                weight += region_weight_local(a) + region_weight_remote(a);
        }
        return waited * ratio_or(weight, remote, 0);
}

void spread_consider(Judge *j, const Region *r, const Shares *s, uint64_t moved_ns) {
        DecideState *state = j->state;
        uint64_t horizon_ns = horizon_of(j);
        double benefit_ns, cost_ns, wanted = j->settings->benefit_ratio;
        NodeMask targets;

        if (j->spread_from == NODE_NONE || r->home != j->spread_from || !(s->n > 0) ||
            region_rests_until(j, moved_ns) > j->now_ns)
                return;
        targets = targets_of(j, r);
        if (!targets)
                return;
        benefit_ns = j->proven * j->score->stall_factor * waited_in(r) * SPREAD_GAIN *
                     (double)horizon_ns / (double)NSEC_PER_SEC;
        cost_ns = j->state->page_cost_ns * (double)r->bytes / PAGE_COST_UNIT;
        if (!(benefit_ns > 0) || benefit_ns < wanted * cost_ns) {
                region_count_unpaid(j, r, horizon_ns, benefit_ns, cost_ns, wanted);
                return;
        }
        state->spreads[state->n_spreads++] = (RegionChoice) {
                .start = r->start,
                .end = add_sat(r->start, r->bytes),
                .benefit_ns = benefit_ns,
                .cost_ns = cost_ns,
                .served_ns = j->score->cpu_ns * ratio_or(s->n, j->score->accesses, 0),
                .targets = targets,
                .to = NODE_NONE,
        };
}

/* The least busy of these nodes. */
static int least_busy(const double *served_ns, NodeMask nodes) {
        int least = node_mask_first(nodes);

        for (NodeMask left = nodes; left; left &= left - 1)
                if (served_ns[node_mask_first(left)] < served_ns[least])
                        least = node_mask_first(left);
        return least;
}

/* Takes the choice if that brings neither node to the other side of the mean. */
static void take(Judge *j, const RegionChoice *c, double *served_ns) {
        DecideState *state = j->state;
        int to = least_busy(served_ns, c->targets);

        if (served_ns[j->spread_from] - c->served_ns < state->served_mean_ns ||
            served_ns[to] + c->served_ns > state->served_mean_ns)
                return;
        served_ns[j->spread_from] -= c->served_ns;
        served_ns[to] += c->served_ns;
        state->choices[state->n_choices] = *c;
        state->choices[state->n_choices++].to = (int8_t)to;
        j->plan.to |= node_bit(to);
        j->plan.bytes = add_sat(j->plan.bytes, c->end - c->start);
        j->plan.benefit_ns += c->benefit_ns;
        j->plan.cost_ns += c->cost_ns;
}

void spread_choose(Judge *j) {
        DecideState *state = j->state;
        double served_ns[NODES_MAX];

        if (state->n_spreads == 0)
                return;
        for (int i = 0; i < NODES_MAX; i++)
                served_ns[i] = (double)state->served_ns[i];
        regions_sort(state->spreads, state->n_spreads);
        for (size_t i = 0; i < state->n_spreads; i++)
                take(j, &state->spreads[i], served_ns);
        j->plan.spread = state->n_choices > 0;
        j->plan.horizon_ns = horizon_of(j);
}
