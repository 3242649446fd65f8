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

/* Index of the first unit whose base is not lower. */
static size_t worklist_find(const WorkList *w, uint64_t base) {
        size_t low = 0, high = w->n_units;

        /* Almost always the last one. */
        if (high > 0 && w->units[high - 1].base <= base)
                return w->units[high - 1].base == base ? high - 1 : high;
        while (low < high) {
                size_t middle = low + (high - low) / 2;
                if (w->units[middle].base < base)
                        low = middle + 1;
                else
                        high = middle;
        }
        return low;
}

static int worklist_grow(WorkList *w) {
        size_t wanted = w->allocated ? w->allocated * 2 : 16;

        if (w->n_units == WORKLIST_UNITS_MAX)
                return -ENOSPC;
        if (w->n_units < w->allocated)
                return 0;
        if (wanted > WORKLIST_UNITS_MAX)
                wanted = WORKLIST_UNITS_MAX;
        WorkUnit *units = realloc(w->units, wanted * sizeof(*units));
        if (!units)
                return -ENOMEM;
        w->units = units;
        w->allocated = wanted;
        return 0;
}

static int worklist_insert(WorkList *w, size_t at, uint64_t base) {
        int r = worklist_grow(w);
        if (r < 0)
                return r;
        memmove(&w->units[at + 1], &w->units[at], (w->n_units - at) * sizeof(w->units[0]));
        w->units[at] = (WorkUnit) { .base = base };
        w->n_units++;
        return 0;
}

int worklist_add(WorkList *w, uint64_t address) {
        uint64_t base = address - address % (UNIT_PAGES * w->page_bytes);
        uint32_t page = (uint32_t)((address - base) / w->page_bytes);
        uint64_t bit = 1ull << (page % 64);
        size_t at = worklist_find(w, base);

        if (at == w->n_units || w->units[at].base != base) {
                int r = worklist_insert(w, at, base);
                if (r < 0)
                        return r;
        }
        WorkUnit *unit = &w->units[at];
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
