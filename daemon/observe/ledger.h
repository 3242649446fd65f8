/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/stats.h"
#include "observe/process_table.h"

/* What every source writes into: the one place where an access becomes evidence. */
typedef struct Ledger {
        Counters counters; /* accesses and losses by cause */
} Ledger;

/* One access (or several alike) whose accessor and home are known. */
typedef struct Access {
        TrackedProcess *process;
        EvidenceSource source; /* who saw it */
        uint64_t address;      /* of the page; 0: the source has no addresses */
        int accessor, home;    /* dense node indices */
        double weight;         /* what it counts in the evidence, > 0 */
        double region_weight;  /* what it counts for the region of the address, where only some
                                * accesses come with theirs; 0: as much */
        uint64_t n;            /* how many accesses it stands for; 0: expected, not seen */
        bool waited;           /* the CPU was waiting for it */
        bool skid;             /* `waited` was measured (see Evidence.skid) */
} Access;

/* Adds the access to the evidence of its process, if that is judged by this source (a process without
 * a source gets this one), and to the counters. What another source saw is only remembered as a sign
 * that it sees the process. */
void ledger_account(Ledger *l, const Access *access);

/* A sample of this source that led to no access: no address, or no page there. */
void ledger_unresolved(Ledger *l, TrackedProcess *process, EvidenceSource source, double weight);
