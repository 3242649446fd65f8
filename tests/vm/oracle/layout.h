/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the oracle plugin (host), its reader and the victims (guest) agree on.
 *
 * Victim k owns the virtual addresses [VM_WINDOW_BASE + k * VM_WINDOW_SIZE, + VM_WINDOW_SIZE):
 * every access in that range by any process counts for it. A plugin sees addresses but no
 * processes; a range per victim needs no announcement, survives fork, and holds from the first
 * instruction on. The first page of a window is its marker page: the plugin sees the address of a
 * store but not its value, so a store to byte 8 * p of the marker page says "from here on phase p".
 *
 * Results lie in a file that is mapped by the plugin and is, by way of an ivshmem device, memory of
 * the guest: the guest reads the live counters without any driver. */

#include <stdint.h>

#define VM_WINDOW_BASE  UINT64_C(0x600000000000)
#define VM_WINDOW_SHIFT 40
#define VM_WINDOW_SIZE  (UINT64_C(1) << VM_WINDOW_SHIFT)
#define VM_N_WINDOWS    16
/* Used by the self-test. */
#define VM_WINDOW_SELFTEST 15
#define VM_MARKER_BYTES    UINT64_C(4096)
#define VM_N_PHASES        512

/* Nodes; the last column of a matrix is memory of no node (devices, ROM). */
#define VM_MAX_NODES 8
#define VM_MAX_CPUS  16

#define VM_ORACLE_MAGIC UINT64_C(0x31656c6361726f6e)
/* The first part of the shared file is the oracle's, the rest carries the guest's results to the
 * host. */
#define VM_ORACLE_BYTES UINT64_C(0x100000)

/* Accesses since boot by the node of the CPU and the node of the memory. */
typedef struct VmMatrix {
        uint64_t count[VM_MAX_NODES][VM_MAX_NODES + 1];
} VmMatrix;

/* Counters of one virtual CPU, written by its thread only. */
typedef struct VmCpu {
        uint64_t total[VM_MAX_NODES + 1];
        uint64_t window[VM_N_WINDOWS][VM_MAX_NODES + 1];
        uint64_t stores[VM_N_WINDOWS];
        uint64_t penalties;
        /* Executed, in the kernel, too; only where the plugin counts them (count=instructions). */
        uint64_t instructions;
        uint64_t pad[6];
} VmCpu;

typedef struct VmOracle {
        uint64_t magic;
        uint32_t n_nodes;
        uint32_t n_cpus;
        /* What a remote access costs more; the guest may change it at any time. */
        uint32_t penalty_ns;
        uint32_t pad;
        uint32_t node_of_cpu[VM_MAX_CPUS];
        uint32_t phase[VM_N_WINDOWS];
        VmCpu cpu[VM_MAX_CPUS];
} VmOracle;

/* Begins at VM_ORACLE_BYTES of the shared file: what the guest leaves for the host. */
typedef struct VmMailbox {
        uint64_t magic;
        /* Written last by the guest. */
        uint64_t n_bytes;
        uint8_t data[];
} VmMailbox;
