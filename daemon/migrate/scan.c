/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/scan.h"

#include <errno.h>
#include <string.h>

/* Units looked at before scan_next() returns without a find, so that a caller can stop between:
 * about 1 ms of empty address space. */
#define SCAN_UNITS_STEP 256

/* Goes on at the beginning of a range, which may lie before what was walked so far. */
static void scan_seek(Scan *s, uint32_t range) {
        s->range = range;
        if (range >= s->walk->n)
                return;
        s->next = s->walk->ranges[range].start;
        s->mapping = 0;
        if (s->next < s->mappings_from) {
                s->n_mappings = 0;
                s->ended = false;
        }
}

void scan_start(Scan *s, const MoverKernel *kernel, pid_t pid, const Walk *walk, MappingKinds kinds,
                bool by_sample) {
        memset(s, 0, sizeof(*s));
        s->by_sample = by_sample;
        s->kernel = kernel;
        s->pid = pid;
        s->walk = walk;
        s->kinds = kinds;
        scan_seek(s, 0);
}

/* Makes s->mapping the first that ends above s->next, reading more where needed: 1, 0 none. */
static int scan_find_mapping(Scan *s) {
        for (;;) {
                while (s->mapping < s->n_mappings && s->mappings[s->mapping].end <= s->next)
                        s->mapping++;
                if (s->mapping < s->n_mappings)
                        return 1;
                if (s->ended)
                        return 0;

                int n = s->kernel->read_mappings(s->kernel->userdata, s->pid, s->next, s->kinds,
                                                 s->mappings, SCAN_MAPPINGS);
                if (n < 0)
                        return n;
                s->mappings_from = s->next;
                s->n_mappings = (uint32_t)n;
                s->mapping = 0;
                s->ended = n == 0;
        }
}

/* What is to be walked of the next mapping that the walk touches: 1, 0 at the end. */
static int scan_mapping(Scan *s, AddressRange *ret) {
        while (s->range < s->walk->n) {
                const AddressRange *range = &s->walk->ranges[s->range];
                int r = s->next < range->end ? scan_find_mapping(s) : 0;
                if (r < 0)
                        return r;
                if (r > 0 && s->mappings[s->mapping].start < range->end) {
                        const AddressRange *m = &s->mappings[s->mapping];
                        ret->start = m->start > s->next ? m->start : s->next;
                        ret->end = m->end < range->end ? m->end : range->end;
                        return 1;
                }
                scan_seek(s, s->range + 1);
        }
        return 0;
}

/* Smaller windows are not worth a call of their own for the sample. */
#define SAMPLED_PAGES_MIN (8 * SCAN_SAMPLE_PAGES)

/* A prime, so that the distances between the pages of a sample differ. */
#define SAMPLE_SHIFT 37u

/* Where all pages of the window lie, by a sample of them: NODE_NONE when they differ or are absent. */
static int scan_sample(Scan *s, uint64_t start, uint32_t n, int *ret_node) {
        uint64_t address[SCAN_SAMPLE_PAGES];
        int32_t node[SCAN_SAMPLE_PAGES];
        const MoverKernel *k = s->kernel;
        uint32_t stride = n / SCAN_SAMPLE_PAGES;

        /* Not evenly, so that pages dealt out in turn to nodes show. */
        for (uint32_t i = 0; i < SCAN_SAMPLE_PAGES; i++)
                address[i] =
                        start + (uint64_t)(i * stride + i * SAMPLE_SHIFT % stride) * k->page_bytes;
        int r = k->query_pages(k->userdata, s->pid, address, SCAN_SAMPLE_PAGES, node);
        if (r < 0)
                return r;
        *ret_node = node[0] >= 0 && node[0] < NODES_MAX ? node[0] : NODE_NONE;
        for (uint32_t i = 1; i < SCAN_SAMPLE_PAGES; i++)
                if (node[i] != node[0])
                        *ret_node = NODE_NONE;
        return 0;
}

/* As scan_window(), for a window that lies on one node. */
static void scan_take_all(Scan *s, uint64_t start, uint32_t n, int node, NodeMask from,
                          WorkUnit *ret) {
        uint32_t first = (uint32_t)((start - ret->base) / s->kernel->page_bytes);

        s->pages[node] += n;
        if (!node_mask_has(from, node))
                return;
        for (uint32_t page = first; page < first + n; page++)
                ret->pages[page / 64] |= 1ull << (page % 64);
}

/* Fills ret->pages with the pages of [start, end), inside one unit, that are on `from`. */
static int scan_window(Scan *s, uint64_t start, uint64_t end, NodeMask from, WorkUnit *ret) {
        uint64_t address[UNIT_PAGES];
        int32_t node[UNIT_PAGES];
        const MoverKernel *k = s->kernel;
        uint32_t n = (uint32_t)((end - start) / k->page_bytes);

        if (n == 0)
                return 0;
        if (s->by_sample && n >= SAMPLED_PAGES_MIN) {
                int common, r = scan_sample(s, start, n, &common);
                if (r < 0)
                        return r;
                if (common != NODE_NONE) {
                        scan_take_all(s, start, n, common, from, ret);
                        return 0;
                }
        }
        for (uint32_t i = 0; i < n; i++)
                address[i] = start + (uint64_t)i * k->page_bytes;
        int r = k->query_pages(k->userdata, s->pid, address, n, node);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < n; i++) {
                if (node[i] < 0 || node[i] >= NODES_MAX)
                        continue;
                s->pages[node[i]]++;
                if (!node_mask_has(from, node[i]))
                        continue;
                uint32_t page = (uint32_t)((address[i] - ret->base) / k->page_bytes);
                ret->pages[page / 64] |= 1ull << (page % 64);
        }
        return 0;
}

int scan_next(Scan *s, NodeMask from, WorkUnit *ret) {
        uint64_t unit_bytes = (uint64_t)UNIT_PAGES * s->kernel->page_bytes;

        for (uint32_t i = 0; i < SCAN_UNITS_STEP; i++) {
                AddressRange m;
                int r = scan_mapping(s, &m);
                if (r <= 0)
                        return r;

                uint64_t start = m.start, base = start - start % unit_bytes;
                uint64_t end = m.end - base < unit_bytes ? m.end : base + unit_bytes;

                *ret = (WorkUnit) { .base = base };
                r = scan_window(s, start, end, from, ret);
                if (r < 0)
                        return r;
                s->next = end;
                if (unit_count(ret) > 0)
                        return 1;
        }
        return -EAGAIN;
}
