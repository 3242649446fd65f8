/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "manager/internal.h"
#include "base/clock.h"
#include "system/process_read.h"
#include "system/residency.h"
#include "system/topology_read.h"

/* How old what was read of a process may become. A candidate is about to be judged, the others
 * change slowly. */
#define INFO_CANDIDATE_NSEC (2 * NSEC_PER_SEC)
#define INFO_OTHER_NSEC     (15 * NSEC_PER_SEC)

/* At most so many processes are read from /proc in one tick (some 50 us each); the others follow in
 * the next ones. */
#define INFO_READS_MAX 200

/* Where the memory of a candidate lies: pages asked, and how long the answer holds. */
#define RESIDENT_PAGES    1024
#define RESIDENT_NSEC     (10 * NSEC_PER_SEC)
#define RESIDENT_MAX_TICK 16

/* A process that was not of interest for this long is forgotten. */
#define TRACKED_KEEP_NSEC (30 * NSEC_PER_SEC)

/* What one tick may still read. */
typedef struct Allowance {
        unsigned reads;
        unsigned residencies;
} Allowance;

uint64_t manager_age_ns(ProcessId id, uint64_t boot_ns) {
        uint64_t ticks = (uint64_t)sysconf(_SC_CLK_TCK);
        uint64_t start_ns =
                id.starttime / ticks * NSEC_PER_SEC + id.starttime % ticks * NSEC_PER_SEC / ticks;

        return boot_ns > start_ns ? boot_ns - start_ns : 0;
}

static bool info_is_stale(const Tracked *p, uint64_t now_ns) {
        uint64_t keep_ns = p->verdict.candidate ? INFO_CANDIDATE_NSEC : INFO_OTHER_NSEC;

        return p->info_ns == 0 || now_ns - p->info_ns >= keep_ns;
}

/* Reads /proc/PID again, keeping what the BPF iterators told while it holds. 0, or -ESRCH when it is
 * gone. */
