/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include "decide/latency.h"
#include "model/evidence.h"

/* What the evidence says of one process. Shares are 0..1, times ns per second of wall time. */
typedef struct Score {
        double samples;        /* sampled accesses (decayed) */
        double remote_samples; /* of these, of memory of another node */
        double remote_share;   /* share of its accesses, with bounds; where samples are time spent
                                * waiting, a slow access is seen more often and counts for less */
        double remote_lower;
        double remote_upper;
        double cpu_ns;
        int run_node; /* most CPU time, NODE_NONE when it did not run */
        double run_share;
        int home_node;            /* serves most accesses, NODE_NONE without samples */
        double accesses;          /* samples, with the latency divided out where they are time */
        double served[NODES_MAX]; /* part of its accesses that each node serves */
        double time_samples;      /* samples that the waited ones are a share of */
        double waited;            /* weight of all samples in which it waited for memory */
        double waited_remote;     /* weight of the samples that the stall is derived from */
        double stall_factor; /* stall per weight of waiting: exposed share x cpu_ns x (lower bound
                                * / estimate of the waited remote share) / samples */
        double stall_ns;     /* time that the best allowed placement would give back */
        double score;        /* stall_ns / cpu_ns */
} Score;

/* Whether the counts are time rather than accesses, so that the latency has to be divided out. */
bool score_counts_time(const Evidence *e);

/* One cell of the evidence, made safe: finite, not negative, bounded. */
double score_access(const Evidence *e, uint32_t accessor, uint32_t home);
double score_waited(const Evidence *e, uint32_t accessor, uint32_t home);

/* Samples that waiting is a share of, and the weight of those in which it waited for memory. */
void score_waiting(const Evidence *e, double *ret_samples, double *ret_waited);

/* Measures the process. feasible: nodes that its memory may be moved to; movable: nodes that its
 * memory may be moved from; exposed: the share K of the latency gap that it really waits for.
 *
 *   stall = K x cpu_ns x sum over a != h of waited share [a][h] x (1 - lat[a][best] / lat[a][h])
 *
 * with the waited remote share at its lower bound, spread over the cells as they were seen.
 * e must have as many nodes as l. */
void score_measure(const Evidence *e, const Latency *l, NodeMask feasible, NodeMask movable,
                   double exposed, Score *ret);
