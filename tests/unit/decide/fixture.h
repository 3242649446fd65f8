/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "decide/decide.h"

/* A small machine and a few processes, written down by the tests. */

#define FIXTURE_PROCESSES 8
#define GIB               (1024 * MIB)

typedef struct FixtureProcess {
        ProcessInfo info;
        Evidence evidence;
        double access[NODES_MAX * NODES_MAX];
        double waited[NODES_MAX * NODES_MAX];
        double cpu_ns[NODES_MAX];
        uint64_t resident[NODES_MAX];
        uint64_t exec_id;
        const Region *regions; /* borrowed */
        size_t n_regions;
        bool use_resident;
        bool busy;
        bool unseen; /* no evidence at all */
} FixtureProcess;

typedef struct Fixture {
        Topology topology;
        NodeState nodes[NODES_MAX];
        FixtureProcess processes[FIXTURE_PROCESSES];
        size_t n_processes;
        Settings settings;
        DecideState *state;
        Plan plan;
        uint64_t now_ns;
        bool other_mover;
} Fixture;

/* n nodes with CPUs, 64 GiB each (32 GiB available), distance 10 within and 21 between nodes; no
 * process; now = 1000 s; default settings. */
Fixture *fixture_new(uint32_t n_nodes);
Fixture *fixture_free(Fixture *f);

/* Adds a process that would be moved from node `home` to node `run`: 1 GiB resident on `home`, one
 * full CPU on `run`, 100 samples of clock evidence (no skid), all remote, from 5 evaluations; old
 * enough, nothing that excludes it, policies read. pid = 100 + its number. */
FixtureProcess *fixture_add(Fixture *f, int run, int home);

/* Sets one cell of the evidence; waited follows. */
void fixture_access(FixtureProcess *p, int accessor, int home, double samples);

/* One evaluation at f->now_ns; the processes are given in their order, or reversed. */
void fixture_decide(Fixture *f);
void fixture_decide_reversed(Fixture *f);

/* n evaluations, one second apart, the last at f->now_ns. */
void fixture_run(Fixture *f, unsigned n);

/* Verdict of process number i in the last plan, and its move or NULL. */
const Verdict *fixture_verdict(const Fixture *f, size_t i);
const Move *fixture_move(const Fixture *f, size_t i);

/* A finished job as the engine would report it for the move of process i. */
Outcome fixture_outcome(const Fixture *f, size_t i, Reason reason, uint64_t pages_moved);
