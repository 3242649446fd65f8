/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/negative.h"

#include <stddef.h>

typedef struct Entry {
        uint64_t until_ns;
        NegativeKind kind;
} Entry;

int negative_init(Negative *n) {
        return table_new(&n->units, NEGATIVE_UNITS_MAX, sizeof(Entry));
}

void negative_done(Negative *n) {
        n->units = table_free(n->units);
}

/* Least time between two searches for what is over. */
#define EXPIRE_INTERVAL_NS (NEGATIVE_KEEP_NS / 20)

/* User addresses have at most 57 bits and units at least 21; pids have 22 (PID_MAX_LIMIT). */
static TableKey unit_key(ProcessId id, uint64_t base) {
        return (TableKey) { .a = base >> 21 << 22 | (uint64_t)id.pid, .b = id.starttime };
}

static void negative_expire(Negative *n, uint64_t now_ns) {
        uint32_t cursor = 0;
        TableKey key;
        const Entry *entry;

        if (n->expired_ns != 0 && now_ns - n->expired_ns < EXPIRE_INTERVAL_NS)
                return;
        n->expired_ns = now_ns;
        while ((entry = table_next(n->units, &cursor, &key)))
                if (entry->until_ns <= now_ns)
                        table_remove(n->units, key);
}

void negative_add(Negative *n, ProcessId id, uint64_t base, NegativeKind kind, uint64_t now_ns) {
        void *entry;

        if (table_count(n->units) == table_capacity(n->units))
                negative_expire(n, now_ns);
        if (table_insert(n->units, unit_key(id, base), &entry) >= 0)
                *(Entry *)entry = (Entry) { .until_ns = now_ns + NEGATIVE_KEEP_NS, .kind = kind };
}

NegativeKind negative_find(const Negative *n, ProcessId id, uint64_t base, uint64_t now_ns) {
        const Entry *entry = table_find(n->units, unit_key(id, base));

        return entry && entry->until_ns > now_ns ? entry->kind : NEGATIVE_NONE;
}
