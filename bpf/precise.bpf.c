/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Runs on overflows of the precise memory events (Intel PEBS, AMD IBS), which tell the address of the
 * data. One program for each way to tell the class of an access. May run in an NMI: nothing here waits,
 * and what finds the ring taken is counted as lost. */

const volatile __u32 self_tgid;
const volatile __u64 wakeup_bytes = 1 << 19;

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, PreciseCounts);
} counts SEC(".maps");

/* Resized by the daemon to the number of CPUs. */
struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 20);
} samples SEC(".maps");

/* The driver fills data_src on every kernel; it is PERF_MEM_NA where the event has none. The physical
 * address is left unset where nobody computes it (before 6.1 always), so it counts only when the flags
 * say so. From 6.3 on the kernel prepares the whole sample before a program runs. */
static __always_inline void copy_sample(PreciseRecord *r, struct bpf_perf_event_data *ctx) {
        struct bpf_perf_event_data_kern *kern = (void *)ctx;
        struct perf_sample_data *data = BPF_CORE_READ(kern, data);

        r->data_source = 0;
        r->physical = 0;
        if (!data)
                return;
        if (!bpf_core_field_exists(struct perf_sample_data, sample_flags)) {
                r->data_source = BPF_CORE_READ(data, data_src.val);
                return;
        }
        if (BPF_CORE_READ(data, sample_flags) & PERF_SAMPLE_DATA_SRC)
                r->data_source = BPF_CORE_READ(data, data_src.val);
        if (BPF_CORE_READ(data, sample_flags) & PERF_SAMPLE_PHYS_ADDR)
                r->physical = BPF_CORE_READ(data, phys_addr);
}

static __always_inline void hand_over(struct bpf_perf_event_data *ctx, PreciseCounts *c, __u32 tgid,
                                      __u64 address, __u16 event) {
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        __u64 wakeup = BPF_RB_NO_WAKEUP;
        PreciseRecord *r;

        r = bpf_ringbuf_reserve(&samples, sizeof(*r), 0);
        if (!r) {
                c->ring_full++;
                return;
        }
        r->version = RECORD_VERSION;
        r->event = event;
        r->cpu = bpf_get_smp_processor_id();
        r->node = bpf_get_numa_node_id();
        r->tgid = tgid;
        r->start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
        r->exec_id = BPF_CORE_READ(task, self_exec_id);
        r->address = address;
        copy_sample(r, ctx);
        if (bpf_ringbuf_query(&samples, BPF_RB_AVAIL_DATA) >= wakeup_bytes)
                wakeup = BPF_RB_FORCE_WAKEUP;
        bpf_ringbuf_submit(r, wakeup);
}

static __always_inline int take(struct bpf_perf_event_data *ctx, __u16 event) {
        __u64 begin = bpf_ktime_get_ns(), address = ctx->addr, cs = ctx->regs.cs;
        __u32 tgid = bpf_get_current_pid_tgid() >> 32, zero = 0;
        PreciseCounts *c;

        keep_value(cs);
        c = bpf_map_lookup_elem(&counts, &zero);
        if (!c)
                return 0;
        /* AMD's driver cannot leave the kernel out before 6.14. */
        if (tgid == 0 || tgid == self_tgid || address == 0 || (__s64)address < 0 ||
            (cs & CS_RPL_MASK) != CS_RPL_MASK) {
                c->others++;
        } else {
                c->samples++;
                hand_over(ctx, c, tgid, address, event);
        }
        c->run_ns += bpf_ktime_get_ns() - begin;
        return 0;
}

SEC("perf_event")
int precise_access(struct bpf_perf_event_data *ctx) {
        return take(ctx, PRECISE_BY_DATA_SOURCE);
}

SEC("perf_event")
int precise_local(struct bpf_perf_event_data *ctx) {
        return take(ctx, PRECISE_LOCAL_MEMORY);
}

SEC("perf_event")
int precise_remote(struct bpf_perf_event_data *ctx) {
        return take(ctx, PRECISE_REMOTE_MEMORY);
}

char LICENSE[] SEC("license") = "GPL";
