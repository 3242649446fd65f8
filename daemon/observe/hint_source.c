/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/hint_source.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "hint.skel.h"
#include "observe/internal.h"
#include "observe/judge.h"
#include "observe/tally.h"
#include "records.h"
#include "system/balancing.h"

/* Bit of kernel.numa_balancing: pages of all nodes are sampled (the other bit: those of slow memory). */
#define BALANCING_NORMAL 1

typedef struct HintSource {
        Source base;
        struct hint_bpf *skeleton;
        struct bpf_link *link;
        struct ring_buffer *ring;
        unsigned budget; /* records that dispatch may still take */
        unsigned taken;
        bool kprobe;
        PerCpuCounts per_cpu;
        MapDrain hints;
        HintCounts counts; /* at the last collect */
} HintSource;

double hint_weight(uint64_t pages) {
        return (double)pages / HINT_PAGES_PER_ACCESS;
}

const char *hint_idle_reason(int error, unsigned mode) {
        if (error == -ENOENT)
                return "this kernel has no NUMA balancing (CONFIG_NUMA_BALANCING)";
        if (error < 0)
                return "kernel.numa_balancing cannot be read";
        if (!(mode & BALANCING_NORMAL))
                return mode ? "the kernel's NUMA balancing looks at slow memory only "
                              "(kernel.numa_balancing is 2)"
                            : "the kernel's NUMA balancing is off (kernel.numa_balancing is 0)";
        return "";
}

static void account(HintSource *s, TrackedProcess *p, int accessor_id, int home_id,
                    const HintCount *count, uint64_t address) {
        Observer *o = s->base.observer;
        Access access = {
                .process = p,
                .source = SOURCE_HINT,
                .address = address,
                .accessor = topology_index_of_id(o->topology, accessor_id),
                .home = topology_index_of_id(o->topology, home_id),
                .weight = hint_weight(count->pages),
                /* Of base pages one in so many comes by itself. */
                .region_weight = count->pages < HINT_PAGES_APART
                                         ? hint_weight(count->pages * HINT_PAGES_APART)
                                         : 0,
                .n = count->faults,
                .waited = true,
        };

        if (access.accessor < 0 || access.home < 0)
                ledger_unresolved(observer_ledger(o), p, SOURCE_HINT, access.weight);
        else
                ledger_account(observer_ledger(o), &access);
}

static int on_record(void *userdata, void *data, size_t size) {
        const HintRecord *record = data;
        HintSource *s = userdata;
        Observer *o = s->base.observer;
        TrackedProcess *p;

        s->taken++;
        if (size >= sizeof(*record) && record->version == RECORD_VERSION) {
                HintCount one = { 1, record->pages };

                p = observer_track(o, observer_id_of(record->tgid, record->start_ns));
                if (p) {
                        observer_notice_exec(o, p, record->exec_id);
                        account(s, p, record->accessor, record->home, &one, record->address);
                }
        }
        /* A negative value ends the walk; this record counts as consumed. */
        return s->taken >= s->budget ? -ECANCELED : 0;
}

/* Loads and attaches one of the two programs. */
static int attach(HintSource *s, bool kprobe) {
        struct bpf_program *program;
        int r;

        s->skeleton = hint_bpf__open();
        if (!s->skeleton)
                return -errno;
        bpf_program__set_autoload(s->skeleton->progs.hint_fentry, !kprobe);
        bpf_program__set_autoload(s->skeleton->progs.hint_kprobe, kprobe);
        s->skeleton->rodata->self_tgid = (uint32_t)getpid();
        r = hint_bpf__load(s->skeleton);
        if (r >= 0) {
                program = kprobe ? s->skeleton->progs.hint_kprobe : s->skeleton->progs.hint_fentry;
                s->link = bpf_program__attach(program);
                if (s->link) {
                        s->kprobe = kprobe;
                        return 0;
                }
                r = -errno;
        }
        hint_bpf__destroy(s->skeleton);
        s->skeleton = NULL;
        return r;
}

static void close_source(Source *source) {
        HintSource *s = (HintSource *)source;

        bpf_link__destroy(s->link);
        ring_buffer__free(s->ring);
        hint_bpf__destroy(s->skeleton);
        per_cpu_close(&s->per_cpu);
        map_drain_close(&s->hints);
        free(s);
}

