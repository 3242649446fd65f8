/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/regions.h"

#include <string.h>

#include "base/mathx.h"
#include "decide/confidence.h"
#include "decide/place.h"
#include "decide/sort.h"
#include "decide/tuning.h"

/* What the judgement of one process hands from step to step. */
typedef struct Judge {
        DecideState *state;
        const ProcessView *view;
        const Score *score;
        const Settings *settings;
        NodeMask targets; /* nodes that its memory may go to */
        double proven;    /* quality of the source x part of the rate that is proven */
        bool time;        /* samples are time: see score_counts_time() */
        uint64_t now_ns;
        RegionPlan plan;
        RegionPlan unpaid;           /* sums over the regions that do not pay, */
        double best_ratio;           /* and of the best of them */
        double weight;               /* of all regions */
        double shared;               /* of the shared ones */
        double shared_by[NODES_MAX]; /* of these, by node */
        uint32_t n_no_target;
} Judge;

/* Who uses one region, in accesses (with the latency divided out where samples are time). */
typedef struct Shares {
        double k[REGION_ACCESSORS];
        double n;
        int top; /* index of the largest, -1 without any */
} Shares;

/* The nearest known regions of the same mapping, without the one in question. */
typedef struct Window {
        double k[NODES_MAX];  /* accesses by node, */
        double k2[NODES_MAX]; /* sum over the regions of k^2 / n, */
        double n;             /* of all nodes */
        double aged_ns;       /* sum of n x time that the main accessor is the same */
        uint32_t m;           /* regions */
        size_t first, end;    /* in the view; the region in question is within and left out */
} Window;

static double number(float value) {
        return clamp_double((double)value, 0, NUMBER_MAX);
}

static bool access_valid(const Judge *j, const RegionAccess *a) {
        return a->node >= 0 && (uint32_t)a->node < j->state->latency.n_nodes;
}

/* Latency of the remote accesses of node a in this region: that of its home, or of the nearest other
 * node where most pages are at home but some are not. */
static double latency_away(const Judge *j, const Region *r, int a) {
        const Latency *l = &j->state->latency;
        double best = LATENCY_RATIO_MAX;

        if (r->home >= 0 && (uint32_t)r->home < l->n_nodes && r->home != a)
                return l->ratio[a][r->home];
        for (uint32_t h = 0; h < l->n_nodes; h++)
                if ((int)h != a && l->ratio[a][h] < best)
                        best = l->ratio[a][h];
        return best;
}

static double weight_local(const RegionAccess *a) {
        return clamp_double(number(a->weight) - number(a->remote), 0, NUMBER_MAX);
}

static double weight_remote(const RegionAccess *a) {
        return clamp_double(number(a->remote), 0, number(a->weight));
}

static void shares_of(const Judge *j, const Region *r, Shares *ret) {
        Shares s = { .n = number(r->other), .top = -1 };

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *a = &r->access[i];

                if (!access_valid(j, a))
                        continue;
                s.k[i] = weight_local(a) +
                         weight_remote(a) / (j->time ? latency_away(j, r, a->node) : 1);
                s.n += s.k[i];
                if (s.k[i] > 0 && (s.top < 0 || s.k[i] > s.k[s.top] ||
                                   (s.k[i] == s.k[s.top] && a->node < r->access[s.top].node)))
                        s.top = i;
        }
        *ret = s;
}

static uint64_t horizon_of(const Judge *j, const Region *r) {
        return clamp_u64(sub_sat(j->now_ns, r->since_ns), 0, HORIZON_MAX_NS);
}

static void window_count(const Judge *j, Window *w, const Region *r, double sign) {
        Shares s;

        shares_of(j, r, &s);
        if (s.n <= 0)
                return;
        for (int i = 0; i < REGION_ACCESSORS; i++) {
                if (!(s.k[i] > 0))
                        continue;
                w->k[r->access[i].node] += sign * s.k[i];
                w->k2[r->access[i].node] += sign * s.k[i] * s.k[i] / s.n;
        }
        w->n += sign * s.n;
        w->aged_ns += sign * s.n * (double)horizon_of(j, r);
        w->m += sign > 0 ? 1 : UINT32_MAX;
}

