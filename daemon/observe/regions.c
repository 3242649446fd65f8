/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/regions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "model/limits.h"
#include "model/settings.h"
#include "observe/region_entry.h"

DEFINE_CLEANUP(RegionTable, region_table_free)

/* Numbers have 43 bits at most; while the grain changes there are two kinds of them. */
static TableKey key_of(const RegionSet *s, uint64_t number, uint8_t grain) {
        return (TableKey) { (uint64_t)(uintptr_t)s, number | (uint64_t)grain << 56 };
}

int region_table_new(RegionTable **ret, uint32_t capacity) {
        cleanup(cleanup_region_table_freep) RegionTable *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        r = table_new(&t->entries, capacity, sizeof(RegionEntry));
        if (r < 0)
                return r;
        t->sorted = calloc(REGIONS_PER_PROCESS_MAX, sizeof(RegionEntry *));
        if (!t->sorted)
                return -ENOMEM;
        *ret = TAKE_PTR(t);
        return 0;
}

RegionTable *region_table_free(RegionTable *t) {
        if (!t)
                return NULL;
        table_free(t->entries);
        free(t->sorted);
        free(t);
        return NULL;
}

uint64_t region_table_dropped(const RegionTable *t) {
        return t->dropped;
}

static void entry_unlink(RegionEntry *e) {
        RegionSet *s = e->set;
        RegionTable *t = s->table;

        *(e->newer ? &e->newer->older : &s->newest) = e->older;
        *(e->older ? &e->older->newer : &s->oldest) = e->newer;
        *(e->any_newer ? &e->any_newer->any_older : &t->newest) = e->any_older;
        *(e->any_older ? &e->any_older->any_newer : &t->oldest) = e->any_newer;
        e->newer = e->older = e->any_newer = e->any_older = NULL;
}

static void entry_link(RegionEntry *e) {
        RegionSet *s = e->set;
        RegionTable *t = s->table;

        e->older = s->newest;
        *(s->newest ? &s->newest->newer : &s->oldest) = e;
        s->newest = e;
        e->any_older = t->newest;
        *(t->newest ? &t->newest->any_newer : &t->oldest) = e;
        t->newest = e;
}

void entry_remove(RegionEntry *e) {
        RegionSet *s = e->set;

        entry_unlink(e);
        s->n--;
        table_remove(s->table->entries, key_of(s, e->number, e->grain));
}

void regions_clear(RegionSet *s) {
        while (s->oldest)
                entry_remove(s->oldest);
        s->mapped_ns = 0;
        s->grain = 0;
}

void entry_renew(RegionEntry *e) {
        entry_unlink(e);
        entry_link(e);
}

RegionEntry *entry_find(const RegionSet *s, uint64_t number) {
        return table_find(s->table->entries, key_of(s, number, s->grain));
}

RegionEntry *entry_new(RegionSet *s, uint64_t number) {
        RegionEntry *e;
        void *value;

        if (table_insert(s->table->entries, key_of(s, number, s->grain), &value) < 0)
                return NULL; /* cannot be: there is room */
        e = value;
        e->set = s;
        e->number = number;
        e->grain = s->grain;
        e->home = e->most = NODE_NONE;
        for (int i = 0; i < REGION_ACCESSORS; i++)
                e->access[i].node = NODE_NONE;
        s->n++;
        entry_link(e);
        return e;
}

/* The region of this address, made if need be. */
static RegionEntry *entry_of(RegionSet *s, uint64_t address, uint64_t now_ns) {
        RegionTable *t = s->table;
        RegionEntry *e = entry_find(s, address / entry_bytes(s));

        if (!e && s->n >= REGIONS_PER_PROCESS_MAX) {
                t->dropped += !regions_make_room(s, now_ns);
                /* Its place may be known at a coarser grain. */
                e = entry_find(s, address / entry_bytes(s));
        } else if (!e && table_count(t->entries) == table_capacity(t->entries)) {
                t->dropped++;
                entry_remove(t->oldest);
        }
        if (!e)
                return entry_new(s, address / entry_bytes(s));
        entry_renew(e);
        return e;
}

void regions_add(RegionSet *s, uint64_t address, int accessor, int home, double w, bool waited,
                 uint64_t now_ns) {
        RegionAccess *a;
        RegionEntry *e;
        float total, f = (float)w;

        if (!s->table || !(w > 0) || !isfinite(w) || accessor < 0 || accessor >= NODES_MAX ||
            home < 0 || home >= NODES_MAX)
                return;
        e = entry_of(s, address, now_ns);
        if (!e)
                return;
        entry_decay(e, now_ns);
        e->seen_ns = now_ns;
        e->page = address;
        if (address < e->map_start || address >= e->map_end)
                e->map_end = 0;
        total = entry_weight(e);
        e->counted = (e->counted * total + f) / (total + f);
        a = entry_access(e, accessor);
        a->weight += f;
        if (accessor != home) {
                a->remote += f;
                if (waited)
                        a->waited += f;
        }
        entry_find_most(e, now_ns);
        entry_vote_home(e, home, f);
}

void regions_age(RegionSet *s, uint64_t ns) {
        for (RegionEntry *e = s->newest; e; e = e->older)
                entry_age(e, ns);
}

static bool in_ranges(const AddressRange *ranges, uint32_t n, uint64_t address) {
        uint32_t low = 0, high = n;

        while (low < high) {
                uint32_t middle = low + (high - low) / 2;

                if (ranges[middle].end <= address)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low < n && ranges[low].start <= address;
}

static void take_away(double *value, double w) {
        *value = *value > w ? *value - w : 0;
}

/* What the matrices hold of this region. */
static void entry_uncount(RegionEntry *e, int to, Evidence *evidence) {
        for (int i = 0; i < REGION_ACCESSORS; i++) {
                RegionAccess *a = &e->access[i];
                double w = (double)e->counted * (double)a->weight;
                double waited =
                        (double)e->counted * (double)(evidence->skid ? a->waited : a->weight);
                size_t cell;

                if (a->node == NODE_NONE || e->home == NODE_NONE ||
                    (uint32_t)a->node >= evidence->n_nodes ||
                    (uint32_t)e->home >= evidence->n_nodes)
                        continue;
                cell = (size_t)a->node * evidence->n_nodes + (size_t)e->home;
                w = w < evidence->access[cell] ? w : evidence->access[cell];
                take_away(&evidence->access[cell], w);
                take_away(&evidence->waited[cell], waited);
                take_away(&evidence->samples, w);
                a->remote = a->node == to ? 0 : a->weight;
                a->waited = a->node == to ? 0 : a->waited;
        }
        e->counted = 0;
        e->home = (int8_t)to;
        e->lead = 0;
}

void regions_moved(RegionSet *s, const AddressRange *ranges, uint32_t n, int to, Evidence *e) {
        for (RegionEntry *entry = s->newest; entry; entry = entry->older)
                if (in_ranges(ranges, n, entry->page)) {
                        entry_decay(entry, e->updated_ns);
                        entry_uncount(entry, to, e);
                }
}
