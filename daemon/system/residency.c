/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/residency.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mathx.h"
#include "system/maps.h"

/* The kernel holds the lock of the address space for 16 pages at a time; the limit per call keeps
 * the buffers small. */
#define QUERY_PAGES_MAX 512u

/* Never moves anything: without target nodes the call only reports where pages are. */
static int query(const Topology *t, pid_t pid, const uint64_t *addresses, uint32_t n,
                 int32_t *ret_node) {
        void *pages[QUERY_PAGES_MAX];
        int status[QUERY_PAGES_MAX];

        for (uint32_t i = 0; i < n; i++) {
                pages[i] = (void *)(uintptr_t)addresses[i];
                status[i] = -ENOENT;
        }
        if (syscall(SYS_move_pages, pid, (unsigned long)n, pages, NULL, status, 0) < 0)
                return -errno;
        for (uint32_t i = 0; i < n; i++) {
                int node = status[i];

                if (node >= 0) {
                        node = topology_index_of_id(t, node);
                        if (node == NODE_NONE)
                                node = -ENODEV;
                }
                ret_node[i] = node;
        }
        return 0;
}

int residency_query(const Topology *t, pid_t pid, const uint64_t *addresses, uint32_t n,
                    int32_t *ret_node) {
        for (uint32_t done = 0; done < n;) {
                uint32_t step = n - done < QUERY_PAGES_MAX ? n - done : QUERY_PAGES_MAX;
                int r = query(t, pid, addresses + done, step, ret_node + done);

                if (r < 0)
                        return r;
                done += step;
        }
        return 0;
}

/* Picks addresses: the mappings laid end to end are cut into `max` equal strides, and one page is
 * chosen at random in each. */
typedef struct Picker {
        uint64_t page_bytes;
        uint64_t largest_pages; /* a mapping counts as at most this many pages */
        uint64_t total_pages;   /* counted by the first reading */
        uint64_t seen_pages;    /* in the second reading */
        uint64_t random;
        uint64_t *addresses;
        uint32_t n;
        uint32_t max;
} Picker;

static bool is_sampled(const Mapping *m) {
        return m->writable && !m->shared;
}

static uint64_t pages_of(const Picker *p, const Mapping *m) {
        return clamp_u64((m->end - m->start) / p->page_bytes, 0, p->largest_pages);
}

static int count_mapping(const Mapping *m, void *userdata) {
        Picker *p = userdata;

        if (is_sampled(m))
                p->total_pages = add_sat(p->total_pages, pages_of(p, m));
        return 0;
}

/* Position of the next pick. */
static uint64_t next_position(const Picker *p) {
        uint64_t begin = mul_div(p->total_pages, p->n, p->max);
        uint64_t end = mul_div(p->total_pages, p->n + 1, p->max);

        return end > begin ? begin + p->random % (end - begin) : begin;
}

static int pick_from_mapping(const Mapping *m, void *userdata) {
        Picker *p = userdata;
        uint64_t pages = pages_of(p, m), all = (m->end - m->start) / p->page_bytes, position;

        if (!is_sampled(m))
                return 0;
        while (p->n < p->max && (position = next_position(p)) < p->seen_pages + pages) {
                uint64_t page = sub_sat(position, p->seen_pages);

                if (all > pages)
                        page = mul_div(page, all, pages);
                p->addresses[p->n++] = m->start + page * p->page_bytes;
                /* xorshift is random enough to break patterns in the memory */
                p->random ^= p->random << 13;
                p->random ^= p->random >> 7;
                p->random ^= p->random << 17;
        }
        p->seen_pages += pages;
        return 0;
}

int residency_pick(const SystemRoot *root, pid_t pid, uint32_t max_pages, uint64_t largest_bytes,
                   uint64_t seed, uint64_t *ret_addresses, uint32_t *ret_n) {
        uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        Picker p = {
                .page_bytes = page_bytes,
                .largest_pages = largest_bytes > page_bytes ? largest_bytes / page_bytes : 1,
                /* xorshift never leaves 0 */
                .random = seed ? seed : 0x9e3779b97f4a7c15ull,
                .addresses = ret_addresses,
                .max = max_pages,
        };
        int r;

        r = maps_read(root, pid, count_mapping, &p);
        if (r < 0)
                return r;
        if (p.total_pages < p.max)
                p.max = (uint32_t)p.total_pages;
        r = maps_read(root, pid, pick_from_mapping, &p);
        if (r < 0)
                return r;
        *ret_n = p.n;
        return 0;
}

typedef struct Sample {
        uint64_t *addresses;
        int32_t *nodes;
        uint32_t n;
        uint32_t max;
        uint64_t count[NODES_MAX];
        uint64_t present;
} Sample;

static int take_sample(Sample *s, const SystemRoot *root, const Topology *t, pid_t pid,
                       uint64_t largest_bytes, uint64_t seed) {
        int r;

        r = residency_pick(root, pid, s->max, largest_bytes, seed, s->addresses, &s->n);
        if (r < 0)
                return r;
        r = residency_query(t, pid, s->addresses, s->n, s->nodes);
        if (r < 0)
                return r;
        memset(s->count, 0, sizeof(s->count));
        s->present = 0;
        for (uint32_t i = 0; i < s->n; i++)
                if (s->nodes[i] >= 0) {
                        s->count[s->nodes[i]]++;
                        s->present++;
                }
        return 0;
}

int residency_sample(const SystemRoot *root, const Topology *t, pid_t pid, uint32_t max_pages,
                     uint64_t seed, uint64_t rss_bytes, uint64_t *ret_bytes) {
        cleanup_free uint64_t *addresses = calloc(max_pages, sizeof(*addresses));
        cleanup_free int32_t *nodes = calloc(max_pages, sizeof(*nodes));
        Sample s = { .addresses = addresses, .nodes = nodes, .max = max_pages };
        int r;

        if (max_pages == 0)
                return -EINVAL;
        if (!addresses || !nodes)
                return -ENOMEM;
        r = take_sample(&s, root, t, pid, UINT64_MAX, seed);
        if (r == 0 && s.present < s.n / 16)
                r = take_sample(&s, root, t, pid, rss_bytes, seed);
        if (r < 0)
                return r;
        if (s.present == 0)
                return -ENODATA;
        for (uint32_t i = 0; i < t->n_nodes; i++)
                ret_bytes[i] = mul_div(rss_bytes, s.count[i], s.present);
        return 0;
}
