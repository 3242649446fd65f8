/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/regions.h"

#include "base/mathx.h"
#include "decide/confidence.h"
#include "decide/place.h"
#include "decide/region_judge.h"
#include "decide/sort.h"
#include "decide/tuning.h"

static void count_shared(Judge *j, const Region *r, const Shares *s) {
        j->plan.n_shared++;
        j->shared += s->n;
        for (int i = 0; i < REGION_ACCESSORS; i++)
                if (s->k[i] > 0)
                        j->shared_by[r->access[i].node] += s->k[i];
}

/* Adds a region to the choices, or to the range before it. */
static void choose(Judge *j, const Region *r, int to, double benefit_ns, double cost_ns) {
        DecideState *state = j->state;
        RegionChoice *last = state->n_choices > 0 ? &state->choices[state->n_choices - 1] : NULL;
        double remote = 0;

        for (int i = 0; i < REGION_ACCESSORS; i++)
                if (r->access[i].node == to)
                        remote += region_weight_remote(&r->access[i]);
                else
                        remote -= region_weight_local(&r->access[i]);
        remote = remote > 0 ? remote : 0;
        j->plan.bytes = add_sat(j->plan.bytes, r->bytes);
        j->plan.benefit_ns += benefit_ns;
        j->plan.cost_ns += cost_ns;
        j->plan.to |= node_bit(to);
        if (last && last->end == r->start && last->to == to &&
            last->end - last->start < RANGE_BYTES_MAX) {
                last->end = add_sat(r->start, r->bytes);
                last->benefit_ns += benefit_ns;
                last->cost_ns += cost_ns;
                last->remote += remote;
                return;
        }
        state->choices[state->n_choices++] = (RegionChoice) {
                .start = r->start,
                .end = add_sat(r->start, r->bytes),
                .benefit_ns = benefit_ns,
                .cost_ns = cost_ns,
                .remote = remote,
                .to = (int8_t)to,
        };
}

uint64_t region_rests_until(const Judge *j, uint64_t moved_ns) {
        return moved_ns > 0 ? add_sat(moved_ns, regions_rest_ns(j->settings)) : 0;
}

void region_count_unpaid(Judge *j, const Region *r, uint64_t horizon_ns, double benefit_ns,
                         double cost_ns, double wanted) {
        double ratio = ratio_or(benefit_ns, cost_ns, 0);
        uint64_t pays_ns = place_pays_at_ns(horizon_ns, ratio, wanted, j->now_ns);

        if (pays_ns > 0 && (j->unpaid.wait_until_ns == 0 || pays_ns < j->unpaid.wait_until_ns))
                j->unpaid.wait_until_ns = pays_ns;
        if (horizon_ns > j->unpaid.horizon_ns)
                j->unpaid.horizon_ns = horizon_ns;
        j->unpaid.bytes = add_sat(j->unpaid.bytes, r->bytes);
        j->unpaid.benefit_ns += benefit_ns;
        j->unpaid.cost_ns += cost_ns;
        if (ratio > j->best_ratio)
                j->best_ratio = ratio;
}

