/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/limits.h"

static int compare_ranges(const void *a, const void *b) {
        const AddressRange *x = a, *y = b;

        return (x->start > y->start) - (x->start < y->start);
}

static bool ranges_are_disjoint(const AddressRange *sorted, uint32_t n, uint32_t page_bytes) {
        for (uint32_t i = 0; i < n; i++) {
                const AddressRange *r = &sorted[i];
                if (r->start >= r->end || r->start % page_bytes != 0 || r->end % page_bytes != 0)
                        return false;
                if (i > 0 && r->start < sorted[i - 1].end)
                        return false;
        }
        return true;
}

/* Adds what lies between the ranges, before the first and behind the last. */
static void walk_add_rest(Walk *w, const AddressRange *sorted, uint32_t n) {
        uint64_t start = 0;

        for (uint32_t i = 0; i < n; i++) {
                if (sorted[i].start > start)
                        w->ranges[w->n++] = (AddressRange) { start, sorted[i].start };
                start = sorted[i].end;
        }
        w->ranges[w->n++] = (AddressRange) { start, UINT64_MAX };
}

int walk_init(Walk *ret, const Move *move, uint32_t page_bytes) {
        uint32_t n = move->n_ranges;

        if (n > MOVE_RANGES_MAX || (n > 0 && !move->ranges) || (n == 0 && move->ranges_only))
                return -EINVAL;

        cleanup_free AddressRange *sorted = calloc(n + 1, sizeof(*sorted));
        /* Between n ranges there are n + 1 others at most. */
        cleanup_free AddressRange *all = calloc(2 * n + 1, sizeof(*all));
        if (!sorted || !all)
                return -ENOMEM;
        if (n > 0) {
                memcpy(sorted, move->ranges, n * sizeof(*sorted));
                memcpy(all, move->ranges, n * sizeof(*all));
                qsort(sorted, n, sizeof(*sorted), compare_ranges);
        }
        if (!ranges_are_disjoint(sorted, n, page_bytes))
                return -EINVAL;

        Walk w = { .ranges = TAKE_PTR(all), .n = n };
        if (!move->ranges_only)
                walk_add_rest(&w, sorted, n);
        *ret = w;
        return 0;
}

void walk_done(Walk *w) {
        free(w->ranges);
        *w = (Walk) {};
}
