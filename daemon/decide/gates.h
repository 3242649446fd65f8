/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/state.h"

/* The questions that a process has to pass before anything is planned for it. Each returns
 * REASON_NONE or what is against it, and then fills *observed and *threshold in the unit that
 * decide.h gives for that reason. */

/* What is never touched. track may be NULL. */
Reason gates_refuse(const ProcessInfo *info, const Track *track, pid_t self, NodeMask memory_nodes,
                    const Settings *settings, double *observed, double *threshold);

/* Age, size, evidence, remote share, score, stall. Who passed last time stays while it keeps half of
 * what it takes to enter; so does, with a fifth of the remote share, whose regions were just moved.
 * evidence and score are NULL when nothing was seen, track may be NULL. */
Reason gates_enter(const ProcessInfo *info, const Evidence *evidence, const Score *score,
                   const Track *track, const Settings *settings, uint64_t now_ns, double *observed,
                   double *threshold);

/* Whether it belongs to one node. */
Reason gates_single_node(const ProcessInfo *info, const Track *track, const Score *score,
                         double *observed, double *threshold);
