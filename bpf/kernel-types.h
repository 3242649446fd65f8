/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The few kernel types that the programs touch, with only the members used. Offsets are relocated
 * to the running kernel when a program is loaded (CO-RE), so order and omitted members do not
 * matter; names and types do. Integer types and constants are part of the kernel's ABI. */

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u64 __be64;
typedef __u32 __wsum;
typedef _Bool bool;

#define true 1
#define false 0
#define NULL ((void *)0)

/* include/uapi/linux/bpf.h */
enum {
        BPF_MAP_TYPE_HASH = 1,
        BPF_MAP_TYPE_ARRAY = 2,
        BPF_MAP_TYPE_PERCPU_ARRAY = 6,
        BPF_MAP_TYPE_RINGBUF = 27,
};
enum {
        BPF_NOEXIST = 1,
};
enum {
        BPF_RB_NO_WAKEUP = 1,
        BPF_RB_FORCE_WAKEUP = 2,
        BPF_RB_AVAIL_DATA = 0,
};

/* Context of perf_event programs (arch/x86/include/uapi/asm/ptrace.h); fixed by the ABI. */
struct pt_regs {
        unsigned long r15;
        unsigned long r14;
        unsigned long r13;
        unsigned long r12;
        unsigned long rbp;
        unsigned long rbx;
        unsigned long r11;
        unsigned long r10;
        unsigned long r9;
        unsigned long r8;
        unsigned long rax;
        unsigned long rcx;
        unsigned long rdx;
        unsigned long rsi;
        unsigned long rdi;
        unsigned long orig_rax;
        unsigned long rip;
        unsigned long cs;
        unsigned long eflags;
        unsigned long rsp;
        unsigned long ss;
};

struct bpf_perf_event_data {
        struct pt_regs regs;
        __u64 sample_period;
        __u64 addr;
};

/* Arguments of raw tracepoints; as many as the tracepoint has. */
struct bpf_raw_tracepoint_args {
        __u64 args[0];
};

/* Only to ask whether the running kernel has the helper. */
enum bpf_func_id {
        BPF_FUNC_task_pt_regs = 175,
};

/* Values of enumerations are relocated, too. */
enum pageflags {
        PG_head = 6,
};
enum zone_type {
        __MAX_NR_ZONES = 5,
};

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct thread_struct {
        unsigned long fsbase;
        unsigned long gsbase;
};

struct mempolicy {
        unsigned short mode;
        unsigned short flags;
};

typedef struct {
        __s64 counter;
} atomic64_t;

typedef struct {
        unsigned long bits[16];
} nodemask_t;

struct mm_struct {
        unsigned long locked_vm;
        atomic64_t pinned_vm;
        atomic64_t hugetlb_usage; /* an atomic_long_t, which is the same on 64 bits */
};

struct upid {
        int nr;
};

struct pid {
        unsigned int level;
        struct upid numbers[1];
};

struct user_namespace {
        int level;
};

/* A word of 64 bits, whatever the kernel makes of it. */
typedef struct kernel_cap_struct {
        __u64 val;
} kernel_cap_t;

struct cred {
        kernel_cap_t cap_effective;
        struct user_namespace *user_ns;
};

struct trace_event_raw_mm_migrate_pages {
        unsigned long thp_split;
        unsigned long large_folio_split;
};

typedef struct {
        int counter;
} atomic_t;

struct signal_struct {
        atomic_t live;
};

struct task_struct {
        struct signal_struct *signal;
        void *stack;
        struct pid *thread_pid;
        const struct cred *cred;
        unsigned int flags;
        int pid;
        int tgid;
        struct mm_struct *mm;
        struct task_struct *group_leader;
        __u64 start_boottime;
        __u64 self_exec_id;
        struct mempolicy *mempolicy;
        unsigned int policy;
        nodemask_t mems_allowed;
        struct thread_struct thread;
};

struct rb_node {
        struct rb_node *rb_right;
        struct rb_node *rb_left;
};

struct rb_root {
        struct rb_node *rb_node;
};

struct shared_policy {
        struct rb_root root;
};

struct sp_node {
        struct rb_node nd;
        struct mempolicy *policy;
};

struct super_block {
        unsigned long s_magic;
};

struct inode {
        struct super_block *i_sb;
};

struct shmem_inode_info {
        struct shared_policy policy;
        struct inode vfs_inode;
};

struct hugetlbfs_inode_info {
        struct shared_policy policy;
        struct inode vfs_inode;
};

struct file {
        struct inode *f_inode;
};

struct vm_area_struct {
        unsigned long vm_start;
        unsigned long vm_end;
        struct file *vm_file;
        struct mempolicy *vm_policy;
        unsigned long vm_flags;
};

/* Pages: the order of a folio is in its second page until 6.2, then in a member of its own, then in
 * the low byte of the flags of its second page. */
struct page {
        unsigned char compound_order;
};

struct folio {
        unsigned char _folio_order;
        unsigned long _flags_1;
};

struct zoneref {
        int zone_idx;
};

/* One zoneref for each zone of each possible node, and one that ends the list. */
struct zonelist {
        struct zoneref _zonerefs[2];
};

struct seq_file;

struct bpf_iter_meta {
        struct seq_file *seq;
        __u64 session_id;
        __u64 seq_num;
};

union perf_mem_data_src {
        __u64 val;
};

/* What the driver and the core tell of a sample. sample_flags (from 6.1) says which members are
 * filled in. */
struct perf_sample_data {
        __u64 sample_flags;
        union perf_mem_data_src data_src;
        __u64 phys_addr;
};

/* What the context of a perf_event program really is (include/linux/perf_event.h). */
struct bpf_perf_event_data_kern {
        struct perf_sample_data *data;
};

struct bpf_iter__task {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
};

struct bpf_iter__task_vma {
        struct bpf_iter_meta *meta;
        struct task_struct *task;
        struct vm_area_struct *vma;
};

#pragma clang attribute pop
