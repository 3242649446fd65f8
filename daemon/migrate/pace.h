/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/outcome.h"
#include "model/settings.h"

/* How fast jobs may go: a token bucket per target node, a share of one CPU, a limit on how long one
 * call may take; while the machine is under pressure half the bandwidth and half as much at a time.
 * Pure: time is given. */

/* Costs are learned per kind of call. */
typedef enum CallKind {
        CALL_BASE,
        CALL_HUGE,  /* units of 512 base pages */
        CALL_RETRY, /* pages that were busy before: the kernel tries each ten times over */
        CALL_KIND_MAX,
} CallKind;

/* Time of a call as fixed + n * each, from exponentially weighted sums over past calls. */
typedef struct CallCost {
        double weight, n, nn, t, nt;
} CallCost;

typedef struct Pace {
        CallCost cost[CALL_KIND_MAX];
        double most[CALL_KIND_MAX]; /* pages (units) since a call took much too long; 0: no bound */
        double sweep_each_ns;       /* per page of migrate_pages(2); 0: not known */
        uint64_t cpu_until_ns;      /* of the share of CPU time */
        uint64_t node_until_ns[NODES_MAX]; /* of the bucket of a target node */
        uint64_t pressure_read_ns;
        bool pressed;
} Pace;

/* What a job asks for. */
typedef struct PaceOrder {
        int to;
        uint64_t bytes_per_second; /* > 0 */
        uint32_t cpu_percent;
        uint64_t pause_budget_ns; /* 0: none */
} PaceOrder;

/* What a call under way is expected to take of the budgets, so that others that begin meanwhile do
 * not spend it as well. */
typedef struct PaceCharge {
        uint64_t cpu_ns;  /* of cpu_until_ns, */
        uint64_t node_ns; /* of node_until_ns */
        uint64_t rate;    /* bytes per second */
} PaceCharge;

void pace_init(Pace *p);

/* Whether a move promises ten times its cost. */
bool pace_is_urgent(const Move *move);

/* Settings of a move: bandwidth_max for one that is urgent,
 * and what its rule says before all. */
PaceOrder pace_order(const Settings *s, const Move *move);

/* Pages (huge: units) that the next call may have: within bounds, so that it takes the pause budget
 * at the learned cost; half of that under pressure. */
uint32_t pace_chunk(const Pace *p, CallKind kind, const PaceOrder *order);

/* The least that it says. */
uint32_t pace_chunk_min(CallKind kind);

/* What a call over n pages would take at the learned cost. */
uint64_t pace_estimate_ns(const Pace *p, CallKind kind, uint64_t n);

/* A call over n pages took busy_ns. One that took much longer than the budget and than what was known
 * bounds the next ones at once: among its pages were some that are held. */
void pace_learn(Pace *p, CallKind kind, uint64_t n, uint64_t busy_ns, uint64_t budget_ns);

/* A call over n units of that kind begins: charges what it will take at the learned cost. */
PaceCharge pace_begin(Pace *p, CallKind kind, const PaceOrder *order, uint64_t now_ns, uint64_t n,
                      uint32_t page_bytes);

/* It ended, took busy_ns and moved so many bytes. */
void pace_end(Pace *p, const PaceOrder *order, const PaceCharge *charge, uint64_t busy_ns,
              uint64_t bytes);

/* Both at once, for a call that ended at now_ns. */
void pace_account(Pace *p, const PaceOrder *order, uint64_t now_ns, uint64_t busy_ns,
                  uint64_t bytes);

/* How long to rest after busy_ns of work so that work takes at most cpu_percent of the time. */
uint64_t pace_rest_ns(uint64_t busy_ns, uint32_t cpu_percent);

/* A migrate_pages(2) that moved n pages took busy_ns; and what one over n pages would take: not less
 * than the last ones cost per page, nor than move_pages(2) costs. */
void pace_learn_sweep(Pace *p, uint64_t n, uint64_t busy_ns);
uint64_t pace_estimate_sweep_ns(const Pace *p, uint64_t n);

/* When the next call may begin; *ret_limit says what it waits for. */
uint64_t pace_next_ns(const Pace *p, const PaceOrder *order, Limit *ret_limit);

/* Whether the pause budget makes calls smaller than they could be. */
bool pace_is_short(const Pace *p, const PaceOrder *order);

/* Whether pressure is to be read again, and what was read: percent of time in which tasks waited for
 * CPU or memory, negative when the kernel does not tell. */
bool pace_wants_pressure(const Pace *p, uint64_t now_ns);
void pace_set_pressure(Pace *p, uint64_t now_ns, double percent);
