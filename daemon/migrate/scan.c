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
                uint32_t sample) {
        memset(s, 0, sizeof(*s));
        s->sample = sample;
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

/* A prime, so that the distances between the pages of a sample differ. */
#define SAMPLE_SHIFT 37u

/* Asks for samples of the unit at base and of whole ones behind it, up to `end`: a call for each of them
 * would cost as much as the pages do. */
static int scan_sample(Scan *s, uint64_t base, uint64_t end) {
        uint64_t address[SCAN_SAMPLED_UNITS * SCAN_SAMPLE_BEFORE];
        int32_t node[SCAN_SAMPLED_UNITS * SCAN_SAMPLE_BEFORE];
        const MoverKernel *k = s->kernel;
        uint64_t unit_bytes = (uint64_t)UNIT_PAGES * k->page_bytes;
        uint64_t units = (end - base) / unit_bytes;
        uint32_t n = units < SCAN_SAMPLED_UNITS ? (uint32_t)units : SCAN_SAMPLED_UNITS;
        uint32_t stride = UNIT_PAGES / s->sample;

        /* Not evenly, so that pages dealt out in turn to nodes show. */
        for (uint32_t i = 0; i < n * s->sample; i++) {
                uint32_t j = i % s->sample;
                address[i] = base + i / s->sample * unit_bytes +
                             (uint64_t)(j * stride + j * SAMPLE_SHIFT % stride) * k->page_bytes;
        }
        s->n_sampled = 0;
        int r = k->query_pages(k->userdata, s->pid, address, n * s->sample, node);
        if (r < 0)
                return r;
        for (uint32_t i = 0; i < n; i++) {
                const int32_t *of = &node[(size_t)i * s->sample];
                s->sampled[i] = of[0] >= 0 && of[0] < NODES_MAX ? of[0] : NODE_NONE;
                for (uint32_t j = 1; j < s->sample; j++)
                        if (of[j] != of[0])
                                s->sampled[i] = NODE_NONE;
        }
        s->sampled_base = base;
        s->n_sampled = n;
        return 0;
}

/* Where all pages of the whole unit at base lie, by the sample. `end` of the mapping. */
static int scan_common_node(Scan *s, uint64_t base, uint64_t end, int *ret_node) {
        uint64_t unit_bytes = (uint64_t)UNIT_PAGES * s->kernel->page_bytes;

        if (base < s->sampled_base || base >= s->sampled_base + s->n_sampled * unit_bytes) {
                int r = scan_sample(s, base, end);
                if (r < 0)
                        return r;
        }
        *ret_node = s->sampled[(base - s->sampled_base) / unit_bytes];
        return 0;
}

/* As scan_window(), for a whole unit that lies on one node. */
static void scan_take_all(Scan *s, int node, NodeMask from, WorkUnit *ret) {
        s->pages[node] += UNIT_PAGES;
        if (node_mask_has(from, node))
                memset(ret->pages, 0xff, sizeof(ret->pages));
}

/* Fills ret->pages with the pages of [start, end), inside one unit, that are on `from`. */
static int scan_window(Scan *s, uint64_t start, uint64_t end, NodeMask from, WorkUnit *ret) {
        uint64_t address[UNIT_PAGES];
        int32_t node[UNIT_PAGES];
        const MoverKernel *k = s->kernel;
        uint32_t n = (uint32_t)((end - start) / k->page_bytes);

        if (n == 0)
                return 0;
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

                int common = NODE_NONE;
                *ret = (WorkUnit) { .base = base };
                r = s->sample > 0 && end - start == unit_bytes
                            ? scan_common_node(s, base, m.end, &common)
                            : 0;
                if (r >= 0 && common != NODE_NONE)
                        scan_take_all(s, common, from, ret);
                else if (r >= 0)
                        r = scan_window(s, start, end, from, ret);
                if (r < 0)
                        return r;
                s->next = end;
                if (unit_count(ret) > 0)
                        return 1;
        }
        return -EAGAIN;
}
