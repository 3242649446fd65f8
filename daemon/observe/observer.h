/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/process.h"
#include "model/reason.h"
#include "model/region.h"
#include "model/settings.h"
#include "model/stats.h"
#include "model/topology.h"
#include "system/root.h"

/* The observe room behind one door: which process touches memory of which node from which node.
 * Not thread-safe; belongs to the loop. */
typedef struct Observer Observer;

/* Allocates; opens nothing. The topology and root are borrowed for the life of the observer. */
int observer_new(Observer **ret, const Topology *topology, const SystemRoot *root);
Observer *observer_free(Observer *o); /* NULL-safe, returns NULL */

/* Opens perf events and loads the BPF programs: the only step that needs CAP_SYS_ADMIN where
 * kernel.perf_event_paranoid is 3. On failure the negative errno of what failed, and
 * observer_describe() tells what and what would help. */
int observer_start(Observer *o, const Settings *settings);

/* Applies changed settings while running: sampling.rate_hz and sampling.cpu_max_percent. A changed
 * source or sampling.isolated takes effect with the next observer_start. */
int observer_configure(Observer *o, const Settings *settings);

/* Whether anybody waits for evidence: a process is a candidate, is being moved, or has not been
 * judged yet. Without, ticks come RATE_TRICKLE times more rarely. On after observer_start. */
void observer_set_interest(Observer *o, bool interest);

/* How many samples the least known process has of those that are waited for, INFINITY when there is none:
 * where all have enough (RATE_SAMPLES_ENOUGH) fewer are taken. Once an evaluation. */
void observer_set_samples(Observer *o, double least);

/* Samples per second and CPU at present: rate_hz, unless nobody waits for evidence or the ceiling
 * sampling.cpu_max_percent keeps it lower. 0 without the clock source. */
double observer_rate_hz(const Observer *o);

/* Stops sampling: closes events and programs; keeps the evidence. */
void observer_stop(Observer *o);

/* The running source (SOURCE_NONE when none), and a sentence about it: what it is and why, or why
 * it could not start. Owned by the observer, valid until the next call. */
EvidenceSource observer_source(const Observer *o);
const char *observer_describe(const Observer *o);

/* Descriptor that becomes readable when samples wait (epoll), and the handler that takes them in.
 * dispatch processes a bounded number of samples, so that a flood never holds the loop. */
int observer_get_fd(const Observer *o);
int observer_dispatch(Observer *o);

/* One evaluation interval ends: drains the kernel's counts, resolves addresses to nodes, decays all
 * evidence to now_ns and forgets processes unseen for long. Work is linear in active processes. */
int observer_collect(Observer *o, uint64_t now_ns);

/* Forgets where a process accessed memory (matrices, evaluations, samples not yet resolved), because
 * its pages were moved and the old homes are history. Its CPU time stays. Unknown ids are ignored. */
void observer_forget(Observer *o, ProcessId id);

/* The same for the memory in these ranges (disjoint, ascending) alone, which is on node `to` now. */
void observer_moved(Observer *o, ProcessId id, const AddressRange *ranges, uint32_t n, int to);

/* Whether a process is of no interest, because a rule leaves it alone: then it is not sampled, has no evidence
 * and no source. Its CPU time counts. Holds until it is forgotten; unknown ids are ignored. */
void observer_exclude(Observer *o, ProcessId id, bool excluded);

/* What is known of the pieces of memory of one process: fills ret (max elements) by ascending
 * address and returns how many, 0 for unknown processes, or a negative errno (-ESRCH). Reads its
 * mappings now and then. */
int observer_regions(Observer *o, ProcessId id, uint64_t now_ns, Region *ret, size_t max);

/* Processes that ran in the last 60 s. The arrays belong to the observer and stay valid until the
 * next collect: id (pid, start time as seen by the kernel; start time in clock ticks as in
 * proc/PID/stat) and evidence. */
typedef struct Observed {
        ProcessId id;
        Evidence evidence;     /* cpu_ns is a moving average with a half-life of 2 s */
        uint64_t last_seen_ns; /* end of the interval in which it last ran */
        EvidenceSource
                passed_over; /* a better source that runs, but does not see the process; NONE:
                                     * there is none */
        SourceWhy why;       /* why it does not */
        uint64_t exec_id;    /* changes when the process executes another program, which also
                                * drops its evidence; 0 until it was sampled */
} Observed;
const Observed *const *observer_processes(const Observer *o, size_t *ret_n);

/* Explicit memory policies of one process from the BPF iterators (a few microseconds per thread and
 * mapping; no page-table walk) and what else they tell: see policy_reader_read. -EOPNOTSUPP:
 * this kernel has no such iterators; -ESRCH: gone. */
int observer_read_policy(Observer *o, ProcessInfo *info);

/* Adds the observer's own counters (samples, losses by cause) to those of the daemon. */
void observer_count(const Observer *o, Counters *counters);

/* CPU time of the BPF programs in ns (own time stamps). */
uint64_t observer_run_time_ns(const Observer *o);
