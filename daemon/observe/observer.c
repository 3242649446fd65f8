/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/observer.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mathx.h"
#include "observe/attribute.h"
#include "observe/internal.h"
#include "system/clock.h"
#include "system/residency.h"

/* Samples taken per call of dispatch; and how many such portions one collect takes, which empties
 * the largest ring, but ends even if it is filled as fast as it is drained. */
#define DISPATCH_SAMPLES 4096
#define DRAIN_CALLS_MAX  48

/* Half the time after which processes are forgotten; a scan of all processes that can be tracked, at
 * 10 us each, rests less long. */
#define SCAN_REST_NS_MAX (30ull * NSEC_PER_SEC)

/* USER_HZ, the unit of start times in proc. */
#define NSEC_PER_TICK (NSEC_PER_SEC / 100)

DEFINE_CLEANUP(Observer, observer_free)

int observer_new(Observer **ret, const Topology *topology, const SystemRoot *root) {
        cleanup(cleanup_observer_freep) Observer *o = calloc(1, sizeof(*o));
        int r;

        if (!o)
                return -ENOMEM;
        o->idle_fd = -1;
        o->topology = topology;
        o->root = root;
        o->skid = skid_detect();
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

/* The process, made the most recent one; the least recent one makes room. NULL: no memory. */
static TrackedProcess *track(Observer *o, ProcessId id) {
        TrackedProcess *p;
        int r;

        r = process_table_touch(o->processes, id, &p);
        if (r == -ENOSPC) {
                /* Waiting accesses point to their processes. */
                resolver_resolve(o->resolver, &o->counters);
                process_table_remove(o->processes, process_table_oldest(o->processes));
                o->counters.processes_dropped++;
                r = process_table_touch(o->processes, id, &p);
        }
        return r < 0 ? NULL : p;
}

static void add_addresses(Observer *o, TrackedProcess *p, int accessor, const Attribution *a) {
        double weight = 1.0 / (a->n + a->unknown);

        for (uint32_t i = 0; i < a->n; i++) {
                bool mapping = a->mapping >> i & 1;

                if (resolver_add(o->resolver, p, a->address[i], accessor, weight, a->waited,
                                 mapping) == 0)
                        continue;
                resolver_resolve(o->resolver, &o->counters);
                (void)resolver_add(o->resolver, p, a->address[i], accessor, weight, a->waited,
                                   mapping);
        }
        if (a->unknown > 0)
                evidence_add(&p->observed.evidence, NODE_NONE, NODE_NONE, a->unknown * weight,
                             false);
}

static ProcessId id_of(uint32_t tgid, uint64_t start_ns) {
        return (ProcessId) { (pid_t)tgid, start_ns / NSEC_PER_TICK };
}

/* Where another program accessed memory says nothing about this one. */
static void notice_exec(Observer *o, TrackedProcess *p, uint64_t exec_id) {
        if (p->observed.exec_id == exec_id)
                return;
        if (p->observed.exec_id != 0) {
                resolver_forget(o->resolver, p);
                tracked_process_clear(p);
        }
        p->observed.exec_id = exec_id;
}

static void describe_running(Observer *o);

/* The first few hundred places tell whether this processor has the skid that was assumed. */
static void calibrate(Observer *o, const CodeWindow *window) {
        SkidModel model;

        if (o->skid_settled)
                return;
        skid_learn(&o->calibration, window);
        if (skid_conclude(&o->calibration, &model, &o->block_percent) == 0)
                return;
        o->skid_settled = true;
        if (model != o->skid) {
                /* What was counted by the other model does not compare. */
                o->skid = model;
                resolver_set_skid(o->resolver, model == SKID_AFTER);
                for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older) {
                        resolver_forget(o->resolver, p);
                        tracked_process_clear(p);
                }
        }
        describe_running(o);
}

