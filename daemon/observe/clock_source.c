/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/clock_source.h"

#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "clock.skel.h"
#include "model/limits.h"
#include "observe/perf_open.h"
#include "observe/tally.h"
#include "system/file.h"

#define NSEC 1000000000ull

struct ClockSource {
        struct clock_bpf *skeleton;
        struct ring_buffer *ring;
        struct bpf_link **links; /* [n_possible], n_links used; each owns its event */
        int *events;             /* likewise */
        unsigned *cpus;          /* likewise */
        unsigned n_links;
        unsigned n_left_out;
        bool isolated;
        CpuSet set;      /* CPUs that were to be sampled when the list was last read */
        CpuSet refused;  /* of these, came online later and may not be sampled any more */
        unsigned budget; /* samples that consume may still take */
        unsigned taken;
        ClockSampleHandler handler;
        void *userdata;
        PerCpuCounts counts;
        MapDrain cpu_time;
};

static unsigned cpu_set_count(const CpuSet *set) {
        unsigned n = 0;

        for (size_t w = 0; w < CPUS_MAX / 64; w++)
                n += (unsigned)__builtin_popcountll(set->words[w]);
        return n;
}

static int event_open(unsigned cpu, uint64_t period_ns) {
        struct perf_event_attr attr = {
                .type = PERF_TYPE_SOFTWARE,
                .size = sizeof(attr),
                .config = PERF_COUNT_SW_CPU_CLOCK,
                .sample_period = period_ns,
                .disabled = 1,
                .exclude_idle = 1,
                .exclude_hv = 1,
        };
        int fd = (int)syscall(SYS_perf_event_open, &attr, -1, (int)cpu, -1, PERF_FLAG_FD_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static int on_sample(void *userdata, void *data, size_t size) {
        const SampleRecord *record = data;
        ClockSource *c = userdata;

        c->taken++;
        if (size >= sizeof(*record) && record->version == RECORD_VERSION)
                c->handler(record, c->userdata);
        /* A negative value ends the walk; this sample counts as consumed. */
        return c->taken >= c->budget ? -ECANCELED : 0;
}

static int load_program(ClockSource *c, unsigned n_cpus, uint64_t period_ns) {
        uint32_t bytes = perf_ring_bytes(n_cpus);
        int r;

        c->skeleton = clock_bpf__open();
        if (!c->skeleton)
                return -errno;
        c->skeleton->rodata->self_tgid = (uint32_t)getpid();
        c->skeleton->rodata->wakeup_bytes = bytes / 2;
        c->skeleton->bss->period_ns = period_ns;
        r = bpf_map__set_max_entries(c->skeleton->maps.samples, bytes);
        if (r < 0)
                return r;
        r = clock_bpf__load(c->skeleton);
        if (r < 0)
                return r;
        c->ring = ring_buffer__new(bpf_map__fd(c->skeleton->maps.samples), on_sample, c, NULL);
        return c->ring ? 0 : -errno;
}

static int attach_cpu(ClockSource *c, unsigned cpu, uint64_t period_ns, bool *ret_opened) {
        struct bpf_link *link;
        int fd;

        *ret_opened = false;
        fd = event_open(cpu, period_ns);
        if (fd == -ENODEV || fd == -ENXIO)
                return 0; /* went offline meanwhile */
        if (fd < 0)
                return fd;
        *ret_opened = true;
        link = bpf_program__attach_perf_event(c->skeleton->progs.clock_tick, fd);
        if (!link) {
                int r = -errno;

                close(fd);
                return r;
        }
        c->links[c->n_links] = link;
        c->events[c->n_links] = fd;
        c->cpus[c->n_links] = cpu;
        c->n_links++;
        return 0;
}

static int attach_all(ClockSource *c, const SystemRoot *root, uint64_t period_ns, char *problem) {
        bool opened;

        for (unsigned cpu = 0; cpu < CPUS_MAX && c->n_links < (unsigned)c->counts.n_cpus; cpu++) {
                int r;

                if (!bits_has(c->set.words, cpu))
                        continue;
                r = attach_cpu(c, cpu, period_ns, &opened);
                if (r < 0) {
                        if (opened)
                                source_problem(problem, "attaching the BPF program failed: %s",
                                               strerror(-r));
                        else
                                perf_explain_open(root, r, problem);
                        return r;
                }
        }
        return 0;
}

static int allocate_buffers(ClockSource *c) {
        size_t n_possible;
        int r;

        r = per_cpu_open(&c->counts, sizeof(ClockCounts));
        if (r >= 0)
                r = map_drain_open(&c->cpu_time, sizeof(CpuTimeKey), sizeof(CpuTime));
        if (r < 0)
                return r;
        n_possible = (size_t)c->counts.n_cpus;
        c->links = calloc(n_possible, sizeof(*c->links));
        c->events = calloc(n_possible, sizeof(*c->events));
        c->cpus = calloc(n_possible, sizeof(*c->cpus));
        return c->links && c->events && c->cpus ? 0 : -ENOMEM;
}

DEFINE_CLEANUP(ClockSource, clock_source_free)

int clock_source_new(ClockSource **ret, const SystemRoot *root, uint32_t rate_hz, bool isolated,
                     ClockSampleHandler handler, void *userdata, char problem[PROBLEM_BYTES]) {
        cleanup(cleanup_clock_source_freep) ClockSource *c = NULL;
        uint64_t period_ns = NSEC / (rate_hz ? rate_hz : 1);
        unsigned n;
        int r;

        /* A library room is silent; what failed is told by errno and problem. */
        libbpf_set_print(NULL);
        c = calloc(1, sizeof(*c));
        if (!c)
                return -ENOMEM;
        c->handler = handler;
        c->userdata = userdata;
        c->isolated = isolated;
        r = perf_sampled_cpus(root, isolated, &c->set, &c->n_left_out);
        if (r < 0) {
                source_problem(problem, "the list of CPUs cannot be read: %s", strerror(-r));
                return r;
        }
        n = cpu_set_count(&c->set);
        if (n == 0) {
                source_problem(problem, "all CPUs are isolated or nohz_full");
                return -ENODEV;
        }
        r = load_program(c, n, period_ns);
        if (r < 0) {
                perf_explain_load(r, problem);
                return r;
        }
        r = allocate_buffers(c);
        if (r < 0) {
                source_problem(problem, "out of memory");
                return r;
        }
        r = attach_all(c, root, period_ns, problem);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(c);
        return 0;
}

ClockSource *clock_source_free(ClockSource *c) {
        if (!c)
                return NULL;
        for (unsigned i = 0; i < c->n_links; i++)
                bpf_link__destroy(c->links[i]);
        ring_buffer__free(c->ring);
        clock_bpf__destroy(c->skeleton);
        free(c->links);
        free(c->events);
        free(c->cpus);
        per_cpu_close(&c->counts);
        map_drain_close(&c->cpu_time);
        free(c);
        return NULL;
}

int clock_source_follow_cpus(ClockSource *c, const SystemRoot *root) {
        CpuSet set = {};
        unsigned left_out;
        bool opened;
        int r;

        r = perf_sampled_cpus(root, c->isolated, &set, &left_out);
        if (r < 0)
                return r;
        if (memcmp(&set, &c->set, sizeof(set)) == 0)
                return 0;
        /* The kernel has closed these events already: a CPU that returns needs a new one. */
        for (unsigned i = 0; i < c->n_links;) {
                if (bits_has(set.words, c->cpus[i])) {
                        i++;
                        continue;
                }
                bpf_link__destroy(c->links[i]);
                c->n_links--;
                c->links[i] = c->links[c->n_links];
                c->events[i] = c->events[c->n_links];
                c->cpus[i] = c->cpus[c->n_links];
        }
        for (size_t w = 0; w < CPUS_MAX / 64; w++)
                c->refused.words[w] &= set.words[w];
        for (unsigned cpu = 0; cpu < CPUS_MAX && c->n_links < (unsigned)c->counts.n_cpus; cpu++)
                if (bits_has(set.words, cpu) && !bits_has(c->set.words, cpu) &&
                    attach_cpu(c, cpu, c->skeleton->bss->period_ns, &opened) < 0)
                        c->refused.words[cpu / 64] |= 1ull << cpu % 64;
        c->set = set;
        c->n_left_out = left_out;
        return 1;
}

unsigned clock_source_cpus_refused(const ClockSource *c) {
        return cpu_set_count(&c->refused);
}

int clock_source_set_rate(ClockSource *c, uint32_t rate_hz, uint32_t stride) {
        uint64_t period_ns = NSEC / (rate_hz ? rate_hz : 1);
        int r = 0;

        c->skeleton->data->stride = stride ? stride : 1;
        if (c->skeleton->bss->period_ns == period_ns)
                return 0;
        for (unsigned i = 0; i < c->n_links; i++)
                if (ioctl(c->events[i], PERF_EVENT_IOC_PERIOD, &period_ns) < 0)
                        r = -errno;
        c->skeleton->bss->period_ns = period_ns;
        return r;
}

int clock_source_exclude(ClockSource *c, ProcessId id, bool excluded) {
        LifeKey key = { .start_ticks = id.starttime, .tgid = (uint32_t)id.pid };
        int map = bpf_map__fd(c->skeleton->maps.excluded);
        uint8_t value = 1;

        return excluded ? bpf_map_update_elem(map, &key, &value, BPF_ANY)
                        : bpf_map_delete_elem(map, &key);
}

unsigned clock_source_cpus(const ClockSource *c) {
        return c->n_links;
}

unsigned clock_source_cpus_left_out(const ClockSource *c) {
        return c->n_left_out;
}

int clock_source_get_fd(const ClockSource *c) {
        return ring_buffer__epoll_fd(c->ring);
}

int clock_source_consume(ClockSource *c, unsigned max) {
        int r;

        c->taken = 0;
        c->budget = max;
        r = ring_buffer__consume(c->ring);
        if (r < 0 && r != -ECANCELED)
                return r;
        return (int)c->taken;
}

int clock_source_drain_time(ClockSource *c, MapEntryHandler handler, void *userdata) {
        return map_drain(&c->cpu_time, bpf_map__fd(c->skeleton->maps.cpu_time), handler, userdata);
}

int clock_source_read_counts(ClockSource *c, ClockCounts *ret) {
        return per_cpu_sum(&c->counts, bpf_map__fd(c->skeleton->maps.counts), 0, ret);
}
