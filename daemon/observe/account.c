/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>

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
                process_table_remove(o->processes, process_table_oldest(o->processes));
                o->ledger.counters.processes_dropped++;
                r = process_table_touch(o->processes, id, &p);
        }
        if (r < 0)
                return NULL;
        if (p->observed.evidence.source == SOURCE_NONE)
                select_first_source(o, p);
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
