/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/residency_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parse.h"
#include "model/settings.h"
#include "observe/internal.h"
#include "observe/source.h"
#include "system/file.h"
#include "system/residency.h"

/* Resident bytes of a process: the second number of statm. It bounds how much of a huge reservation
 * is looked at. */
static int read_rss(const SystemRoot *root, pid_t pid, uint64_t *ret_bytes) {
        char path[32], text[128], *blank, *end;
        uint64_t pages;
        int r;

        snprintf(path, sizeof(path), "%d/statm", (int)pid);
        r = file_read(root->proc_fd, path, text, sizeof(text));
        if (r < 0)
                return r == -ENOENT ? -ESRCH : r;
        blank = strchr(text, ' ');
        end = blank ? strchr(blank + 1, ' ') : NULL;
        if (!end)
                return -EBADMSG;
        *end = 0;
        if (parse_u64(blank + 1, UINT64_MAX >> 20, &pages) < 0)
                return -EBADMSG;
        *ret_bytes = pages * (uint64_t)sysconf(_SC_PAGESIZE);
        return pages > 0 ? 0 : -ENODATA;
}

bool residency_is_due(const TrackedProcess *p, uint64_t now_ns) {
        return evidence_cpu_ns(&p->observed.evidence) > 0 &&
               (p->residency_ns == 0 || now_ns - p->residency_ns >= RESIDENCY_INTERVAL_NS);
}

int residency_estimate(TrackedProcess *p, const Topology *t, const SystemRoot *root, Ledger *ledger,
                       uint64_t now_ns) {
        Evidence *e = &p->observed.evidence;
        double cpu_ns = evidence_cpu_ns(e);
        uint64_t bytes[NODES_MAX], rss_bytes;
        int r;

        if (!residency_is_due(p, now_ns))
                return -EALREADY;
        p->residency_ns = now_ns;
        r = read_rss(root, p->observed.id.pid, &rss_bytes);
        if (r < 0)
                return r;
        r = residency_sample(root, t, p->observed.id.pid, RESIDENCY_PAGES, now_ns, rss_bytes,
                             bytes);
        if (r < 0)
                return r;
        tracked_process_use(p, SOURCE_RESIDENCY);
        for (uint32_t a = 0; a < t->n_nodes; a++) {
                for (uint32_t h = 0; h < t->n_nodes; h++) {
                        double weight = RESIDENCY_WEIGHT * (e->cpu_ns[a] / cpu_ns) *
                                        ((double)bytes[h] / (double)rss_bytes);

                        if (weight > 0)
                                ledger_account(ledger, &(Access) {
                                                               .process = p,
                                                               .source = SOURCE_RESIDENCY,
                                                               .accessor = (int)a,
                                                               .home = (int)h,
                                                               .weight = weight,
                                                               .waited = true,
                                                       });
                }
        }
        return 0;
}

static int open_source(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                       char problem[PROBLEM_BYTES]) {
        const uint64_t nowhere = 0;
        int32_t node;
        Source *s;

        (void)settings;
        if (role != ROLE_SAMPLES)
                return -EOPNOTSUPP;
        /* Asks nothing of init but whether it may be asked. In a container root may not, but may ask
         * the processes there. */
        if (geteuid() != 0 && residency_query(o->topology, 1, &nowhere, 1, &node) == -EPERM) {
                source_problem(problem, "looking up pages of other users needs CAP_SYS_PTRACE");
                return -EPERM;
        }
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        *ret = s;
        return 0;
}

static void close_source(Source *s) {
        free(s);
}

static int estimate(Source *s, TrackedProcess *p, uint64_t now_ns) {
        return residency_estimate(p, s->observer->topology, s->observer->root,
                                  observer_ledger(s->observer), now_ns);
}

static void describe(const Source *s, char *text, size_t bytes) {
        (void)s;
        snprintf(text, bytes, "share of remote accesses expected from CPU time and sampled pages");
}

const SourceType source_residency = {
        .id = SOURCE_RESIDENCY,
        .open = open_source,
        .close = close_source,
        .estimate = estimate,
        .describe = describe,
};
