/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "decide/gates.h"
#include "manager/internal.h"
#include "base/clock.h"
#include "system/process_read.h"

static void view_status(void *userdata, StatusView *ret) {
        manager_status(userdata, ret);
}

static const Topology *view_topology(void *userdata) {
        return &((Manager *)userdata)->topology;
}

static void fill_row(Manager *m, const Tracked *p, ProcessRow *ret) {
        *ret = (ProcessRow) {
                .info = p->info,
                .verdict = p->verdict,
                .source = p->source,
                .passed_over = p->passed_over,
                .source_why = p->source_why,
                .state = mover_is_busy(m->mover, p->id) ? "moving"
                         : p->verdict.candidate         ? "candidate"
                                                        : "watched",
        };
}

static int compare_doubles(double a, double b) {
        return a < b ? 1 : a > b ? -1 : 0; /* descending */
}

static int compare_pids(const ProcessRow *a, const ProcessRow *b) {
        return (a->info.id.pid > b->info.id.pid) - (a->info.id.pid < b->info.id.pid);
}

static int by_score(const void *a, const void *b) {
        const ProcessRow *x = a, *y = b;

        return compare_doubles(x->verdict.score, y->verdict.score) ?: compare_pids(x, y);
}

static int by_remote(const void *a, const void *b) {
        const ProcessRow *x = a, *y = b;

        return compare_doubles(x->verdict.remote_share, y->verdict.remote_share)
                       ?: compare_pids(x, y);
}

static int by_pid(const void *a, const void *b) {
        return compare_pids(a, b);
}

static int view_processes(void *userdata, size_t max, ProcessOrder order, ProcessRow **ret,
                          size_t *ret_n) {
        static int (*const compare[PROCESS_ORDER_MAX])(const void *, const void *) = {
                [ORDER_SCORE] = by_score,
                [ORDER_REMOTE] = by_remote,
                [ORDER_PID] = by_pid,
        };
        Manager *m = userdata;
        uint32_t cursor = 0;
        ProcessRow *rows;
        const Tracked *p;
        size_t n = 0;

        if (order < 0 || order >= PROCESS_ORDER_MAX)
                return -EINVAL;
        rows = calloc(table_count(m->tracked) + 1, sizeof(*rows));
        if (!rows)
                return -ENOMEM;
        while ((p = table_next(m->tracked, &cursor, NULL)))
                if (p->info_ns != 0)
                        fill_row(m, p, &rows[n++]);
        qsort(rows, n, sizeof(*rows), compare[order]);
        *ret = rows;
        *ret_n = n < max ? n : max;
        return 0;
}

/* Why the ticks leave a process out; see is_of_interest() in snapshot.c. */
static void untracked_verdict(const Manager *m, const ProcessInfo *info, Verdict *ret) {
        Reason refused;

        *ret = (Verdict) {
                .id = info->id,
                .reason = REASON_QUIET,
                .home_node = NODE_NONE,
                .run_node = NODE_NONE,
                .target_node = NODE_NONE,
        };
        refused = gates_refuse(info, NULL, getpid(), topology_memory_mask(&m->topology),
                               &m->settings, &ret->observed, &ret->threshold);
        if (refused != REASON_NONE)
                ret->reason = refused;
        else if (observer_source(m->observer) == SOURCE_NONE)
                ret->reason = REASON_NO_EVIDENCE;
        else if (info->age_ns < m->settings.min_age_ns) {
                ret->reason = REASON_TOO_YOUNG;
                ret->observed = (double)info->age_ns;
                ret->threshold = (double)m->settings.min_age_ns;
        }
}

/* A process that the last tick did not look at: read now, as no evaluation did. */
static int untracked_row(Manager *m, pid_t pid, ProcessRow *ret) {
        int r;

        *ret = (ProcessRow) { .source = SOURCE_NONE, .state = "watched" };
        r = process_read(&m->root, &m->topology, pid, clock_boottime_ns(), &ret->info);
        if (r < 0)
                return r;
        manager_match_rules(m, &ret->info);
        untracked_verdict(m, &ret->info, &ret->verdict);
        return 0;
}

static int view_process(void *userdata, pid_t pid, ProcessRow *ret) {
        Manager *m = userdata;
        const Tracked *p = tracked_find_pid(m->tracked, pid);

        if (!p || p->info_ns == 0 || process_check(&m->root, p->id) < 0)
                return untracked_row(m, pid, ret);
        fill_row(m, p, ret);
        return 0;
}

static int view_pause(void *userdata, uint64_t usec) {
        return manager_pause(userdata, usec);
}

static int view_resume(void *userdata) {
        return manager_resume(userdata);
}

static void view_machine(void *userdata, MachineView *ret) {
        Manager *m = userdata;
        uint32_t n = m->topology.n_nodes;
        size_t n_observed = 0;
        const Observed *const *list = observer_processes(m->observer, &n_observed);

        *ret = (MachineView) { .n_nodes = n };
        memcpy(ret->nodes, m->nodes, sizeof(ret->nodes));
        for (size_t i = 0; i < n_observed; i++) {
                const Evidence *e = &list[i]->evidence;

                for (uint32_t a = 0; a < n && a < e->n_nodes; a++) {
                        ret->cpu_ns[a] += e->cpu_ns[a];
                        for (uint32_t h = 0; h < n && h < e->n_nodes; h++)
                                ret->access[a][h] += e->access[a * e->n_nodes + h];
                }
        }
}

static size_t view_jobs(void *userdata, Outcome *ret, size_t max) {
        return mover_list(((Manager *)userdata)->mover, ret, max);
}

static int view_detail(void *userdata, pid_t pid, ProcessDetail *ret) {
        Manager *m = userdata;
        const Tracked *p = tracked_find_pid(m->tracked, pid);
        size_t n = 0;
        const Observed *const *list = observer_processes(m->observer, &n);

        if (!p)
                return -ESRCH;
        *ret = (ProcessDetail) {
                .n_nodes = m->topology.n_nodes,
                .resident_bytes = p->resident_bytes,
        };
        for (size_t i = 0; i < n; i++)
                if (process_id_equal(list[i]->id, p->id) &&
                    list[i]->evidence.n_nodes == ret->n_nodes)
                        ret->access = list[i]->evidence.access;
        return 0;
}

static int view_reload(void *userdata) {
        Manager *m = userdata;

        manager_reload(m);
        return m->last_reload_error ? -EBADMSG : 0;
}

static int view_cancel(void *userdata, uint64_t job) {
        return mover_cancel(((Manager *)userdata)->mover, job);
}

static int view_migrate(void *userdata, const MoveRequest *request, uint64_t *ret_job,
                        Reason *ret_reason) {
        return manager_order(userdata, request, ret_job, ret_reason);
}

static int view_record(void *userdata, int fd, uint32_t seconds) {
        return manager_record(userdata, fd, seconds);
}

static size_t view_diagnose(void *userdata, Finding *ret, size_t max) {
        return manager_findings(userdata, ret, max);
}

void manager_backend(Manager *m, ReportBackend *ret) {
        *ret = (ReportBackend) {
                .status = view_status,
                .topology = view_topology,
                .processes = view_processes,
                .process = view_process,
                .pause = view_pause,
                .resume = view_resume,
                .machine = view_machine,
                .jobs = view_jobs,
                .detail = view_detail,
                .reload = view_reload,
                .cancel = view_cancel,
                .migrate = view_migrate,
                .record = view_record,
                .diagnose = view_diagnose,
                .userdata = m,
        };
}
