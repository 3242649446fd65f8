/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/worklist.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void worklist_init(WorkList *w, uint64_t page_bytes) {
        *w = (WorkList) { .page_bytes = page_bytes };
}

void worklist_done(WorkList *w) {
        free(w->units);
        *w = (WorkList) { .page_bytes = w->page_bytes };
}

uint32_t unit_take(WorkUnit *unit, uint32_t *page, uint64_t page_bytes, uint64_t *addresses,
                   uint32_t max) {
        uint32_t n = 0;

        while (n < max && *page < UNIT_PAGES) {
                uint64_t word = unit->pages[*page / 64] >> (*page % 64);
                if (word == 0) {
                        *page = (*page / 64 + 1) * 64;
                        continue;
                }
                *page += (uint32_t)__builtin_ctzll(word);
                unit->pages[*page / 64] &= ~(1ull << (*page % 64));
                addresses[n++] = unit->base + *page * page_bytes;
                (*page)++;
        }
        return n;
}

static WorkUnit *worklist_find(WorkList *w, uint64_t base) {
        size_t low = 0, high = w->n_units;

        /* Almost always the last unit, or one near the cursor. */
        if (high > 0 && w->units[high - 1].base == base)
                return &w->units[high - 1];
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (w->units[middle].base == base)
                        return &w->units[middle];
                if (w->units[middle].base < base)
                        low = middle + 1;
                else
                        high = middle;
        }
        return NULL;
}

static int worklist_append(WorkList *w, uint64_t base, WorkUnit **ret) {
        if (w->n_units > 0 && base < w->units[w->n_units - 1].base)
                return -EINVAL;
        if (w->n_units == WORKLIST_UNITS_MAX)
                return -ENOSPC;
        if (w->n_units == w->allocated) {
                size_t wanted = w->allocated ? w->allocated * 2 : 16;
                if (wanted > WORKLIST_UNITS_MAX)
                        wanted = WORKLIST_UNITS_MAX;
                WorkUnit *units = realloc(w->units, wanted * sizeof(*units));
                if (!units)
                        return -ENOMEM;
                w->units = units;
                w->allocated = wanted;
        }
        *ret = &w->units[w->n_units++];
        **ret = (WorkUnit) { .base = base };
        return 0;
}

int worklist_add(WorkList *w, uint64_t address) {
        uint64_t base = address - address % (UNIT_PAGES * w->page_bytes);
        uint32_t page = (uint32_t)((address - base) / w->page_bytes);
        uint64_t bit = 1ull << (page % 64);
        WorkUnit *unit = worklist_find(w, base);

        if (!unit) {
                int r = worklist_append(w, base, &unit);
                if (r < 0)
                        return r;
        }
        if (!(unit->pages[page / 64] & bit))
                w->n_pages++;
        unit->pages[page / 64] |= bit;
        return 0;
}

uint32_t worklist_take(WorkList *w, uint64_t *addresses, uint32_t max) {
        uint32_t n = 0;

        while (n < max && w->cursor < w->n_units) {
                n += unit_take(&w->units[w->cursor], &w->cursor_page, w->page_bytes, addresses + n,
                               max - n);
                if (w->cursor_page < UNIT_PAGES)
                        break;
                w->cursor++;
                w->cursor_page = 0;
        }
        w->n_pages -= n;
        return n;
}

void worklist_untake(WorkList *w, const uint64_t *addresses, uint32_t n) {
        uint64_t unit_bytes = UNIT_PAGES * w->page_bytes;

        if (n == 0)
                return;
        for (uint32_t i = 0; i < n; i++)
                (void)worklist_add(w, addresses[i]); /* its unit is there: cannot fail */
        WorkUnit *unit = worklist_find(w, addresses[0] - addresses[0] % unit_bytes);
        w->cursor = (size_t)(unit - w->units);
        w->cursor_page = (uint32_t)(addresses[0] % unit_bytes / w->page_bytes);
}

void worklist_rewind(WorkList *w) {
        size_t kept = 0;

        for (size_t i = 0; i < w->n_units; i++)
                if (unit_count(&w->units[i]) > 0)
                        w->units[kept++] = w->units[i];
        w->n_units = kept;
        w->cursor = 0;
        w->cursor_page = 0;
}

size_t worklist_bytes(const WorkList *w) {
        return w->allocated * sizeof(*w->units);
}
