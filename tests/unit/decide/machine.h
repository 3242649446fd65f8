/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/decide.h"

/* Machines made from a number: the same seed gives the same machine everywhere. */

typedef struct Random {
        uint64_t state;
} Random;

uint64_t random_next(Random *r);
/* 0..n-1; n > 0 */
uint64_t random_below(Random *r, uint64_t n);
/* 0..1 */
double random_unit(Random *r);
/* True once in n times. */
bool random_once_in(Random *r, uint64_t n);

typedef enum MachineKind {
        MACHINE_ANY,      /* everything that may be found out there */
        MACHINE_BALANCED, /* every access is local */
        MACHINE_HOSTILE,  /* numbers that no kernel would give */
} MachineKind;

#define MACHINE_REGIONS 24

typedef struct Machine {
        Topology topology;
        NodeState nodes[NODES_MAX];
        Settings settings;
        Snapshot snapshot;
        ProcessInfo *infos;
        Evidence *evidence;
        ProcessView *views;
        uint64_t *resident; /* [n_processes][n_nodes] */
        double *cells;
        Region *regions; /* [n_processes][MACHINE_REGIONS] */
        size_t n_processes;
} Machine;

/* 2 to 16 nodes, distances of both directions apart, some nodes without CPUs, memory or room; no
 * process up to 5000, mostly few. */
Machine *machine_new(uint64_t seed, MachineKind kind);
Machine *machine_free(Machine *m);

/* Puts the processes of the snapshot into another order. */
void machine_shuffle(Machine *m, uint64_t seed);

/* All memory and accesses of process i now are on node `to`. */
void machine_move(Machine *m, size_t i, int to);

/* Region k of process i now lies on node `to`. */
void machine_move_region(Machine *m, size_t i, size_t k, int to);

/* All CPU time and accesses of process i now come from node `run`. */
void machine_reschedule(Machine *m, size_t i, int run);
