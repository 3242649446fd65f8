/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Pages that a job still has to move, as one bitmap per unit of 512 pages (2 MB of 4 KB pages):
 * 72 bytes per unit, whatever the number of pages in it. */

#define UNIT_PAGES 512u
#define UNIT_WORDS (UNIT_PAGES / 64)

/* A unit and some of its pages: bit i of pages is the page at base + i * page size. */
typedef struct WorkUnit {
        uint64_t base; /* aligned to the unit's size */
        uint64_t pages[UNIT_WORDS];
} WorkUnit;

/* Units remembered per job: 1 TiB of 4 KB pages in 36 MiB. */
#define WORKLIST_UNITS_MAX (1u << 19)

typedef struct WorkList {
        WorkUnit *units; /* ascending by base */
        size_t n_units;
        size_t allocated;
        uint64_t n_pages; /* set bits */
        size_t cursor;    /* unit that worklist_take() looks at next */
        uint32_t cursor_page;
        uint64_t page_bytes;
} WorkList;

void worklist_init(WorkList *w, uint64_t page_bytes);
void worklist_done(WorkList *w);

static inline uint32_t unit_count(const WorkUnit *unit) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < UNIT_WORDS; i++)
                n += (uint32_t)__builtin_popcountll(unit->pages[i]);
        return n;
}

static inline bool unit_is_full(const WorkUnit *unit) {
        return unit_count(unit) == UNIT_PAGES;
}

/* Moves up to max pages of *unit, from page *page on, to addresses; returns how many and advances
 * *page (UNIT_PAGES: none left). */
uint32_t unit_take(WorkUnit *unit, uint32_t *page, uint64_t page_bytes, uint64_t *addresses,
                   uint32_t max);

/* Adds a page; cheap at the end of the list and in units that are on it or were since the last
 * worklist_rewind(), else what lies behind is shifted. Once pages have been taken only those may be
 * added again until worklist_rewind(). -ENOSPC: WORKLIST_UNITS_MAX units are taken; -ENOMEM. */
int worklist_add(WorkList *w, uint64_t address);

/* Takes up to max pages off the list in ascending order; pages added again meanwhile come back only
 * after worklist_rewind(). Returns how many; 0 at the end. */
uint32_t worklist_take(WorkList *w, uint64_t *addresses, uint32_t max);

/* Starts over at the lowest page and forgets units without pages. */
void worklist_rewind(WorkList *w);

/* Bytes held. */
size_t worklist_bytes(const WorkList *w);
