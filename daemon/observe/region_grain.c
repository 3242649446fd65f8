/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/settings.h"
#include "observe/region_entry.h"

/* A region that was sampled within this time is in use. */
#define IN_USE_NS (20 * NSEC_PER_SEC)

/* Regions of 64 MiB at most: 4,096 of them are 256 GiB, and of what is larger the most recently sampled
 * ones speak for their neighbours. */
#define GRAIN_MAX 5

/* Two by two its regions become one, in the order in which they were sampled. */
static void coarsen(RegionSet *s) {
        RegionEntry **entries = s->table->sorted;
        uint32_t n = 0;

        for (RegionEntry *e = s->oldest; e; e = e->newer)
                entries[n++] = e;
        s->grain++;
        for (uint32_t i = 0; i < n; i++) {
                RegionEntry one = *entries[i];
                RegionEntry *e;

                entry_remove(entries[i]);
                e = entry_find(s, one.number / 2);
                if (e)
                        entry_renew(e);
                else
                        e = entry_new(s, one.number / 2);
                if (e)
                        entry_merge(e, &one);
        }
}

bool regions_make_room(RegionSet *s, uint64_t now_ns) {
        if (s->grain < GRAIN_MAX && now_ns - s->oldest->seen_ns < IN_USE_NS)
                coarsen(s);
        if (s->n < REGIONS_PER_PROCESS_MAX)
                return true;
        entry_remove(s->oldest);
        return false;
}
