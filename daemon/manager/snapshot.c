/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "manager/internal.h"
#include "system/process_read.h"
#include "system/residency.h"
#include "system/topology_read.h"

/* How old what was read of a process may become. A candidate is about to be judged, the others
 * change slowly. */
#define INFO_CANDIDATE_NSEC (2 * NSEC_PER_SEC)
#define INFO_OTHER_NSEC     (15 * NSEC_PER_SEC)

/* Processes that use less CPU time per second than this and make no remote accesses are not even
 * looked up in /proc. */
#define INFO_MIN_CPU_NSEC (2 * NSEC_PER_MSEC)

/* At most so many processes are read from /proc in one tick (some 50 us each); the others follow in
 * the next ones. */
#define INFO_READS_MAX 200

/* Where the memory of a candidate lies: pages asked, and how long the answer holds. */
#define RESIDENT_PAGES    1024
#define RESIDENT_NSEC     (10 * NSEC_PER_SEC)
#define RESIDENT_MAX_TICK 16

/* A process that was not active for this long is forgotten. */
#define TRACKED_KEEP_NSEC (120 * NSEC_PER_SEC)

static uint64_t boottime_ns(void) {
        struct timespec ts;

        clock_gettime(CLOCK_BOOTTIME, &ts);
        return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

static bool info_is_stale(const Tracked *p, uint64_t now_ns) {
        uint64_t keep_ns = p->verdict.candidate ? INFO_CANDIDATE_NSEC : INFO_OTHER_NSEC;

        return p->info_ns == 0 || now_ns - p->info_ns >= keep_ns;
}

/* Reads /proc/PID again, keeping what the BPF iterators told. 0, or -ESRCH when it is gone. */
static int refresh_info(Manager *m, Tracked *p, uint64_t now_ns, uint64_t boot_ns) {
        ProcessInfo info = {};
        int r;

        r = process_read(&m->root, &m->topology, p->id.pid, boot_ns, &info);
        if (r < 0)
                return r;
        if (!process_id_equal(info.id, p->id))
                return -ESRCH;
        manager_match_rules(m, &info);
        info.attributes = p->info.attributes;
        info.task_policy = p->info.task_policy;
        info.vma_policy = p->info.vma_policy;
        p->info = info;
        p->info_ns = now_ns;
        return 0;
}

static void refresh_residency(Manager *m, Tracked *p, uint64_t now_ns) {
        if (!p->resident_bytes)
                p->resident_bytes = calloc(m->topology.n_nodes, sizeof(uint64_t));
        if (!p->resident_bytes)
                return;
        if (residency_sample(&m->root, &m->topology, p->id.pid, RESIDENT_PAGES, now_ns,
                             p->info.rss_bytes, p->resident_bytes) >= 0)
                p->resident_ns = now_ns;
        else {
                free(p->resident_bytes);
                p->resident_bytes = NULL;
        }
}

static int ensure_views(Manager *m, size_t n) {
        ProcessView *views;
        size_t allocate;

        if (n <= m->views_allocated)
                return 0;
        allocate = n * 2 < 64 ? 64 : n * 2;
        views = reallocarray(m->views, allocate, sizeof(*views));
        if (!views)
                return -ENOMEM;
        m->views = views;
        m->views_allocated = allocate;
        return 0;
}

static Tracked *track(Manager *m, const Observed *o, uint64_t now_ns) {
        Tracked *p = NULL;
        int r;

        if (evidence_cpu_ns(&o->evidence) < (double)INFO_MIN_CPU_NSEC &&
            evidence_remote(&o->evidence) < 1.0)
                return table_find(m->tracked, tracked_key(o->id));
        r = table_insert(m->tracked, tracked_key(o->id), (void **)&p);
        if (r < 0) {
                m->counters.processes_dropped++;
                return NULL;
        }
        if (r > 0)
                p->id = o->id;
        p->seen_ns = now_ns;
        p->source = o->evidence.source;
        return p;
}

int manager_build_snapshot(Manager *m, uint64_t now_ns, Snapshot *ret) {
        const Observed *const *observed;
        uint64_t boot_ns = boottime_ns();
        unsigned reads = 0, samples = 0;
        size_t n = 0;
        int r;

        observed = observer_processes(m->observer, &n);
        r = ensure_views(m, n);
        if (r < 0)
                return r;
        r = node_state_read(m->nodes, &m->topology, &m->root);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < m->topology.n_nodes; i++)
                m->nodes[i].blocked_until_ns = decide_node_blocked_until(m->decide_state, (int)i);

        m->n_views = 0;
        for (size_t i = 0; i < n; i++) {
                Tracked *p = track(m, observed[i], now_ns);

                if (!p)
                        continue;
                if (info_is_stale(p, now_ns)) {
                        if (reads++ >= INFO_READS_MAX)
                                continue;
                        if (refresh_info(m, p, now_ns, boot_ns) < 0)
                                continue; /* it ended; the entry expires */
                }
                if (p->verdict.candidate && samples < RESIDENT_MAX_TICK &&
                    (p->resident_ns == 0 || now_ns - p->resident_ns >= RESIDENT_NSEC)) {
                        refresh_residency(m, p, now_ns);
                        samples++;
                }
                m->views[m->n_views++] = (ProcessView) {
                        .info = &p->info,
                        .evidence = &observed[i]->evidence,
                        .resident_bytes = p->resident_bytes,
                        .busy = mover_is_busy(m->mover, p->id),
                };
        }
        tracked_expire(m->tracked, now_ns > TRACKED_KEEP_NSEC ? now_ns - TRACKED_KEEP_NSEC : 0);

        *ret = (Snapshot) {
                .topology = &m->topology,
                .nodes = m->nodes,
                .processes = m->views,
                .n_processes = m->n_views,
                .self = getpid(),
        };
        return 0;
}
