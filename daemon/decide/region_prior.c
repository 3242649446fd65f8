/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/region_judge.h"

#include <math.h>

#include "base/mathx.h"
#include "decide/tuning.h"

static void window_count(const Judge *j, Window *w, const Region *r, double sign) {
        Shares s;

        region_shares(j, r, &s);
        if (s.n <= 0)
                return;
        for (int i = 0; i < REGION_ACCESSORS; i++) {
                if (!(s.k[i] > 0))
                        continue;
                w->k[r->access[i].node] += sign * s.k[i];
                w->k2[r->access[i].node] += sign * s.k[i] * s.k[i] / s.n;
        }
        w->n += sign * s.n;
        w->aged_ns += sign * s.n * (double)region_horizon(j, r);
        w->m += sign > 0 ? 1 : UINT32_MAX;
}

void window_slide(const Judge *j, Window *w, size_t i) {
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

double prior_strength(const Window *w, int node, double *ret_share) {
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

/* Few samples of a region in a thinly sampled mapping mean that it was hit by chance: its weight is
 * drawn towards the mean weight (gamma prior that counts as REGION_RATE_PRIOR samples). */
double prior_shrink(double weight, double mean) {
        if (!(weight > 0) || !(mean > 0))
                return 1;
        return clamp_double((weight + REGION_RATE_PRIOR) / (1 + REGION_RATE_PRIOR / mean) / weight,
                            0, 1);
}

/* Mean weight of a piece of the mapping that begins with region i, seen or not. */
double prior_mean_weight(const Judge *j, size_t i) {
        const Region *regions = j->view->regions;
        uint64_t piece = REGION_BYTES, end = 0;
        double weight = 0;
        Shares s;

        for (size_t k = i; k < j->view->n_regions && regions[k].mapping == regions[i].mapping;
             k++) {
                region_shares(j, &regions[k], &s);
                weight += s.n;
                end = add_sat(regions[k].start, regions[k].bytes);
                if (regions[k].bytes > piece)
                        piece = regions[k].bytes;
        }
        return weight / fmax(ceil((double)sub_sat(end, regions[i].start) / (double)piece), 1);
}