static void read_balancing(HintSource *s) {
        unsigned mode = 0;
        int r = kernel_balancing_read(s->base.observer->root, &mode);

        snprintf(s->base.idle, sizeof(s->base.idle), "%s", hint_idle_reason(r, mode));
}

static int allocate(HintSource *s) {
        int r;

        r = per_cpu_open(&s->per_cpu, sizeof(HintCounts));
        if (r >= 0)
                r = map_drain_open(&s->hints, sizeof(HintKey), sizeof(HintCount));
        if (r < 0)
                return r;
        s->ring = ring_buffer__new(bpf_map__fd(s->skeleton->maps.addresses), on_record, s, NULL);
        return s->ring ? 0 : -errno;
}

static int open_source(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                       char problem[PROBLEM_BYTES]) {
        HintSource *s;
        int fentry, r;

        (void)settings;
        if (role != ROLE_SAMPLES)
                return -EOPNOTSUPP;
        /* A library room is silent; what failed is told by errno and problem. */
        libbpf_set_print(NULL);
        s = calloc(1, sizeof(*s));
        if (!s)
                return -ENOMEM;
        s->base.observer = o;
        fentry = o->prefer_kprobe ? -ECANCELED : attach(s, false);
        r = fentry < 0 ? attach(s, true) : 0;
        if (r < 0)
                source_problem(problem,
                               "no BPF program can be attached to the kernel's NUMA hint faults: "
                               "fentry: %s; kprobe: %s",
                               strerror(-fentry), strerror(-r));
        else
                r = allocate(s);
        if (r < 0) {
                close_source(&s->base);
                return r;
        }
        read_balancing(s);
        *ret = &s->base;
        return 0;
}

static int get_fd(const Source *source) {
        return ring_buffer__epoll_fd(((const HintSource *)source)->ring);
}

static int dispatch(Source *source, unsigned max) {
        HintSource *s = (HintSource *)source;
        int r;

        s->taken = 0;
        s->budget = max;
        r = ring_buffer__consume(s->ring);
        return r < 0 && r != -ECANCELED ? r : (int)s->taken;
}

static void on_count(const void *map_key, const void *value, void *userdata) {
        const HintKey *key = map_key;
        const HintCount *count = value;
        HintSource *s = userdata;
        TrackedProcess *p =
                observer_track(s->base.observer, observer_id_of(key->tgid, key->start_ns));

        if (p && count->faults > 0)
                account(s, p, key->accessor, key->home, count, 0);
}

static int collect(Source *source, uint64_t now_ns, char problem[PROBLEM_BYTES]) {
        HintSource *s = (HintSource *)source;
        int r = map_drain(&s->hints, bpf_map__fd(s->skeleton->maps.hints), on_count, s);

        (void)now_ns;
        if (r < 0) {
                source_problem(problem, "its counts cannot be read: %s", strerror(-r));
                return r;
        }
        (void)per_cpu_sum(&s->per_cpu, bpf_map__fd(s->skeleton->maps.counts), 0, &s->counts);
        read_balancing(s);
        return 0;
}

static SourceWhy judge(Source *source, TrackedProcess *p, uint64_t elapsed_ns) {
        uint64_t cpu_ns = 0;

        for (uint32_t i = 0; i < source->observer->topology->n_nodes; i++)
                cpu_ns += p->interval_cpu_ns[i];
        return sign_judge_bursts(&p->signs[SOURCE_HINT], HINT_ENOUGH,
                                 cpu_ns < elapsed_ns ? cpu_ns : elapsed_ns, HINT_PATIENCE_NS);
}

static void describe(const Source *source, char *text, size_t bytes) {
        snprintf(text, bytes, "the kernel's NUMA hint faults (%s)",
                 ((const HintSource *)source)->kprobe ? "kprobe" : "fentry");
}

static void count(const Source *source, Counters *counters) {
        const HintCounts *c = &((const HintSource *)source)->counts;

        counters->hint_faults += c->faults;
        counters->hint_faults_lost += c->table_full;
}

static uint64_t run_time_ns(const Source *source) {
        return ((const HintSource *)source)->counts.run_ns;
}

const SourceType source_hint = {
        .id = SOURCE_HINT,
        .must_show = true,
        .open = open_source,
        .close = close_source,
        .get_fd = get_fd,
        .dispatch = dispatch,
        .collect = collect,
        .judge = judge,
        .describe = describe,
        .count = count,
        .run_time_ns = run_time_ns,
};
