/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Differences between the kernels that the programs run on (5.10 to 7.x), and constants that BTF
 * does not carry because they are macros. */

#include "kernel-types.h"

#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>

/* include/linux/sched.h */
#define PF_KTHREAD 0x00200000

/* include/uapi/linux/capability.h */
#define CAP_SYS_PTRACE 19

/* Code segment selectors of user space (arch/x86/include/asm/segment.h). The two low bits are the
 * privilege level. With FRED the upper bits of the stored word carry other things. */
#define CS_MASK     0xffff
#define CS_RPL_MASK 3
#define CS_USER_64  0x33

/* include/uapi/linux/mempolicy.h. Before 5.14 "local" was stored as MPOL_PREFERRED with the
 * internal flag MPOL_F_LOCAL; the bit has no meaning since. */
#define MPOL_DEFAULT   0
#define MPOL_PREFERRED 1
#define MPOL_LOCAL     4
#define MPOL_F_LOCAL   (1 << 1)

/* include/uapi/linux/sched.h */
#define SCHED_FIFO     1
#define SCHED_RR       2
#define SCHED_DEADLINE 6

/* include/linux/mm.h; the bit is the same in all kernels from 5.10 on. */
#define VM_HUGETLB 0x00400000ul

/* include/uapi/linux/magic.h */
#define TMPFS_MAGIC     0x01021994
#define HUGETLBFS_MAGIC 0x958458f6

/* include/uapi/linux/perf_event.h: bits of sample_type, and of sample_flags. */
#define PERF_SAMPLE_DATA_SRC  (1ull << 15)
#define PERF_SAMPLE_PHYS_ADDR (1ull << 19)

/* Keeps the compiler from narrowing or merging the load of a value: the verifier accepts only
 * eight-byte loads at constant offsets from the context of perf_event and tracepoint programs. */
#define keep_value(v) asm volatile("" : "+r"(v))

/* The entry of a hash, made from `none` where there is none. NULL: no room. */
static __always_inline void *lookup_or_add(void *map, const void *key, const void *none) {
        void *value = bpf_map_lookup_elem(map, key);

        if (value)
                return value;
        /* Another CPU may have been first: look again either way. */
        bpf_map_update_elem(map, key, none, BPF_NOEXIST);
        return bpf_map_lookup_elem(map, key);
}

/* Whether a policy names nodes, as opposed to "where the task runs". */
static __always_inline bool policy_is_explicit(__u16 mode, __u16 flags) {
        if (mode == MPOL_DEFAULT || mode == MPOL_LOCAL)
                return false;
        return !(mode == MPOL_PREFERRED && (flags & MPOL_F_LOCAL));
}
