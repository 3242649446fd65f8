/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/process_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/table.h"
#include "model/limits.h"

struct ProcessTable {
        Table *table;
        uint32_t n_nodes;
        RegionTable *regions;
        TrackedProcess *newest, *oldest;
};

static TableKey key_of(ProcessId id) {
        return (TableKey) { (uint64_t)id.pid, id.starttime };
}

int process_table_new(ProcessTable **ret, uint32_t n_nodes) {
        cleanup_free ProcessTable *t = calloc(1, sizeof(*t));
        int r;

        if (!t)
                return -ENOMEM;
        t->n_nodes = n_nodes;
        r = table_new(&t->table, PROCESSES_MAX, sizeof(TrackedProcess));
        if (r < 0)
                return r;
        r = region_table_new(&t->regions, REGIONS_MAX);
        if (r < 0) {
                table_free(t->table);
                return r;
        }
        *ret = TAKE_PTR(t);
        return 0;
}

ProcessTable *process_table_free(ProcessTable *t) {
        uint32_t cursor = 0;
        TrackedProcess *p;

        if (!t)
                return NULL;
        while ((p = table_next(t->table, &cursor, NULL)))
                evidence_done(&p->observed.evidence);
        table_free(t->table);
        region_table_free(t->regions);
        free(t);
        return NULL;
}

TrackedProcess *process_table_find(const ProcessTable *t, ProcessId id) {
        return table_find(t->table, key_of(id));
}

static void unlink_process(ProcessTable *t, TrackedProcess *p) {
        if (p->newer)
                p->newer->older = p->older;
        else
                t->newest = p->older;
        if (p->older)
                p->older->newer = p->newer;
        else
                t->oldest = p->newer;
        p->newer = p->older = NULL;
}

static void link_newest(ProcessTable *t, TrackedProcess *p) {
        p->older = t->newest;
        p->newer = NULL;
        if (t->newest)
                t->newest->newer = p;
        else
                t->oldest = p;
        t->newest = p;
}

int process_table_touch(ProcessTable *t, ProcessId id, TrackedProcess **ret) {
        TrackedProcess *p;
        void *value;
        int r;

        r = table_insert(t->table, key_of(id), &value);
        if (r < 0)
                return r;
        p = value;
        if (r == 0) {
                if (t->newest != p) {
                        unlink_process(t, p);
                        link_newest(t, p);
                }
                *ret = p;
                return 0;
        }
        r = evidence_init(&p->observed.evidence, t->n_nodes);
        if (r < 0) {
                table_remove(t->table, key_of(id));
                return r;
        }
        p->observed.id = id;
        p->regions.table = t->regions;
        link_newest(t, p);
        *ret = p;
        return 0;
}

TrackedProcess *process_table_oldest(const ProcessTable *t) {
        return t->oldest;
}

TrackedProcess *process_table_newest(const ProcessTable *t) {
        return t->newest;
}

void process_table_remove(ProcessTable *t, TrackedProcess *p) {
        unlink_process(t, p);
        regions_clear(&p->regions);
        evidence_done(&p->observed.evidence);
        table_remove(t->table, key_of(p->observed.id));
}

size_t process_table_count(const ProcessTable *t) {
        return table_count(t->table);
}

uint64_t process_table_regions_dropped(const ProcessTable *t) {
        return region_table_dropped(t->regions);
}

void tracked_process_clear(TrackedProcess *p) {
        Evidence *e = &p->observed.evidence;
        size_t bytes = sizeof(*e->access) * e->n_nodes * e->n_nodes;

        memset(e->access, 0, bytes);
        memset(e->waited, 0, bytes);
        e->samples = 0;
        e->unresolved = 0;
        e->evaluations = 0;
        p->interval_samples = false;
        regions_clear(&p->regions);
        p->change = (ChangeWatch) {};
}

void tracked_process_changed(TrackedProcess *p) {
        evidence_age(&p->observed.evidence, CHANGED_AGE_NS);
        p->observed.evidence.evaluations = 0;
        regions_age(&p->regions, CHANGED_AGE_NS);
}

void tracked_process_use(TrackedProcess *p, EvidenceSource source) {
        Evidence *e = &p->observed.evidence;

        if (e->source != SOURCE_NONE && e->source != source)
                tracked_process_clear(p);
        e->source = source;
}
