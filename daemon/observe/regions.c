/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/regions.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "model/limits.h"
#include "model/settings.h"
#include "system/maps.h"

/* A mapping that was read may have been given back and its place taken by another. */
#define MAPPED_KEEP_NS (10 * NSEC_PER_SEC)

/* Whose regions become lighter than this have not been accessed for two minutes or so: they are not
 * shown, for nobody knows whether they still are what they were. */
#define WEIGHT_MIN 1e-3

struct RegionEntry {
        RegionEntry *newer, *older;         /* of its set */
        RegionEntry *any_newer, *any_older; /* of all */
        RegionSet *set;
        uint64_t number;     /* address / REGION_BYTES */
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
};

struct RegionTable {
        Table *entries; /* by set and number */
        RegionEntry *newest, *oldest;
        uint64_t dropped;
        RegionEntry **sorted; /* [REGIONS_PER_PROCESS_MAX] of one set */
};

DEFINE_CLEANUP(RegionTable, region_table_free)

static TableKey key_of(const RegionSet *s, uint64_t number) {
        return (TableKey) { (uint64_t)(uintptr_t)s, number };
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

static void entry_remove(RegionEntry *e) {
        RegionSet *s = e->set;

        entry_unlink(e);
        s->n--;
        table_remove(s->table->entries, key_of(s, e->number));
}

void regions_clear(RegionSet *s) {
        while (s->oldest)
                entry_remove(s->oldest);
        s->mapped_ns = 0;
}

static RegionEntry *entry_add(RegionSet *s, uint64_t number) {
        RegionTable *t = s->table;
        RegionEntry *e;
        void *value;

        if (s->n >= REGIONS_PER_PROCESS_MAX) {
                t->dropped++;
                entry_remove(s->oldest);
        } else if (table_count(t->entries) == table_capacity(t->entries)) {
                t->dropped++;
                entry_remove(t->oldest);
        }
        if (table_insert(t->entries, key_of(s, number), &value) < 0)
                return NULL; /* cannot be: there is room */
        e = value;
        e->set = s;
        e->number = number;
        e->home = e->most = NODE_NONE;
        for (int i = 0; i < REGION_ACCESSORS; i++)
                e->access[i].node = NODE_NONE;
        s->n++;
        entry_link(e);
        return e;
}

static void entry_age(RegionEntry *e, uint64_t ns) {
        float factor = exp2f(-(float)ns / (float)EVIDENCE_HALF_LIFE_NS);

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                e->access[i].weight *= factor;
                e->access[i].remote *= factor;
                e->access[i].waited *= factor;
        }
        e->other *= factor;
        e->lead *= factor;
}

static void entry_decay(RegionEntry *e, uint64_t now_ns) {
        if (now_ns <= e->updated_ns)
                return;
        if (e->updated_ns != 0)
                entry_age(e, now_ns - e->updated_ns);
        if (e->since_ns == 0)
                e->since_ns = now_ns;
        e->updated_ns = now_ns;
}

static float entry_weight(const RegionEntry *e) {
        float sum = e->other;

        for (int i = 0; i < REGION_ACCESSORS; i++)
                sum += e->access[i].weight;
        return sum;
}

/* The account of this node; the lightest one is closed where there is none left. */
static RegionAccess *entry_access(RegionEntry *e, int node) {
        RegionAccess *lightest = &e->access[0];

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                if (e->access[i].node == node)
                        return &e->access[i];
                if (e->access[i].weight < lightest->weight)
                        lightest = &e->access[i];
        }
        e->other += lightest->weight;
        *lightest = (RegionAccess) { .node = (int8_t)node };
        return lightest;
}

static void entry_find_most(RegionEntry *e, uint64_t now_ns) {
        const RegionAccess *most = &e->access[0];

        for (int i = 1; i < REGION_ACCESSORS; i++)
                if (e->access[i].weight > most->weight)
                        most = &e->access[i];
        if (e->most == most->node)
                return;
        e->most = most->node;
        e->since_ns = now_ns;
}

/* The home is what most of its samples say, by a vote that needs no memory: another node takes over
 * once it was seen more often than this one. */
static void entry_vote_home(RegionEntry *e, int home, float w) {
        if (e->home == home) {
                e->lead += w;
                return;
        }
        e->lead -= w;
        if (e->lead < 0 || e->home == NODE_NONE) {
                e->home = (int8_t)home;
                e->lead = fabsf(e->lead);
        }
}

void regions_add(RegionSet *s, uint64_t address, int accessor, int home, double w, bool waited,
                 uint64_t now_ns) {
        RegionAccess *a;
        RegionEntry *e;
        float total, f = (float)w;

        if (!s->table || !(w > 0) || !isfinite(w) || accessor < 0 || accessor >= NODES_MAX ||
            home < 0 || home >= NODES_MAX)
                return;
        e = table_find(s->table->entries, key_of(s, address / REGION_BYTES));
        if (e) {
                entry_unlink(e);
                entry_link(e);
        } else
                e = entry_add(s, address / REGION_BYTES);
        if (!e)
                return;
        entry_decay(e, now_ns);
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
        uint64_t start = e->number * REGION_BYTES, end = start + REGION_BYTES;

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

void regions_age(RegionSet *s, uint64_t ns) {
        for (RegionEntry *e = s->newest; e; e = e->older)
                entry_age(e, ns);
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
