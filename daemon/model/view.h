/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/movement.h"
#include "model/outcome.h"
#include "model/plan.h"
#include "model/process.h"
#include "model/settings.h"
#include "model/stats.h"

/* What the control interface shows, as plain data. The manager fills these from its last tick; the
 * report room turns them into messages. */

typedef enum DaemonState {
        STATE_STARTING,
        STATE_RUNNING,
        STATE_PAUSED,
        STATE_IDLE,
        STATE_STOPPED, /* moves nothing for a while: moved memory kept returning */
        STATE_STOPPING,
        DAEMON_STATE_MAX,
} DaemonState;

const char *daemon_state_to_string(DaemonState state);

typedef struct StatusView {
        const char *version;
        Mode mode;
        DaemonState state;
        Reason state_reason;
        EvidenceSource source;
        const char *source_reason;
        const char *kernel_balancing; /* "off", "on", "tiering", "none" */
        uint64_t paused_until_usec;   /* CLOCK_REALTIME; 0 not paused, UINT64_MAX until Resume */
        const char *last_reload_error;
        uint32_t node_count;
        uint64_t start_realtime_usec;
        uint64_t start_monotonic_usec;
        uint32_t processes_tracked;
        uint32_t jobs_active;
        uint64_t cpu_usage_usec; /* of the daemon and its BPF programs */
        uint64_t sampler_usec;   /* of these, of the BPF programs */
        Counters counters;
        bool kernel_moves_known;            /* the kernel lets itself be asked for the next */
        KernelMoves kernel_moves;           /* since the start of the daemon */
        uint64_t failures[FAILURE_MAX];     /* pages (and calls) by class, over all jobs */
        uint64_t failed_bytes[FAILURE_MAX]; /* the size of those pages */
} StatusView;

typedef struct ProcessRow {
        ProcessInfo info;
        Verdict verdict;
        EvidenceSource source;
        EvidenceSource passed_over; /* a better source that runs but does not see it, or NONE */
        SourceWhy source_why;       /* why it does not */
        const char *state;          /* "watched", "candidate", "moving" */
} ProcessRow;

/* What is known of one process besides its row. Pointers are borrowed until the event loop runs on. */
typedef struct ProcessDetail {
        uint32_t n_nodes;
        const double *access; /* [n][n] accessor x home, decayed; NULL: nothing was seen */
        const uint64_t *resident_bytes; /* [n] estimate, or NULL */
} ProcessDetail;

/* The machine as the last tick saw it. */
typedef struct MachineView {
        uint32_t n_nodes;
        NodeState nodes[NODES_MAX];
        double cpu_ns[NODES_MAX];            /* CPU time of all watched processes, ns per second */
        double access[NODES_MAX][NODES_MAX]; /* their accesses, [accessor][home], decayed */
} MachineView;

/* A move ordered by hand. Nodes are kernel ids. */
typedef struct MoveRequest {
        pid_t pid;
        uint64_t starttime;  /* 0: whichever process has this pid */
        int from_id;         /* -1: all other nodes */
        int to_id;           /* -1: where the process runs */
        bool override_rules; /* also against rules and mode "observe" */
} MoveRequest;

typedef enum ProcessOrder {
        ORDER_SCORE,
        ORDER_REMOTE,
        ORDER_PID,
        PROCESS_ORDER_MAX,
} ProcessOrder;

const char *process_order_to_string(ProcessOrder order);
int process_order_from_string(const char *s); /* -EINVAL */
