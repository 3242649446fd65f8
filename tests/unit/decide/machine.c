/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "machine.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GIB (1024 * MIB)

/* SplitMix64. */
uint64_t random_next(Random *r) {
        uint64_t z = r->state += 0x9e3779b97f4a7c15ull;

        z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ull;
        z = (z ^ z >> 27) * 0x94d049bb133111ebull;
        return z ^ z >> 31;
}

uint64_t random_below(Random *r, uint64_t n) {
        return random_next(r) % n;
}

double random_unit(Random *r) {
        return (double)(random_next(r) >> 11) / 9007199254740992.0;
}

bool random_once_in(Random *r, uint64_t n) {
        return random_below(r, n) == 0;
}

static double hostile_number(Random *r) {
        static const double numbers[] = { NAN, INFINITY, -INFINITY, -1, 1e308, 1e-308, 0, 1e15 };

        return numbers[random_below(r, sizeof(numbers) / sizeof(numbers[0]))];
}

static uint64_t hostile_integer(Random *r) {
        static const uint64_t integers[] = { 0, 1, UINT64_MAX, UINT64_MAX / 2, 1ull << 53 };

        return integers[random_below(r, sizeof(integers) / sizeof(integers[0]))];
}

static void make_nodes(Machine *m, Random *r, MachineKind kind) {
        Topology *t = &m->topology;

        t->n_nodes = 2 + (uint32_t)random_below(r, random_once_in(r, 4) ? 15 : 3);
        t->n_cpus = t->n_nodes;
        for (uint32_t i = 0; i < t->n_nodes; i++) {
                t->node_id[i] = (int32_t)(i * 2);
                t->cpu_node[i] = (int16_t)i;
                t->has_cpu[i] = !random_once_in(r, 8);
                t->has_memory[i] = !random_once_in(r, 12);
                t->total_bytes[i] = (4 + random_below(r, 60)) * GIB;
                m->nodes[i].high_watermark_bytes = random_below(r, 256) * MIB;
                m->nodes[i].available_bytes =
                        random_once_in(r, 4)
                                ? random_below(r, GIB)
                                : (uint64_t)(random_unit(r) * (double)t->total_bytes[i]);
                if (random_once_in(r, 10))
                        m->nodes[i].blocked_until_ns = random_below(r, 2000) * NSEC_PER_SEC;
                for (uint32_t j = 0; j < t->n_nodes; j++) {
                        t->distance[i][j] = i == j ? 10 : (uint16_t)(11 + random_below(r, 40));
                        if (random_once_in(r, 6))
                                t->hmat_latency_ns[i][j] =
                                        (i == j ? 80 : 100) + 100 * random_unit(r);
                        if (kind == MACHINE_HOSTILE) {
                                t->distance[i][j] = (uint16_t)random_next(r);
                                t->hmat_latency_ns[i][j] = hostile_number(r);
                        }
                }
                if (kind == MACHINE_HOSTILE) {
                        t->total_bytes[i] = hostile_integer(r);
                        m->nodes[i].available_bytes = hostile_integer(r);
                        m->nodes[i].high_watermark_bytes = hostile_integer(r);
                        m->nodes[i].blocked_until_ns =
                                random_once_in(r, 2) ? 0 : hostile_integer(r);
                }
        }
}

static void make_info(Machine *m, Random *r, MachineKind kind, size_t i) {
        ProcessInfo *info = &m->infos[i];
        NodeMask all = ((NodeMask)1 << m->topology.n_nodes) - 1;

        info->id = (ProcessId) { (pid_t)(2 + i * 3), random_next(r) % 100000 };
        snprintf(info->comm, sizeof(info->comm), "p%u", (unsigned)i);
        info->age_ns = random_below(r, 200) * NSEC_PER_SEC;
        info->rss_bytes =
                random_once_in(r, 4) ? random_below(r, 128 * MIB) : random_below(r, 8 * GIB);
        info->cpuset_mems = random_once_in(r, 5) ? random_next(r) & all : all;
        info->affinity_nodes = random_once_in(r, 5) ? random_next(r) & all : all;
        info->attributes = random_once_in(r, 10) ? ATTRIBUTES_UNKNOWN : ATTRIBUTES_BPF;
        info->kernel_thread = random_once_in(r, 20);
        info->realtime = random_once_in(r, 30);
        info->task_policy = random_once_in(r, 20);
        info->vma_policy = random_once_in(r, 20);
        if (random_once_in(r, 20))
                info->locked_bytes = 4096;
        if (random_once_in(r, 20))
                info->hugetlb_bytes = 2 * MIB;
        info->device_memory = random_once_in(r, 30);
        if (random_once_in(r, 10))
                info->pinned_bytes = random_below(r, GIB);
        if (kind == MACHINE_HOSTILE) {
                info->age_ns = hostile_integer(r);
                info->rss_bytes = hostile_integer(r);
                info->pinned_bytes = random_once_in(r, 2) ? 0 : hostile_integer(r);
                memset(info->comm, 'x', sizeof(info->comm) - 1);
        }
}

