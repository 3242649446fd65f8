/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/plan.h"
#include "model/topology.h"
#include "system/root.h"

/* Reads nodes, CPUs, distances, memory sizes and HMAT latencies from sys/devices/system/node.
 * A kernel without that directory gives one node with all CPUs. -E2BIG: more than NODES_MAX
 * nodes; -EBADMSG: a file does not parse. */
int topology_read(Topology *ret, const SystemRoot *root);

/* Fills nodes[t->n_nodes] with what each node can still give: MemFree + Inactive(file) of
 * nodeN/meminfo minus the high watermarks of its zones (proc/zoneinfo). blocked_until_ns is left
 * as it is. */
int node_state_read(NodeState *nodes, const Topology *t, const SystemRoot *root);
