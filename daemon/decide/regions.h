/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/state.h"

/* Which pieces of the memory of a process that runs on several nodes should go where. */
typedef struct RegionPlan {
        Reason reason; /* REASON_MOVE, or why not */
        double observed;
        double threshold;
        double benefit_ns; /* of all that is worth moving, over horizon_ns */
        double cost_ns;
        uint64_t bytes;
        uint64_t horizon_ns; /* the longest of the regions' */
        uint64_t wait_until_ns;
        NodeMask to;        /* targets */
        uint32_t n_regions; /* seen, of which */
        uint32_t n_away;    /* one node uses mostly, but they are elsewhere, */
        uint32_t n_home;    /* one node uses mostly, and they are there, */
        uint32_t n_shared;  /* several nodes use; of the others too little is known */
        bool spread;        /* it is shared regions that are worth moving */
} RegionPlan;

/* Judges every region by itself:
 *
 *   share of its main accessor = (k + s p) / (n + s)
 *
 * of n samples k by that node, with the share p that the node has of the nearest known regions of the
 * same mapping as a prior of s samples. s is what the scatter between those regions says (method of
 * moments of the beta-binomial distribution: regions that are all alike count much, mixed ones
 * nothing), at most REGION_PRIOR_FOR where it speaks for the node, which never is enough alone, and
 * REGION_PRIOR_AGAINST where it speaks against it. A region is worth moving when the lower bound of
 * that share is REGION_SHARE_MIN (REGION_SHARE_REPEAT when it was moved lately), when it then would
 * save a tenth of its latency, and when benefit >= ratio x cost:
 *
 *   benefit = q x poisson part of the process's samples x stall relieved in it x horizon,
 *   horizon = min(time that the same node uses it most, 30 min)
 *
 * Fills state->choices with ranges worth moving, adjacent regions merged, best benefit / cost first,
 * and the plan. Linear in the regions, but for sorting what is worth moving. */
void regions_judge(DecideState *state, const ProcessView *view, const Score *score,
                   const Track *track, const Settings *settings, uint64_t now_ns, RegionPlan *ret);

/* Best benefit / cost first. */
void regions_sort(RegionChoice *choices, size_t n);

/* Fills state->choices with the regions that a move of the whole process from these nodes to node `to`
 * should begin with: those with most remote accesses first, HOT_RANGES_MAX at most. */
void regions_hottest(DecideState *state, const ProcessView *view, NodeMask from, int to);

/* A job moved these regions of a process, or tried to: they rest for the cool-down, and RETURN_NS at
 * least. False when there is no room to remember it: the process has to rest instead. */
bool regions_learn(DecideState *state, const Outcome *outcome, const Settings *settings,
                   uint64_t now_ns);

/* When the region at this address was last moved, CLOCK_MONOTONIC; 0: not lately. */
uint64_t regions_moved_at(const DecideState *state, ProcessId id, uint64_t address);

/* How long a region, and a process that regions were moved of, rests. */
uint64_t regions_rest_ns(const Settings *settings);
