/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* What the BPF programs and the daemon tell each other. Both sides are built together; the version
 * is checked all the same, because a ring may be pinned or inherited one day. Every structure has
 * the same layout for both compilers: fixed-width members, no implicit padding. */

#ifdef __bpf__
#        include "kernel-types.h"
#else
#        include <linux/types.h>
#endif

#define RECORD_VERSION 3

/* Code bytes captured before and from the instruction pointer on: further than a jump with a
 * displacement of 8 bits reaches, and so that following the code forward stays inside most inner loops.
 */
#define CODE_BEFORE_BYTES 192
#define CODE_AFTER_BYTES  192

/* Index of each general-purpose register in SampleRecord.gpr: the number of the register in
 * instruction encodings. */
enum {
        GPR_RAX,
        GPR_RCX,
        GPR_RDX,
        GPR_RBX,
        GPR_RSP,
        GPR_RBP,
        GPR_RSI,
        GPR_RDI,
        GPR_R8,
        GPR_R9,
        GPR_R10,
        GPR_R11,
        GPR_R12,
        GPR_R13,
        GPR_R14,
        GPR_R15,
        GPR_MAX,
};

/* One interruption of 64-bit user code. */
typedef struct SampleRecord {
        __u16 version;    /* RECORD_VERSION */
        __u8 code_before; /* valid bytes of code directly before ip, 0..CODE_BEFORE_BYTES */
        __u8 code_after;  /* valid bytes of code from ip on, 0..CODE_AFTER_BYTES */
        __u32 cpu;
        __s32 node; /* kernel id of the node of that CPU */
        __u32 tgid;
        __u64 start_ns; /* start of the process (its leader), CLOCK_BOOTTIME */
        __u64 exec_id;  /* counts the programs that the process and its ancestors executed */
        __u64 gpr[GPR_MAX];
        __u64 ip;
        __u64 flags;
        __u64 fs_base;
        __u64 gs_base;
        __u8 code[CODE_BEFORE_BYTES + CODE_AFTER_BYTES]; /* ip is at index CODE_BEFORE_BYTES */
} SampleRecord;

/* CPU time is counted per process and node. */
typedef struct CpuTimeKey {
        __u64 start_ns;
        __u32 tgid;
        __s32 node;
} CpuTimeKey;

typedef struct CpuTime {
        __u64 ns;
        __u64 compat; /* ticks in 32-bit code that would have been samples */
} CpuTime;

/* Counted per CPU; the daemon adds them up. */
typedef struct ClockCounts {
        __u64 ticks;         /* interruptions, idle and kernel threads included */
        __u64 user_samples;  /* of these, taken of processes in user mode (64-bit and compat) */
        __u64 compat;        /* of these, 32-bit code: not handed over */
        __u64 ring_full;     /* not handed over for lack of room in the ring */
        __u64 no_code;       /* handed over without any code byte from ip on */
        __u64 cpu_time_full; /* CPU time not counted: no room in the table */
        __u64 run_ns;        /* time spent in this program */
        __u64 since_sample;  /* user-mode ticks since the last one handed over */
} ClockCounts;

/* How the class of a precise sample is told (PreciseRecord.event). */
enum {
        PRECISE_BY_DATA_SOURCE, /* by data_src */
        PRECISE_LOCAL_MEMORY,   /* by the event, which counts only these */
        PRECISE_REMOTE_MEMORY,
        PRECISE_EVENT_MAX,
};

/* One access that the processor's own sampling reported. */
typedef struct PreciseRecord {
        __u16 version; /* RECORD_VERSION */
        __u16 event;   /* PRECISE_* */
        __u32 cpu;
        __s32 node; /* kernel id of the node of that CPU */
        __u32 tgid;
        __u64 start_ns;
        __u64 exec_id;
        __u64 address;     /* virtual, of the data */
        __u64 physical;    /* of the data, 0: the kernel does not tell */
        __u64 data_source; /* union perf_mem_data_src, 0: the kernel does not tell */
} PreciseRecord;

