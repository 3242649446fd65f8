/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/regions.h"

#include <stdlib.h>
#include <string.h>

#include "model/settings.h"
#include "observe/region_entry.h"
#include "system/maps.h"

/* What others are shown of the regions of a process, within its mappings. */

/* A mapping that was read may have been given back and its place taken by another. */
#define MAPPED_KEEP_NS (10 * NSEC_PER_SEC)

/* Whose regions become lighter than this have not been accessed for two minutes or so: they are not
 * shown, for nobody knows whether they still are what they were. */
#define WEIGHT_MIN 1e-3

static int compare_entries(const void *a, const void *b) {
        const RegionEntry *x = *(RegionEntry *const *)a, *y = *(RegionEntry *const *)b;

        return (x->number > y->number) - (x->number < y->number);
}

typedef struct Walk {
        RegionEntry **next, **end;
} Walk;

/* Mappings and regions both come in the order of addresses. */
static int take_mapping(const Mapping *m, void *userdata) {
        Walk *w = userdata;

        for (; w->next < w->end && (*w->next)->page < m->end; w->next++) {
                RegionEntry *e = *w->next;

                if (e->page < m->start)
                        continue;
                e->map_start = m->start;
                e->map_end = m->end;
                e->unmovable = m->shared || !m->readable;
        }
        return w->next == w->end;
}

/* A region that lies in the mapping of the one before is of that mapping; others need a look. */
static bool all_mapped(RegionEntry **sorted, uint32_t n) {
        for (uint32_t i = 0; i < n; i++) {
                RegionEntry *e = sorted[i], *before = i > 0 ? sorted[i - 1] : e;

                if (e->map_end == 0 && e->page >= before->map_start && e->page < before->map_end) {
                        e->map_start = before->map_start;
                        e->map_end = before->map_end;
                        e->unmovable = before->unmovable;
                }
                if (e->map_end == 0)
                        return false;
        }
        return true;
}

static int find_mappings(RegionSet *s, const SystemRoot *root, pid_t pid, uint64_t now_ns) {
        RegionEntry **sorted = s->table->sorted;
        Walk walk = { sorted, sorted + s->n };
        int r;

        if (s->mapped_ns != 0 && now_ns - s->mapped_ns < MAPPED_KEEP_NS && all_mapped(sorted, s->n))
                return 0;
        for (uint32_t i = 0; i < s->n; i++)
                sorted[i]->map_end = 0;
        r = maps_read(root, pid, take_mapping, &walk);
        if (r < 0)
                return r;
        s->mapped_ns = now_ns;
        return 0;
}

static void entry_show(const RegionEntry *e, Region *ret) {
        uint64_t start = e->number * entry_bytes(e->set), end = start + entry_bytes(e->set);

        if (start < e->map_start)
                start = e->map_start;
        if (end > e->map_end)
                end = e->map_end;
        *ret = (Region) {
                .start = start,
                .bytes = end - start,
                .mapping = e->map_start,
                .since_ns = e->since_ns,
                .other = e->other,
                .home = e->home,
                .unmovable = e->unmovable,
        };
        memcpy(ret->access, e->access, sizeof(ret->access));
}

int regions_view(RegionSet *s, const SystemRoot *root, pid_t pid, uint64_t now_ns, Region *ret,
                 size_t max) {
        RegionEntry **sorted = s->table ? s->table->sorted : NULL;
        uint32_t n = 0;
        int r;

        for (RegionEntry *e = s->newest; e; e = e->older)
                sorted[n++] = e;
        if (n == 0)
                return 0;
        qsort(sorted, n, sizeof(RegionEntry *), compare_entries);
        r = find_mappings(s, root, pid, now_ns);
        if (r < 0)
                return r;
        r = 0;
        for (uint32_t i = 0; i < n; i++) {
                entry_decay(sorted[i], now_ns);
                if (sorted[i]->map_end == 0)
                        entry_remove(sorted[i]);
                else if ((size_t)r < max && entry_weight(sorted[i]) >= (float)WEIGHT_MIN)
                        entry_show(sorted[i], &ret[r++]);
        }
        return r;
}
