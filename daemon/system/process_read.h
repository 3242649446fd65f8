/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/process.h"
#include "model/topology.h"
#include "system/root.h"

/* Start time of a process from proc/PID/stat (field 22, clock ticks since boot). -ESRCH: gone. */
int process_read_starttime(const SystemRoot *root, pid_t pid, uint64_t *ret_starttime);

/* 0 when this very process still lives, -ESRCH when it has ended or its pid was reused. */
int process_check(const SystemRoot *root, ProcessId id);

/* Reads everything of ProcessInfo except attributes, task_policy and vma_policy from proc/PID/stat,
 * status and cgroup; boottime_ns (CLOCK_BOOTTIME) gives the age. Robust against hostile command
 * names and truncated files (-EBADMSG). -ESRCH: gone. */
int process_read(const SystemRoot *root, const Topology *t, pid_t pid, uint64_t boottime_ns,
                 ProcessInfo *ret);
