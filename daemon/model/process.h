/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "model/limits.h"
#include "model/topology.h"

/* Identity of a process. A pid alone is reused; together with the start time (clock ticks since
 * boot, field 22 of /proc/PID/stat) it names one process for the life of the machine. */
typedef struct ProcessId {
        pid_t pid;
        uint64_t starttime;
} ProcessId;

static inline bool process_id_equal(ProcessId a, ProcessId b) {
        return a.pid == b.pid && a.starttime == b.starttime;
}

/* What the rules of the configuration (model/rules.h) say of a process. */
typedef enum RuleMode {
        RULE_DEFAULT, /* no rule: `mode` of the configuration counts */
        RULE_ACT,
        RULE_OBSERVE,
        RULE_OFF,
        RULE_MODE_MAX,
} RuleMode;

/* Where the memory attributes of a ProcessInfo were read. */
typedef enum AttributesFrom {
        ATTRIBUTES_UNKNOWN,   /* not read yet: the process must not be moved */
        ATTRIBUTES_BPF,       /* BPF task and task_vma iterators */
        ATTRIBUTES_NUMA_MAPS, /* kernels before 5.12: read once just before a move */
} AttributesFrom;

/* What is known of one process apart from its memory accesses. Strings are raw bytes as the
 * kernel gave them, NUL-terminated; whoever shows them escapes them. */
typedef struct ProcessInfo {
        ProcessId id;
        char comm[COMM_BYTES];
        char unit[UNIT_BYTES]; /* systemd unit of its cgroup, "" when none */
        uid_t uid;             /* real user id */
        uint64_t age_ns;
        uint64_t rss_bytes;
        uint64_t locked_bytes;  /* VmLck */
        uint64_t pinned_bytes;  /* VmPin: long-term pins (RDMA, VFIO, io_uring) */
        uint64_t hugetlb_bytes; /* HugetlbPages, or more where mappings were read */
        uint32_t n_threads;
        bool kernel_thread;
        bool realtime;           /* a thread has SCHED_FIFO, SCHED_RR or SCHED_DEADLINE */
        NodeMask cpuset_mems;    /* Mems_allowed */
        NodeMask affinity_nodes; /* nodes of the CPUs in Cpus_allowed */
        RuleMode rule_mode;
        uint16_t rule; /* number of the rule that says so, from 1; 0: none */
        uint64_t
                bandwidth_bytes; /* what the rule allows its moves per second; 0: nothing special */
        AttributesFrom attributes;
        bool task_policy;   /* a thread has an explicit memory policy (not default, local) */
        bool vma_policy;    /* a mapping has an explicit memory policy */
        bool device_memory; /* devices reach its memory by themselves: VFIO, RDMA, DPDK */
} ProcessInfo;
