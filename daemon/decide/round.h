/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/decide.h"
#include "decide/place.h"
#include "decide/regions.h"
#include "decide/state.h"

/* Shared by the files of one evaluation: judging each process (decide.c), then giving orders (order.c),
 * writing down what came of it (verdict.c), and what both of the first two ask (round.c). */

/* What one evaluation hands from step to step. */
typedef struct Round {
        const Snapshot *snapshot;
        DecideState *state;
        const Settings *settings;
        uint64_t now_ns;
        Plan *plan;
} Round;

/* What the evidence says of a process with this memory. */
void round_measure(const DecideState *state, const ProcessView *view, const Track *track,
                   Score *ret);

/* It runs on several nodes, and something is known of its regions. */
bool round_goes_by_region(const ProcessView *view, const Score *score);

/* Why a move is only told; NONE: it is carried out. */
Reason round_why_observed(const Round *round, const ProcessInfo *info);
bool round_only_observes(const Round *round, const ProcessInfo *info);

/* Keeps room for so much on the node. */
void round_reserve(DecideState *state, int node, uint64_t bytes);

/* Gives a candidate its order if there still is room beside those that are better. */
void order_candidate(const Round *round, size_t i);

void verdict_take_score(Verdict *v, const Score *s);
void verdict_take_placement(Verdict *v, const Placement *p);
void verdict_take_regions(Verdict *v, const RegionPlan *p);
void verdict_wait(Verdict *v, Reason reason, uint64_t until_ns, uint64_t now_ns);
void verdict_take_obstacle(Verdict *v, const Placement *p);
