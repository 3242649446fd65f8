/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/limiter.h"

/* The entry of this key, else a free one, else the one whose interval began first. */
static LimiterEntry *limiter_find(Limiter *l, uint64_t key) {
        LimiterEntry *best = NULL;

        for (size_t i = 0; i < LIMITER_ENTRIES; i++) {
                LimiterEntry *e = &l->entries[i];

                if (e->used && e->key == key)
                        return e;
                if (!best || (best->used && (!e->used || e->since_ns < best->since_ns)))
                        best = e;
        }
        return best;
}

bool limiter_pass(Limiter *l, uint64_t key, unsigned burst, uint64_t interval_ns, uint64_t now_ns,
                  unsigned *ret_dropped) {
        LimiterEntry *e;

        if (burst == 0) {
                *ret_dropped = 0;
                return true;
        }
        e = limiter_find(l, key);
        if (!e->used || e->key != key)
                *e = (LimiterEntry) { .key = key, .since_ns = now_ns, .used = true };
        /* Also when the clock went backwards: better a record too many than silence. */
        if (now_ns < e->since_ns || now_ns - e->since_ns >= interval_ns) {
                e->since_ns = now_ns;
                e->passed = 0;
        }
        if (e->passed >= burst) {
                if (e->dropped < UINT32_MAX)
                        e->dropped++;
                return false;
        }
        e->passed++;
        *ret_dropped = e->dropped;
        e->dropped = 0;
        return true;
}