/* Lets the window surround region i; called for ascending i. */
static void window_slide(const Judge *j, Window *w, size_t i) {
        const Region *regions = j->view->regions;
        uint64_t mapping = regions[i].mapping;

        if (i == 0 || regions[i - 1].mapping != mapping) {
                *w = (Window) { .first = i, .end = i };
        } else {
                window_count(j, w, &regions[i - 1], 1);
                if (i - w->first > REGION_NEIGHBOURS)
                        window_count(j, w, &regions[w->first++], -1);
        }
        if (w->end < i + 1) {
                w->end = i + 1; /* the region itself */
        } else {
                window_count(j, w, &regions[i], -1);
        }
        while (w->end < j->view->n_regions && w->end <= i + REGION_NEIGHBOURS &&
               regions[w->end].mapping == mapping)
                window_count(j, w, &regions[w->end++], 1);
}

/* Samples that the neighbours are worth for a region mainly used by this node, and their share. */
static double prior_strength(const Window *w, int node, double *ret_share) {
        double n = w->n, k = clamp_double(w->k[node], 0, n), share, cap, scatter, chance, excess;

        *ret_share = share = clamp_double(ratio_or(k, n, 0), 0, 1);
        if (w->m < 2 || !(n > 0))
                return 0;
        cap = share >= REGION_SHARE_MIN ? REGION_PRIOR_FOR : REGION_PRIOR_AGAINST;
        cap = cap < n ? cap : n;
        /* Scatter of the regions' shares, and what chance makes of it when all are alike. */
        scatter = clamp_double(w->k2[node] - k * share, 0, NUMBER_MAX);
        chance = (w->m - 1) * share * (1 - share);
        excess = ratio_or(scatter, chance, 1) - 1;
        if (!(excess > 0) || !(n > w->m))
                return cap;
        return clamp_double((n / w->m - 1) / excess - 1, 0, cap);
}

/* Waiting that a move of the region to node t saves, and the share of its latency. */
static double relieved(const Judge *j, const Region *r, int t, double *ret_share) {
        const Latency *l = &j->state->latency;
        double now = 0, then = 0, saved = 0, waited = 0, remote = 0, lost = 0;

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *a = &r->access[i];
                double away, w, to;

                if (!access_valid(j, a))
                        continue;
                away = latency_away(j, r, a->node);
                to = l->ratio[a->node][t];
                w = clamp_double(number(a->waited), 0, weight_remote(a));
                now += weight_local(a) + weight_remote(a) * (j->time ? 1 : away);
                then += (weight_local(a) + weight_remote(a) / (j->time ? away : 1)) * to;
                saved += w * (1 - to / away);
                lost += weight_local(a) * (to - 1);
                waited += w;
                remote += weight_remote(a);
        }
        *ret_share = clamp_double(1 - ratio_or(then, now, 1), 0, 1);
        /* Accesses that are local now would wait as often as those that are not. */
        saved -= lost * ratio_or(waited, remote, 0);
        return saved > 0 ? saved : 0;
}

/* Few samples of a region in a thinly sampled mapping mean that it was hit by chance: its weight is
 * drawn towards the mean weight (gamma prior that counts as REGION_RATE_PRIOR samples). */
static double shrink(double weight, double mean) {
        if (!(weight > 0) || !(mean > 0))
                return 1;
        return clamp_double((weight + REGION_RATE_PRIOR) / (1 + REGION_RATE_PRIOR / mean) / weight,
                            0, 1);
}

/* Mean weight of a piece of the mapping that begins with region i, seen or not. */
static double mean_weight(const Judge *j, size_t i) {
        const Region *regions = j->view->regions;
        double weight = 0, pieces;
        size_t last = i;
        Shares s;

        for (size_t k = i; k < j->view->n_regions && regions[k].mapping == regions[i].mapping;
             k++) {
                shares_of(j, &regions[k], &s);
                weight += s.n;
                last = k;
        }
        pieces = (double)(regions[last].start / REGION_BYTES - regions[i].start / REGION_BYTES + 1);
        return ratio_or(weight, pieces > 0 ? pieces : 1, 0);
}

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
                        remote += weight_remote(&r->access[i]);
                else
                        remote -= weight_local(&r->access[i]);
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

