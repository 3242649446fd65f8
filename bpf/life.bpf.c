/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Tells when a process that the daemon keeps evidence of ends or executes another program. All others, and
 * threads that end while their process lives on, cost one look-up. */

/* Entries of the daemon; an end removes its own. */
struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, 16384);
        __type(key, LifeKey);
        __type(value, __u32);
} tracked SEC(".maps");

/* Room for the end of all that are tracked. */
struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 20);
} events SEC(".maps");

/* Events that had no room. */
volatile __u64 lost;

static __always_inline bool is_tracked(struct task_struct *task, LifeKey *key) {
        *key = (LifeKey) {
                .start_ticks = BPF_CORE_READ(task, group_leader, start_boottime) / LIFE_TICK_NS,
                .tgid = BPF_CORE_READ(task, tgid),
        };
        return bpf_map_lookup_elem(&tracked, key) != NULL;
}

static __always_inline void tell(const LifeKey *key, __u32 kind, __u64 exec_id) {
        LifeRecord *r = bpf_ringbuf_reserve(&events, sizeof(*r), 0);

        if (!r) {
                __sync_fetch_and_add(&lost, 1);
                return;
        }
        r->key = *key;
        r->version = RECORD_VERSION;
        r->kind = kind;
        r->exec_id = exec_id;
        /* The daemon asks at each evaluation. */
        bpf_ringbuf_submit(r, BPF_RB_NO_WAKEUP);
}

SEC("raw_tp/sched_process_exit")
int life_exit(struct bpf_raw_tracepoint_args *ctx) {
        struct task_struct *task = (struct task_struct *)ctx->args[0];
        LifeKey key;

        /* Counted down before this is told: 0 at the last thread. */
        if (BPF_CORE_READ(task, signal, live.counter) != 0 || !is_tracked(task, &key))
                return 0;
        bpf_map_delete_elem(&tracked, &key);
        tell(&key, LIFE_EXIT, 0);
        return 0;
}

SEC("raw_tp/sched_process_exec")
int life_exec(struct bpf_raw_tracepoint_args *ctx) {
        struct task_struct *task = (struct task_struct *)ctx->args[0];
        LifeKey key;

        if (is_tracked(task, &key))
                tell(&key, LIFE_EXEC, BPF_CORE_READ(task, self_exec_id));
        return 0;
}

char LICENSE[] SEC("license") = "GPL";
