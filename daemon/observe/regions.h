/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/evidence.h"
#include "model/plan.h"
#include "model/region.h"
#include "system/root.h"

/* Which node uses which piece of memory: the regions of all processes that were sampled lately,
 * bounded by REGIONS_MAX together and REGIONS_PER_PROCESS_MAX each. A process that uses more at the same
 * time gets regions of twice the size, up to 64 MiB, so that none of its memory is forgotten while it is
 * in use; else the least recently sampled ones make room, and are counted. An access costs the same however many regions there are. */
typedef struct RegionTable RegionTable;

typedef struct RegionEntry RegionEntry;

/* The regions of one process. Must not change its place while it has any. Without a table (zeroed)
 * nothing is remembered. */
typedef struct RegionSet {
        RegionTable *table;
        RegionEntry *newest, *oldest;
        uint32_t n;
        uint64_t mapped_ns; /* when its mappings were read, 0: never */
        uint8_t grain;      /* its regions are of REGION_BYTES << grain */
} RegionSet;

/* Room for so many regions. -EINVAL, -ENOMEM. */
int region_table_new(RegionTable **ret, uint32_t capacity);

/* Sets that still have regions must not be used afterwards. NULL-safe, returns NULL. */
RegionTable *region_table_free(RegionTable *t);

/* Regions forgotten for lack of room so far. */
uint64_t region_table_dropped(const RegionTable *t);

/* One access of weight w by node accessor to a page on node home, as evidence_add(); now_ns is the
 * time to which the evidence of the process is decayed (0: not yet). */
void regions_add(RegionSet *s, uint64_t address, int accessor, int home, double w, bool waited,
                 uint64_t now_ns);

void regions_clear(RegionSet *s);

/* Their weights become those of accesses ns earlier. */
void regions_age(RegionSet *s, uint64_t ns);

/* The regions as they are at now_ns, by ascending address, each cut to its mapping; those whose
 * mapping is gone are forgotten. Reads the mappings of the process when some are not known yet.
 * Returns how many of the first `max` were copied, or a negative errno of maps_read(). */
int regions_view(RegionSet *s, const SystemRoot *root, pid_t pid, uint64_t now_ns, Region *ret,
                 size_t max);

/* Memory within the n ranges (disjoint, ascending) was moved to node `to`: that is the home of its
 * regions now, and what e counts of the accesses to their former homes is taken away from it. Who
 * accesses them stays known. */
void regions_moved(RegionSet *s, const AddressRange *ranges, uint32_t n, int to, Evidence *e);