/* Counted per CPU; the daemon adds them up. */
typedef struct PreciseCounts {
        __u64 samples;   /* of processes in user mode, with an address */
        __u64 others;    /* without: kernel, idle, no data address */
        __u64 ring_full; /* not handed over for lack of room in the ring */
        __u64 run_ns;    /* time spent in this program */
} PreciseCounts;

/* Nodes that a record has room for: as many as the largest kernels of Debian. */
#define RECORD_NODE_WORDS 16

/* One thread of the process asked for, with what its memory as a whole is counted for. */
typedef struct TaskPolicyRecord {
        __u64 start_ns; /* of the leader, CLOCK_BOOTTIME */
        __u32 tid;
        __u32 explicit_policy;
        __u32 has_attributes; /* what follows was read */
        __u32 realtime;       /* SCHED_FIFO, SCHED_RR or SCHED_DEADLINE */
        __u32 kernel_thread;
        __u32 unused;
        __u64 locked_pages;
        __u64 pinned_pages;
        __u64 hugetlb_pages; /* present, in base pages */
        __u32 has_memory;    /* the three above were told */
        __u32 has_mems;
        __u64 mems[RECORD_NODE_WORDS]; /* bit i: the cpuset allows the node with kernel id i */
} TaskPolicyRecord;

/* The first mapping of the process asked for, and each with an explicit policy or of huge pages set
 * apart (hugetlb). */
typedef struct VmaPolicyRecord {
        __u64 start;
        __u64 end;
        __u32 explicit_policy;
        __u32 shared; /* the policy belongs to the shared memory object, not to the mapping */
        __u32 hugetlb;
        __u32 unused;
} VmaPolicyRecord;

/* Numbers of the kernel's enum migrate_reason are below this (10 in Linux 6.18); those beyond count as
 * the last. */
#define RAW_REASONS_MAX 16

/* What became of base pages, counted per CPU: first by reason for everybody else, then for the
 * daemon. huge_moved: huge pages among them. */
typedef struct MigrationCounts {
        __u64 moved;
        __u64 failed;
        __u64 huge_moved;
} MigrationCounts;

/* Base pages of others that a process moved by system call since the last reading. */
typedef struct CallerRecord {
        __u64 pages;
        char comm[16];
} CallerRecord;

/* NUMA hint faults are counted per process, node of the CPU and node of the page. */
typedef struct HintKey {
        __u64 start_ns;
        __u32 tgid;
        __s16 accessor; /* kernel ids of nodes */
        __s16 home;
} HintKey;

typedef struct HintCount {
        __u64 faults;
        __u64 pages; /* base pages that they cover */
} HintCount;

/* One fault in HINT_PAGES_APART base pages comes with its address, and those of larger folios; it is not
 * in HintCount then. */
#define HINT_PAGES_APART 16

typedef struct HintRecord {
        __u16 version; /* RECORD_VERSION */
        __s16 accessor;
        __s16 home;
        __u16 reserved;
        __u32 tgid;
        __u32 pages;
        __u64 start_ns;
        __u64 exec_id;
        __u64 address;
} HintRecord;

/* Counted per CPU; the daemon adds them up. */
typedef struct HintCounts {
        __u64 faults;
        __u64 table_full; /* not counted: no room in the table */
        __u64 run_ns;     /* time spent in this program */
} HintCounts;

/* A process by pid and start time in clock ticks since boot, as in proc/PID/stat. */
typedef struct LifeKey {
        __u64 start_ticks;
        __u32 tgid;
        __u32 reserved;
} LifeKey;

/* Ticks of USER_HZ, the unit of start times in proc. */
#define LIFE_TICK_NS 10000000ull

enum {
        LIFE_EXIT = 1,
        LIFE_EXEC,
};

/* A process that is tracked has ended (its last thread), or executes another program. */
typedef struct LifeRecord {
        LifeKey key;
        __u16 version; /* RECORD_VERSION */
        __u16 kind;    /* LIFE_EXIT, LIFE_EXEC */
        __u32 reserved;
        __u64 exec_id; /* of LIFE_EXEC; see SampleRecord */
} LifeRecord;