/* A region that clearly belongs to node t: worth moving there? */
static void judge_clear(Judge *j, const Region *r, const Window *w, double mean, int t,
                        uint64_t moved_ns, double weight) {
        bool repeat = moved_ns > 0 && sub_sat(j->now_ns, moved_ns) < RECENT_MOVE_NS;
        double wanted = j->settings->benefit_ratio * (repeat ? RECENT_RATIO_FACTOR : 1);
        double gain, saved, benefit_ns, cost_ns, prior;
        uint64_t horizon_ns = region_horizon(j, r);

        saved = region_relieved(j, r, t, &gain);
        if (gain < GAIN_SHARE_MIN) {
                j->plan.n_home++;
                return;
        }
        j->plan.n_away++;
        if (!node_mask_has(j->targets, t)) {
                j->n_no_target++;
                return;
        }
        if (region_rests_until(j, moved_ns) > j->now_ns) {
                uint64_t until_ns = region_rests_until(j, moved_ns);

                if (j->plan.wait_until_ns == 0 || until_ns < j->plan.wait_until_ns)
                        j->plan.wait_until_ns = until_ns;
                return;
        }
        /* What its neighbours were used for before it was seen at all counts for it, too. */
        if (prior_strength(w, t, &prior) > 0 && prior >= REGION_SHARE_MIN)
                horizon_ns = clamp_u64(double_to_u64(ratio_or(w->aged_ns, w->n, 0)), horizon_ns,
                                       HORIZON_MAX_NS);
        if (horizon_ns > j->plan.horizon_ns)
                j->plan.horizon_ns = horizon_ns;
        benefit_ns = j->proven * j->score->stall_factor * saved * prior_shrink(weight, mean) *
                     (double)horizon_ns / (double)NSEC_PER_SEC;
        cost_ns = j->state->page_cost_ns * (double)r->bytes / PAGE_COST_UNIT;
        if (benefit_ns > 0 && benefit_ns >= wanted * cost_ns)
                choose(j, r, t, benefit_ns, cost_ns);
        else
                region_count_unpaid(j, r, horizon_ns, benefit_ns, cost_ns, wanted);
}

static void judge_region(Judge *j, const Region *r, const Window *w, double mean) {
        double strength, share, k, n, wanted;
        uint64_t moved_ns;
        Shares s;
        int t;

        region_shares(j, r, &s);
        j->weight += s.n;
        if (s.top < 0)
                return;
        if (r->unmovable) {
                count_shared(j, r, &s);
                return;
        }
        t = r->access[s.top].node;
        moved_ns = regions_moved_at(j->state, j->view->info->id, r->start);
        wanted = moved_ns > 0 && sub_sat(j->now_ns, moved_ns) < RECENT_MOVE_NS ? REGION_SHARE_REPEAT
                                                                               : REGION_SHARE_MIN;
        strength = prior_strength(w, t, &share);
        k = s.k[s.top] + strength * share;
        n = s.n + strength;
        if (wilson_lower(k, n) >= wanted)
                judge_clear(j, r, w, mean, t, moved_ns, s.n);
        else if (n >= REGION_SAMPLES_SHARED && k < REGION_SHARE_MIN * n) {
                count_shared(j, r, &s);
                spread_consider(j, r, &s, moved_ns);
        }
}

static int compare_choices(const void *a, const void *b, void *userdata) {
        const RegionChoice *x = a, *y = b;
        double i = ratio_or(x->benefit_ns, x->cost_ns, 0),
               k = ratio_or(y->benefit_ns, y->cost_ns, 0);

        (void)userdata;
        if (i != k)
                return i > k ? -1 : 1;
        return (x->start > y->start) - (x->start < y->start);
}

void regions_sort(RegionChoice *choices, size_t n) {
        sort_in_place(choices, n, sizeof(*choices), compare_choices, NULL);
}

/* Why nothing is worth moving. */
static void explain_nothing(const Judge *j, RegionPlan *p) {
        double top = 0;

        if (j->best_ratio > 0) {
                p->reason = REASON_COST;
                p->observed = j->best_ratio;
                p->threshold = j->settings->benefit_ratio;
                p->wait_until_ns = j->unpaid.wait_until_ns;
                p->horizon_ns = j->unpaid.horizon_ns;
                p->bytes = j->unpaid.bytes;
                p->benefit_ns = j->unpaid.benefit_ns;
                p->cost_ns = j->unpaid.cost_ns;
        } else if (p->wait_until_ns > j->now_ns) {
                p->reason = REASON_COOLDOWN;
                p->observed = (double)(p->wait_until_ns - j->now_ns);
        } else if (j->n_no_target > 0) {
                p->reason = REASON_NO_TARGET;
                p->threshold = GAIN_SHARE_MIN;
        } else if (j->shared > 0 && j->shared >= SHARED_WEIGHT_MIN * j->weight) {
                p->reason = REASON_SHARED;
                for (uint32_t a = 0; a < NODES_MAX; a++)
                        top = j->shared_by[a] > top ? j->shared_by[a] : top;
                p->observed = clamp_double(ratio_or(top, j->shared, 0), 0, 1);
                p->threshold = REGION_SHARE_MIN;
        } else {
                p->reason = REASON_MULTI_NODE;
                p->observed = j->score->run_share;
                p->threshold = SINGLE_NODE_SHARE;
        }
}

