/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "migrate/crew.h"
#include "migrate/mover.h"
#include "migrate/worklist.h"

/* One call of move_pages(2) and what became of each of its pages. */

/* Pages of one call: more cost the process too long a pause, and the kernel works in batches of 512
 * anyway. */
#define CHUNK_PAGES_MAX 2048

typedef enum PageClass {
        PAGE_MOVED,   /* on the target */
        PAGE_GONE,    /* not present any more, or neither on a source nor on the target */
        PAGE_RETRY,   /* still on a source: busy, or the call did not get that far */
        PAGE_SHARED,  /* mapped by others: out of reach for good */
        PAGE_REFUSED, /* the kernel will not move it: leaves the list for good */
        PAGE_CLASS_MAX,
} PageClass;

typedef struct Chunk {
        pid_t pid;
        NodeMask from;
        int to;
        bool all;       /* move pages that others map, too */
        bool huge;      /* each address is the first of a unit of which all pages are on a source */
        Crew *crew;     /* with whom to share the work, borrowed; NULL: nobody */
        uint32_t lanes; /* calls at the same time at most; 0 as 1 */
        uint32_t n;
        uint64_t address[CHUNK_PAGES_MAX]; /* each once, in the order of the job */
        int32_t node[CHUNK_PAGES_MAX];     /* where the page is after the call */
        int32_t status[CHUNK_PAGES_MAX];   /* what the call said */
        PageClass page[CHUNK_PAGES_MAX];
} Chunk;

typedef struct ChunkResult {
        uint32_t pages[PAGE_CLASS_MAX];
        uint64_t failures[FAILURE_MAX];     /* pages by class, and calls that failed as a whole */
        uint64_t failed_pages[FAILURE_MAX]; /* the pages of these alone */
        uint32_t calls;
        uint64_t busy_ns; /* inside the move calls */
        int error;        /* of a call that failed as a whole, else 0 */
} ChunkResult;

/* Drops pages from the chunk that are not on a source any more, counting them in *result as moved
 * (on the target) or gone. For pages that were found some time ago. Negative errno of the query. */
int chunk_filter(Chunk *c, const MoverKernel *kernel, ChunkResult *result);

/* First index that the call did not attempt, n when it attempted all. move_pages(2) stops at the
 * first batch that leaves a page behind and writes no status for that batch nor behind it; a batch
 * ends before a page whose lookup failed, and that page's status is written first. */
uint32_t chunk_first_unattempted(const int32_t *status, uint32_t n, int64_t returned);

/* Units of one call that moves huge pages. */
#define CHUNK_UNITS_MAX 32

/* Pages (huge: units) that are worth a call of their own beside others: the kernel's batch. */
#define LANE_PAGES 512
#define LANE_UNITS 4

/* Moves the pages, in several calls at once where lanes and the crew allow it, resubmits once what a
 * call did not attempt, asks where every page is then, and fills page[] and adds to *result. Returns 0
 * also when a call failed (result->error); negative errno when the query afterwards failed: then every
 * page counts as gone (-ESRCH) or to retry. */
int chunk_move(Chunk *c, const MoverKernel *kernel, ChunkResult *result);

/* Moves huge pages: calls for the first page of each of at most CHUNK_UNITS_MAX units. A unit that is
 * one transparent huge page moves whole; pages of others that are still on a source are handed back
 * in rest[], except the first, whose class is in page[]. *ret_whole: units that moved whole. Else as
 * chunk_move(). */
int chunk_move_huge(Chunk *c, const MoverKernel *kernel, ChunkResult *result, WorkUnit *rest,
                    uint32_t *ret_n_rest, uint32_t *ret_whole);
