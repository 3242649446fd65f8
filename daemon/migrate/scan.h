/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "migrate/mover.h"
#include "migrate/walk.h"
#include "migrate/worklist.h"

/* Walks over the private mappings of a process in bounded windows and finds the pages that are on one of
 * the source nodes. Some of them may be mapped by other processes too, program text above all; only
 * an attempt to move them tells. */

/* Mappings read at a time. */
#define SCAN_MAPPINGS 256

/* Pages of a unit that are asked for where a sample will do: before a call that is to move all of them,
 * and after one that says that none stayed behind. */
#define SCAN_SAMPLE_BEFORE 8
#define SCAN_SAMPLE_AFTER  2

/* Units whose samples are asked for by one query. */
#define SCAN_SAMPLED_UNITS 64

typedef struct Scan {
        const MoverKernel *kernel;
        pid_t pid;
        const Walk *walk;
        MappingKinds kinds;
        uint32_t sample; /* of units alike throughout so many pages are asked for; 0: all */
        uint32_t range;  /* of the walk, and */
        uint64_t next;   /* the address from which it goes on */
        uint64_t pages[NODES_MAX]; /* seen so far per node */
        AddressRange mappings[SCAN_MAPPINGS];
        uint64_t mappings_from; /* mappings[] are the first that end above this */
        uint32_t n_mappings;
        uint32_t mapping; /* index of the one being walked */
        bool ended;       /* there are none that end above mappings_from */
        /* Whole units from sampled_base on: the node of all their pages, by the sample; NODE_NONE:
         * they differ or are absent. */
        uint64_t sampled_base;
        uint32_t n_sampled;
        int32_t sampled[SCAN_SAMPLED_UNITS];
} Scan;

/* The walk is borrowed. sample: 0, or how many pages of a unit, spread over it, tell for all of them:
 * where these lie on one node, all are taken to lie there (a few that do not may be overlooked); else
 * each page is asked for. At most SCAN_SAMPLE_BEFORE. */
void scan_start(Scan *s, const MoverKernel *kernel, pid_t pid, const Walk *walk, MappingKinds kinds,
                uint32_t sample);

/* The next unit that has pages on the nodes `from`: 1 and the unit, 0 at the end, -EAGAIN after a
 * bounded number of units without one (call again), or what the kernel said (-ESRCH, -EPERM).
 * Units come in the order of the walk; one that two mappings or two ranges share comes once for each,
 * with disjoint pages. */
int scan_next(Scan *s, NodeMask from, WorkUnit *ret);
