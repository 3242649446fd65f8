/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/regions.h"

/* The parts of judging regions share this: who uses one (region_shares.c), what its neighbours say of
 * it (region_prior.c), what follows (regions.c), and what becomes of shared ones (spread.c). */

/* What the judgement of one process hands from step to step. */
typedef struct Judge {
        DecideState *state;
        const ProcessView *view;
        const Score *score;
        const Settings *settings;
        const Track *track; /* may be NULL */
        NodeMask targets;   /* nodes that its memory may go to */
        double proven;      /* quality of the source x part of the rate that is proven */
        bool time;          /* samples are time: see score_counts_time() */
        uint64_t now_ns;
        RegionPlan plan;
        RegionPlan unpaid;           /* sums over the regions that do not pay, */
        double best_ratio;           /* and of the best of them */
        double weight;               /* of all regions */
        double shared;               /* of the shared ones */
        double shared_by[NODES_MAX]; /* of these, by node */
        uint32_t n_no_target;
        int spread_from; /* node whose shared memory is to be spread, NODE_NONE */
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

double region_number(float value);

/* Weights of what one node does in a region, made safe. */
bool region_access_valid(const Judge *j, const RegionAccess *a);
double region_weight_local(const RegionAccess *a);
double region_weight_remote(const RegionAccess *a);

void region_shares(const Judge *j, const Region *r, Shares *ret);

/* How long the same node has accessed it most, 30 min at most. */
uint64_t region_horizon(const Judge *j, const Region *r);

/* Waiting that a move of the region to node t saves, and the part of its latency that it saves; below
 * 0: loses. */
double region_relieved(const Judge *j, const Region *r, int t, double *ret_share);

/* Lets the window surround region i; called for ascending i. */
void window_slide(const Judge *j, Window *w, size_t i);

/* Samples that the neighbours are worth for a region mainly used by this node, and their share. */
double prior_strength(const Window *w, int node, double *ret_share);

/* Mean weight of a piece of the mapping that begins with region i, seen or not; and the part of the
 * weight of a region that is not luck. */
double prior_mean_weight(const Judge *j, size_t i);
double prior_shrink(double weight, double mean);

/* Counts a region whose move would not pay, or not yet. */
void region_count_unpaid(Judge *j, const Region *r, uint64_t horizon_ns, double benefit_ns,
                         double cost_ns, double wanted);

/* When a region may be moved again: now or earlier, or after now_ns. */
uint64_t region_rests_until(const Judge *j, uint64_t moved_ns);

/* Notes a region that several nodes use, if it may be spread. Call for each; then spread_choose() fills
 * state->choices and the plan, when nothing else is worth moving. */
void spread_consider(Judge *j, const Region *r, const Shares *s, uint64_t moved_ns);
void spread_choose(Judge *j);
