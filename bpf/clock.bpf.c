/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Runs on every cpu-clock event: adds up CPU time per process and node, and hands over registers
 * and code of what it interrupted in user mode. Finding the data address needs a disassembler, so
 * that is left to the daemon. */

/* Processes x nodes that ran between two collections; what does not fit is counted. */
#define CPU_TIME_ENTRIES 16384

/* What does not fit is sampled, and the daemon drops it. */
#define EXCLUDED_ENTRIES 1024

const volatile __u32 self_tgid;

/* Time that one event stands for; the daemon changes it with the rate. */
volatile __u64 period_ns;

/* One in so many user-mode ticks of a CPU is handed over; all of them count as CPU time. */
volatile __u32 stride = 1;

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, CPU_TIME_ENTRIES);
        __type(key, CpuTimeKey);
        __type(value, CpuTime);
} cpu_time SEC(".maps");

/* Processes that no samples are wanted of. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, EXCLUDED_ENTRIES);
        __type(key, LifeKey);
        __type(value, __u8);
} excluded SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, ClockCounts);
} counts SEC(".maps");

/* Resized by the daemon to the number of CPUs. */
struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 20);
} samples SEC(".maps");

const volatile __u64 wakeup_bytes = 1 << 19;

static __always_inline void count_cpu_time(ClockCounts *c, __u32 tgid, __u64 start_ns, __s32 node,
                                           bool compat) {
        CpuTimeKey key = { .start_ns = start_ns, .tgid = tgid, .node = node };
        __u64 period = period_ns;
        const CpuTime none = {};
        CpuTime *time = lookup_or_add(&cpu_time, &key, &none);

        if (!time) {
                c->cpu_time_full++;
                return;
        }
        __sync_fetch_and_add(&time->ns, period);
        if (compat)
                __sync_fetch_and_add(&time->compat, 1);
}

/* Up to the end of the page that holds `from`, for when the page behind it is absent. */
static __always_inline __u32 bytes_to_page_end(__u64 from) {
        return 4096 - (from & 4095);
}

static __always_inline void read_code(SampleRecord *r, __u64 ip) {
        __u32 n;

        r->code_before = 0;
        r->code_after = 0;
        if (bpf_probe_read_user(r->code + CODE_BEFORE_BYTES, CODE_AFTER_BYTES, (void *)ip) == 0) {
                r->code_after = CODE_AFTER_BYTES;
        } else {
                n = bytes_to_page_end(ip);
                if (n < CODE_AFTER_BYTES &&
                    bpf_probe_read_user(r->code + CODE_BEFORE_BYTES, n, (void *)ip) == 0)
                        r->code_after = n;
        }
        if (bpf_probe_read_user(r->code, CODE_BEFORE_BYTES, (void *)(ip - CODE_BEFORE_BYTES)) ==
            0) {
                r->code_before = CODE_BEFORE_BYTES;
        } else {
                n = ip & 4095;
                if (n < CODE_BEFORE_BYTES && bpf_probe_read_user(r->code + (CODE_BEFORE_BYTES - n),
                                                                 n, (void *)(ip - n)) == 0)
                        r->code_before = n;
        }
}

static __always_inline void copy_registers(SampleRecord *r, const struct pt_regs *regs) {
        r->gpr[GPR_RAX] = regs->rax;
        r->gpr[GPR_RCX] = regs->rcx;
        r->gpr[GPR_RDX] = regs->rdx;
        r->gpr[GPR_RBX] = regs->rbx;
        r->gpr[GPR_RSP] = regs->rsp;
        r->gpr[GPR_RBP] = regs->rbp;
        r->gpr[GPR_RSI] = regs->rsi;
        r->gpr[GPR_RDI] = regs->rdi;
        r->gpr[GPR_R8] = regs->r8;
        r->gpr[GPR_R9] = regs->r9;
        r->gpr[GPR_R10] = regs->r10;
        r->gpr[GPR_R11] = regs->r11;
        r->gpr[GPR_R12] = regs->r12;
        r->gpr[GPR_R13] = regs->r13;
        r->gpr[GPR_R14] = regs->r14;
        r->gpr[GPR_R15] = regs->r15;
        r->ip = regs->rip;
        r->flags = regs->eflags;
}

static __always_inline void hand_over(struct bpf_perf_event_data *ctx, ClockCounts *c, __u32 tgid,
                                      __u64 start_ns, __s32 node, struct task_struct *task) {
        __u64 wakeup = BPF_RB_NO_WAKEUP;
        SampleRecord *r;

        r = bpf_ringbuf_reserve(&samples, sizeof(*r), 0);
        if (!r) {
                c->ring_full++;
                return;
        }
        r->version = RECORD_VERSION;
        r->cpu = bpf_get_smp_processor_id();
        r->node = node;
        r->tgid = tgid;
        r->start_ns = start_ns;
        r->exec_id = BPF_CORE_READ(task, self_exec_id);
        copy_registers(r, &ctx->regs);
        r->fs_base = BPF_CORE_READ(task, thread.fsbase);
        r->gs_base = BPF_CORE_READ(task, thread.gsbase);
        read_code(r, r->ip);
        if (r->code_after == 0)
                c->no_code++;
        /* The daemon drains the ring at each evaluation; it is woken only when that is too late. */
        if (bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) >= wakeup_bytes)
                wakeup = BPF_RB_FORCE_WAKEUP;
        bpf_ringbuf_submit(r, wakeup);
}

static __always_inline bool is_excluded(__u32 tgid, __u64 start_ns) {
        LifeKey key = { .start_ticks = start_ns / LIFE_TICK_NS, .tgid = tgid };

        return bpf_map_lookup_elem(&excluded, &key) != NULL;
}

static __always_inline void take_sample(struct bpf_perf_event_data *ctx, ClockCounts *c) {
        __u32 tgid = bpf_get_current_pid_tgid() >> 32;
        struct task_struct *task;
        __u64 start_ns, cs;
        bool user, wanted;
        __s32 node;

        if (tgid == 0 || tgid == self_tgid)
                return;
        task = (struct task_struct *)bpf_get_current_task();
        if (BPF_CORE_READ(task, flags) & PF_KTHREAD)
                return;
        start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
        node = bpf_get_numa_node_id();
        cs = ctx->regs.cs;
        keep_value(cs);
        cs &= CS_MASK;
        user = (cs & CS_RPL_MASK) == CS_RPL_MASK;
        wanted = user && ++c->since_sample >= stride;
        count_cpu_time(c, tgid, start_ns, node, wanted && cs != CS_USER_64);
        if (!wanted)
                return;
        c->since_sample = 0;
        if (is_excluded(tgid, start_ns))
                return;
        c->user_samples++;
        if (cs == CS_USER_64)
                hand_over(ctx, c, tgid, start_ns, node, task);
        else
                c->compat++;
}

SEC("perf_event")
int clock_tick(struct bpf_perf_event_data *ctx) {
        __u64 begin = bpf_ktime_get_ns();
        __u32 zero = 0;
        ClockCounts *c;

        c = bpf_map_lookup_elem(&counts, &zero);
        if (!c)
                return 0;
        c->ticks++;
        take_sample(ctx, c);
        c->run_ns += bpf_ktime_get_ns() - begin;
        return 0;
}

char LICENSE[] SEC("license") = "GPL";
