/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "observe/change.h"
#include "observe/observer.h"
#include "observe/regions.h"

/* Every process that ran lately, most recently active first, bounded by PROCESSES_MAX. */
typedef struct ProcessTable ProcessTable;

/* What one source brought of a process, whether it judges it or not. Decayed (SIGN_HALF_LIFE_NS). */
typedef struct SourceSign {
        double resolved;   /* accesses with a home */
        double unresolved; /* samples without */
        double expected;   /* accesses that its CPU time should have brought */
        double compat;     /* samples of 32-bit code, part of neither */
        double silent_ns;  /* time in which it ran and brought nothing; not decayed */
        SourceWhy why;     /* NONE: the source sees the process */
} SourceSign;

typedef struct TrackedProcess {
        Observed observed;
        struct TrackedProcess *newer, *older;
        RegionSet regions;                   /* where in its memory the accesses were */
        uint64_t interval_cpu_ns[NODES_MAX]; /* CPU time in the running interval */
        bool interval_samples;               /* it was sampled in the running interval */
        bool excluded;                       /* no evidence is wanted of it */
        bool life_told;                      /* its end will be told */
        bool cpu_known;                      /* cpu_ns holds an average already */
        uint64_t residency_ns;               /* when its pages were last sampled */
        double path_accesses; /* moving average of the accesses that one sample leads to, by RULE_BLOCK */
        SourceSign signs[EVIDENCE_SOURCE_MAX];
        ChangeWatch change;                   /* of the share of its accesses that are remote */
        uint64_t guest_read_ns;               /* when its guest time was last read */
        uint64_t guest_ticks, guest_of_ticks; /* guest time and all CPU time then, of the process */
        bool guest; /* most of its CPU time since the reading before is its guest's */
} TrackedProcess;

/* Makes this the source of the evidence of a process. What another source saw is dropped: the two do
 * not count alike. */
void tracked_process_use(TrackedProcess *p, EvidenceSource source);

/* The process has begun to do something else: what was seen of it before hardly counts any more, and it has
 * to be seen anew in as many evaluations as at first. */
#define CHANGED_AGE_NS (100 * NSEC_PER_SEC) /* a thousandth is left */
void tracked_process_changed(TrackedProcess *p);

/* Drops the accesses of a process; its CPU time stays. */
void tracked_process_clear(TrackedProcess *p);

int process_table_new(ProcessTable **ret, uint32_t n_nodes);
ProcessTable *process_table_free(ProcessTable *t); /* NULL-safe, returns NULL */

/* The process, or NULL. */
TrackedProcess *process_table_find(const ProcessTable *t, ProcessId id);

/* Finds or adds the process and makes it the most recently active one. -ENOSPC: full; remove the
 * oldest first. -ENOMEM. */
int process_table_touch(ProcessTable *t, ProcessId id, TrackedProcess **ret);

/* The least recently active process, or NULL. */
TrackedProcess *process_table_oldest(const ProcessTable *t);
TrackedProcess *process_table_newest(const ProcessTable *t);

void process_table_remove(ProcessTable *t, TrackedProcess *p);

/* Regions of all processes forgotten for lack of room so far. */
uint64_t process_table_regions_dropped(const ProcessTable *t);
size_t process_table_count(const ProcessTable *t);
