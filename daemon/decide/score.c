/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/score.h"

#include "base/mathx.h"
#include "decide/confidence.h"
#include "decide/tuning.h"

bool score_counts_time(const Evidence *e) {
        return e->source == SOURCE_CLOCK && e->skid;
}

double score_access(const Evidence *e, uint32_t accessor, uint32_t home) {
        return clamp_double(e->access[(size_t)accessor * e->n_nodes + home], 0, NUMBER_MAX);
}

double score_waited(const Evidence *e, uint32_t accessor, uint32_t home) {
        return clamp_double(e->waited[(size_t)accessor * e->n_nodes + home], 0,
                            score_access(e, accessor, home));
}

/* Where it runs. */
static void score_cpu(const Evidence *e, Score *s) {
        double most = 0;

        for (uint32_t a = 0; a < e->n_nodes; a++) {
                double cpu_ns = clamp_double(e->cpu_ns[a], 0, NUMBER_MAX);

                s->cpu_ns += cpu_ns;
                if (cpu_ns > most) {
                        most = cpu_ns;
                        s->run_node = (int)a;
                }
        }
        s->run_share = ratio_or(most, s->cpu_ns, 0);
}

/* Latency from CPUs of node a to the nearest allowed memory, relative to its own; infinite when no
 * node is allowed. */
static double latency_best(const Latency *l, uint32_t a, NodeMask feasible) {
        double best = INFINITY;

        for (NodeMask left = feasible; left; left &= left - 1)
                best = fmin(best, l->ratio[a][node_mask_first(left)]);
        return best;
}

typedef struct Sums {
        double accesses; /* all, with the latency divided out where samples are time */
        double accesses_remote;
        double waited_gain;     /* waited remote weight x part of its latency to save */
        double home[NODES_MAX]; /* accesses per serving node */
} Sums;

static void score_sum_row(const Evidence *e, const Latency *l, uint32_t a, double best,
                          NodeMask movable, Score *s, Sums *sums) {
        bool time = score_counts_time(e);

        for (uint32_t h = 0; h < e->n_nodes; h++) {
                double access = score_access(e, a, h);
                double share = time ? access / l->ratio[a][h] : access;

                if (access <= 0)
                        continue;
                s->samples += access;
                sums->accesses += share;
                sums->home[h] += share;
                if (a == h)
                        continue;
                s->remote_samples += access;
                sums->accesses_remote += share;
                s->waited_remote += score_waited(e, a, h);
                if (node_mask_has(movable, (int)h) && best < l->ratio[a][h])
                        sums->waited_gain += score_waited(e, a, h) * (1 - best / l->ratio[a][h]);
        }
}

static int index_of_largest(const double *values, uint32_t n) {
        double largest = 0;
        int index = NODE_NONE;

        for (uint32_t i = 0; i < n; i++)
                if (values[i] > largest) {
                        largest = values[i];
                        index = (int)i;
                }
        return index;
}

/* Of time samples also those count that led nowhere: the process ran then too. */
void score_waiting(const Evidence *e, double *ret_samples, double *ret_waited) {
        double samples = score_counts_time(e) ? clamp_double(e->unresolved, 0, NUMBER_MAX) : 0;
        double waited = 0;

        for (uint32_t a = 0; a < e->n_nodes; a++)
                for (uint32_t h = 0; h < e->n_nodes; h++) {
                        samples += score_access(e, a, h);
                        waited += score_waited(e, a, h);
                }
        *ret_samples = samples;
        *ret_waited = waited;
}

void score_measure(const Evidence *e, const Latency *l, NodeMask feasible, NodeMask movable,
                   double exposed, Score *ret) {
        Score s = { .run_node = NODE_NONE, .home_node = NODE_NONE };
        Sums sums = {};

        score_cpu(e, &s);
        for (uint32_t a = 0; a < e->n_nodes; a++)
                score_sum_row(e, l, a, latency_best(l, a, feasible), movable, &s, &sums);
        s.accesses = sums.accesses;
        s.home_node = index_of_largest(sums.home, e->n_nodes);
        for (uint32_t h = 0; h < e->n_nodes; h++)
                s.served[h] = clamp_double(ratio_or(sums.home[h], sums.accesses, 0), 0, 1);
        s.remote_share = clamp_double(ratio_or(sums.accesses_remote, sums.accesses, 0), 0, 1);
        s.remote_lower = wilson_lower(s.remote_share * s.samples, s.samples);
        s.remote_upper = wilson_upper(s.remote_share * s.samples, s.samples);

        score_waiting(e, &s.time_samples, &s.waited);
        s.stall_factor =
                exposed * s.cpu_ns *
                ratio_or(wilson_lower(s.waited_remote, s.time_samples), s.waited_remote, 0);
        s.stall_ns = s.stall_factor * sums.waited_gain;
        s.score = ratio_or(s.stall_ns, s.cpu_ns, 0);
        *ret = s;
}
