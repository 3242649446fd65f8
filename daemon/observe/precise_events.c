/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/precise_events.h"

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
#include "observe/perf_open.h"
#include "observe/tally.h"
#include "precise.skel.h"

/* One event on one CPU. */
typedef struct OpenEvent {
        struct bpf_link *link; /* owns fd */
        int fd;
        int leader_fd; /* -1: none */
} OpenEvent;

struct PreciseEvents {
        struct precise_bpf *skeleton;
        struct ring_buffer *ring;
        PmuSelection selection;
        uint64_t period;
        OpenEvent *open; /* [n_open] */
        unsigned n_open;
        unsigned n_cpus;
        unsigned budget; /* samples that consume may still take */
        unsigned taken;
        PerCpuCounts counts;
        PreciseHandler handler;
        void *userdata;
};

static int on_sample(void *userdata, void *data, size_t size) {
        const PreciseRecord *record = data;
        PreciseEvents *e = userdata;

        e->taken++;
        if (size >= sizeof(*record) && record->version == RECORD_VERSION)
                e->handler(record, e->userdata);
        return e->taken >= e->budget ? -ECANCELED : 0;
}

static int load_programs(PreciseEvents *e, unsigned n_cpus) {
        uint32_t bytes = perf_ring_bytes(n_cpus);
        int r;

        e->skeleton = precise_bpf__open();
        if (!e->skeleton)
                return -errno;
        e->skeleton->rodata->self_tgid = (uint32_t)getpid();
        e->skeleton->rodata->wakeup_bytes = bytes / 2;
        r = bpf_map__set_max_entries(e->skeleton->maps.samples, bytes);
        if (r < 0)
                return r;
        r = precise_bpf__load(e->skeleton);
        if (r < 0)
                return r;
        e->ring = ring_buffer__new(bpf_map__fd(e->skeleton->maps.samples), on_sample, e, NULL);
        if (!e->ring)
                return -errno;
        return per_cpu_open(&e->counts, sizeof(PreciseCounts));
}

static struct bpf_program *program_of(PreciseEvents *e, const PmuEvent *event) {
        switch (event->how) {
        case PRECISE_LOCAL_MEMORY:
                return e->skeleton->progs.precise_local;
        case PRECISE_REMOTE_MEMORY:
                return e->skeleton->progs.precise_remote;
        default:
                return e->skeleton->progs.precise_access;
        }
}

