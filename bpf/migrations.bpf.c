/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Counts what the kernel says of each batch of pages that it migrated, for whatever reason: by reason,
 * and apart for this daemon. What other programs move of others by system call is counted by caller.
 * Runs once per batch, in the context of whoever makes the kernel move. */

/* Programs that move pages of others between two readings. */
#define CALLERS_MAX 64

/* THREAD_SIZE of x86-64; only for kernels before 5.15, which have no bpf_task_pt_regs(). */
#define STACK_BYTES 16384

/* Deepest nesting of pid namespaces (MAX_PID_NS_LEVEL). */
#define PID_LEVELS_MAX 32

const volatile __u32 self_tgid;

/* Number of MR_SYSCALL in this kernel. */
const volatile __u32 reason_syscall;

/* Pages of callers that had no room in the map. */
volatile __u64 callers_full;

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 2 * RAW_REASONS_MAX);
        __type(key, __u32);
        __type(value, MigrationCounts);
} counts SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, CALLERS_MAX);
        __type(key, __u32);
        __type(value, CallerRecord);
} callers SEC(".maps");

/* The registers with which user space entered the kernel: at the top of the kernel stack. */
static __always_inline const struct pt_regs *user_registers(struct task_struct *task) {
        if (bpf_core_enum_value_exists(enum bpf_func_id, BPF_FUNC_task_pt_regs))
                return (const struct pt_regs *)bpf_task_pt_regs(bpf_get_current_task_btf());
        return (const struct pt_regs *)((char *)BPF_CORE_READ(task, stack) + STACK_BYTES) - 1;
}

/* The first argument of move_pages(2) and migrate_pages(2): whose pages, in the caller's namespace. */
static __always_inline __u32 wanted_pid(struct task_struct *task) {
        const struct pt_regs *user = user_registers(task);
        unsigned long cs = 0, argument = 0;

        bpf_probe_read_kernel(&cs, sizeof(cs), &user->cs);
        if ((cs & CS_MASK) == CS_USER_64)
                bpf_probe_read_kernel(&argument, sizeof(argument), &user->rdi);
        else
                bpf_probe_read_kernel(&argument, sizeof(argument), &user->rbx);
        return argument;
}

/* The caller's process id as it is in its own namespace. */
static __always_inline __u32 own_pid(struct task_struct *task) {
        struct pid *pid = BPF_CORE_READ(task, group_leader, thread_pid);
        __u32 level = BPF_CORE_READ(pid, level), nr = 0;
        const char *numbers = (const char *)pid + bpf_core_field_offset(struct pid, numbers);

        if (level < PID_LEVELS_MAX)
                bpf_probe_read_kernel(&nr, sizeof(nr),
                                      numbers + level * bpf_core_type_size(struct upid) +
                                              bpf_core_field_offset(struct upid, nr));
        return nr;
}

/* Whether the caller may move the memory of everybody. Who may not works on processes of its own user
 * at most, which is no more than to place its own. */
static __always_inline bool may_move_all(struct task_struct *task) {
        const struct cred *cred = BPF_CORE_READ(task, cred);
        const char *field = (const char *)cred + bpf_core_field_offset(struct cred, cap_effective);
        __u64 effective = 0;

        bpf_probe_read_kernel(&effective, sizeof(effective), field);
        return (effective >> CAP_SYS_PTRACE & 1) && BPF_CORE_READ(cred, user_ns, level) == 0;
}

static __always_inline void count_caller(__u32 tgid, __u64 pages) {
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        CallerRecord fresh = {}, *caller;
        __u32 pid;

        if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
                return; /* the kernel's own, as when a cpuset changes */
        if (!may_move_all(task))
                return;
        pid = wanted_pid(task);
        if (pid == 0 || pid == tgid || pid == own_pid(task))
                return; /* a program that places its own memory */
        caller = bpf_map_lookup_elem(&callers, &tgid);
        if (!caller) {
                bpf_get_current_comm(fresh.comm, sizeof(fresh.comm));
                bpf_map_update_elem(&callers, &tgid, &fresh, BPF_NOEXIST);
                caller = bpf_map_lookup_elem(&callers, &tgid);
        }
        if (caller)
                __sync_fetch_and_add(&caller->pages, pages);
        else
                __sync_fetch_and_add(&callers_full, pages);
}

/* Arguments of the tracepoint: succeeded, failed, then from 5.9 thp_succeeded, thp_failed, thp_split,
 * from 6.8 large_folio_split as well, and in the end mode and reason. Its record has the same members,
 * which tells where the reason is. Each is loaded on its own, for the verifier wants constant offsets. */
static __always_inline __u32 reason_of(const struct bpf_raw_tracepoint_args *ctx) {
        __u64 reason;

        if (bpf_core_field_exists(struct trace_event_raw_mm_migrate_pages, large_folio_split)) {
                reason = ctx->args[7];
                keep_value(reason);
        } else if (bpf_core_field_exists(struct trace_event_raw_mm_migrate_pages, thp_split)) {
                reason = ctx->args[6];
                keep_value(reason);
        } else {
                reason = ctx->args[3];
                keep_value(reason);
        }
        return reason;
}

SEC("raw_tp/mm_migrate_pages")
int pages_migrated(const struct bpf_raw_tracepoint_args *ctx) {
        __u32 tgid = bpf_get_current_pid_tgid() >> 32, reason = reason_of(ctx), index;
        MigrationCounts *c;

        if (reason >= RAW_REASONS_MAX)
                reason = RAW_REASONS_MAX - 1;
        index = reason + (tgid == self_tgid ? RAW_REASONS_MAX : 0);
        c = bpf_map_lookup_elem(&counts, &index);
        if (!c)
                return 0;
        c->moved += ctx->args[0];
        c->failed += ctx->args[1];
        if (bpf_core_field_exists(struct trace_event_raw_mm_migrate_pages, thp_split))
                c->huge_moved += ctx->args[2];
        if (reason == reason_syscall && tgid != self_tgid && ctx->args[0] > 0)
                count_caller(tgid, ctx->args[0]);
        return 0;
}

char LICENSE[] SEC("license") = "GPL";
