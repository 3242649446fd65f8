/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/process.h"
#include "model/region.h"
#include "model/topology.h"

/* One process as the policy sees it. Pointers are borrowed for one evaluation. */
typedef struct ProcessView {
        const ProcessInfo *info;
        const Evidence *evidence;       /* NULL: nothing was seen of it */
        const uint64_t *resident_bytes; /* [n_nodes] estimate of where its memory is, or NULL */
        uint64_t exec_id;               /* changes with each exec; 0 unknown: then a changed
                                            * command name stands for it */
        bool busy;                      /* a job of the engine works on it */
        const Region *regions;          /* what is known of its pieces, by ascending address, */
        size_t n_regions;               /* REGIONS_PER_PROCESS_MAX at most; 0: nothing */
} ProcessView;

/* Everything that one evaluation may look at. */
typedef struct Snapshot {
        const Topology *topology;
        const NodeState *nodes;       /* [n_nodes] */
        const ProcessView *processes; /* [n_processes], any order */
        size_t n_processes;
        pid_t self;
        bool other_mover; /* another program moves pages, or did so some minutes ago */
} Snapshot;
