/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "model/topology.h"
#include "system/root.h"
#include "tempdir.h"

/* A machine made of files, as system/ would see it below /proc and /sys. */
typedef struct Machine {
        TempDir dir;
        SystemRoot root;
} Machine;

/* One node of it. */
typedef struct MachineNode {
        int id;
        const char *cpus;      /* "" none */
        const char *distances; /* as in sysfs */
        uint64_t total_mib;
        uint64_t free_mib;
        uint64_t inactive_file_mib;
        uint64_t high_pages; /* of each of two zones; no zones without memory */
} MachineNode;

/* An empty machine, ready for files; machine_open after they are written. */
void machine_new(Machine *m);
void machine_free(Machine *m);
void machine_open(Machine *m);

/* Writes a file below the machine, printf format. */
void machine_file(Machine *m, const char *path, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

/* Writes the files of n nodes: online, per node cpulist, meminfo and distance, and proc/zoneinfo. */
void machine_nodes(Machine *m, const MachineNode *nodes, unsigned n, const char *online);

/* Two nodes (4 CPUs each) in proc and sys, opened, and the topology of that. */
void machine_two_nodes(Machine *m, Topology *ret);

/* A process with usual files: stat, status, cgroup and one task. The fields may be overwritten with
 * machine_file. */
void machine_process(Machine *m, int pid, const char *comm, uint64_t starttime);

/* Text of a stat file. comm is raw. */
const char *machine_stat(int pid, const char *comm, uint64_t flags, uint64_t starttime, int policy);
