/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/round.h"

void verdict_take_score(Verdict *v, const Score *s) {
        v->samples = s->samples;
        v->remote_share = s->remote_share;
        v->remote_lower = s->remote_lower;
        v->remote_upper = s->remote_upper;
        v->cpu_ns = s->cpu_ns;
        v->stall_ns = s->stall_ns;
        v->score = s->score;
        v->home_node = s->home_node;
        v->run_node = s->run_node;
        v->run_share = s->run_share;
}

void verdict_take_placement(Verdict *v, const Placement *p) {
        v->target_node = p->target;
        v->move_bytes = p->bytes;
        v->benefit_ns = p->benefit_ns;
        v->cost_ns = p->cost_ns;
        v->horizon_ns = p->horizon_ns;
}

void verdict_take_regions(Verdict *v, const RegionPlan *p) {
        v->target_node = node_mask_first(p->to);
        v->move_bytes = p->bytes;
        v->benefit_ns = p->benefit_ns;
        v->cost_ns = p->cost_ns;
        v->horizon_ns = p->horizon_ns;
        v->regions = p->n_regions;
        v->regions_away = p->n_away;
        v->regions_home = p->n_home;
        v->regions_shared = p->n_shared;
        v->reason = p->reason;
        v->observed = p->observed;
        v->threshold = p->threshold;
        v->wait_until_ns = p->wait_until_ns;
}

void verdict_wait(Verdict *v, Reason reason, uint64_t until_ns, uint64_t now_ns) {
        v->reason = reason;
        v->wait_until_ns = until_ns;
        v->observed = (double)(until_ns - now_ns);
        v->threshold = 0;
}
void verdict_take_obstacle(Verdict *v, const Placement *p) {
        v->reason = p->reason;
        v->target_node = p->target;
        v->observed = p->observed;
        v->threshold = p->threshold;
        v->wait_until_ns = p->wait_until_ns;
}
