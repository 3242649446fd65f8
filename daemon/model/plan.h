/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/process.h"
#include "model/reason.h"

/* One node as it is now. */
typedef struct NodeState {
        uint64_t available_bytes; /* MemFree + Inactive(file) - high watermark, not below 0 */
        uint64_t high_watermark_bytes;
        uint64_t blocked_until_ns; /* after -ENOMEM on this node; CLOCK_MONOTONIC, 0 = not */
} NodeState;

/* What was seen of one process and what follows from it, with the numbers that a person needs to
 * check it. Shares are 0..1. */
typedef struct Verdict {
        ProcessId id;
        Reason reason;
        bool candidate;      /* passed the gates (with hysteresis) */
        double samples;      /* decayed samples behind the shares */
        double remote_share; /* estimate, and its confidence bounds */
        double remote_lower;
        double remote_upper;
        double cpu_ns;       /* CPU time used, ns per second */
        double stall_ns;     /* time lost to remote memory, ns per second */
        double score;        /* stall_ns / cpu_ns */
        int home_node;       /* node index with most accesses served, NODE_NONE unknown */
        int run_node;        /* node index with most CPU time, NODE_NONE unknown */
        double run_share;    /* its share of the CPU time */
        int target_node;     /* where its memory should be, NODE_NONE */
        uint64_t move_bytes; /* what a move would copy */
        double benefit_ns;   /* gain expected over horizon_ns */
        double cost_ns;      /* time that the move itself takes */
        uint64_t horizon_ns;
        uint32_t regions;        /* pieces of its memory that were judged by themselves, of which */
        uint32_t regions_away;   /* one node uses mostly and they are elsewhere, */
        uint32_t regions_home;   /* one node uses mostly and they are there, */
        uint32_t regions_shared; /* several nodes use */
        uint64_t wait_until_ns;  /* CLOCK_MONOTONIC; cool-down, give-up or block ends, or the
                                 * move pays (cost); 0 = none */
        double observed;         /* the value that decided, and */
        double threshold;        /* the threshold it met, in the unit the reason implies */
} Verdict;

/* Addresses [start, end) of a process, page aligned. */
typedef struct AddressRange {
        uint64_t start;
        uint64_t end;
} AddressRange;

/* An order to the migration engine: bring what the process has on nodes `from` to node `to`. */
typedef struct Move {
        ProcessId id;
        char comm[COMM_BYTES];
        char unit[UNIT_BYTES];
        NodeMask from;  /* source nodes, dense indices, without `to` */
        int to;         /* target node, dense index */
        uint64_t bytes; /* estimate of what will be copied */
        double score;
        double remote_before;     /* remote share when the move was decided, */
        double remote_expected;   /* and what the move should make of it */
        uint64_t bandwidth_bytes; /* most per second by a rule; 0: what the settings say */
        double benefit_ns;
        double cost_ns;
        /* What to move, hottest first, disjoint, at most MOVE_RANGES_MAX; borrowed: mover_submit()
         * copies them, and in an Outcome they are NULL. */
        const AddressRange *ranges;
        uint32_t n_ranges;
        double cpu_ns;    /* CPU time that the process uses, ns per second; 0: not known */
        bool ranges_only; /* nothing else; false: they come first, then everything else */
        bool observe;     /* to be told, not carried out: mode observe, of the
                                  * configuration or of a rule */
} Move;

/* Result of one evaluation. Arrays belong to the plan and are reused from tick to tick. */
typedef struct Plan {
        Verdict *verdicts; /* one per process of the snapshot, in its order */
        size_t n_verdicts;
        size_t verdicts_allocated;
        Move *moves; /* to be carried out, best first, then those to be told */
        size_t n_moves;
        size_t moves_allocated;
        AddressRange *ranges; /* of the moves, MOVE_RANGES_MAX for each */
        size_t ranges_allocated;
} Plan;

void plan_done(Plan *plan);
