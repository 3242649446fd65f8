/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/outcome.h"
#include "model/plan.h"
#include "model/settings.h"
#include "model/snapshot.h"
#include "model/stats.h"

/* The policy: pure and deterministic. It sees only what it is given, never reads a clock, a file or
 * a random number, and cannot fail at run time except for lack of memory. */

/* What Verdict.observed and Verdict.threshold mean for each reason. Shares are 0..1; where gates are
 * named, a process that passed before keeps passing with half of the setting, and threshold is
 * what applied. "-" is 0.
 *
 *   reason              observed                              threshold
 *   move, spread, cost, benefit / cost                        ratio that is wanted: benefit_ratio,
 *   observed, other-mover                                     1.5 times that within 5 min of a move
 *   balanced            upper bound of the remote share, or   gates.min_remote
 *                       0: no resident memory elsewhere
 *   too-young           age, ns                               gates.min_age, ns
 *   too-small           resident size, bytes                  gates.min_rss, bytes
 *   too-few-samples     evaluations that brought samples      2
 *   low-remote          lower bound of the remote share       gates.min_remote
 *   low-score           stall / CPU time, share               gates.min_score
 *   low-stall           stall, ns per second                  gates.min_stall, ns per second
 *   multi-node          share of CPU time on its busiest node 0.9
 *   unsettled           evaluations in a row on that node     3
 *   cooldown, gave-up,  time still to wait, ns                -        (and wait_until_ns)
 *   node-blocked, ping-pong
 *   node-full           bytes needed on the target: 1.25 x    bytes that it can give
 *                       what moves, and what it must keep
 *   no-target           best part of the weighted latency     0.1
 *                       that any allowed node would save
 *   attributes-unknown  benefit / cost                        ratio that is wanted
 *   budget              moves planned and under way           most at once
 *   cpuset              memory nodes that its cpuset allows   2
 *   pinned              pinned memory, bytes                  a quarter of its resident size, bytes
 *   shared              largest share of one node in the      0.6
 *                       accesses to its shared regions
 *   hugetlb             hugetlb pages, bytes                  -
 *   locked              locked memory, bytes                  -
 *   others              -                                     -
 *
 * A process that runs on several nodes is judged by regions: for move and cost the values are those of
 * all regions that are worth moving, or of the best one that is not; wait_until_ns of a cool-down is
 * the earliest of its regions. Its order is one job for each target node.
 *
 * candidate says that the gates are passed, whatever else speaks against a move (self and kernel
 * threads excepted). A process that would be moved but for ATTRIBUTES_UNKNOWN has that reason and is
 * a candidate: once its policies were read it moves at the next evaluation. */

/* What the policy remembers between evaluations: hysteresis, how long a process has run where it
 * runs, cool-down, gains promised and realised. Bounded by PROCESSES_MAX. */
typedef struct DecideState DecideState;

int decide_state_new(DecideState **ret, const Topology *topology);
DecideState *decide_state_free(DecideState *state);

/* One evaluation at now_ns (CLOCK_MONOTONIC): judges every process of the snapshot and plans moves
 * that fit free memory together. The order of snapshot->processes does not change the plan, and no
 * process may be listed twice; regions come in ascending order. Allocates only when there are more processes than ever before.
 * plan's arrays are reused. -ENOMEM leaves an empty plan. */
int decide(const Snapshot *snapshot, DecideState *state, const Settings *settings, uint64_t now_ns,
           Plan *plan);

/* What became of a move: starts cool-down, node blocks, give-up (at once where nothing can be moved),
 * notices ping-pong, and teaches the cost per page. Call when a job has finished. */
void decide_learn(DecideState *state, const Outcome *outcome, const Settings *settings,
                  uint64_t now_ns);

/* Whether a move helped, about two evaluations after its job: outcome->remote_after is the remote
 * share since then (NAN: could not be seen, nothing is learned), `after` the evidence since then, or
 * NULL. What the move made of the mean latency (without `after`: of the remote share) is compared
 * with what was promised, less in proportion where only a part was moved, and with the benefit of
 * the doubt for few samples. Below a quarter of the promise the cool-down doubles and the exposed
 * share K halves; after three in a row the process is left alone for 10 min (doubling, until it
 * execs). Where the samples tell waiting (clock source with skid) K is learned from the time spent
 * waiting before and after; elsewhere a placement that came true leaves K as it is: the gain cannot
 * be measured. Moves that were not planned by decide() (benefit_ns 0) are not judged. */
void decide_review(DecideState *state, const Outcome *outcome, const Evidence *after,
                   const Settings *settings, uint64_t now_ns);

/* Adds what was promised and what became of it, and the stops. */
void decide_count(const DecideState *state, Counters *counters);

/* While more than 5 % of what was moved lately went back within 60 s to the node it came from,
 * nothing is moved: the time when moves begin again, one at a time for 5 min, or 0. Processes that
 * would be moved meanwhile have REASON_PING_PONG. */
uint64_t decide_stopped_until(const DecideState *state, uint64_t now_ns);

/* When node `index` may be a target again (CLOCK_MONOTONIC; 0 or past: now). */
uint64_t decide_node_blocked_until(const DecideState *state, int index);
