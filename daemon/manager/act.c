/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <syslog.h>
#include <string.h>

#include "base/escape.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "system/process_read.h"

/* In mode observe the same finding is told once in this time per process. */
#define TELL_AGAIN_NSEC (600 * NSEC_PER_SEC)

/* Policies are read for so many candidates per tick at most. */
#define POLICY_READS_MAX 32

int manager_read_policy(Manager *m, Tracked *p, uint64_t now_ns) {
        int r;

        r = observer_read_policy(m->observer, &p->info);
        if (r < 0) {
                p->info.attributes = ATTRIBUTES_UNKNOWN;
                p->policy_ns = 0;
                return r;
        }
        p->policy_ns = now_ns;
        return 0;
}

/* Told when it begins, not at each evaluation while it lasts. */
static void tell_left_alone(const Tracked *p, const Verdict *v, uint64_t now_ns) {
        if (v->reason != p->verdict.reason &&
            (v->reason == REASON_GAVE_UP || v->reason == REASON_PING_PONG))
                journal_left_alone(&p->info, v, p->source, now_ns);
}

void manager_take_verdicts(Manager *m, uint64_t now_ns) {
        unsigned reads = 0;

        for (size_t i = 0; i < m->plan.n_verdicts; i++) {
                const Verdict *v = &m->plan.verdicts[i];
                Tracked *p = table_find(m->tracked, tracked_key(v->id));

                if (!p)
                        continue;
                tell_left_alone(p, v, now_ns);
                p->verdict = *v;
                /* Policies are asked for only when everything else speaks for a move; the next
                 * evaluation judges with the answer. */
                if (v->reason == REASON_ATTRIBUTES_UNKNOWN && reads++ < POLICY_READS_MAX)
                        (void)manager_read_policy(m, p, now_ns);
        }
}

/* A last look before acting: it is still the same process, and it has not bound its memory or given it to a device
 * since. */
static bool still_holds(Manager *m, Tracked *p, uint64_t now_ns) {
        if (process_check(&m->root, p->id) < 0)
                return false;
        return manager_read_policy(m, p, now_ns) >= 0 && !p->info.task_policy &&
               !p->info.vma_policy && !p->info.device_memory;
}

static void submit(Manager *m, Tracked *p, const Move *move) {
        char name[ESCAPE_BYTES(COMM_BYTES)];
        uint64_t job;
        int r;

        r = mover_submit(m->mover, move, &job);
        if (r == -EBUSY || r == -ENOBUFS || r == -ESRCH)
                return; /* planned again by the next evaluation, if it still lives */
        if (r < 0) {
                escape_string(name, sizeof(name), p->info.comm);
                journal_log(LOG_WARNING, "The move of %s[%d] could not be queued: %s", name,
                            (int)p->id.pid, strerror(-r));
                return;
        }
        manager_keep_ranges(m, job, move);
        m->counters.migrations_started++;
}

void manager_act(Manager *m, uint64_t now_ns) {
        if (m->paused)
                return;
        for (size_t i = 0; i < m->plan.n_moves; i++) {
                const Move *move = &m->plan.moves[i];
                Tracked *p = table_find(m->tracked, tracked_key(move->id));

                if (!p || !still_holds(m, p, now_ns))
                        continue;
                if (!move->observe)
                        submit(m, p, move);
                else if (p->told_ns == 0 || now_ns - p->told_ns >= TELL_AGAIN_NSEC) {
                        p->told_ns = now_ns;
                        journal_would_migrate(move, &m->topology, p->source);
                }
        }
}
