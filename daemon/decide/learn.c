/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/mathx.h"
#include "decide/decide.h"
#include "decide/regions.h"
#include "decide/state.h"
#include "decide/tuning.h"

static void learn_page_cost(DecideState *state, const Outcome *outcome) {
        double seen;

        if (outcome->bytes_moved < PAGE_COST_MIN_BYTES || outcome->busy_ns == 0)
                return;
        seen = clamp_double((double)outcome->busy_ns * PAGE_COST_UNIT /
                                    (double)outcome->bytes_moved,
                            PAGE_COST_MIN_NS, PAGE_COST_MAX_NS);
        state->page_cost_ns += PAGE_COST_WEIGHT * (seen - state->page_cost_ns);
}

static void block_node(NodeBlock *block, uint64_t now_ns) {
        uint64_t forget_ns = NODE_BLOCK_NS << NODE_BLOCK_DOUBLINGS_MAX;

        if (now_ns < block->until_ns)
                return; /* one of several moves that met the same want of room */
        if (sub_sat(now_ns, block->failed_ns) > forget_ns)
                block->failures = 0;
        block->until_ns = add_sat(now_ns, NODE_BLOCK_NS << block->failures);
        block->failed_ns = now_ns;
        if (block->failures < NODE_BLOCK_DOUBLINGS_MAX)
                block->failures++;
}

static void learn_node(DecideState *state, const Outcome *outcome, uint64_t now_ns) {
        NodeBlock *block;

        if (outcome->move.to < 0 || outcome->move.to >= NODES_MAX)
                return;
        block = &state->blocks[outcome->move.to];
        if (outcome->reason == REASON_NO_MEMORY)
                block_node(block, now_ns);
        else if (outcome->reason == REASON_DONE && outcome->pages_moved > 0)
                *block = (NodeBlock) {};
}

/* A job that cost time and moved nothing. A full node or an order taken back is not the fault of the
 * process; pages that were busy may be free later; what cannot be moved at all stays so. */
static void learn_nothing_moved(DecideState *state, Track *track, const Outcome *outcome,
                                const Settings *settings, uint64_t now_ns) {
        switch (outcome->reason) {
        case REASON_PASSES_EXHAUSTED:
        case REASON_PARTLY:
        case REASON_ERROR:
                track_disappoint(track, &state->ledger, settings, now_ns);
                break;
        case REASON_UNMOVABLE:
        case REASON_SHARED:
                /* These pages, but others may move. */
                if (outcome->move.ranges_only) {
                        track_disappoint(track, &state->ledger, settings, now_ns);
                        break;
                }
                state->ledger.disappointing++;
                track_give_up(track, &state->ledger, now_ns);
                break;
        default:
                break;
        }
}

/* Orders given by hand promise nothing and are nobody's ping-pong. */
static void learn_move(DecideState *state, Track *track, const Outcome *outcome, uint64_t now_ns) {
        bool returned = track->last_move_ns > 0 &&
                        sub_sat(now_ns, track->last_move_ns) < RETURN_NS &&
                        node_mask_has(track->last_from, outcome->move.to);

        if (outcome->move.benefit_ns > 0)
                ping_pong_count(&state->ping_pong, outcome->bytes_moved, returned, now_ns);
        if (outcome->move.ranges_only)
                return; /* each region remembers that itself */
        track->last_move_ns = now_ns;
        track->last_from = outcome->move.from;
}

/* Other regions of the process may follow at once; it is not moved whole meanwhile. */
static void learn_regions(DecideState *state, Track *track, const Outcome *outcome,
                          const Settings *settings, uint64_t now_ns) {
        uint64_t until_ns = add_sat(now_ns, regions_rest_ns(settings));

        track->pieces_until_ns = until_ns;
        if (!regions_learn(state, outcome, settings, now_ns))
                track_rest(track, until_ns);
}

void decide_learn(DecideState *state, const Outcome *outcome, const Settings *settings,
                  uint64_t now_ns) {
        Track *track;

        learn_page_cost(state, outcome);
        if (outcome->pages_moved > 0)
                state->moved_ns = now_ns;
        learn_node(state, outcome, now_ns);
        if (outcome->reason == REASON_PROCESS_GONE) {
                state_forget(state, outcome->move.id);
                return;
        }
        track = state_track(state, outcome->move.id, outcome->move.comm);
        if (!track)
                return;
        for (unsigned i = 0; i < PLANNED_MAX; i++)
                if (!outcome->move.ranges_only || track->planned[i].to == outcome->move.to)
                        track->planned[i] = (Planned) { .to = NODE_NONE };
        track->last_seen_ns = now_ns;
        if (outcome->pages_moved > 0)
                learn_move(state, track, outcome, now_ns);
        if (outcome->reason == REASON_FORBIDDEN)
                track->forbidden = true;
        if (outcome->move.ranges_only)
                learn_regions(state, track, outcome, settings, now_ns);
        else
                track_rest(track, add_sat(now_ns, track_cooldown_ns(track, settings)));
        if (outcome->pages_moved == 0 &&
            (outcome->pages_planned > 0 || outcome->reason == REASON_SHARED))
                learn_nothing_moved(state, track, outcome, settings, now_ns);
}

uint64_t decide_stopped_until(const DecideState *state, uint64_t now_ns) {
        return ping_pong_stopped_until(&state->ping_pong, now_ns);
}

uint64_t decide_node_blocked_until(const DecideState *state, int index) {
        return index < 0 || index >= NODES_MAX ? 0 : state->blocks[index].until_ns;
}
