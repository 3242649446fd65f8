/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/state.h"

/* The questions that a process has to pass before anything is planned for it. Each returns
 * REASON_NONE or what is against it, and then fills *observed and *threshold in the unit that
 * decide.h gives for that reason. */

/* What is never touched. track may be NULL. */
Reason gates_refuse(const ProcessInfo *info, const Track *track, pid_t self, NodeMask memory_nodes,
                    const Settings *settings, double *observed, double *threshold);

/* Age, size, evidence, remote share, score, stall. active: it passed last time and stays while it
 * keeps half of what it takes to enter. evidence and score are NULL when nothing was seen. */
Reason gates_enter(const ProcessInfo *info, const Evidence *evidence, const Score *score,
                   bool active, const Settings *settings, double *observed, double *threshold);

/* Whether it belongs to one node. */
Reason gates_single_node(const ProcessInfo *info, const Track *track, const Score *score,
                         double *observed, double *threshold);