static void judge_all(Judge *j) {
        const Region *regions = j->view->regions;
        Window w = {};
        double mean = 0;

        for (size_t i = 0; i < j->view->n_regions; i++) {
                if (i == 0 || regions[i].mapping != regions[i - 1].mapping)
                        mean = prior_mean_weight(j, i);
                window_slide(j, &w, i);
                judge_region(j, &regions[i], &w, mean);
        }
}

/* The load that a node has is known when everything is summed up, nothing is being moved, and what was
 * moved is seen where it is now. */
static bool may_spread(const DecideState *state, const Track *track, const Settings *settings,
                       uint64_t now_ns) {
        return settings->spread && state->served_known && state->jobs == 0 &&
               (state->moved_ns == 0 || sub_sat(now_ns, state->moved_ns) >= SPREAD_SETTLE_NS) &&
               track && track->pieces_until_ns <= now_ns;
}

void regions_judge(DecideState *state, const ProcessView *view, const Score *score,
                   const Track *track, const Settings *settings, uint64_t now_ns, RegionPlan *ret) {
        Judge j = {
                .state = state,
                .view = view,
                .score = score,
                .settings = settings,
                .track = track,
                .targets = state->movable & view->info->cpuset_mems,
                .proven = evidence_source_quality(view->evidence->source) *
                          poisson_lower_part(score->waited_remote),
                .time = score_counts_time(view->evidence),
                .now_ns = now_ns,
                .plan = { .n_regions = (uint32_t)view->n_regions },
                .spread_from =
                        may_spread(state, track, settings, now_ns) ? state->overloaded : NODE_NONE,
        };
        RegionPlan *p = &j.plan;

        state->n_choices = state->n_spreads = 0;
        judge_all(&j);
        /* All of it was moved a short while ago. */
        if (track && track->last_move_ns > 0 && sub_sat(now_ns, track->last_move_ns) < RETURN_NS) {
                state->n_choices = 0;
                p->wait_until_ns = add_sat(track->last_move_ns, RETURN_NS);
        } else if (state->n_choices == 0)
                spread_choose(&j);
        if (state->n_choices == 0) {
                explain_nothing(&j, p);
                *ret = *p;
                return;
        }
        regions_sort(state->choices, state->n_choices);
        p->cost_ns += REGION_JOB_COST_NS * node_mask_count(p->to);
        p->observed = ratio_or(p->benefit_ns, p->cost_ns, 0);
        p->threshold = settings->benefit_ratio;
        p->wait_until_ns = 0;
        p->reason = p->observed >= p->threshold ? REASON_MOVE : REASON_COST;
        *ret = *p;
}

void regions_hottest(DecideState *state, const ProcessView *view, NodeMask from, int to) {
        state->n_choices = 0;
        for (size_t i = 0; i < view->n_regions; i++) {
                const Region *r = &view->regions[i];
                double remote = 0;

                for (int k = 0; k < REGION_ACCESSORS; k++)
                        remote += region_weight_remote(&r->access[k]);
                if (remote > 0 && (r->home < 0 || node_mask_has(from, r->home)) && !r->unmovable)
                        state->choices[state->n_choices++] = (RegionChoice) {
                                .start = r->start,
                                .end = add_sat(r->start, r->bytes),
                                .benefit_ns = remote,
                                .cost_ns = 1,
                                .to = (int8_t)to,
                        };
        }
        regions_sort(state->choices, state->n_choices);
        if (state->n_choices > HOT_RANGES_MAX)
                state->n_choices = HOT_RANGES_MAX;
}
