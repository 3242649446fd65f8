/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>

#include "base/mathx.h"
#include "decide/confidence.h"
#include "decide/decide.h"
#include "decide/place.h"
#include "decide/state.h"
#include "decide/tuning.h"

uint64_t track_cooldown_ns(const Track *track, const Settings *settings) {
        return mul_sat(settings->cooldown_ns, 1ull << track->doublings);
}

void track_rest(Track *track, uint64_t until_ns) {
        if (track->cooldown_until_ns < until_ns)
                track->cooldown_until_ns = until_ns;
}

void track_give_up(Track *track, Ledger *ledger, uint64_t now_ns) {
        uint64_t left_alone_ns = GAVE_UP_NS;

        for (uint32_t i = 0; i < track->given_up && left_alone_ns < GAVE_UP_MAX_NS; i++)
                left_alone_ns *= 2;
        if (left_alone_ns > GAVE_UP_MAX_NS)
                left_alone_ns = GAVE_UP_MAX_NS;
        track->gave_up_until_ns = add_sat(now_ns, left_alone_ns);
        track->disappointments = 0;
        if (track->given_up < UINT32_MAX)
                track->given_up++;
        ledger->given_up++;
}

void track_disappoint(Track *track, Ledger *ledger, const Settings *settings, uint64_t now_ns) {
        ledger->disappointing++;
        if (track->doublings < COOLDOWN_DOUBLINGS_MAX)
                track->doublings++;
        track_rest(track, add_sat(now_ns, track_cooldown_ns(track, settings)));
        if (++track->disappointments >= DISAPPOINTMENTS_MAX)
                track_give_up(track, ledger, now_ns);
}

/* Part of the former CPU time that is saved when waiting fell from the share `before` to `after` of
 * the CPU time, for the same work: that took 1 - before without waiting and still does. */
static double time_saved(double before, double after) {
        return after < 1 ? before - after * (1 - before) / (1 - after) : -1;
}

/* Learns K from the time spent waiting since the move, where that was seen well enough: 1 and
 * whether it fell by enough of the promise, else 0. */
static int review_waiting(Track *track, const Outcome *outcome, const Evidence *after, double part,
                          bool *ret_helped) {
        double gain = track->waited_gain * part, samples, waited, seen;

        if (!after || outcome->move.ranges_only || !score_counts_time(after) ||
            !(track->waited_before > 0) || gain < WAITED_GAIN_MIN)
                return 0;
        score_waiting(after, &samples, &waited);
        if (samples < WAITED_SAMPLES_MIN)
                return 0;
        *ret_helped = time_saved(track->waited_before, wilson_lower(waited, samples)) >=
                      PROMISE_KEPT_MIN * track->exposed * gain;
        if (*ret_helped) {
                seen = clamp_double(time_saved(track->waited_before, waited / samples) / gain,
                                    EXPOSED_SHARE_MIN, EXPOSED_SHARE_MAX);
                track->exposed += EXPOSED_SHARE_WEIGHT * (seen - track->exposed);
        }
        return 1;
}

/* Part of the promise that came true, with the benefit of the doubt for few samples. In latency
 * where that was seen, for a move to a nearer node leaves the accesses remote; else, and for regions,
 * in remote accesses: several jobs with regions of one process may have helped at the same time. */
static double promise_kept(const DecideState *state, const Track *track, const Outcome *outcome,
                           const Evidence *after, double part) {
        double promised = (outcome->move.remote_before - outcome->move.remote_expected) * part;
        double samples = after ? after->samples : 0, least = outcome->remote_after, latency;

        if (samples > 0)
                least = wilson_lower(least * samples, samples);
        latency =
                after && after->n_nodes == state->latency.n_nodes ? place_latency(state, after) : 0;
        if (latency > 0 && !outcome->move.ranges_only &&
            track->latency_before > track->latency_expected) {
                latency = 1 + (latency - 1) * ratio_or(least, outcome->remote_after, 1);
                return ratio_or(track->latency_before - latency,
                                (track->latency_before - track->latency_expected) * part, 1);
        }
        return promised > 0 ? (outcome->move.remote_before - least) / promised : 1;
}

void decide_review(DecideState *state, const Outcome *outcome, const Evidence *after,
                   const Settings *settings, uint64_t now_ns) {
        Track *track = state_find(state, outcome->move.id);
        bool helped = true;
        double part, promised;

        /* An order given by hand promised nothing. */
        if (!track || !isfinite(outcome->remote_after) || outcome->pages_moved == 0 ||
            !(outcome->move.benefit_ns > 0))
                return;
        part = clamp_double(
                ratio_or((double)outcome->pages_moved, (double)outcome->pages_planned, 1), 0, 1);
        state->ledger.reviewed++;
        promised = clamp_double(outcome->move.remote_before - outcome->move.remote_expected, 0, 1) *
                   part;
        state->ledger.promised += promised;
        /* Never below nothing: these are counters. */
        state->ledger.realised += clamp_double(outcome->move.remote_before - outcome->remote_after,
                                               0, outcome->move.ranges_only ? promised : 1);
        if (review_waiting(track, outcome, after, part, &helped))
                state->ledger.measured++;
        if (helped && promise_kept(state, track, outcome, after, part) >= PROMISE_KEPT_MIN) {
                track->doublings = 0;
                track->disappointments = 0;
                return;
        }
        track->exposed = clamp_double(track->exposed / 2, EXPOSED_SHARE_MIN, EXPOSED_SHARE_MAX);
        track_disappoint(track, &state->ledger, settings, now_ns);
}

void decide_count(const DecideState *state, Counters *counters) {
        const Ledger *l = &state->ledger;

        counters->moves_reviewed += l->reviewed;
        counters->moves_measured += l->measured;
        counters->moves_disappointing += l->disappointing;
        counters->processes_given_up += l->given_up;
        counters->points_promised += double_to_u64(100 * l->promised);
        counters->points_realised += double_to_u64(100 * l->realised);
        counters->ping_pong_stops += state->ping_pong.total;
}
