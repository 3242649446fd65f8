/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "manager/tracked.h"

#include <stdlib.h>

static void tracked_done(Tracked *p) {
        free(p->resident_bytes);
        p->resident_bytes = NULL;
}

Table *tracked_free(Table *t) {
        uint32_t cursor = 0;
        Tracked *p;

        if (!t)
                return NULL;
        while ((p = table_next(t, &cursor, NULL)))
                tracked_done(p);
        return table_free(t);
}

PolicyAnswer tracked_policy(const Tracked *p, uint64_t now_ns) {
        if (p->policy_ns == 0)
                return POLICY_UNKNOWN;
        if (now_ns - p->policy_ns < POLICY_KEEP_NSEC)
                return POLICY_HOLDS;
        return p->verdict.candidate ? POLICY_ASK : POLICY_UNKNOWN;
}

Tracked *tracked_find_pid(const Table *t, pid_t pid) {
        uint32_t cursor = 0;
        Tracked *p, *best = NULL;

        while ((p = table_next(t, &cursor, NULL)))
                if (p->id.pid == pid && (!best || p->seen_ns > best->seen_ns))
                        best = p;
        return best;
}

void tracked_remove(Table *t, Tracked *p) {
        TableKey key = tracked_key(p->id);

        tracked_done(p);
        (void)table_remove(t, key);
}

void tracked_expire(Table *t, uint64_t before_ns) {
        uint32_t cursor = 0;
        Tracked *p;

        while ((p = table_next(t, &cursor, NULL)))
                if (p->seen_ns < before_ns)
                        tracked_remove(t, p);
}
