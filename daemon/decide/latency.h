/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/topology.h"

/* How slow memory of each node is for CPUs of each node, relative to the CPUs' own node. */
typedef struct Latency {
        uint32_t n_nodes;
        double ratio[NODES_MAX][NODES_MAX]; /* [cpu node][memory node]; own node 1, others >= 1 */
} Latency;

/* HMAT where it tells both the pair and the own node, else the SLIT distance d compressed:
 * 1 + 0.6 (d - 10) / 10. */
void latency_init(Latency *l, const Topology *t);
