/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "manager/internal.h"

static int compare_ranges(const void *a, const void *b) {
        const AddressRange *x = a, *y = b;

        return (x->start > y->start) - (x->start < y->start);
}

static KeptRanges *find(Manager *m, uint64_t job) {
        for (size_t i = 0; i < KEPT_RANGES_MAX; i++)
                if (m->kept_ranges[i].job == job)
                        return &m->kept_ranges[i];
        return NULL;
}

/* Without memory or room the job is taken for one that moved everything: more is forgotten and left
 * alone than need be. */
void manager_keep_ranges(Manager *m, uint64_t job, const Move *move) {
        KeptRanges *kept = find(m, 0);
        AddressRange *ranges;

        if (!move->ranges_only || !kept)
                return;
        ranges = calloc(move->n_ranges, sizeof(*ranges));
        if (!ranges)
                return;
        memcpy(ranges, move->ranges, move->n_ranges * sizeof(*ranges));
        qsort(ranges, move->n_ranges, sizeof(*ranges), compare_ranges);
        *kept = (KeptRanges) { job, ranges, move->n_ranges };
}

AddressRange *manager_take_ranges(Manager *m, Outcome *o) {
        KeptRanges *kept = o->job != 0 && o->move.ranges_only ? find(m, o->job) : NULL;
        AddressRange *ranges;

        if (!kept)
                return NULL;
        ranges = TAKE_PTR(kept->ranges);
        o->move.ranges = ranges;
        o->move.n_ranges = kept->n;
        *kept = (KeptRanges) {};
        return ranges;
}
