/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/plan.h"
#include "model/topology.h"
#include "system/root.h"

/* Reads nodes, CPUs, distances, memory sizes and HMAT latencies from sys/devices/system/node.
 * A kernel without that directory gives one node with all CPUs. HMAT tells latencies only from the
 * nodes that are nearest to a memory node; the others stay 0. -E2BIG: more than NODES_MAX nodes or
 * CPUS_MAX CPUs; -EBADMSG: a file does not parse. */
int topology_read(Topology *ret, const SystemRoot *root);

/* Fills available_bytes of nodes[t->n_nodes] with what each node can still give: MemFree +
 * Inactive(file) of nodeN/meminfo minus its high watermark. The watermarks (sum over the zones of the
 * node in proc/zoneinfo) hardly ever change but are dear to read on machines with many CPUs, so they
 * are read only when all of them are 0, as at the start; see node_watermarks_read.
 * blocked_until_ns is left as it is. -EBADMSG: a file does not parse. */
int node_state_read(NodeState *nodes, const Topology *t, const SystemRoot *root);

/* Reads high_watermark_bytes anew, for instance once a minute. */
int node_watermarks_read(NodeState *nodes, const Topology *t, const SystemRoot *root);
