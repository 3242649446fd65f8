/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/round.h"

#include "base/mathx.h"
#include "decide/tuning.h"
#include "model/rules.h"

void round_measure(const DecideState *state, const ProcessView *view, const Track *track,
                   Score *ret) {
        score_measure(view->evidence, &state->latency, state->movable & view->info->cpuset_mems,
                      state->movable, track ? track->exposed : EXPOSED_SHARE_START, ret);
}

/* Two programs that move the same memory would undo each other's work. */
static bool yields(const Round *round) {
        return round->snapshot->other_mover && !round->settings->ignore_other_movers;
}

Reason round_why_observed(const Round *round, const ProcessInfo *info) {
        if (rule_mode_effective(info->rule_mode, round->settings->mode) != RULE_ACT)
                return REASON_OBSERVED;
        return yields(round) ? REASON_OTHER_MOVER : REASON_NONE;
}

bool round_only_observes(const Round *round, const ProcessInfo *info) {
        return round_why_observed(round, info) != REASON_NONE;
}

bool round_goes_by_region(const ProcessView *view, const Score *score) {
        return view->n_regions > 0 && score->run_share < SINGLE_NODE_SHARE;
}

void round_reserve(DecideState *state, int node, uint64_t bytes) {
        state->reserved_bytes[node] = add_sat(state->reserved_bytes[node], place_reserve(bytes));
}