static void make_evidence(Machine *m, Random *r, MachineKind kind, size_t i) {
        uint32_t n = m->topology.n_nodes;
        Evidence *e = &m->evidence[i];
        uint32_t run = (uint32_t)random_below(r, n), home = (uint32_t)random_below(r, n);
        bool single = !random_once_in(r, 4);
        double rate = random_once_in(r, 3) ? 10 * random_unit(r) : 3000 * random_unit(r);

        *e = (Evidence) {
                .source = random_once_in(r, 3)
                                  ? (EvidenceSource)random_below(r, EVIDENCE_SOURCE_MAX)
                                  : SOURCE_CLOCK,
                .n_nodes = n,
                .access = m->cells + i * (2 * n * n + n),
                .evaluations = (uint32_t)random_below(r, 10),
                .skid = random_once_in(r, 2),
                .unresolved = 100 * random_unit(r),
        };
        e->waited = e->access + n * n;
        e->cpu_ns = e->waited + n * n;
        for (uint32_t a = 0; a < n; a++) {
                e->cpu_ns[a] =
                        (single ? a == run : random_once_in(r, 2)) ? 4e9 * random_unit(r) : 0;
                for (uint32_t h = 0; h < n; h++) {
                        double *access = &e->access[a * n + h];

                        *access = (single && a != run) || random_once_in(r, 3) ? 0 : random_unit(r);
                        *access *= h == home ? rate : rate / 20;
                        if (kind == MACHINE_BALANCED && a != h)
                                *access = 0;
                        if (kind == MACHINE_HOSTILE && random_once_in(r, 2))
                                *access = hostile_number(r);
                        e->waited[a * n + h] = e->skid ? *access * random_unit(r) : *access;
                        e->samples += *access;
                }
                if (kind == MACHINE_HOSTILE && random_once_in(r, 2))
                        e->cpu_ns[a] = hostile_number(r);
        }
        if (kind == MACHINE_HOSTILE) {
                e->unresolved = hostile_number(r);
                e->samples = hostile_number(r);
        }
        for (uint32_t h = 0; h < n; h++)
                m->resident[i * n + h] = kind == MACHINE_HOSTILE ? hostile_integer(r)
                                         : h == home             ? m->infos[i].rss_bytes / 10 * 9
                                                                 : m->infos[i].rss_bytes / 10 / n;
}

static void make_access(Random *r, MachineKind kind, const Region *region, RegionAccess *a,
                        int node, float weight) {
        *a = (RegionAccess) { .node = (int8_t)node, .weight = weight };
        if (node != region->home && kind != MACHINE_BALANCED)
                a->remote = random_once_in(r, 4) ? weight * (float)random_unit(r) : weight;
        a->waited = a->remote;
        if (kind == MACHINE_HOSTILE && random_once_in(r, 3)) {
                a->weight = (float)hostile_number(r);
                a->remote = (float)hostile_number(r);
                a->waited = (float)hostile_number(r);
                a->node = (int8_t)random_next(r);
        }
}

/* Regions in a few mappings, mostly of one node each, with gaps. */
static void make_region(Machine *m, Random *r, MachineKind kind, Region *region,
                        const Region *last) {
        uint64_t n = m->topology.n_nodes;
        bool new_mapping = !last || random_once_in(r, 8);
        uint64_t gap = random_once_in(r, 3) ? random_below(r, 20) : 0;
        int user = (int)random_below(r, n);

        *region = (Region) {
                .start = (last ? last->start + REGION_BYTES : 0x7f0000000000) + gap * REGION_BYTES,
                .bytes = random_once_in(r, 10) ? 4096 : REGION_BYTES,
                .since_ns = random_below(r, 1000) * NSEC_PER_SEC,
                .home = (int8_t)((int)random_below(r, n + 1) - 1),
                .unmovable = random_once_in(r, 30),
                .other = random_once_in(r, 10) ? (float)random_unit(r) : 0,
        };
        region->mapping = new_mapping ? region->start : last->mapping;
        if (!new_mapping && random_once_in(r, 2)) {
                user = last->access[0].node >= 0 && last->access[0].node < (int)n
                               ? last->access[0].node
                               : user;
                region->home = last->home;
        }
        for (int i = 0; i < REGION_ACCESSORS; i++)
                region->access[i].node = NODE_NONE;
        make_access(r, kind, region, &region->access[0], user, (float)(40 * random_unit(r)));
        if (random_once_in(r, 3))
                make_access(r, kind, region, &region->access[2], (user + 1) % (int)n,
                            (float)(40 * random_unit(r)));
        if (kind == MACHINE_HOSTILE) {
                region->home = (int8_t)random_next(r);
                region->since_ns = hostile_integer(r);
                region->other = (float)hostile_number(r);
        }
}

