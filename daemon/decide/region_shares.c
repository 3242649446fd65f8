/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/region_judge.h"

#include "base/mathx.h"
#include "decide/tuning.h"

double region_number(float value) {
        return clamp_double((double)value, 0, NUMBER_MAX);
}

bool region_access_valid(const Judge *j, const RegionAccess *a) {
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

double region_weight_local(const RegionAccess *a) {
        return clamp_double(region_number(a->weight) - region_number(a->remote), 0, NUMBER_MAX);
}

double region_weight_remote(const RegionAccess *a) {
        return clamp_double(region_number(a->remote), 0, region_number(a->weight));
}

void region_shares(const Judge *j, const Region *r, Shares *ret) {
        Shares s = { .n = region_number(r->other), .top = -1 };

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *a = &r->access[i];

                if (!region_access_valid(j, a))
                        continue;
                s.k[i] = region_weight_local(a) +
                         region_weight_remote(a) / (j->time ? latency_away(j, r, a->node) : 1);
                s.n += s.k[i];
                if (s.k[i] > 0 && (s.top < 0 || s.k[i] > s.k[s.top] ||
                                   (s.k[i] == s.k[s.top] && a->node < r->access[s.top].node)))
                        s.top = i;
        }
        *ret = s;
}

uint64_t region_horizon(const Judge *j, const Region *r) {
        return clamp_u64(sub_sat(j->now_ns, r->since_ns), 0, HORIZON_MAX_NS);
}

double region_relieved(const Judge *j, const Region *r, int t, double *ret_share) {
        const Latency *l = &j->state->latency;
        double now = 0, then = 0, saved = 0, waited = 0, remote = 0, lost = 0;

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                const RegionAccess *a = &r->access[i];
                double away, w, to;

                if (!region_access_valid(j, a))
                        continue;
                away = latency_away(j, r, a->node);
                to = l->ratio[a->node][t];
                w = clamp_double(region_number(a->waited), 0, region_weight_remote(a));
                now += region_weight_local(a) + region_weight_remote(a) * (j->time ? 1 : away);
                then += (region_weight_local(a) + region_weight_remote(a) / (j->time ? away : 1)) *
                        to;
                saved += w * (1 - to / away);
                lost += region_weight_local(a) * (to - 1);
                waited += w;
                remote += region_weight_remote(a);
        }
        *ret_share = clamp_double(1 - ratio_or(then, now, 1), -LATENCY_RATIO_MAX, 1);
        /* Accesses that are local now would wait as often as those that are not. */
        saved -= lost * ratio_or(waited, remote, 0);
        return saved > 0 ? saved : 0;
}