static void on_sample(const SampleRecord *record, void *userdata) {
        Observer *o = userdata;
        Attribution attribution;
        TrackedProcess *p;
        CodeWindow window;
        CpuState state;

        cpu_state_from_record(&state, &window, record);
        calibrate(o, &window);
        attribute_sample(&state, &window, o->skid, &attribution);
        if (o->hook)
                o->hook(record, &attribution, o->hook_userdata);
        p = track(o, id_of(record->tgid, record->start_ns));
        if (!p) {
                o->counters.samples_lost++;
                return;
        }
        notice_exec(o, p, record->exec_id);
        if (attribution.n == 0) {
                if (window.after > 0)
                        o->counters.samples_undecoded++;
                evidence_add(&p->observed.evidence, NODE_NONE, NODE_NONE, 1.0, false);
                return;
        }
        add_addresses(o, p, topology_index_of_id(o->topology, record->node), &attribution);
}

static void on_cpu_time(const CpuTimeKey *key, uint64_t cpu_ns, void *userdata) {
        Observer *o = userdata;
        TrackedProcess *p = track(o, id_of(key->tgid, key->start_ns));
        int node = topology_index_of_id(o->topology, key->node);

        if (p && node >= 0)
                p->interval_cpu_ns[node] += cpu_ns;
}

static void on_scan(ProcessId id, int node, uint64_t cpu_ns, void *userdata) {
        TrackedProcess *p = track(userdata, id);

        if (p)
                p->interval_cpu_ns[node] += cpu_ns;
}

static void describe_running(Observer *o) {
        unsigned left_out = clock_source_cpus_left_out(o->clock);
        char apart[64] = "", limit[64] = "", measured[64] = "";

        if (left_out > 0)
                snprintf(apart, sizeof(apart), " (%u isolated or nohz_full left out)", left_out);
        if (rate_is_limited(&o->rate))
                snprintf(limit, sizeof(limit), " (fewer, to stay below %.1f %% of one CPU)",
                         100 * o->rate.ceiling);
        if (o->block_percent > 0)
                snprintf(measured, sizeof(measured), " (%u %% of the places begin a block)",
                         o->block_percent);
        snprintf(o->description, sizeof(o->description),
                 "clock samples at %u Hz%s on %u CPUs%s; %s%s; memory policies from %s",
                 o->rate.rate_hz, limit, clock_source_cpus(o->clock), apart,
                 o->skid == SKID_NONE
                         ? "emulated processor: every access of the interrupted block counts"
                         : "samples fall behind the access that was waited for",
                 measured,
                 policy_reader_has_mappings(o->policy) ? "BPF iterators"
                 : o->policy                           ? "a BPF iterator and numa_maps"
                                                       : "nowhere");
}

static int start_clock(Observer *o, const Settings *settings, char problem[PROBLEM_BYTES]) {
        int r;

        r = clock_source_new(&o->clock, o->root, settings->rate_hz, settings->isolated, on_sample,
                             o, problem);
        if (r < 0) {
                if (!problem[0])
                        snprintf(problem, PROBLEM_BYTES, "%s", strerror(-r));
                return r;
        }
        resolver_set_skid(o->resolver, o->skid == SKID_AFTER);
        rate_init(&o->rate, settings->rate_hz, settings->cpu_max_percent,
                  clock_source_cpus(o->clock));
        o->choice = rate_choose(&o->rate);
        o->run_ns_before = 0;
        o->spent_ns = 0;
        o->source = SOURCE_CLOCK;
        describe_running(o);
        return 0;
}

/* `why` tells what a better source lacks, "" when this one was asked for. */
static int start_residency(Observer *o, const Settings *settings, const char *why) {
        const uint64_t nowhere = 0;
        int32_t node;
        int r;

        /* Asks nothing of init but whether it may be asked. In a container root may not, but may ask
         * the processes there. */
        if (geteuid() != 0 && residency_query(o->topology, 1, &nowhere, 1, &node) == -EPERM) {
                snprintf(o->description, sizeof(o->description),
                         "%s%slooking up pages of other users needs CAP_SYS_PTRACE", why,
                         why[0] ? "; " : "");
                return -EPERM;
        }
        r = cpu_scanner_new(&o->scanner, o->topology, o->root);
        if (r < 0)
                return r;
        o->idle_fd = epoll_create1(EPOLL_CLOEXEC);
        if (o->idle_fd < 0) {
                r = -errno;
                o->scanner = cpu_scanner_free(o->scanner);
                return r;
        }
        rate_init(&o->rate, settings->rate_hz, settings->cpu_max_percent, o->topology->n_cpus);
        o->scan_not_before_ns = 0;
        o->source = SOURCE_RESIDENCY;
        snprintf(o->description, sizeof(o->description),
                 "share of remote accesses expected from CPU time and sampled pages%s%s",
                 why[0] ? ", because of the clock source: " : "", why);
        return 0;
}

