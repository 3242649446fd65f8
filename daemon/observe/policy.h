/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/process.h"
#include "system/root.h"

/* Reads explicit memory policies with the BPF task and task_vma iterators. */
typedef struct PolicyReader PolicyReader;

/* Loads the iterator programs that this kernel has. A negative errno when it has none. */
int policy_reader_new(PolicyReader **ret);
PolicyReader *policy_reader_free(PolicyReader *p); /* NULL-safe, returns NULL */

/* Whether mappings are read by an iterator, so that nothing walks page tables. */
bool policy_reader_has_mappings(const PolicyReader *p);

/* Sets attributes, task_policy and vma_policy of info, and what the iterators tell of every thread and
 * mapping in place of what process_read found: kernel_thread, realtime, cpuset_mems (the nodes allowed to
 * all threads), locked_bytes, pinned_bytes, and hugetlb_bytes, which counts mappings that are not touched
 * yet, too; and device_memory. Where mappings cannot be iterated for one
 * process (before Linux 6.1), proc/PID/numa_maps is read once instead, which walks the page tables
 * of the process. -ESRCH: the process has ended; -EOPNOTSUPP: p is NULL. */
int policy_reader_read(PolicyReader *p, const SystemRoot *root, const Topology *t,
                       ProcessInfo *info);

/* Whether the policy column of a line of numa_maps ("7f12... bind:0 anon=3 ...") names nodes. A line
 * that does not parse counts as explicit, which errs on the side of leaving the process alone. */
bool numa_maps_line_explicit(const char *line);
