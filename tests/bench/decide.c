/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "decide/decide.h"

/* What one evaluation of the policy costs: time and memory per process and allocations, for
 * machines of some sizes.
 *   decide [PROCESSES...]      default 100 1000 10000 100000
 * Exits 1 when an evaluation of the same processes as before allocates memory, or when a process costs
 * much more among ten times as many: the work must be linear. */

#define EVALUATIONS 20

/* One process in so many runs on two nodes and has so many regions to be judged. */
#define REGIONAL_EVERY 20
#define REGIONS        32

/* Sizes from which on nothing fits the caches any more, and what a process may cost more then. */
#define LINEAR_FROM  10000
#define LINEAR_SLACK 3.0

/* Allocations of the policy are counted: the linker sends them here (--wrap). */
static size_t allocations, allocated_bytes;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_reallocarray(void *p, size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_reallocarray(void *p, size_t n, size_t size);

static void count(size_t bytes) {
        allocations++;
        allocated_bytes += bytes;
}

void *__wrap_malloc(size_t size) {
        count(size);
        return __real_malloc(size);
}

void *__wrap_calloc(size_t n, size_t size) {
        count(n * size);
        return __real_calloc(n, size);
}

void *__wrap_reallocarray(void *p, size_t n, size_t size) {
        count(n * size);
        return __real_reallocarray(p, n, size);
}

typedef struct Machine {
        Topology topology;
        NodeState nodes[NODES_MAX];
        ProcessInfo *infos;
        Evidence *evidence;
        ProcessView *views;
        double *cells;
        Region *regions; /* [n / REGIONAL_EVERY + 1][REGIONS] */
        size_t n;
} Machine;

/* Its memory is on the node behind the one that uses it, in halves. */
static void fill_regions(Machine *m, size_t i) {
        uint32_t n = m->topology.n_nodes, run = (uint32_t)(i % n), other = (run + 1) % n;
        Region *regions = m->regions + i / REGIONAL_EVERY * REGIONS;
        Evidence *e = &m->evidence[i];

        e->cpu_ns[other] = e->cpu_ns[run];
        e->access[run * n + other] = e->waited[run * n + other] = 320;
        e->access[other * n + run] = e->waited[other * n + run] = 320;
        for (size_t k = 0; k < REGIONS; k++) {
                int8_t user = (int8_t)(k < REGIONS / 2 ? run : other);

                regions[k] = (Region) {
                        .start = 0x7f0000000000 + k * REGION_BYTES,
                        .bytes = REGION_BYTES,
                        .mapping = 0x7f0000000000,
                        .home = (int8_t)(k < REGIONS / 2 ? other : run),
                        .access = { { user, 20, 20, 20 },
                                    { NODE_NONE, 0, 0, 0 },
                                    { NODE_NONE, 0, 0, 0 },
                                    { NODE_NONE, 0, 0, 0 } },
                };
        }
        m->views[i].regions = regions;
        m->views[i].n_regions = REGIONS;
}

/* One process in ten has its memory on the wrong node, the others where they run. */
static void fill(Machine *m, size_t i) {
        uint32_t n = m->topology.n_nodes, run = (uint32_t)(i % n);
        uint32_t home = i % 10 == 0 ? (run + 1) % n : run;
        Evidence *e = &m->evidence[i];

        m->infos[i] = (ProcessInfo) {
                .id = { (pid_t)(i + 100), i },
                .comm = "bench",
                .age_ns = 3600 * NSEC_PER_SEC,
                .rss_bytes = 100 * MIB,
                .cpuset_mems = UINT64_MAX,
                .affinity_nodes = UINT64_MAX,
                .attributes = ATTRIBUTES_BPF,
        };
        *e = (Evidence) { .source = SOURCE_CLOCK, .n_nodes = n, .evaluations = 5 };
        e->access = m->cells + i * (2 * n + 1) * n;
        e->waited = e->access + n * n;
        e->cpu_ns = e->waited + n * n;
        e->cpu_ns[run] = 5e8;
        for (uint32_t h = 0; h < n; h++)
                e->access[run * n + h] = e->waited[run * n + h] = h == home ? 100 : 1;
        m->views[i] = (ProcessView) { .info = &m->infos[i], .evidence = e };
        if (i % REGIONAL_EVERY == 0)
                fill_regions(m, i);
}

static int machine_init(Machine *m, uint32_t n_nodes, size_t n) {
        *m = (Machine) { .n = n };
        m->topology.n_nodes = n_nodes;
        for (uint32_t i = 0; i < n_nodes; i++) {
                m->topology.has_cpu[i] = m->topology.has_memory[i] = true;
                m->nodes[i].available_bytes = UINT64_MAX / 2;
                for (uint32_t j = 0; j < n_nodes; j++)
                        m->topology.distance[i][j] = i == j ? 10 : 21;
        }
        m->infos = calloc(n, sizeof(*m->infos));
        m->evidence = calloc(n, sizeof(*m->evidence));
        m->views = calloc(n, sizeof(*m->views));
        m->cells = calloc(n * (2 * n_nodes + 1) * n_nodes, sizeof(*m->cells));
        m->regions = calloc((n / REGIONAL_EVERY + 1) * REGIONS, sizeof(*m->regions));
        if (!m->infos || !m->evidence || !m->views || !m->cells || !m->regions)
                return -1;
        for (size_t i = 0; i < n; i++)
                fill(m, i);
        return 0;
}

static void machine_done(Machine *m) {
        free(m->infos);
        free(m->evidence);
        free(m->views);
        free(m->cells);
        free(m->regions);
}

static uint64_t cpu_ns(void) {
        struct timespec ts;

        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
        return (uint64_t)ts.tv_sec * NSEC_PER_SEC + (uint64_t)ts.tv_nsec;
}

/* 1 when evaluations after the first allocated, negative on error. */
static int measure(uint32_t n_nodes, size_t n, double *ret_ns) {
        size_t state_bytes, bytes, steady;
        DecideState *state = NULL;
        uint64_t best_ns = UINT64_MAX;
        Settings settings;
        Plan plan = {};
        Machine m;
        Snapshot s;
        int r = -1;

        settings_init(&settings);
        if (machine_init(&m, n_nodes, n) < 0)
                return -1;
        s = (Snapshot) { &m.topology, m.nodes, m.views, n, 1 };
        allocated_bytes = 0;
        if (decide_state_new(&state, &m.topology) < 0)
                goto finish;
        state_bytes = allocated_bytes;
        if (decide(&s, state, &settings, 1000 * NSEC_PER_SEC, &plan) < 0)
                goto finish;
        bytes = allocated_bytes - state_bytes;
        allocations = 0;
        for (unsigned i = 1; i <= EVALUATIONS; i++) {
                uint64_t begin = cpu_ns(), took;

                if (decide(&s, state, &settings, (1000 + i * 4) * NSEC_PER_SEC, &plan) < 0)
                        goto finish;
                took = cpu_ns() - begin;
                best_ns = took < best_ns ? took : best_ns;
        }
        steady = allocations;
        printf("%6" PRIu32 " %10zu %12.3f %8.0f %14.1f %12.1f %12zu\n", n_nodes, n,
               (double)best_ns / 1e6, (double)best_ns / (double)n, (double)bytes / (double)n,
               (double)state_bytes / (1024 * 1024), steady);
        *ret_ns = (double)best_ns / (double)n;
        if (plan.n_moves == 0)
                goto finish; /* nothing was measured */
        r = steady > 0;
finish:
        plan_done(&plan);
        decide_state_free(state);
        machine_done(&m);
        return r;
}

int main(int argc, char **argv) {
        static const uint32_t nodes[] = { 2, 8, 16 };
        static const char *sizes[] = { "", "100", "1000", "10000", "100000" };
        double last_ns[sizeof(nodes) / sizeof(nodes[0])] = {};
        size_t last_n = 0;
        int status = 0;

        if (argc < 2) {
                argv = (char **)sizes;
                argc = 5;
        }
        printf("%6s %10s %12s %8s %14s %12s %12s\n", "nodes", "processes", "ms", "ns/proc",
               "bytes/proc", "state MiB", "allocations");
        for (int i = 1; i < argc; i++) {
                size_t n = strtoul(argv[i], NULL, 10);

                for (size_t k = 0; k < sizeof(nodes) / sizeof(nodes[0]); k++) {
                        double ns = 0;

                        if (n == 0 || measure(nodes[k], n, &ns) != 0)
                                status = 1;
                        fflush(stdout);
                        if (last_n >= LINEAR_FROM && n > last_n && ns > LINEAR_SLACK * last_ns[k]) {
                                printf("not linear: %.0f ns per process after %.0f\n", ns,
                                       last_ns[k]);
                                status = 1;
                        }
                        last_ns[k] = ns;
                }
                last_n = n;
        }
        return status;
}
