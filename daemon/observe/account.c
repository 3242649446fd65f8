/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "observe/internal.h"

/* USER_HZ, the unit of start times in proc. */
#define NSEC_PER_TICK (NSEC_PER_SEC / 100)

ProcessId observer_id_of(uint32_t tgid, uint64_t start_ns) {
        return (ProcessId) { (pid_t)tgid, start_ns / NSEC_PER_TICK };
}

Ledger *observer_ledger(Observer *o) {
        return &o->ledger;
}

TrackedProcess *observer_track(Observer *o, ProcessId id) {
        TrackedProcess *p;
        int r;

        r = process_table_touch(o->processes, id, &p);
        if (r == -ENOSPC) {
                /* Waiting accesses point to their processes. */
                resolver_resolve(o->resolver, &o->ledger);
                observer_remove(o, process_table_oldest(o->processes));
                o->ledger.counters.processes_dropped++;
                r = process_table_touch(o->processes, id, &p);
        }
        if (r < 0)
                return NULL;
        if (p->observed.evidence.source == SOURCE_NONE && !p->excluded)
                select_first_source(o, p);
        if (!p->life_told) {
                life_track(o->life, id);
                p->life_told = true;
        }
        return p;
}

void observer_notice_exec(Observer *o, TrackedProcess *p, uint64_t exec_id) {
        if (p->observed.exec_id == exec_id)
                return;
        if (p->observed.exec_id != 0) {
                resolver_forget(o->resolver, p);
                tracked_process_clear(p);
        }
        p->observed.exec_id = exec_id;
}

void observer_add_cpu_time(Observer *o, ProcessId id, int node, uint64_t cpu_ns) {
        TrackedProcess *p = observer_track(o, id);

        if (p && node >= 0)
                p->interval_cpu_ns[node] += cpu_ns;
}

void observer_queue_access(Observer *o, const Access *access, bool mapping) {
        if (resolver_add(o->resolver, access, mapping) == 0)
                return;
        resolver_resolve(o->resolver, &o->ledger);
        (void)resolver_add(o->resolver, access, mapping);
}

static void tell_excluded(Observer *o, ProcessId id, bool excluded) {
        unsigned i = 0;
        SourceSlot *slot;

        while ((slot = sources_next(o, &i)))
                if (slot->type->exclude)
                        slot->type->exclude(slot->source, id, excluded);
}

void observer_exclude(Observer *o, ProcessId id, bool excluded) {
        TrackedProcess *p = process_table_find(o->processes, id);

        if (!p || p->excluded == excluded)
                return;
        p->excluded = excluded;
        tell_excluded(o, id, excluded);
        resolver_forget(o->resolver, p);
        tracked_process_clear(p);
        memset(p->signs, 0, sizeof(p->signs));
        p->observed.evidence.source = SOURCE_NONE;
        p->observed.passed_over = SOURCE_NONE;
        p->observed.why = SOURCE_WHY_NONE;
        if (!excluded)
                select_first_source(o, p);
}

void observer_remove(Observer *o, TrackedProcess *p) {
        if (p->excluded)
                tell_excluded(o, p->observed.id, false);
        resolver_forget(o->resolver, p);
        life_untrack(o->life, p->observed.id);
        process_table_remove(o->processes, p);
}

static void on_end(ProcessId id, void *userdata) {
        Observer *o = userdata;
        TrackedProcess *p = process_table_find(o->processes, id);

        if (!p)
                return;
        o->ledger.counters.processes_ended++;
        observer_remove(o, p);
}

static void on_exec(ProcessId id, uint64_t exec_id, void *userdata) {
        Observer *o = userdata;
        TrackedProcess *p = process_table_find(o->processes, id);

        if (p)
                observer_notice_exec(o, p, exec_id);
}

void observer_take_life(Observer *o) {
        const LifeHandlers handlers = { on_end, on_exec, o };
        uint64_t lost = 0;

        life_take(o->life, &handlers, &lost);
        o->ledger.counters.life_lost += lost - o->life_lost;
        o->life_lost = lost;
        /* Only now: their first samples may have come after the end of some. */
        life_flush(o->life);
}
