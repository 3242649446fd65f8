/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/topology.h"
#include "model/view.h"

/* Nodes on which a new program with so many busy CPUs and so much memory should run: the fewest nodes
 * that have both to spare, among these the nearest to each other, then those with most to spare. Where
 * even all nodes do not suffice, all that have CPUs and memory. Pure; 0 only when no node has both. */
NodeMask advise_nodes(const Topology *t, const MachineView *v, uint32_t cpus, uint64_t bytes);
