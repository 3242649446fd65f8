/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/settings.h"
#include "model/topology.h"

/* How slow memory of each node is for CPUs of each node, relative to the CPUs' own node. */
typedef struct Latency {
        uint32_t n_nodes;
        double ratio[NODES_MAX][NODES_MAX]; /* [cpu node][memory node]; own node 1, others >= 1 */
} Latency;

/* The configured distance d as it is, d / 10, where there is a table for this number of nodes; else
 * HMAT where it tells both the pair and the own node; else the SLIT distance d compressed:
 * 1 + 0.6 (d - 10) / 10. settings NULL: as if nothing was configured. */
void latency_init(Latency *l, const Topology *t, const Settings *settings);