int observer_start(Observer *o, const Settings *settings) {
        char problem[PROBLEM_BYTES] = "";
        bool automatic = settings->source == SOURCE_AUTO;
        int r;

        if (o->source != SOURCE_NONE)
                return -EALREADY;
        if (automatic || settings->source == SOURCE_CLOCK) {
                r = start_clock(o, settings, problem);
                if (r < 0 && (!automatic || start_residency(o, settings, problem) < 0)) {
                        if (!automatic)
                                snprintf(o->description, sizeof(o->description), "clock source: %s",
                                         problem);
                        return r;
                }
        } else if (settings->source == SOURCE_RESIDENCY) {
                r = start_residency(o, settings, "");
                if (r < 0)
                        return r;
        } else {
                snprintf(o->description, sizeof(o->description), "source %s is not built in",
                         evidence_source_to_string((EvidenceSource)settings->source));
                return -EOPNOTSUPP;
        }
        /* Without it nothing can be moved, but everything be seen. */
        (void)policy_reader_new(&o->policy);
        if (o->clock)
                describe_running(o);
        o->collected_ns = clock_monotonic_ns();
        return 0;
}

static int apply_rate(Observer *o) {
        RateChoice choice = rate_choose(&o->rate);

        if (choice.tick_hz == o->choice.tick_hz && choice.stride == o->choice.stride)
                return 0;
        o->choice = choice;
        return clock_source_set_rate(o->clock, choice.tick_hz, choice.stride);
}

int observer_configure(Observer *o, const Settings *settings) {
        bool interest = o->rate.interest;
        int r;

        if (o->source == SOURCE_NONE)
                return -ENODEV;
        rate_init(&o->rate, settings->rate_hz, settings->cpu_max_percent,
                  o->clock ? clock_source_cpus(o->clock) : o->topology->n_cpus);
        o->rate.interest = interest;
        o->scan_not_before_ns = 0;
        if (!o->clock)
                return 0;
        r = apply_rate(o);
        describe_running(o);
        return r;
}

void observer_set_interest(Observer *o, bool interest) {
        if (!o->clock || o->rate.interest == interest)
                return;
        o->rate.interest = interest;
        (void)apply_rate(o);
}

double observer_rate_hz(const Observer *o) {
        return o->clock ? (double)o->choice.tick_hz / o->choice.stride : 0;
}

/* The cost of the interval that ends sets the rate of the next one. */
static void control_rate(Observer *o, uint64_t elapsed_ns) {
        uint64_t cost_ns = o->spent_ns + (o->kernel.run_ns - o->run_ns_before);
        bool limited = rate_is_limited(&o->rate);

        rate_learn(&o->rate, o->choice, cost_ns, elapsed_ns);
        o->spent_ns = 0;
        o->run_ns_before = o->kernel.run_ns;
        (void)apply_rate(o);
        if (limited != rate_is_limited(&o->rate))
                describe_running(o);
}

static void add_counts(ClockCounts *sum, const ClockCounts *more) {
        sum->ticks += more->ticks;
        sum->user_samples += more->user_samples;
        sum->compat += more->compat;
        sum->ring_full += more->ring_full;
        sum->no_code += more->no_code;
        sum->cpu_time_full += more->cpu_time_full;
        sum->run_ns += more->run_ns;
}

void observer_stop(Observer *o) {
        if (o->clock) {
                (void)clock_source_read_counts(o->clock, &o->kernel);
                add_counts(&o->kernel_before, &o->kernel);
                o->kernel = (ClockCounts) {};
        }
        o->clock = clock_source_free(o->clock);
        o->scanner = cpu_scanner_free(o->scanner);
        if (o->idle_fd >= 0)
                close(o->idle_fd);
        o->idle_fd = -1;
        o->policy = policy_reader_free(o->policy);
        o->source = SOURCE_NONE;
        snprintf(o->description, sizeof(o->description), "stopped");
}

EvidenceSource observer_source(const Observer *o) {
        return o->source;
}

const char *observer_describe(const Observer *o) {
        return o->description;
}

