/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/state.h"

/* Where the memory of a process should go, and whether the way there pays. */
typedef struct Placement {
        Reason reason; /* REASON_MOVE, or why not */
        int target;    /* NODE_NONE when no node is better */
        NodeMask from;
        uint64_t bytes;          /* to copy */
        double latency_now;      /* mean latency of an access, relative to local memory */
        double latency_expected; /* the same afterwards */
        double remote_expected;  /* remote share afterwards */
        double waited_gain;      /* weight of waiting that the move would save if K were 1 */
        double gain_share;       /* part of its weighted latency that the move would save */
        double benefit_ns; /* expected over horizon_ns, with what quality and number of samples
                               * prove */
        double cost_ns;
        uint64_t horizon_ns;
        uint64_t wait_until_ns;
        double observed;
        double threshold;
} Placement;

/* 1.25 times the planned bytes, as they are reserved. */
uint64_t place_reserve(uint64_t bytes);

/* Time that copying so much takes, at the learned cost. */
double place_cost_ns(const DecideState *state, uint64_t bytes);

/* Whether the node can take so much now: REASON_NONE, _NODE_BLOCKED or _NODE_FULL, which fill
 * wait_until_ns, observed and threshold of p. */
Reason place_node_against(const DecideState *state, const Snapshot *snapshot, int node,
                          uint64_t bytes, uint64_t now_ns, Placement *p);

/* When the benefit, which grows with the horizon, will be what is wanted if nothing else changes; 0
 * when the longest horizon is too short for that. */
uint64_t place_pays_at_ns(uint64_t horizon_ns, double ratio, double wanted, uint64_t now_ns);

/* Mean latency of the accesses of e relative to local memory, 0 without any. */
double place_latency(const DecideState *state, const Evidence *e);

/* Chooses the target of a whole-process move: the node with the lowest latency-weighted cost
 *
 *   cost(t) = sum over a of share[a] x lat[a][t]
 *
 * among those that its cpuset allows, with room (beside what state->reserved_bytes holds) that are not blocked,
 * at least 10 % better than now; then weighs benefit against cost:
 *
 *   benefit = q x poisson part of the samples x stall relieved x horizon,
 *   horizon = min(time that the process has run on its node, 30 min)
 *
 * and moves only if benefit >= ratio x cost. track may be NULL (nothing is known to be stable). */
void place_choose(const DecideState *state, const Snapshot *snapshot, const ProcessView *view,
                  const Score *score, const Track *track, const Settings *settings, uint64_t now_ns,
                  Placement *ret);
