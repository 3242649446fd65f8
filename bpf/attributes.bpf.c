/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Explicit memory policies and other attributes of one process, without walking page tables. Kernels from 6.1 iterate
 * over the threads and mappings of the process named when the iterator is linked; older ones over
 * everybody, so the program filters as well. */

/* Off where a kernel refuses to read them: memory policies alone decide more. */
const volatile bool with_attributes = true;

/* Process asked for; written by the daemon before each read. */
volatile __u32 wanted_tgid;

static __always_inline bool explicit_policy(const struct mempolicy *policy) {
        if (!policy)
                return false;
        return policy_is_explicit(BPF_CORE_READ(policy, mode), BPF_CORE_READ(policy, flags));
}

/* What the whole process is counted for. Threads of the kernel have no memory of their own. */
static __always_inline void read_memory(TaskPolicyRecord *r, struct task_struct *task) {
        struct mm_struct *mm = BPF_CORE_READ(task, mm);

        if (!mm)
                return;
        r->has_memory = 1;
        r->locked_pages = BPF_CORE_READ(mm, locked_vm);
        r->pinned_pages = (__u64)BPF_CORE_READ(mm, pinned_vm.counter);
        if (bpf_core_field_exists(struct mm_struct, hugetlb_usage))
                r->hugetlb_pages = (__u64)BPF_CORE_READ(mm, hugetlb_usage.counter);
}

/* A kernel for few nodes has fewer words. */
static __always_inline void read_mems(TaskPolicyRecord *r, struct task_struct *task) {
        __u32 bytes = sizeof(r->mems);

        if (!bpf_core_field_exists(struct task_struct, mems_allowed))
                return;
        if (bpf_core_field_size(struct task_struct, mems_allowed) < bytes)
                bytes = bpf_core_field_size(struct task_struct, mems_allowed);
        if (bpf_probe_read_kernel(
                    r->mems, bytes,
                    (void *)task + bpf_core_field_offset(struct task_struct, mems_allowed)) == 0)
                r->has_mems = 1;
}

static __always_inline void read_attributes(TaskPolicyRecord *r, struct task_struct *task) {
        __u32 policy = BPF_CORE_READ(task, policy);

        r->has_attributes = 1;
        r->realtime = policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE;
        r->kernel_thread = (BPF_CORE_READ(task, flags) & PF_KTHREAD) != 0;
        read_memory(r, task);
        read_mems(r, task);
}

SEC("iter/task")
int task_policy(struct bpf_iter__task *ctx) {
        struct task_struct *task = ctx->task;
        TaskPolicyRecord record = {};

        if (!task || (__u32)task->tgid != wanted_tgid)
                return 0;
        record.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
        record.tid = task->pid;
        record.explicit_policy = explicit_policy(BPF_CORE_READ(task, mempolicy));
        if (with_attributes)
                read_attributes(&record, task);
        bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
        return 0;
}

/* The policies that any process set on a shared memory object hang in a tree at its inode. One
 * that is not the only one, or that names nodes, counts. */
static __always_inline bool tree_has_policy(struct rb_node *node) {
        struct sp_node *entry = (struct sp_node *)node; /* nd is its first member */

        if (!node)
                return false;
        if (BPF_CORE_READ(node, rb_left) || BPF_CORE_READ(node, rb_right))
                return true;
        return explicit_policy(BPF_CORE_READ(entry, policy));
}

static __always_inline bool shared_policy(const struct vm_area_struct *vma) {
        struct file *file = BPF_CORE_READ(vma, vm_file);
        struct inode *inode;
        __u64 magic;

        if (!file)
                return false;
        inode = BPF_CORE_READ(file, f_inode);
        if (!inode)
                return false;
        magic = BPF_CORE_READ(inode, i_sb, s_magic);
        if (magic == TMPFS_MAGIC && bpf_core_field_exists(struct shmem_inode_info, policy)) {
                struct shmem_inode_info *info =
                        (void *)inode - bpf_core_field_offset(struct shmem_inode_info, vfs_inode);

                return tree_has_policy(BPF_CORE_READ(info, policy.root.rb_node));
        }
        if (magic == HUGETLBFS_MAGIC &&
            bpf_core_field_exists(struct hugetlbfs_inode_info, policy)) {
                struct hugetlbfs_inode_info *info =
                        (void *)inode -
                        bpf_core_field_offset(struct hugetlbfs_inode_info, vfs_inode);

                return tree_has_policy(BPF_CORE_READ(info, policy.root.rb_node));
        }
        return false;
}

SEC("iter/task_vma")
int vma_policy(struct bpf_iter__task_vma *ctx) {
        struct task_struct *task = ctx->task;
        struct vm_area_struct *vma = ctx->vma;
        VmaPolicyRecord record = {};

        if (!task || !vma || (__u32)task->tgid != wanted_tgid)
                return 0;
        record.explicit_policy = explicit_policy(BPF_CORE_READ(vma, vm_policy));
        if (!record.explicit_policy && shared_policy(vma)) {
                record.explicit_policy = 1;
                record.shared = 1;
        }
        if (with_attributes)
                record.hugetlb = (BPF_CORE_READ(vma, vm_flags) & VM_HUGETLB) != 0;
        /* One record in any case, so that "no policy" differs from "nothing was read". */
        if (!record.explicit_policy && !record.hugetlb && ctx->meta->seq_num != 0)
                return 0;
        record.start = vma->vm_start;
        record.end = vma->vm_end;
        bpf_seq_write(ctx->meta->seq, &record, sizeof(record));
        return 0;
}

char LICENSE[] SEC("license") = "GPL";