int observer_get_fd(const Observer *o) {
        if (o->clock)
                return clock_source_get_fd(o->clock);
        return o->idle_fd >= 0 ? o->idle_fd : -ENODEV;
}

int observer_dispatch(Observer *o) {
        uint64_t begin_ns = clock_thread_cpu_ns();
        int r = o->clock ? clock_source_consume(o->clock, DISPATCH_SAMPLES) : 0;

        o->spent_ns += clock_thread_cpu_ns() - begin_ns;
        return r < 0 ? r : 0;
}

/* A scan costs what it costs; the next one waits until both fit the ceiling. */
static void rest_scanner(Observer *o, uint64_t now_ns) {
        double rest_ns = ratio_or((double)o->spent_ns, o->rate.ceiling, 0);

        o->scan_not_before_ns = now_ns + double_to_u64(fmin(rest_ns, (double)SCAN_REST_NS_MAX));
        o->spent_ns = 0;
}

int observer_collect(Observer *o, uint64_t now_ns) {
        uint64_t elapsed_ns = o->collected_ns && now_ns > o->collected_ns ? now_ns - o->collected_ns
                                                                          : NSEC_PER_SEC;
        uint64_t begin_ns = clock_thread_cpu_ns();
        int r = 0, n;

        /* The interval goes on until the next scan, so its CPU time is averaged over all of it. */
        if (o->scanner && now_ns < o->scan_not_before_ns)
                return 0;
        /* Old evidence is aged before what belongs to now is added. */
        for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older)
                if (p->observed.evidence.updated_ns != 0)
                        evidence_decay(&p->observed.evidence, now_ns);
        if (o->clock) {
                for (unsigned i = 0; i < DRAIN_CALLS_MAX; i++) {
                        n = clock_source_consume(o->clock, DISPATCH_SAMPLES);
                        if (n < DISPATCH_SAMPLES)
                                break;
                }
                r = clock_source_drain_time(o->clock, on_cpu_time, o);
                (void)clock_source_read_counts(o->clock, &o->kernel);
        } else if (o->scanner) {
                r = cpu_scanner_scan(o->scanner, on_scan, o);
        }
        resolver_resolve(o->resolver, &o->counters);
        observer_close_interval(o, now_ns, elapsed_ns);
        o->collected_ns = now_ns;
        o->spent_ns += clock_thread_cpu_ns() - begin_ns;
        if (o->clock)
                control_rate(o, elapsed_ns);
        else
                rest_scanner(o, now_ns);
        return r;
}

void observer_forget(Observer *o, ProcessId id) {
        TrackedProcess *p = process_table_find(o->processes, id);

        if (!p)
                return;
        resolver_forget(o->resolver, p);
        tracked_process_clear(p);
}

const Observed *const *observer_processes(const Observer *o, size_t *ret_n) {
        *ret_n = o->n_active;
        return o->active;
}

int observer_read_policy(Observer *o, ProcessInfo *info) {
        return policy_reader_read(o->policy, o->root, info);
}

void observer_count(const Observer *o, Counters *counters) {
        ClockCounts kernel = o->kernel_before;

        add_counts(&kernel, &o->kernel);
        counters->samples_total += kernel.user_samples;
        counters->samples_compat += kernel.compat;
        counters->samples_no_code += kernel.no_code;
        counters->samples_lost += kernel.ring_full + o->counters.samples_lost;
        counters->cpu_time_lost += kernel.cpu_time_full;
        counters->accesses_total += o->counters.accesses_total;
        counters->accesses_remote += o->counters.accesses_remote;
        counters->samples_undecoded += o->counters.samples_undecoded;
        counters->samples_no_page += o->counters.samples_no_page;
        counters->samples_gone += o->counters.samples_gone;
        counters->processes_dropped += o->counters.processes_dropped;
}

uint64_t observer_run_time_ns(const Observer *o) {
        return o->kernel_before.run_ns + o->kernel.run_ns;
}

void observer_set_sample_hook(Observer *o, ObserverSampleHook hook, void *userdata) {
        o->hook = hook;
        o->hook_userdata = userdata;
}

void observer_set_skid_model(Observer *o, SkidModel model) {
        o->skid = model;
        o->skid_settled = true;
        resolver_set_skid(o->resolver, model == SKID_AFTER);
}