static int refresh_info(Manager *m, Tracked *p, uint64_t now_ns, uint64_t boot_ns) {
        PolicyAnswer answer = tracked_policy(p, now_ns);
        ProcessInfo info = {};
        int r;

        r = process_read(&m->root, &m->topology, p->id.pid, boot_ns, &info);
        if (r < 0)
                return r;
        if (!process_id_equal(info.id, p->id))
                return -ESRCH;
        manager_match_rules(m, &info);
        if (answer == POLICY_HOLDS) {
                info.attributes = p->info.attributes;
                info.task_policy = p->info.task_policy;
                info.vma_policy = p->info.vma_policy;
                info.device_memory = p->info.device_memory;
                /* Of threads and mappings that proc/PID/status does not show. */
                info.realtime = info.realtime || p->info.realtime;
                info.cpuset_mems &= p->info.cpuset_mems;
                if (info.hugetlb_bytes < p->info.hugetlb_bytes)
                        info.hugetlb_bytes = p->info.hugetlb_bytes;
        }
        p->info = info;
        p->info_ns = now_ns;
        if (answer == POLICY_ASK)
                (void)manager_read_policy(m, p, now_ns);
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

/* Whether the gates could let it pass, judged by what costs nothing to know: it cannot lose more
 * time than it uses (half the gate, for the hysteresis), and the kernel told when it began. Others
 * are not even looked up in /proc: most processes are idle or gone within the second. */
static bool is_of_interest(const Manager *m, const Observed *o, uint64_t boot_ns) {
        if (evidence_cpu_ns(&o->evidence) < (double)m->settings.min_stall_ns / 2)
                return false;
        return manager_age_ns(o->id, boot_ns) >= m->settings.min_age_ns;
}

static Tracked *track(Manager *m, const Observed *o, uint64_t now_ns) {
        Tracked *p = NULL;
        int r;

        r = table_insert(m->tracked, tracked_key(o->id), (void **)&p);
        if (r < 0) {
                m->counters.processes_dropped++;
                return NULL;
        }
        if (r > 0)
                p->id = o->id;
        p->seen_ns = now_ns;
        p->source = o->evidence.source;
        p->passed_over = o->passed_over;
        p->source_why = o->why;
        return p;
}

/* Brings one process up to date within the tick's allowance of reads. NULL: leave it out. */
static Tracked *update(Manager *m, const Observed *o, Allowance *left, uint64_t now_ns,
                       uint64_t boot_ns) {
        Tracked *p;

        if (!is_of_interest(m, o, boot_ns)) {
                p = table_find(m->tracked, tracked_key(o->id));
                return p && p->info_ns != 0 ? p : NULL;
        }
        p = track(m, o, now_ns);
        if (!p)
                return NULL;
        if (info_is_stale(p, now_ns)) {
                if (left->reads == 0)
                        return NULL;
                left->reads--;
                if (refresh_info(m, p, now_ns, boot_ns) < 0) {
                        tracked_remove(m->tracked, p);
                        return NULL;
                }
        }
        observer_exclude(m->observer, p->id, p->info.rule_mode == RULE_OFF);
        if (p->verdict.candidate && left->residencies > 0 &&
            (p->resident_ns == 0 || now_ns - p->resident_ns >= RESIDENT_NSEC)) {
                left->residencies--;
                refresh_residency(m, p, now_ns);
        }
        return p;
}

/* Only of those that may be moved: the policy looks at nobody else's. */
static size_t view_regions(Manager *m, const Tracked *p, size_t used, uint64_t now_ns) {
        int n;

        if (!p->verdict.candidate)
                return 0;
        n = observer_regions(m->observer, p->id, now_ns, m->regions + used, REGIONS_MAX - used);
        return n > 0 ? (size_t)n : 0;
}

static int read_nodes(Manager *m) {
        int r;

        r = node_state_read(m->nodes, &m->topology, &m->root);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < m->topology.n_nodes; i++)
                m->nodes[i].blocked_until_ns = decide_node_blocked_until(m->decide_state, (int)i);
        return 0;
}

int manager_build_snapshot(Manager *m, uint64_t now_ns, Snapshot *ret) {
        Allowance left = { .reads = INFO_READS_MAX, .residencies = RESIDENT_MAX_TICK };
        const Observed *const *observed;
        uint64_t boot_ns = clock_boottime_ns();
        size_t n = 0, used = 0, n_regions;
        int r;

        observed = observer_processes(m->observer, &n);
        r = ensure_views(m, n);
        if (r < 0)
                return r;
        m->n_views = 0;
        /* Before the views borrow from what is kept. */
        tracked_expire(m->tracked, now_ns > TRACKED_KEEP_NSEC ? now_ns - TRACKED_KEEP_NSEC : 0);
        for (size_t i = 0; i < n; i++) {
                Tracked *p = update(m, observed[i], &left, now_ns, boot_ns);

                if (!p)
                        continue;
                p->info.age_ns = manager_age_ns(p->id, boot_ns);
                n_regions = view_regions(m, p, used, now_ns);
                m->views[m->n_views++] = (ProcessView) {
                        .info = &p->info,
                        .evidence = &observed[i]->evidence,
                        .resident_bytes = p->resident_bytes,
                        .exec_id = observed[i]->exec_id,
                        .busy = mover_is_busy(m->mover, p->id),
                        .regions = m->regions + used,
                        .n_regions = n_regions,
                };
                used += n_regions;
        }
        if (m->n_views > 0) {
                r = read_nodes(m);
                if (r < 0)
                        return r;
        }
        *ret = (Snapshot) {
                .topology = &m->topology,
                .nodes = m->nodes,
                .processes = m->views,
                .n_processes = m->n_views,
                .self = getpid(),
                .other_mover = m->mover_watch.present,
        };
        return 0;
}
