/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compat.h"
#include "records.h"

/* Sees NUMA hint faults: the kernel's balancing takes access to pages away, and the next touch of each
 * lands here, with who touched it and where the page is.
 *
 * The hook is mpol_misplaced(page or folio, mapping or fault, address). Every hint fault asks it where
 * the page should be, from 5.10 to 7.x, before anything is moved and on the CPU that touched the page
 * (the page table is locked). task_numa_fault, which is told afterwards, knows neither the address nor
 * where a page was that the kernel has moved meanwhile. */

/* Processes x nodes x nodes between two collections; what does not fit is counted. */
#define HINT_ENTRIES 16384

const volatile __u32 self_tgid;
const volatile __u64 wakeup_bytes = 1 << 19;

struct {
        __uint(type, BPF_MAP_TYPE_HASH);
        __uint(max_entries, HINT_ENTRIES);
        __type(key, HintKey);
        __type(value, HintCount);
} hints SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
        __uint(max_entries, 1);
        __type(key, __u32);
        __type(value, HintCounts);
} counts SEC(".maps");

struct {
        __uint(type, BPF_MAP_TYPE_RINGBUF);
        __uint(max_entries, 1 << 20);
} addresses SEC(".maps");

/* Bits that a node takes in the flags of a page: NODES_SHIFT of the kernel's configuration, from the
 * number of entries in the list of all zones of all possible nodes. */
static __always_inline __u32 node_bits(void) {
        __u64 n = (bpf_core_type_size(struct zonelist) / bpf_core_type_size(struct zoneref) - 1) /
                  bpf_core_enum_value(enum zone_type, __MAX_NR_ZONES);
        __u32 bits = 0;

#pragma unroll
        for (int i = 0; i < 16; i++)
                if (n > 1ull << i)
                        bits = i + 1;
        return bits;
}

/* The flags are the first word of page and folio. On x86-64 nothing lies above the node in them, since
 * the array of all pages is virtually contiguous there (SPARSEMEM_VMEMMAP). */
static __always_inline __s16 home_of(__u64 flags) {
        __u32 bits = node_bits();

        return bits ? (__s16)(flags >> (64 - bits)) : 0;
}

/* Base pages that a fault covers: those of the folio, which is mapped again as a whole. */
static __always_inline __u32 pages_of(void *page, __u64 flags) {
        unsigned char order = 0;
        unsigned long word = 0;
        struct folio *folio = page;
        struct page *second = page + bpf_core_type_size(struct page);

        if (!(flags >> bpf_core_enum_value(enum pageflags, PG_head) & 1))
                return 1;
        if (bpf_core_field_exists(folio->_folio_order)) {
                bpf_core_read(&order, sizeof(order), &folio->_folio_order);
        } else if (bpf_core_field_exists(second->compound_order)) {
                bpf_core_read(&order, sizeof(order), &second->compound_order);
        } else {
                bpf_core_read(&word, sizeof(word), &folio->_flags_1);
                order = word & 0xff;
        }
        return order < 20 ? 1u << order : 1;
}

static __always_inline bool hand_over(const HintKey *key, struct task_struct *task, __u32 pages,
                                      __u64 address) {
        __u64 wakeup = BPF_RB_NO_WAKEUP;
        HintRecord *r;

        r = bpf_ringbuf_reserve(&addresses, sizeof(*r), 0);
        if (!r)
                return false;
        r->version = RECORD_VERSION;
        r->accessor = key->accessor;
        r->home = key->home;
        r->reserved = 0;
        r->tgid = key->tgid;
        r->pages = pages;
        r->start_ns = key->start_ns;
        r->exec_id = BPF_CORE_READ(task, self_exec_id);
        r->address = address;
        /* The daemon drains the ring at each evaluation; it is woken only when that is too late. */
        if (bpf_ringbuf_query(&addresses, BPF_RB_AVAIL_DATA) >= wakeup_bytes)
                wakeup = BPF_RB_FORCE_WAKEUP;
        bpf_ringbuf_submit(r, wakeup);
        return true;
}

static __always_inline void count_fault(HintCounts *c, const HintKey *key, __u32 pages) {
        const HintCount none = {};
        HintCount *count = lookup_or_add(&hints, key, &none);

        if (!count) {
                c->table_full++;
                return;
        }
        __sync_fetch_and_add(&count->faults, 1);
        __sync_fetch_and_add(&count->pages, pages);
}

static __always_inline void take_fault(HintCounts *c, void *page, __u64 address) {
        struct task_struct *task = (struct task_struct *)bpf_get_current_task();
        HintKey key = { .tgid = bpf_get_current_pid_tgid() >> 32 };
        __u64 flags = 0;
        __u32 pages;

        /* Kernel threads may work on the memory of others. */
        if (key.tgid == self_tgid || BPF_CORE_READ(task, flags) & PF_KTHREAD)
                return;
        if (bpf_probe_read_kernel(&flags, sizeof(flags), page) < 0)
                return;
        c->faults++;
        key.start_ns = BPF_CORE_READ(task, group_leader, start_boottime);
        key.accessor = (__s16)bpf_get_numa_node_id();
        key.home = home_of(flags);
        pages = pages_of(page, flags);
        if (pages < HINT_PAGES_APART && (address >> 12) % HINT_PAGES_APART != 0) {
                count_fault(c, &key, pages);
                return;
        }
        if (!hand_over(&key, task, pages, address))
                count_fault(c, &key, pages);
}

static __always_inline int on_hint_fault(void *page, __u64 address) {
        __u64 begin = bpf_ktime_get_ns();
        __u32 zero = 0;
        HintCounts *c;

        c = bpf_map_lookup_elem(&counts, &zero);
        if (!c)
                return 0;
        take_fault(c, page, address);
        c->run_ns += bpf_ktime_get_ns() - begin;
        return 0;
}

/* Arguments come as an array of words. */
SEC("fentry/mpol_misplaced")
int hint_fentry(__u64 *ctx) {
        return on_hint_fault((void *)ctx[0], ctx[2]);
}

SEC("kprobe/mpol_misplaced")
int hint_kprobe(struct pt_regs *ctx) {
        return on_hint_fault((void *)ctx->rdi, ctx->rdx);
}

char LICENSE[] SEC("license") = "GPL";