static void count_unpaid(Judge *j, uint64_t bytes, double benefit_ns, double cost_ns) {
        double ratio = ratio_or(benefit_ns, cost_ns, 0);

        j->unpaid.bytes = add_sat(j->unpaid.bytes, bytes);
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
        uint64_t horizon_ns = horizon_of(j, r);

        saved = relieved(j, r, t, &gain);
        if (gain < GAIN_SHARE_MIN) {
                j->plan.n_home++;
                return;
        }
        j->plan.n_away++;
        if (!node_mask_has(j->targets, t)) {
                j->n_no_target++;
                return;
        }
        if (moved_ns > 0 && sub_sat(j->now_ns, moved_ns) < regions_rest_ns(j->settings)) {
                uint64_t until_ns = add_sat(moved_ns, regions_rest_ns(j->settings));

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
        benefit_ns = j->proven * j->score->stall_factor * saved * shrink(weight, mean) *
                     (double)horizon_ns / (double)NSEC_PER_SEC;
        cost_ns = j->state->page_cost_ns * (double)r->bytes / PAGE_COST_UNIT;
        if (benefit_ns > 0 && benefit_ns >= wanted * cost_ns)
                choose(j, r, t, benefit_ns, cost_ns);
        else
                count_unpaid(j, r->bytes, benefit_ns, cost_ns);
}

static void judge_region(Judge *j, const Region *r, const Window *w, double mean) {
        double strength, share, k, n, wanted;
        uint64_t moved_ns;
        Shares s;
        int t;

        shares_of(j, r, &s);
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
        else if (n >= REGION_SAMPLES_SHARED && k < REGION_SHARE_MIN * n)
                count_shared(j, r, &s);
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

/* Why nothing is worth moving. */
static void explain_nothing(const Judge *j, RegionPlan *p) {
        double top = 0;

        if (j->best_ratio > 0) {
                p->reason = REASON_COST;
                p->observed = j->best_ratio;
                p->threshold = j->settings->benefit_ratio;
                p->wait_until_ns = 0;
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
                        mean = mean_weight(j, i);
                window_slide(j, &w, i);
                judge_region(j, &regions[i], &w, mean);
        }
}

void regions_judge(DecideState *state, const ProcessView *view, const Score *score,
                   const Track *track, const Settings *settings, uint64_t now_ns, RegionPlan *ret) {
        Judge j = {
                .state = state,
                .view = view,
                .score = score,
                .settings = settings,
                .targets = state->movable & view->info->cpuset_mems,
                .proven = evidence_source_quality(view->evidence->source) *
                          poisson_lower_part(score->waited_remote),
                .time = score_counts_time(view->evidence),
                .now_ns = now_ns,
                .plan = { .n_regions = (uint32_t)view->n_regions },
        };
        RegionPlan *p = &j.plan;

        state->n_choices = 0;
        judge_all(&j);
        /* All of it was moved a short while ago. */
        if (track && track->last_move_ns > 0 && sub_sat(now_ns, track->last_move_ns) < RETURN_NS) {
                state->n_choices = 0;
                p->wait_until_ns = add_sat(track->last_move_ns, RETURN_NS);
        }
        if (state->n_choices == 0) {
                explain_nothing(&j, p);
                *ret = *p;
                return;
        }
        sort_in_place(state->choices, state->n_choices, sizeof(*state->choices), compare_choices,
                      NULL);
        p->cost_ns += REGION_JOB_COST_NS * node_mask_count(p->to);
        p->observed = ratio_or(p->benefit_ns, p->cost_ns, 0);
        p->threshold = settings->benefit_ratio;
        p->wait_until_ns = 0;
        p->reason = p->observed >= p->threshold ? REASON_MOVE : REASON_COST;
        *ret = *p;
}

void regions_hottest(DecideState *state, const ProcessView *view, int to) {
        state->n_choices = 0;
        for (size_t i = 0; i < view->n_regions; i++) {
                const Region *r = &view->regions[i];
                double remote = 0;

                for (int k = 0; k < REGION_ACCESSORS; k++)
                        remote += weight_remote(&r->access[k]);
                if (remote > 0 && r->home != to && !r->unmovable)
                        state->choices[state->n_choices++] = (RegionChoice) {
                                .start = r->start,
                                .end = add_sat(r->start, r->bytes),
                                .benefit_ns = remote,
                                .cost_ns = 1,
                                .to = (int8_t)to,
                        };
        }
        sort_in_place(state->choices, state->n_choices, sizeof(*state->choices), compare_choices,
                      NULL);
        if (state->n_choices > HOT_RANGES_MAX)
                state->n_choices = HOT_RANGES_MAX;
}
