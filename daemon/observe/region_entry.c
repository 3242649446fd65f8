/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/region_entry.h"

#include <math.h>

#include "model/evidence.h"

void entry_age(RegionEntry *e, uint64_t ns) {
        float factor = exp2f(-(float)ns / (float)EVIDENCE_HALF_LIFE_NS);

        for (int i = 0; i < REGION_ACCESSORS; i++) {
                e->access[i].weight *= factor;
                e->access[i].remote *= factor;
                e->access[i].waited *= factor;
        }
        e->other *= factor;
        e->lead *= factor;
}

void entry_decay(RegionEntry *e, uint64_t now_ns) {
        if (now_ns <= e->updated_ns)
                return;
        if (e->updated_ns != 0)
                entry_age(e, now_ns - e->updated_ns);
        if (e->since_ns == 0)
                e->since_ns = now_ns;
        e->updated_ns = now_ns;
}

float entry_weight(const RegionEntry *e) {
        float sum = e->other;

        for (int i = 0; i < REGION_ACCESSORS; i++)
                sum += e->access[i].weight;
        return sum;
}

RegionAccess *entry_access(RegionEntry *e, int node) {
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

void entry_find_most(RegionEntry *e, uint64_t now_ns) {
        const RegionAccess *most = &e->access[0];

        for (int i = 1; i < REGION_ACCESSORS; i++)
                if (e->access[i].weight > most->weight)
                        most = &e->access[i];
        if (e->most == most->node)
                return;
        e->most = most->node;
        e->since_ns = now_ns;
}

void entry_vote_home(RegionEntry *e, int home, float w) {
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

static float part_counted(float counted, float weight) {
        return weight > 0 ? counted * weight : 0;
}

static uint64_t earlier(uint64_t a, uint64_t b) {
        return a != 0 && (b == 0 || a < b) ? a : b;
}

/* The node that accesses both most has done so since the earlier time; else that of the node which wins
 * counts. */
static void merge_most(RegionEntry *e, const RegionEntry *other) {
        uint64_t since_ns = e->since_ns;
        int8_t before = e->most;

        if (before == other->most)
                since_ns = earlier(e->since_ns, other->since_ns);
        entry_find_most(e, e->updated_ns);
        e->since_ns = e->most == before        ? since_ns
                      : e->most == other->most ? other->since_ns
                                               : e->since_ns;
}

void entry_merge(RegionEntry *e, const RegionEntry *other) {
        RegionEntry o = *other;
        uint64_t now_ns = e->updated_ns > o.updated_ns ? e->updated_ns : o.updated_ns;
        float total;

        entry_decay(e, now_ns);
        entry_decay(&o, now_ns);
        total = entry_weight(e) + entry_weight(&o);
        if (total > 0)
                e->counted = (part_counted(e->counted, entry_weight(e)) +
                              part_counted(o.counted, entry_weight(&o))) /
                             total;
        for (int i = 0; i < REGION_ACCESSORS; i++) {
                RegionAccess *a;

                if (o.access[i].node == NODE_NONE)
                        continue;
                a = entry_access(e, o.access[i].node);
                a->weight += o.access[i].weight;
                a->remote += o.access[i].remote;
                a->waited += o.access[i].waited;
        }
        e->other += o.other;
        merge_most(e, &o);
        if (o.home != NODE_NONE)
                entry_vote_home(e, o.home, o.lead);
        e->page = o.page;
        e->map_start = o.map_start;
        e->map_end = o.map_end;
        e->unmovable = e->unmovable || o.unmovable;
        e->seen_ns = o.seen_ns > e->seen_ns ? o.seen_ns : e->seen_ns;
}
