/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/ledger.h"
#include "system/root.h"

/* The residency source: what share of the accesses of a process is expected to be remote, if it
 * touches its memory evenly: CPU time per node x where sampled pages of it are. It needs neither
 * perf events nor BPF, so it serves where the clock source cannot run, and for single processes that
 * the clock source cannot see. */

/* Pages asked for at once, and how many accesses the answer counts for: about as many as a process
 * with a tenth of a CPU brings in the same time with the clock source. */
#define RESIDENCY_PAGES  64
#define RESIDENCY_WEIGHT 16.0

/* A process is asked for at most this often. */
#define RESIDENCY_INTERVAL_NS (5ull * NSEC_PER_SEC)

/* Whether the process has CPU time and was not asked for in the last RESIDENCY_INTERVAL_NS. */
bool residency_is_due(const TrackedProcess *p, uint64_t now_ns);

/* Adds the expected accesses of one process to its evidence, from its cpu_ns and a sample of its
 * pages, and makes SOURCE_RESIDENCY its source. -EALREADY: not due; -ESRCH: gone; -ENODATA: no page;
 * other errors of residency_sample. */
int residency_estimate(TrackedProcess *p, const Topology *t, const SystemRoot *root, Ledger *ledger,
                       uint64_t now_ns);
