/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <sys/types.h>

#include "model/process.h"
#include "model/topology.h"
#include "system/root.h"

/* Start time of a process from proc/PID/stat (field 22, clock ticks since boot). -ESRCH: gone;
 * -EBADMSG: does not parse. */
int process_read_starttime(const SystemRoot *root, pid_t pid, uint64_t *ret_starttime);

/* 0 when this very process still lives, -ESRCH when it has ended or its pid was reused. */
int process_check(const SystemRoot *root, ProcessId id);

/* CPU time of all threads in ns (in steps of a clock tick) and their minor page faults since the
 * process began. As process_read_starttime(). */
int process_read_progress(const SystemRoot *root, pid_t pid, uint64_t *ret_cpu_ns,
                          uint64_t *ret_faults);

/* Threads whose scheduling class process_read looks at, the main thread first. */
#define PROCESS_READ_TASKS_MAX 64

/* Reads everything of ProcessInfo except attributes, task_policy and vma_policy (left zero) from
 * proc/PID/stat, status, cgroup and task; boottime_ns (CLOCK_BOOTTIME) gives the age. `realtime` is
 * true when one of the first PROCESS_READ_TASKS_MAX threads is in a real-time class; later threads
 * are not looked at (the observer's iterators see all). A kernel without cpusets allows all nodes with memory. Robust against hostile
 * command names and truncated files (-EBADMSG). -ESRCH: gone. */
int process_read(const SystemRoot *root, const Topology *t, pid_t pid, uint64_t boottime_ns,
                 ProcessInfo *ret);
