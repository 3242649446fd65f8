/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/topology.h"

int topology_index_of_id(const Topology *t, int node_id) {
        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (t->node_id[i] == node_id)
                        return (int)i;
        return NODE_NONE;
}

NodeMask topology_cpu_mask(const Topology *t) {
        NodeMask mask = 0;

        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (t->has_cpu[i])
                        mask |= node_bit((int)i);
        return mask;
}

NodeMask topology_memory_mask(const Topology *t) {
        NodeMask mask = 0;

        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (t->has_memory[i])
                        mask |= node_bit((int)i);
        return mask;
}

bool topology_is_flat(const Topology *t) {
        return node_mask_count(topology_memory_mask(t)) < 2;
}
