/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* Every counter of the daemon: one table for D-Bus GetStats, `numabalancerctl status --json`, the
 * manual page and the tests. COUNTER(member, "PublicName", "meaning"). All count up from the start
 * of the daemon. */
#define COUNTER_TABLE(COUNTER)                                                                     \
        COUNTER(samples_total, "SamplesTotal", "clock samples taken in user code")                 \
        COUNTER(accesses_total, "AccessesTotal",                                                   \
                "accesses attributed to a CPU node and a home "                                    \
                "node")                                                                            \
        COUNTER(accesses_remote, "SamplesRemote", "of these, accesses to another node")            \
        COUNTER(samples_lost, "SamplesLost", "samples dropped because a buffer or table was full") \
        COUNTER(samples_no_code, "SamplesNoCode", "samples whose code bytes could not be read")    \
        COUNTER(samples_compat, "SamplesCompat", "samples of 32-bit code")                         \
        COUNTER(samples_undecoded, "SamplesUndecoded", "samples that led to no memory address")    \
        COUNTER(samples_no_page, "SamplesNoPage", "addresses without a resident page")             \
        COUNTER(samples_gone, "SamplesGone", "samples of processes that had ended")                \
        COUNTER(hint_faults, "HintFaults", "NUMA hint faults seen by the hint source")             \
        COUNTER(hint_faults_lost, "HintFaultsLost", "of these, not counted for lack of room")      \
        COUNTER(cpu_time_lost, "CPUTimeLost", "ticks of CPU time not counted for lack of room")    \
        COUNTER(evaluations, "Evaluations", "evaluations of all active processes")                 \
        COUNTER(processes_ended, "ProcessesEnded", "watched processes whose end was told")         \
        COUNTER(processes_changed, "ProcessesChanged",                                             \
                "times that a process began to use other memory and its past was dropped")         \
        COUNTER(life_lost, "LifeLost", "ends and execs of processes not told for lack of room")    \
        COUNTER(processes_dropped, "ProcessesDropped", "processes not tracked for lack of room")   \
        COUNTER(regions_dropped, "RegionsDropped",                                                 \
                "pieces of memory whose accesses were forgotten for lack of room")                 \
        COUNTER(migrations_started, "MigrationsStarted", "jobs begun")                             \
        COUNTER(migrations_finished, "MigrationsFinished", "jobs that moved all that they could")  \
        COUNTER(migrations_failed, "MigrationsFailed", "jobs that ended without or before that")   \
        COUNTER(retries, "Retries", "passes after the first")                                      \
        COUNTER(pages_moved, "PagesMoved", "base pages moved")                                     \
        COUNTER(pages_failed, "PagesFailed", "base pages that could not be moved")                 \
        COUNTER(pages_shared, "PagesShared", "base pages left because other processes map them")   \
        COUNTER(kernel_own_moved, "KernelOwnPagesMoved",                                           \
                "pages moved for the daemon as the kernel counted them")                           \
        COUNTER(kernel_own_failed, "KernelOwnPagesFailed",                                         \
                "pages not moved for the daemon as the kernel counted them")                       \
        COUNTER(kernel_own_huge, "KernelOwnHugePagesMoved", "huge pages among those moved")        \
        COUNTER(machine_moved, "MachinePagesMoved",                                                \
                "pages moved on the machine for whatever reason (pgmigrate_success)")              \
        COUNTER(machine_failed, "MachinePagesFailed",                                              \
                "pages not moved on the machine (pgmigrate_fail)")                                 \
        COUNTER(bytes_moved, "BytesMoved", "bytes moved")                                          \
        COUNTER(move_usec, "MoveUSec", "time spent in page-moving system calls")                   \
        COUNTER(moves_reviewed, "MovesReviewed", "moves that were compared with their promise")    \
        COUNTER(moves_measured, "MovesMeasured", "of these, with the time spent waiting measured") \
        COUNTER(moves_disappointing, "MovesDisappointing",                                         \
                "moves that kept less than a quarter of their promise, or moved nothing")          \
        COUNTER(processes_given_up, "ProcessesGivenUp",                                            \
                "times that a process was left alone because moves did not help")                  \
        COUNTER(points_promised, "PointsPromised",                                                 \
                "percent of remote accesses that moves promised to take away, added up")           \
        COUNTER(points_realised, "PointsRealised", "the same as it came true")                     \
        COUNTER(ping_pong_stops, "PingPongStops",                                                  \
                "times that moves were stopped because memory kept returning")                     \
        COUNTER(reloads, "Reloads", "configurations loaded on request")                            \
        COUNTER(reload_errors, "ReloadErrors", "configurations refused on request")

typedef struct Counters {
#define COUNTER_MEMBER(member, name, meaning) uint64_t member;
        COUNTER_TABLE(COUNTER_MEMBER)
#undef COUNTER_MEMBER
} Counters;
