/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/process.h"
#include "model/topology.h"
#include "system/root.h"

/* CPU time per node of every process, from proc, for when no BPF program counts it. */
typedef struct CpuScanner CpuScanner;

int cpu_scanner_new(CpuScanner **ret, const Topology *t, const SystemRoot *root);
CpuScanner *cpu_scanner_free(CpuScanner *s); /* NULL-safe, returns NULL */

/* Tells the CPU time that a process used since the last scan, on the node on which it (for several
 * threads: each thread, by its share of their CPU time) last ran. */
typedef void (*CpuScanHandler)(ProcessId id, int node, uint64_t cpu_ns, void *userdata);

/* Reads the stat file of each process once. The first scan only remembers. Kernel threads and this
 * process are left out. */
int cpu_scanner_scan(CpuScanner *s, CpuScanHandler handler, void *userdata);
