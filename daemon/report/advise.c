/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/advise.h"

#include <math.h>

#include "base/mathx.h"

typedef struct Choice {
        NodeMask mask;
        int nodes;
        uint32_t distance; /* sum over the pairs */
        double spare_cpus;
        double spare_bytes;
        bool enough;
} Choice;

static double idle_cpus(const Topology *t, const MachineView *v, int node) {
        double cpus = 0;

        for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
                cpus += t->cpu_node[cpu] == node;
        return fmax(0, cpus - v->cpu_ns[node] / 1e9);
}

static void add_node(Choice *c, const Topology *t, const MachineView *v, int node) {
        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (node_mask_has(c->mask, (int)i))
                        c->distance += t->distance[i][node];
        c->mask |= node_bit(node);
        c->nodes++;
        c->spare_cpus += idle_cpus(t, v, node);
        c->spare_bytes += (double)v->nodes[node].available_bytes;
}

/* The usable node outside the choice that is nearest to its first one; NODE_NONE when there is none. */
static int nearest(const Choice *c, const Topology *t, NodeMask usable, int start) {
        int best = NODE_NONE;

        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (node_mask_has(usable & ~c->mask, (int)i) &&
                    (best == NODE_NONE || t->distance[start][i] < t->distance[start][best]))
                        best = (int)i;
        return best;
}

/* Grows from one node until it is enough. */
static Choice grow_choice(const Topology *t, const MachineView *v, NodeMask usable, int start,
                          double cpus, double bytes) {
        Choice c = { 0 };

        for (int node = start; node != NODE_NONE; node = nearest(&c, t, usable, start)) {
                add_node(&c, t, v, node);
                c.enough = c.spare_cpus >= cpus && c.spare_bytes >= bytes;
                if (c.enough)
                        break;
        }
        return c;
}

static bool is_better(const Choice *a, const Choice *b, double cpus, double bytes) {
        double cpus_a = ratio_or(a->spare_cpus, cpus, 1), cpus_b = ratio_or(b->spare_cpus, cpus, 1);
        double bytes_a = ratio_or(a->spare_bytes, bytes, 1),
               bytes_b = ratio_or(b->spare_bytes, bytes, 1);

        if (a->enough != b->enough)
                return a->enough;
        if (a->nodes != b->nodes)
                return a->nodes < b->nodes;
        if (a->distance != b->distance)
                return a->distance < b->distance;
        /* What is scarcer counts first: idle CPUs and memory as multiples of what is wanted. */
        if (fmin(cpus_a, bytes_a) != fmin(cpus_b, bytes_b))
                return fmin(cpus_a, bytes_a) > fmin(cpus_b, bytes_b);
        return fmax(cpus_a, bytes_a) > fmax(cpus_b, bytes_b);
}

NodeMask advise_nodes(const Topology *t, const MachineView *v, uint32_t cpus, uint64_t bytes) {
        NodeMask usable = topology_cpu_mask(t) & topology_memory_mask(t);
        double wanted_cpus = cpus ? cpus : 1, wanted_bytes = bytes ? (double)bytes : 1;
        Choice best = { 0 };

        for (uint32_t i = 0; i < t->n_nodes; i++) {
                Choice c;

                if (!node_mask_has(usable, (int)i))
                        continue;
                c = grow_choice(t, v, usable, (int)i, wanted_cpus, wanted_bytes);
                if (!best.mask || is_better(&c, &best, wanted_cpus, wanted_bytes))
                        best = c;
        }
        return best.mask;
}
