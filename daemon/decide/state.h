/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/table.h"
#include "decide/decide.h"
#include "decide/latency.h"
#include "decide/pingpong.h"
#include "decide/score.h"
#include "decide/tuning.h"

/* An order that was given: so much to this node. */
typedef struct Planned {
        uint64_t bytes;
        int8_t to; /* NODE_NONE: unused */
} Planned;

/* What is remembered of a region that was moved. */
typedef struct RegionMemory {
        uint64_t moved_ns;
} RegionMemory;

/* Adjacent regions that are worth moving. */
typedef struct RegionChoice {
        uint64_t start, end;
        double benefit_ns, cost_ns;
        double remote;    /* weight of the remote accesses that would be local */
        double served_ns; /* CPU time per second that it serves; to spread only, */
        NodeMask targets; /* and where it may go */
        int8_t to;
} RegionChoice;

/* What is remembered of one process from evaluation to evaluation. */
typedef struct Track {
        uint64_t exec_id;           /* changes on exec, which starts everything anew; 0: unknown */
        char comm[COMM_BYTES];      /* stands for it then */
        uint64_t last_seen_ns;      /* last evaluation with this process */
        uint64_t settled_ns;        /* last evaluation that counted for `settled` */
        uint64_t stable_since_ns;   /* since when run_node is the one with most CPU time */
        uint64_t last_move_ns;      /* end of its last job that moved something; 0 = never */
        NodeMask last_from;         /* nodes that its memory left then */
        uint64_t cooldown_until_ns; /* 0 = none */
        uint64_t gave_up_until_ns;  /* 0 = not given up */
        uint64_t pieces_until_ns;   /* regions were moved: not moved whole until then; 0 = none */
        uint64_t shared_since_ns;   /* since when its memory is mostly shared; 0 = it is not */
        Planned planned[PLANNED_MAX]; /* orders given, reserved while their jobs run */
        double exposed;               /* K: part of the latency gap that it waits for */
        double latency_before;        /* mean latency of an access at the last order, relative to
                                     * local memory, */
        double latency_expected;      /* and what it should become */
        double waited_before;         /* share of CPU time spent waiting for memory at the last
                                     * order, 0 where the source cannot tell */
        double waited_gain;           /* of that, what the order would save if K were 1 */
        uint32_t given_up;            /* times since exec, saturating */
        uint8_t doublings;            /* of the cool-down */
        uint8_t disappointments;      /* in a row */
        int8_t run_node;
        uint8_t settled; /* evaluations in a row on run_node, saturating */
        bool active;     /* passed the gates last time */
        bool forbidden;  /* refused access: left alone until exec */
} Track;

/* Promises and what became of them, since the start. */
typedef struct Ledger {
        uint64_t reviewed;      /* moves that were compared with their promise */
        uint64_t measured;      /* of these, with the time spent waiting measured */
        uint64_t disappointing; /* moves with less than a quarter of it, or of nothing */
        uint64_t given_up;      /* times a process was left alone for it */
        double promised;        /* sum of remote shares that moves should have taken away */
        double realised;        /* sum of those that they did */
} Ledger;

/* What is remembered of a node that ran out of memory. */
typedef struct NodeBlock {
        uint64_t until_ns;
        uint64_t failed_ns; /* last failure */
        uint32_t failures;  /* in a row */
} NodeBlock;

/* A process whose move would pay, on its way to an order. */
typedef struct Candidate {
        size_t index; /* in the snapshot */
        double ratio; /* benefit / cost beside what is under way already */
        bool observe; /* see Move */
} Candidate;

struct DecideState {
        Table *tracks;
        Table *region_memory; /* of RegionMemory, by process and address / REGION_BYTES */
        NodeBlock blocks[NODES_MAX];
        double page_cost_ns; /* of 4 KB, learned */
        uint64_t moved_ns;   /* when a job last moved anything, 0 = never */
        Ledger ledger;
        PingPong ping_pong;

        /* Scratch of one evaluation, kept to be used again. */
        Latency latency;
        NodeMask memory;  /* nodes with memory */
        NodeMask movable; /* nodes that memory may leave and go to; those without CPUs are a
                           * slower tier and not ours to empty, unless never.cpuless is off */
        uint64_t reserved_bytes[NODES_MAX]; /* promised to moves under way and planned */
        uint32_t jobs;                      /* under way and planned */
        /* CPU time per second of all processes that memory of the node serves, by their shares of
         * accesses; and whether all of them were summed up. */
        uint64_t served_ns[NODES_MAX];
        bool served_known;
        double served_mean_ns;        /* of the nodes that memory may go to, */
        int overloaded;               /* the one that serves far more, NODE_NONE, */
        uint64_t overloaded_since_ns; /* and since when; kept from evaluation to evaluation */
        uint32_t cpus[NODES_MAX];     /* 0: not known */
        Track **tracks_of;            /* [n_processes] or NULL for what is not tracked */
        size_t tracks_of_allocated;
        size_t *newcomers;
        size_t newcomers_allocated;
        Candidate *candidates;
        size_t n_candidates;
        size_t candidates_allocated;
        RegionChoice *choices; /* of the process being judged */
        size_t n_choices;
        size_t choices_allocated;
        RegionChoice *spreads; /* its shared regions that may be spread */
        size_t n_spreads;
        size_t spreads_allocated;
};

/* decide_state_new() with room for so many processes. */
int state_new(DecideState **ret, const Topology *topology, uint32_t capacity);

/* Orders under way of this process. */
uint32_t track_planned(const Track *track);

/* Finds or adds the memory of one process; NULL when the table is full. */
Track *state_track(DecideState *state, ProcessId id, const char *comm);

/* Memory of one process, or NULL. */
Track *state_find(const DecideState *state, ProcessId id);

/* Forgets one process. */
void state_forget(DecideState *state, ProcessId id);

/* Fills state->tracks_of for the snapshot: finds, adds, starts anew what has exec'ed or was away,
 * and forgets old ones when room is short; if even then not all fit, the largest win. -ENOMEM. */
int state_follow(DecideState *state, const Snapshot *snapshot, const Settings *settings,
                 uint64_t now_ns);

/* A move of this process did not help: the next one waits twice as long, after three none is tried
 * for a while. */
void track_disappoint(Track *track, Ledger *ledger, const Settings *settings, uint64_t now_ns);

/* Leaves it alone for 10 min, twice as long the next time, a day at most. */
void track_give_up(Track *track, Ledger *ledger, uint64_t now_ns);

/* Lets it rest until then, or longer if it has to anyway. */
void track_rest(Track *track, uint64_t until_ns);

/* The cool-down that applies to it, ns. */
uint64_t track_cooldown_ns(const Track *track, const Settings *settings);

/* Notes where the process runs now. Evaluations at the same time count once. */
void track_settle(Track *track, const Score *score, uint64_t now_ns);

/* When node index may be a target again, of what the policy and the snapshot know. */
uint64_t state_blocked_until(const DecideState *state, const NodeState *node, int index);
