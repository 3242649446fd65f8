/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/chunk.h"

#include <errno.h>
#include <string.h>

#include "base/mathx.h"

/* A call interrupted by a signal is repeated this often. */
#define INTERRUPTED_TRIES 3

int chunk_filter(Chunk *c, const MoverKernel *kernel, ChunkResult *result) {
        uint32_t kept = 0;

        if (c->n == 0)
                return 0;
        int r = kernel->query_pages(kernel->userdata, c->pid, c->address, c->n, c->node);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < c->n; i++) {
                if (node_mask_has(c->from, c->node[i]))
                        c->address[kept++] = c->address[i];
                else
                        result->pages[c->node[i] == c->to ? PAGE_MOVED : PAGE_GONE]++;
        }
        c->n = kept;
        return 0;
}

uint32_t chunk_first_unattempted(const int32_t *status, uint32_t n, int64_t returned) {
        uint32_t last = n;

        if (returned <= 0)
                return n;
        while (last > 0 && status[last - 1] == MOVE_STATUS_UNWRITTEN)
                last--;
        /* last is one behind the last status written. Nothing written: one batch, all of it tried.
         * The page before it written, too: that batch went well, so the failing one is the last,
         * which reaches to the end. */
        if (last < 2 || status[last - 2] != MOVE_STATUS_UNWRITTEN)
                return n;
        return last;
}

static int64_t chunk_call(Chunk *c, const MoverKernel *kernel, uint32_t first, uint32_t end,
                          ChunkResult *result) {
        int64_t r;

        for (uint32_t i = first; i < end; i++)
                c->status[i] = MOVE_STATUS_UNWRITTEN;
        for (uint32_t tries = 0; tries < INTERRUPTED_TRIES; tries++) {
                uint64_t begin = kernel->now_ns(kernel->userdata);
                r = kernel->move_pages(kernel->userdata, c->pid, c->address + first, end - first,
                                       c->to, c->all, c->status + first);
                result->busy_ns += sub_sat(kernel->now_ns(kernel->userdata), begin);
                result->calls++;
                if (r != -EINTR)
                        break;
                result->failures[failure_from_errno(EINTR)]++;
        }
        return r;
}

static PageClass page_classify(int32_t node, int32_t status, NodeMask from, int to) {
        if (node == to)
                return PAGE_MOVED;
        if (!node_mask_has(from, node))
                return PAGE_GONE;
        switch (status) {
        case -EACCES:
                return PAGE_SHARED;
        case -ENOENT:
        case -EFAULT:
        case -EIO:
                return PAGE_GONE;
        case -EINVAL:
        case -ENODEV:
                return PAGE_REFUSED;
        default:
                /* -EBUSY, -EAGAIN, not written, or written as moved and not there. */
                return PAGE_RETRY;
        }
}

static void page_count_failure(ChunkResult *result, Failure failure) {
        result->failures[failure]++;
        result->failed_pages[failure]++;
}

/* Books one page under its class and the errno that it met. */
static void page_account(Chunk *c, uint32_t i, ChunkResult *result) {
        PageClass class = page_classify(c->node[i], c->status[i], c->from, c->to);

        c->page[i] = class;
        result->pages[class]++;
        if (class == PAGE_MOVED || class == PAGE_SHARED)
                return; /* no failure */
        if (c->status[i] < 0 && c->status[i] != MOVE_STATUS_UNWRITTEN)
                page_count_failure(result, failure_from_errno(-c->status[i]));
        else if (class == PAGE_GONE)
                page_count_failure(result, FAILURE_NOENT);
        else if (result->error == 0)
                page_count_failure(result, FAILURE_AGAIN);
}

/* Whether the call says of every page that it is on the target. The kernel writes the target only
 * behind a batch of which no page was left, so there is nothing to ask. */
static bool chunk_says_all(const Chunk *c, uint32_t first, uint32_t end, int64_t returned) {
        if (returned != 0)
                return false;
        for (uint32_t i = first; i < end; i++)
                if (c->status[i] != c->to)
                        return false;
        return true;
}

/* A part of the chunk, perhaps in another thread. */
typedef struct Lane {
        Help help;
        Chunk *chunk;
        const MoverKernel *kernel;
        uint32_t first, end;
        ChunkResult result;
        bool all; /* no page need be asked for */
} Lane;

/* The call, and once more what it did not attempt. */
static void lane_run(void *userdata, const void *env) {
        Lane *l = userdata;
        Chunk *c = l->chunk;

        int64_t r = chunk_call(c, l->kernel, l->first, l->end, &l->result);
        uint32_t tail =
                l->first + chunk_first_unattempted(c->status + l->first, l->end - l->first, r);

        if (tail < l->end)
                r = chunk_call(c, l->kernel, tail, l->end, &l->result);
        if (r < 0) {
                l->result.error = (int)r;
                l->result.failures[failure_from_errno((int)-r)]++;
        }
        l->all = chunk_says_all(c, l->first, l->end, r);
}

static void lane_collect(const Lane *l, ChunkResult *result) {
        for (int i = 0; i < FAILURE_MAX; i++)
                result->failures[i] += l->result.failures[i];
        result->calls += l->result.calls;
        result->busy_ns += l->result.busy_ns;
        if (result->error == 0)
                result->error = l->result.error;
}

static uint32_t chunk_lanes(const Chunk *c) {
        uint32_t worth = c->n / (c->huge ? LANE_UNITS : LANE_PAGES);
        uint32_t lanes = c->crew && c->lanes < CREW_MAX ? c->lanes : c->crew ? CREW_MAX : 1;

        lanes = lanes < worth ? lanes : worth;
        return lanes > 1 ? lanes : 1;
}

