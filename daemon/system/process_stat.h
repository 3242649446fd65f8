/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

/* The part of proc/PID/stat (proc(5)) that the daemon uses. */
typedef struct ProcessStat {
        char comm[COMM_BYTES]; /* raw, cut to what the kernel stores for user programs */
        uint64_t flags;        /* field 9 */
        uint64_t minflt;     /* field 10, page faults that read nothing from disk, of all threads */
        uint64_t utime;      /* field 14, clock ticks in user mode, of all threads */
        uint64_t stime;      /* field 15, in the kernel */
        uint64_t starttime;  /* field 22, clock ticks */
        uint64_t processor;  /* field 39, CPU last executed on */
        uint64_t policy;     /* field 41, SCHED_* */
        uint64_t guest_time; /* field 43, clock ticks of utime in guests of virtual machines */
} ProcessStat;

/* Parses the text of the file, which need not end there. -EBADMSG: truncated or something else. */
int process_stat_parse(const char *text, ProcessStat *ret);

/* SCHED_FIFO, SCHED_RR or SCHED_DEADLINE. */
bool process_stat_is_realtime(const ProcessStat *stat);

/* The innermost systemd unit in the text of proc/PID/cgroup (version 2, or name=systemd of version
 * 1), "" when there is none: the last path component that ends in .service, .scope, .mount, .socket
 * or .swap, so units of a user manager are found below user@UID.service. */
void process_unit_parse(const char *cgroup, char ret_unit[static UNIT_BYTES]);
