/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/change.h"

#include <math.h>
#include <string.h>

/* Sums over a part of the intervals. */
typedef struct Part {
        double n, remote;
        uint32_t from, to;
} Part;

void change_add(ChangeWatch *c, double w, bool remote) {
        c->open.n += (float)w;
        if (remote)
                c->open.remote += (float)w;
}

void change_reset(ChangeWatch *c) {
        c->n_bins = 0;
        c->open = (ChangeBin) {};
}

static double share_of(const Part *p) {
        return p->remote / p->n;
}

/* k ln(p) + (n - k) ln(1 - p), with 0 ln 0 = 0. */
static double log_likelihood(const Part *part, double p) {
        double near = part->n - part->remote, sum = 0;

        if (part->remote > 0)
                sum += part->remote * log(p);
        if (near > 0)
                sum += near * log1p(-p);
        return sum;
}

static double likelihood_ratio(const Part *a, const Part *b) {
        double all = (a->remote + b->remote) / (a->n + b->n);

        return 2 * (log_likelihood(a, share_of(a)) - log_likelihood(a, all) +
                    log_likelihood(b, share_of(b)) - log_likelihood(b, all));
}

/* Pearson's chi square of the intervals of a part about their common share, which is kept away from 0 and 1:
 * there a single sample would seem infinitely unlikely. */
static double chi_square(const ChangeWatch *c, const Part *part) {
        double p = (part->remote + 0.5) / (part->n + 1), sum = 0;

        for (uint32_t i = part->from; i < part->to; i++) {
                double n = (double)c->bins[i].n, off = (double)c->bins[i].remote - n * p;

                sum += off * off / (n * p * (1 - p));
        }
        return sum;
}

static bool differ(const ChangeWatch *c, const Part *before, const Part *recent) {
        double freedom = before->to - before->from + recent->to - recent->from - 2;
        double ratio, dispersion;

        if (fabs(share_of(before) - share_of(recent)) < CHANGE_SHARE_MIN)
                return false;
        ratio = likelihood_ratio(before, recent);
        if (ratio < CHANGE_EVIDENCE)
                return false;
        dispersion = (chi_square(c, before) + chi_square(c, recent)) / freedom;
        return ratio >= CHANGE_EVIDENCE * fmax(dispersion, 1);
}

static void take(Part *p, const ChangeBin *bin, double sign) {
        p->n += sign * (double)bin->n;
        p->remote += sign * (double)bin->remote;
}

/* Tries every place at which the intervals may fall into two, latest first. */
static bool find_change(const ChangeWatch *c) {
        uint32_t least = CHANGE_RECENT << c->level, total = c->n_bins;
        Part recent = { .from = total, .to = total }, before = {};

        if (c->level >= CHANGE_LEVEL_MAX || total < 2 * least + CHANGE_BEFORE + 1)
                return false;
        for (uint32_t i = 0; i < total; i++)
                take(&before, &c->bins[i], 1);
        before.to = total - 1;
        take(&before, &c->bins[total - 1], -1);
        while (before.to > least + CHANGE_BEFORE) {
                recent.from--;
                before.to--;
                take(&recent, &c->bins[recent.from], 1);
                take(&before, &c->bins[before.to], -1);
                if (total - recent.from >= least && differ(c, &before, &recent))
                        return true;
        }
        return false;
}

bool change_close(ChangeWatch *c, uint64_t now_ns) {
        if (c->level > 0 && now_ns > c->level_ns && now_ns - c->level_ns >= CHANGE_CALM_NS) {
                c->level--;
                c->level_ns = now_ns;
        }
        if ((double)c->open.n < CHANGE_BIN_MIN)
                return false;
        if (c->n_bins == CHANGE_BINS)
                memmove(c->bins, c->bins + 1, sizeof(c->bins[0]) * --c->n_bins);
        c->bins[c->n_bins++] = c->open;
        c->open = (ChangeBin) {};
        if (!find_change(c))
                return false;
        change_reset(c);
        c->level++;
        c->level_ns = now_ns;
        return true;
}
