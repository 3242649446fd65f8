/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/limits.h"

/* Bit i stands for the node with dense index i. */
typedef uint64_t NodeMask;

#define NODE_NONE (-1)

/* The machine: nodes, CPUs and distances. Read once by system/topology.h, or written by hand in
 * tests. Nodes are addressed by dense index 0..n_nodes-1 everywhere in the daemon; the kernel's
 * own id is node_id[index] and appears only in system calls and in what a person reads. */
typedef struct Topology {
        uint32_t n_nodes;                             /* 1..NODES_MAX */
        int32_t node_id[NODES_MAX];                   /* kernel id of node index, ascending */
        bool has_cpu[NODES_MAX];                      /* false: memory-only node */
        bool has_memory[NODES_MAX];                   /* false: CPU-only node */
        uint64_t total_bytes[NODES_MAX];              /* MemTotal of the node */
        uint16_t distance[NODES_MAX][NODES_MAX];      /* SLIT, [from][to]; 10 = local */
        double hmat_latency_ns[NODES_MAX][NODES_MAX]; /* read latency [cpu node][memory node]
                                                       * from HMAT; 0 = not told */
        uint32_t n_cpus;                              /* CPUs 0..n_cpus-1 may have a node */
        int16_t cpu_node[CPUS_MAX];                   /* dense node index of a CPU or NODE_NONE */
} Topology;

/* Dense index of a kernel node id, or NODE_NONE. */
int topology_index_of_id(const Topology *t, int node_id);

/* Nodes that have CPUs (memory). */
NodeMask topology_cpu_mask(const Topology *t);
NodeMask topology_memory_mask(const Topology *t);

/* True when there is nothing to balance: fewer than two nodes with memory. */
bool topology_is_flat(const Topology *t);

static inline NodeMask node_bit(int index) {
        return index < 0 || index >= NODES_MAX ? 0 : (NodeMask)1 << index;
}

static inline bool node_mask_has(NodeMask mask, int index) {
        return (mask & node_bit(index)) != 0;
}

static inline int node_mask_count(NodeMask mask) {
        return __builtin_popcountll(mask);
}

/* Lowest node index of the mask, or NODE_NONE. */
static inline int node_mask_first(NodeMask mask) {
        return mask ? __builtin_ctzll(mask) : NODE_NONE;
}