static size_t make_regions(Machine *m, Random *r, MachineKind kind, size_t i) {
        Region *regions = m->regions + i * MACHINE_REGIONS;
        size_t n = random_once_in(r, 2) ? 0 : random_below(r, MACHINE_REGIONS + 1);

        for (size_t k = 0; k < n; k++)
                make_region(m, r, kind, &regions[k], k > 0 ? &regions[k - 1] : NULL);
        return n;
}

static size_t how_many(Random *r) {
        if (random_once_in(r, 2000))
                return 1000 + random_below(r, 4001);
        if (random_once_in(r, 50))
                return random_below(r, 200);
        return random_below(r, 12);
}

Machine *machine_new(uint64_t seed, MachineKind kind) {
        Random r = { seed };
        Machine *m = calloc(1, sizeof(*m));
        size_t n;

        if (!m)
                abort();
        make_nodes(m, &r, kind);
        n = m->topology.n_nodes;
        m->n_processes = how_many(&r);
        m->infos = calloc(m->n_processes + 1, sizeof(*m->infos));
        m->evidence = calloc(m->n_processes + 1, sizeof(*m->evidence));
        m->views = calloc(m->n_processes + 1, sizeof(*m->views));
        m->resident = calloc((m->n_processes + 1) * n, sizeof(*m->resident));
        m->cells = calloc((m->n_processes + 1) * (2 * n * n + n), sizeof(*m->cells));
        m->regions = calloc((m->n_processes + 1) * MACHINE_REGIONS, sizeof(*m->regions));
        if (!m->infos || !m->evidence || !m->views || !m->resident || !m->cells || !m->regions)
                abort();
        settings_init(&m->settings);
        m->settings.benefit_ratio = random_once_in(&r, 2) ? 0.1 : 2;
        m->settings.spread = random_once_in(&r, 2);
        for (size_t i = 0; i < m->n_processes; i++) {
                make_info(m, &r, kind, i);
                make_evidence(m, &r, kind, i);
                m->views[i] = (ProcessView) {
                        .info = &m->infos[i],
                        .evidence = random_once_in(&r, 15) ? NULL : &m->evidence[i],
                        .resident_bytes = random_once_in(&r, 3) ? NULL : m->resident + i * n,
                        .busy = random_once_in(&r, 25),
                        .regions = m->regions + i * MACHINE_REGIONS,
                        .n_regions = make_regions(m, &r, kind, i),
                };
        }
        m->snapshot = (Snapshot) {
                .topology = &m->topology,
                .nodes = m->nodes,
                .processes = m->views,
                .n_processes = m->n_processes,
                .self = 2,
        };
        return m;
}

Machine *machine_free(Machine *m) {
        if (m) {
                free(m->infos);
                free(m->evidence);
                free(m->views);
                free(m->resident);
                free(m->cells);
                free(m->regions);
                free(m);
        }
        return NULL;
}

void machine_shuffle(Machine *m, uint64_t seed) {
        Random r = { seed };

        for (size_t i = m->n_processes; i > 1; i--) {
                size_t j = random_below(&r, i);
                ProcessView view = m->views[i - 1];

                m->views[i - 1] = m->views[j];
                m->views[j] = view;
        }
}

static void place(Machine *m, size_t i, int run, int home) {
        Evidence *e = &m->evidence[i];
        uint32_t n = e->n_nodes;
        double samples = 0, cpu_ns = 0;

        for (uint32_t c = 0; c < n * n; c++)
                samples += e->access[c];
        for (uint32_t a = 0; a < n; a++)
                cpu_ns += e->cpu_ns[a];
        memset(e->access, 0, (2 * n * n + n) * sizeof(double));
        e->access[(uint32_t)run * n + (uint32_t)home] = samples;
        e->waited[(uint32_t)run * n + (uint32_t)home] = samples;
        e->cpu_ns[run] = cpu_ns;
        for (uint32_t h = 0; h < n; h++)
                m->resident[i * n + h] = h == (uint32_t)home ? m->infos[i].rss_bytes : 0;
}

static int largest(const double *values, uint32_t n) {
        uint32_t index = 0;

        for (uint32_t i = 1; i < n; i++)
                if (values[i] > values[index])
                        index = i;
        return (int)index;
}

void machine_move(Machine *m, size_t i, int to) {
        place(m, i, largest(m->evidence[i].cpu_ns, m->topology.n_nodes), to);
}

void machine_move_region(Machine *m, size_t i, size_t k, int to) {
        Region *region = &m->regions[i * MACHINE_REGIONS + k];

        region->home = (int8_t)to;
        for (int a = 0; a < REGION_ACCESSORS; a++)
                region->access[a].remote = region->access[a].waited =
                        region->access[a].node == to ? 0 : region->access[a].weight;
}

void machine_reschedule(Machine *m, size_t i, int run) {
        uint32_t n = m->topology.n_nodes;
        double resident[NODES_MAX];

        for (uint32_t h = 0; h < n; h++)
                resident[h] = (double)m->resident[i * n + h];
        place(m, i, run, largest(resident, n));
}
