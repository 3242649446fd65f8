/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/table.h"
#include "model/evidence.h"
#include "model/plan.h"
#include "model/process.h"
#include "model/settings.h"

/* One active process that the manager knows more about than its accesses. Lives in a Table of
 * PROCESSES_MAX entries keyed by pid and start time. */
typedef struct Tracked {
        ProcessId id;
        ProcessInfo info;
        uint64_t info_ns;         /* when info was read, CLOCK_MONOTONIC; 0 = never */
        uint64_t policy_ns;       /* when its memory policies were read; 0 = never */
        uint64_t resident_ns;     /* when resident_bytes was sampled; 0 = never */
        uint64_t seen_ns;         /* when it was last active */
        uint64_t told_ns;         /* when "would migrate" was last said; 0 = never */
        uint64_t *resident_bytes; /* [n_nodes], NULL until first sampled */
        Verdict verdict;
        EvidenceSource source;
        EvidenceSource passed_over; /* a better source that does not see it, and why */
        SourceWhy source_why;
} Tracked;

/* How long the answer about memory policies holds: a program may lift them, or exec another. */
#define POLICY_KEEP_NSEC (60 * NSEC_PER_SEC)

typedef enum PolicyAnswer {
        POLICY_UNKNOWN, /* asked for when everything else speaks for a move */
        POLICY_HOLDS,
        POLICY_ASK, /* of a candidate it is asked for again at once, so that what is known does not
                     * turn unknown for an evaluation */
} PolicyAnswer;

/* What is to be made of the last answer about the memory policies of p. */
PolicyAnswer tracked_policy(const Tracked *p, uint64_t now_ns);

static inline TableKey tracked_key(ProcessId id) {
        return (TableKey) { (uint64_t)id.pid, id.starttime };
}

/* Frees the table and what its entries own. NULL-safe, returns NULL. */
Table *tracked_free(Table *t);

/* The entry with this pid that was seen last, or NULL. Linear; for control calls only. */
Tracked *tracked_find_pid(const Table *t, pid_t pid);

/* Removes one entry and what it owns. */
void tracked_remove(Table *t, Tracked *p);

/* Removes entries not seen since before_ns. */
void tracked_expire(Table *t, uint64_t before_ns);
