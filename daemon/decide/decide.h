/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/outcome.h"
#include "model/plan.h"
#include "model/settings.h"
#include "model/snapshot.h"

/* The policy: pure and deterministic. It sees only what it is given, never reads a clock, a file or
 * a random number, and cannot fail at run time except for lack of memory. */

/* What the policy remembers between evaluations: hysteresis, how long a process has run where it
 * runs, cool-down, gains promised and realised. Bounded by PROCESSES_MAX. */
typedef struct DecideState DecideState;

int decide_state_new(DecideState **ret, const Topology *topology);
DecideState *decide_state_free(DecideState *state);

/* One evaluation at now_ns (CLOCK_MONOTONIC): judges every process of the snapshot and plans moves
 * that fit free memory together. The order of snapshot->processes does not change the plan.
 * plan's arrays are reused. -ENOMEM leaves an empty plan. */
int decide(const Snapshot *snapshot, DecideState *state, const Settings *settings, uint64_t now_ns,
           Plan *plan);

/* What became of a move: ends or starts cool-down, node blocks, give-up, and teaches the cost per
 * page. Call when a job has finished. */
void decide_learn(DecideState *state, const Outcome *outcome, const Settings *settings,
                  uint64_t now_ns);

/* When node `index` may be a target again (0: now). */
uint64_t decide_node_blocked_until(const DecideState *state, int index);