static int event_open(const struct perf_event_attr *attr, unsigned cpu, int leader_fd) {
        int fd = (int)syscall(SYS_perf_event_open, attr, -1, (int)cpu, leader_fd,
                              PERF_FLAG_FD_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

/* A wake-up for each sample keeps the PEBS driver from collecting many of them in its own buffer: of
 * those only the last would reach the program. */
static int open_on_cpu(PreciseEvents *e, const PmuEvent *event, unsigned cpu, OpenEvent *ret) {
        struct perf_event_attr attr = {
                .type = event->type,
                .size = sizeof(attr),
                .config = event->config,
                .config1 = event->config1,
                .sample_period = e->period,
                .sample_type = PERF_SAMPLE_ADDR | PERF_SAMPLE_DATA_SRC | PERF_SAMPLE_PHYS_ADDR,
                .precise_ip = event->precise_ip,
                .exclude_kernel = event->exclude_kernel,
                .exclude_hv = event->exclude_kernel,
                .wakeup_events = 1,
                .disabled = event->leader_config == 0,
        };
        struct perf_event_attr leader = {
                .type = event->type,
                .size = sizeof(leader),
                .config = event->leader_config,
                .exclude_kernel = event->exclude_kernel,
                .exclude_hv = event->exclude_kernel,
                .disabled = 1,
        };

        *ret = (OpenEvent) { .fd = -1, .leader_fd = -1 };
        if (event->leader_config != 0) {
                ret->leader_fd = event_open(&leader, cpu, -1);
                if (ret->leader_fd < 0)
                        return ret->leader_fd;
        }
        ret->fd = event_open(&attr, cpu, ret->leader_fd);
        return ret->fd < 0 ? ret->fd : 0;
}

static void close_event(OpenEvent *o) {
        if (o->link)
                bpf_link__destroy(o->link);
        else if (o->fd >= 0)
                close(o->fd);
        if (o->leader_fd >= 0)
                close(o->leader_fd);
}

static int attach(PreciseEvents *e, const PmuEvent *event, unsigned cpu) {
        cleanup(close_event) OpenEvent o;
        int r = open_on_cpu(e, event, cpu, &o);

        if (r == -ENODEV || r == -ENXIO)
                return 0; /* the CPU went offline meanwhile */
        if (r < 0)
                return r;
        o.link = bpf_program__attach_perf_event(program_of(e, event), o.fd);
        if (!o.link)
                return -errno;
        if (o.leader_fd >= 0 && ioctl(o.leader_fd, PERF_EVENT_IOC_ENABLE, PERF_IOC_FLAG_GROUP) < 0)
                return -errno;
        e->open[e->n_open++] = o;
        o = (OpenEvent) { .fd = -1, .leader_fd = -1 };
        return 0;
}

/* A hybrid processor has a PMU for each kind of core. */
static void keep_cpus_of(const SystemRoot *root, const PmuEvent *event, CpuSet *cpus) {
        const char *path = event->device == PMU_CPU_CORE ? "bus/event_source/devices/cpu_core/cpus"
                           : event->device == PMU_CPU_ATOM
                                   ? "bus/event_source/devices/cpu_atom/cpus"
                                   : NULL;
        CpuSet own;

        if (!path || perf_read_cpus(root, path, &own) < 0)
                return;
        for (size_t w = 0; w < CPUS_MAX / 64; w++)
                cpus->words[w] &= own.words[w];
}

static int attach_all(PreciseEvents *e, const SystemRoot *root, const CpuSet *all, char *problem) {
        for (unsigned i = 0; i < e->selection.n; i++) {
                const PmuEvent *event = &e->selection.event[i];
                CpuSet cpus = *all;

                keep_cpus_of(root, event, &cpus);
                for (unsigned cpu = 0; cpu < CPUS_MAX; cpu++) {
                        int r = bits_has(cpus.words, cpu) ? attach(e, event, cpu) : 0;

                        if (r == -EPERM || r == -EACCES || r == -EMFILE) {
                                perf_explain_open(root, r, problem);
                                return r;
                        }
                        if (r < 0) {
                                source_problem(problem, "the event %s cannot be opened: %s",
                                               e->selection.name, strerror(-r));
                                return r;
                        }
                }
        }
        return 0;
}

DEFINE_CLEANUP(PreciseEvents, precise_events_free)

int precise_events_new(PreciseEvents **ret, const SystemRoot *root, const PmuSelection *selection,
                       bool isolated, PreciseHandler handler, void *userdata,
                       char problem[PROBLEM_BYTES]) {
        cleanup(cleanup_precise_events_freep) PreciseEvents *e = calloc(1, sizeof(*e));
        unsigned left_out;
        CpuSet cpus;
        int r;

        if (!e)
                return -ENOMEM;
        libbpf_set_print(NULL);
        e->handler = handler;
        e->userdata = userdata;
        e->selection = *selection;
        e->period = selection->period;
        r = perf_sampled_cpus(root, isolated, &cpus, &left_out);
        if (r < 0) {
                source_problem(problem, "the list of CPUs cannot be read: %s", strerror(-r));
                return r;
        }
        for (size_t w = 0; w < CPUS_MAX / 64; w++)
                e->n_cpus += (unsigned)__builtin_popcountll(cpus.words[w]);
        e->open = calloc((size_t)(e->n_cpus + 1) * selection->n, sizeof(*e->open));
        if (!e->open)
                return -ENOMEM;
        r = load_programs(e, e->n_cpus);
        if (r < 0) {
                perf_explain_load(r, problem);
                return r;
        }
        r = attach_all(e, root, &cpus, problem);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(e);
        return 0;
}

PreciseEvents *precise_events_free(PreciseEvents *e) {
        if (!e)
                return NULL;
        for (unsigned i = 0; i < e->n_open; i++)
                close_event(&e->open[i]);
        ring_buffer__free(e->ring);
        precise_bpf__destroy(e->skeleton);
        free(e->open);
        per_cpu_close(&e->counts);
        free(e);
        return NULL;
}

int precise_events_set_period(PreciseEvents *e, uint64_t period) {
        int r = 0;

        if (period == e->period)
                return 0;
        for (unsigned i = 0; i < e->n_open; i++)
                if (ioctl(e->open[i].fd, PERF_EVENT_IOC_PERIOD, &period) < 0)
                        r = -errno;
        e->period = period;
        return r;
}

uint64_t precise_events_period(const PreciseEvents *e) {
        return e->period;
}

unsigned precise_events_cpus(const PreciseEvents *e) {
        return e->n_cpus;
}

int precise_events_get_fd(const PreciseEvents *e) {
        return ring_buffer__epoll_fd(e->ring);
}

int precise_events_consume(PreciseEvents *e, unsigned max) {
        int r;

        e->taken = 0;
        e->budget = max;
        r = ring_buffer__consume(e->ring);
        if (r < 0 && r != -ECANCELED)
                return r;
        return (int)e->taken;
}

int precise_events_read_counts(PreciseEvents *e, PreciseCounts *ret) {
        return per_cpu_sum(&e->counts, bpf_map__fd(e->skeleton->maps.counts), 0, ret);
}
