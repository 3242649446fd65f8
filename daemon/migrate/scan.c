/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/scan.h"

#include <errno.h>
#include <string.h>

/* Units looked at before scan_next() returns without a find, so that a caller can stop between:
 * about 1 ms of empty address space. */
#define SCAN_UNITS_STEP 256

void scan_start(Scan *s, const MoverKernel *kernel, pid_t pid) {
        memset(s, 0, sizeof(*s));
        s->kernel = kernel;
        s->pid = pid;
}

/* The mapping under s->next, reading more of them where needed: 1, 0 at the end. */
static int scan_mapping(Scan *s, AddressRange *ret) {
        for (;;) {
                while (s->mapping < s->n_mappings && s->mappings[s->mapping].end <= s->next)
                        s->mapping++;
                if (s->mapping < s->n_mappings) {
                        *ret = s->mappings[s->mapping];
                        return 1;
                }
                if (s->ended)
                        return 0;

                int n = s->kernel->read_mappings(s->kernel->userdata, s->pid, s->next, s->mappings,
                                                 SCAN_MAPPINGS);
                if (n < 0)
                        return n;
                s->n_mappings = (uint32_t)n;
                s->mapping = 0;
                s->ended = n == 0;
        }
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

                uint64_t start = s->next > m.start ? s->next : m.start;
                uint64_t base = start - start % unit_bytes;
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
