/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "base/table.h"
#include "model/limits.h"
#include "observe/regions.h"

/* What regions.c (the table), region_entry.c (one region), region_grain.c (coarser ones) and region_view.c (what
 * is shown) share. */

struct RegionEntry {
        RegionEntry *newer, *older;         /* of its set */
        RegionEntry *any_newer, *any_older; /* of all */
        RegionSet *set;
        uint64_t number;     /* address / (REGION_BYTES << grain) */
        uint64_t seen_ns;    /* when it was sampled last */
        uint64_t page;       /* sampled last */
        uint64_t map_start;  /* mapping of that page: [map_start, map_end), */
        uint64_t map_end;    /* 0 when not known */
        uint64_t updated_ns; /* time to which the weights are decayed, 0: that of the process is not
                              * known yet */
        uint64_t since_ns;   /* since when `most` is what it is */
        RegionAccess access[REGION_ACCESSORS];
        float other;
        float counted; /* part of the weights, 0..1, that the evidence of the process counts as well:
                        * all but what was taken away when the region was moved */
        float lead;    /* weight by which `home` was seen more often than other nodes */
        int8_t home;
        int8_t most; /* accessor with the largest weight */
        bool unmovable;
        uint8_t grain;
};

struct RegionTable {
        Table *entries; /* by set and number */
        RegionEntry *newest, *oldest;
        uint64_t dropped;
        RegionEntry **sorted; /* [REGIONS_PER_PROCESS_MAX] of one set */
};

/* Size of the regions of a set. */
static inline uint64_t entry_bytes(const RegionSet *s) {
        return REGION_BYTES << s->grain;
}

/* Decays it to now_ns. */
void entry_decay(RegionEntry *e, uint64_t now_ns);

/* Decays it by this time. */
void entry_age(RegionEntry *e, uint64_t ns);

float entry_weight(const RegionEntry *e);

/* The account of this node; the lightest one is closed where there is none left. */
RegionAccess *entry_access(RegionEntry *e, int node);

/* Which node accesses it most, and since when. */
void entry_find_most(RegionEntry *e, uint64_t now_ns);

/* The home is what most of its samples say, by a vote that needs no memory: another node takes over
 * once it was seen more often than this one. */
void entry_vote_home(RegionEntry *e, int home, float w);

/* Adds what is known of another piece, sampled later, of which this is a part now. */
void entry_merge(RegionEntry *e, const RegionEntry *other);

/* regions.c: an entry for this number at the grain of the set, which has to have room; and away with
 * one. */
RegionEntry *entry_find(const RegionSet *s, uint64_t number);
RegionEntry *entry_new(RegionSet *s, uint64_t number);
void entry_remove(RegionEntry *e);

/* Makes the newest of one that there is. */
void entry_renew(RegionEntry *e);

/* Makes room for one more in a set that is full: by regions of twice the size when all are in use, or by
 * forgetting the oldest. True when none was forgotten. */
bool regions_make_room(RegionSet *s, uint64_t now_ns);