/* All of the chunk: in calls at the same time, as far as others have time, else one after the other.
 * True when no page need be asked for. */
static bool chunk_submit(Chunk *c, const MoverKernel *kernel, ChunkResult *result) {
        uint32_t n = chunk_lanes(c);
        Lane lanes[CREW_MAX];
        bool all = true;

        for (uint32_t i = 0; i < n; i++) {
                lanes[i] = (Lane) {
                        .help = { .run = lane_run, .userdata = &lanes[i] },
                        .chunk = c,
                        .kernel = kernel,
                        .first = c->n / n * i,
                        .end = i + 1 < n ? c->n / n * (i + 1) : c->n,
                };
                if (i > 0)
                        (void)crew_offer(c->crew, &lanes[i].help);
        }
        lane_run(&lanes[0], NULL);
        for (uint32_t i = 0; i < n; i++) {
                if (i > 0 && !crew_wait(c->crew, &lanes[i].help))
                        lane_run(&lanes[i], NULL);
                lane_collect(&lanes[i], result);
                all &= lanes[i].all;
        }
        return all;
}

/* Nobody can say where the pages from `first` on are. */
static int chunk_lost(Chunk *c, uint32_t first, int error, ChunkResult *result) {
        PageClass class = error == -ESRCH ? PAGE_GONE : PAGE_RETRY;

        for (uint32_t i = first; i < c->n; i++)
                c->page[i] = class;
        result->pages[class] += c->n - first;
        return error;
}

int chunk_move(Chunk *c, const MoverKernel *kernel, ChunkResult *result) {
        if (c->n == 0)
                return 0;

        if (chunk_submit(c, kernel, result)) {
                for (uint32_t i = 0; i < c->n; i++)
                        c->node[i] = c->to;
        } else {
                int r = kernel->query_pages(kernel->userdata, c->pid, c->address, c->n, c->node);
                if (r < 0)
                        return chunk_lost(c, 0, r, result);
        }
        for (uint32_t i = 0; i < c->n; i++)
                page_account(c, i, result);
        return 0;
}

/* Pages of a unit that tell whether all of it came along, besides the first: no smaller folio that
 * holds the first page holds all of them. */
static const uint32_t witnesses[] = { 1, 170, 341, UNIT_PAGES - 1 };
#define N_WITNESSES 4u

/* Asks for the witnesses of all units at once: which ones are on the target whole. */
static int units_ask(const Chunk *c, const MoverKernel *kernel, bool *ret_whole) {
        uint64_t address[CHUNK_UNITS_MAX * N_WITNESSES];
        int32_t node[CHUNK_UNITS_MAX * N_WITNESSES];

        for (uint32_t i = 0; i < c->n * N_WITNESSES; i++)
                address[i] = c->address[i / N_WITNESSES] +
                             (uint64_t)witnesses[i % N_WITNESSES] * kernel->page_bytes;
        int r = kernel->query_pages(kernel->userdata, c->pid, address, c->n * N_WITNESSES, node);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < c->n; i++) {
                ret_whole[i] = c->status[i] == c->to;
                for (uint32_t j = 0; j < N_WITNESSES; j++)
                        ret_whole[i] &= node[i * N_WITNESSES + j] == c->to;
        }
        return 0;
}

/* Where the pages of unit i are now. */
static int unit_account(Chunk *c, uint32_t i, const MoverKernel *kernel, ChunkResult *result,
                        WorkUnit *ret_rest) {
        uint64_t address[UNIT_PAGES];
        int32_t node[UNIT_PAGES];

        for (uint32_t page = 0; page < UNIT_PAGES; page++)
                address[page] = c->address[i] + (uint64_t)page * kernel->page_bytes;
        int r = kernel->query_pages(kernel->userdata, c->pid, address, UNIT_PAGES, node);
        if (r < 0)
                return r;

        *ret_rest = (WorkUnit) { .base = c->address[i] };
        c->node[i] = node[0];
        page_account(c, i, result);
        for (uint32_t page = 1; page < UNIT_PAGES; page++) {
                if (node_mask_has(c->from, node[page]))
                        ret_rest->pages[page / 64] |= 1ull << (page % 64);
                else
                        result->pages[node[page] == c->to ? PAGE_MOVED : PAGE_GONE]++;
        }
        return 0;
}

int chunk_move_huge(Chunk *c, const MoverKernel *kernel, ChunkResult *result, WorkUnit *rest,
                    uint32_t *ret_n_rest, uint32_t *ret_whole) {
        bool whole[CHUNK_UNITS_MAX];

        *ret_n_rest = *ret_whole = 0;
        (void)chunk_submit(c, kernel, result);
        int r = units_ask(c, kernel, whole);
        if (r < 0)
                return chunk_lost(c, 0, r, result);
        for (uint32_t i = 0; i < c->n; i++) {
                WorkUnit unit;

                if (whole[i]) {
                        c->page[i] = PAGE_MOVED;
                        result->pages[PAGE_MOVED] += UNIT_PAGES;
                        (*ret_whole)++;
                        continue;
                }
                r = unit_account(c, i, kernel, result, &unit);
                if (r < 0)
                        return chunk_lost(c, i, r, result);
                if (unit_count(&unit) > 0)
                        rest[(*ret_n_rest)++] = unit;
                else
                        *ret_whole += c->page[i] == PAGE_MOVED;
        }
        return 0;
}
