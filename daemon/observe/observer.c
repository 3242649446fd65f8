/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/observer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "observe/internal.h"

DEFINE_CLEANUP(Observer, observer_free)

int observer_new(Observer **ret, const Topology *topology, const SystemRoot *root) {
        cleanup(cleanup_observer_freep) Observer *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->epoll_fd = -1;
        o->topology = topology;
        o->root = root;
        o->skid.model = skid_detect();
        o->active = calloc(PROCESSES_MAX, sizeof(*o->active));
        if (!o->active)
                return -ENOMEM;
        r = process_table_new(&o->processes, topology->n_nodes);
        if (r < 0)
                return r;
        r = resolver_new(&o->resolver, topology, root);
        if (r < 0)
                return r;
        snprintf(o->description, sizeof(o->description), "not started");
        *ret = TAKE_PTR(o);
        return 0;
}

Observer *observer_free(Observer *o) {
        if (!o)
                return NULL;
        observer_stop(o);
        resolver_free(o->resolver);
        process_table_free(o->processes);
        free(o->active);
        free(o);
        return NULL;
}

/* CPUs on which the sources work. */
static unsigned busy_cpus(Observer *o) {
        unsigned i = 0, n = 0;
        SourceSlot *slot;

        while ((slot = sources_next(o, &i))) {
                unsigned cpus = slot->type->n_cpus ? slot->type->n_cpus(slot->source) : 0;

                n = cpus > n ? cpus : n;
        }
        return n > 0 ? n : o->topology->n_cpus;
}

int observer_start(Observer *o, const Settings *settings) {
        int r;

        if (o->running)
                return -EALREADY;
        o->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
        if (o->epoll_fd < 0)
                return -errno;
        o->choice = (RateChoice) { settings->rate_hz ? settings->rate_hz : 1, 1 };
        r = sources_open(o, settings);
        if (r < 0) {
                sources_close(o);
                close(o->epoll_fd);
                o->epoll_fd = -1;
                observer_update_description(o);
                return r;
        }
        o->running = true;
        rate_init(&o->rate, settings->rate_hz, settings->cpu_max_percent, busy_cpus(o));
        (void)observer_apply_rate(o);
        o->spent_ns = 0;
        o->run_ns_before = observer_run_time_ns(o);
        o->collected_ns = clock_monotonic_ns();
        /* Without it nothing can be moved, but everything be seen. */
        (void)policy_reader_new(&o->policy);
        /* Without it processes are forgotten when they have not run for a while. */
        o->life_lost = 0;
        (void)life_open(&o->life);
        for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older)
                p->life_told = false;
        observer_update_description(o);
        return 0;
}

int observer_configure(Observer *o, const Settings *settings) {
        bool interest = o->rate.interest;
        int r;

        if (!o->running)
                return -ENODEV;
        o->settings.rate_hz = settings->rate_hz;
        o->settings.cpu_max_percent = settings->cpu_max_percent;
        rate_init(&o->rate, settings->rate_hz, settings->cpu_max_percent, busy_cpus(o));
        o->rate.interest = interest;
        o->scan_not_before_ns = 0;
        r = observer_apply_rate(o);
        observer_update_description(o);
        return r;
}

void observer_set_interest(Observer *o, bool interest) {
        if (!o->running || o->rate.interest == interest)
                return;
        o->rate.interest = interest;
        (void)observer_apply_rate(o);
}

void observer_set_samples(Observer *o, double least) {
        if (!o->running)
                return;
        rate_satisfy(&o->rate, least);
        (void)observer_apply_rate(o);
}

void observer_stop(Observer *o) {
        if (!o->running)
                return;
        sources_close(o);
        close(o->epoll_fd);
        o->epoll_fd = -1;
        o->policy = policy_reader_free(o->policy);
        o->life = life_close(o->life);
        o->running = false;
        snprintf(o->description, sizeof(o->description), "stopped");
}

int observer_get_fd(const Observer *o) {
        return o->epoll_fd >= 0 ? o->epoll_fd : -ENODEV;
}

void observer_forget(Observer *o, ProcessId id) {
        TrackedProcess *p = process_table_find(o->processes, id);

        if (!p)
                return;
        resolver_forget(o->resolver, p);
        tracked_process_clear(p);
}

void observer_moved(Observer *o, ProcessId id, const AddressRange *ranges, uint32_t n, int to) {
        TrackedProcess *p = process_table_find(o->processes, id);

        if (!p)
                return;
        regions_moved(&p->regions, ranges, n, to, &p->observed.evidence);
        change_reset(&p->change);
}

int observer_regions(Observer *o, ProcessId id, uint64_t now_ns, Region *ret, size_t max) {
        TrackedProcess *p = process_table_find(o->processes, id);

        return p ? regions_view(&p->regions, o->root, id.pid, now_ns, ret, max) : 0;
}

const Observed *const *observer_processes(const Observer *o, size_t *ret_n) {
        *ret_n = o->n_active;
        return o->active;
}

int observer_read_policy(Observer *o, ProcessInfo *info) {
        return policy_reader_read(o->policy, o->root, o->topology, info);
}

void observer_set_sample_hook(Observer *o, ObserverSampleHook hook, void *userdata) {
        o->hook = hook;
        o->hook_userdata = userdata;
}

void observer_set_skid_model(Observer *o, SkidModel model) {
        o->skid.model = model;
        o->skid.settled = true;
}

void observer_set_kprobe(Observer *o) {
        o->prefer_kprobe = true;
}
