/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "observe/attribute.h"
#include "observe/clock_source.h"
#include "observe/far_code.h"
#include "observe/guest.h"
#include "observe/internal.h"
#include "observe/judge.h"

/* The clock source as one among others: from a captured state to accesses. */

/* A process that brings less than this of the accesses to expect may be a virtual machine. */
#define GUEST_SUSPECT 0.5

typedef struct ClockSamples {
        Source base;
        ClockSource *clock;
        SourceRole role;
        ClockCounts counts; /* at the last collect */
        double arrived;     /* share of the last interval's samples; see sign_arrived */
        DryWatch dry;
} ClockSamples;

/* The average forgets with this many samples. */
#define PATH_SAMPLES 64

/* What each address of a sample counts; see Attribution. */
static double weigh(TrackedProcess *p, const Attribution *a) {
        double n = a->n + a->unknown;

        if (a->rule != RULE_BLOCK)
                return 1.0 / n;
        p->path_accesses += p->path_accesses > 0 ? (n - p->path_accesses) / PATH_SAMPLES : n;
        return 1.0 / p->path_accesses;
}

static void add_addresses(Observer *o, TrackedProcess *p, int accessor, const Attribution *a) {
        double weight = weigh(p, a);

        for (uint32_t i = 0; i < a->n; i++)
                observer_queue_access(o,
                                      &(Access) {
                                              .process = p,
                                              .source = SOURCE_CLOCK,
                                              .address = a->address[i],
                                              .accessor = accessor,
                                              .weight = weight,
                                              .n = 1,
                                              .waited = a->waited,
                                              .skid = o->skid.model == SKID_AFTER,
                                      },
                                      a->mapping >> i & 1);
        if (a->unknown > 0)
                ledger_unresolved(&o->ledger, p, SOURCE_CLOCK, a->unknown * weight);
}

/* The first few hundred places tell whether this processor has the skid that was assumed. */
static void calibrate(Observer *o, const CodeWindow *window) {
        SkidModel model;

        if (o->skid.settled)
                return;
        skid_learn(&o->skid.calibration, window);
        if (skid_conclude(&o->skid.calibration, &model, &o->skid.block_percent) == 0)
                return;
        o->skid.settled = true;
        if (model == o->skid.model)
                return;
        /* What was counted by the other model does not compare. */
        o->skid.model = model;
        resolver_forget_source(o->resolver, SOURCE_CLOCK);
        for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older)
                if (p->observed.evidence.source == SOURCE_CLOCK)
                        tracked_process_clear(p);
}

static void on_sample(const SampleRecord *record, void *userdata) {
        ClockSamples *s = userdata;
        Observer *o = s->base.observer;
        Attribution attribution;
        TrackedProcess *p;
        CodeWindow window;
        CpuState state;

        cpu_state_from_record(&state, &window, record);
        calibrate(o, &window);
        attribute_sample(&state, &window, o->skid.model, &attribution);
        /* A jump from further away than the captured code is looked for only where it matters. */
        if (attribution.rule == RULE_PREVIOUS) {
                window.far_branch = far_code_branches_to(o->root, (pid_t)record->tgid,
                                                         record->exec_id, &window);
                if (window.far_branch)
                        attribute_sample(&state, &window, o->skid.model, &attribution);
        }
        if (o->hook)
                o->hook(record, &attribution, o->hook_userdata);
        p = observer_track(o, observer_id_of(record->tgid, record->start_ns));
        if (!p) {
                o->ledger.counters.samples_lost++;
                return;
        }
        observer_notice_exec(o, p, record->exec_id);
        if (attribution.n == 0) {
                if (window.after > 0)
                        o->ledger.counters.samples_undecoded++;
                ledger_unresolved(&o->ledger, p, SOURCE_CLOCK, 1.0);
                return;
        }
        add_addresses(o, p, topology_index_of_id(o->topology, record->node), &attribution);
}

static void on_cpu_time(const void *map_key, const void *value, void *userdata) {
        const CpuTimeKey *key = map_key;
        const CpuTime *time = value;
        ClockSamples *s = userdata;
        Observer *o = s->base.observer;
        ProcessId id = observer_id_of(key->tgid, key->start_ns);
        TrackedProcess *p;

        observer_add_cpu_time(o, id, topology_index_of_id(o->topology, key->node), time->ns);
        if (time->compat == 0)
                return;
        p = process_table_find(o->processes, id);
        if (p)
                p->signs[SOURCE_CLOCK].compat += (double)time->compat;
}

static int open_source(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                       char problem[PROBLEM_BYTES]) {
        cleanup_free ClockSamples *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->role = role;
        s->base.observer = o;
        r = clock_source_new(&s->clock, o->root, settings->rate_hz, settings->isolated, on_sample,
                             s, problem);
        if (r < 0)
                return r;
        if (role == ROLE_CPU_TIME)
                (void)clock_source_set_rate(s->clock, settings->rate_hz, UINT32_MAX);
        *ret = &TAKE_PTR(s)->base;
        return 0;
}

static void close_source(Source *source) {
        ClockSamples *s = (ClockSamples *)source;

        clock_source_free(s->clock);
        free(s);
}

static int get_fd(const Source *source) {
        return clock_source_get_fd(((const ClockSamples *)source)->clock);
}

static int dispatch(Source *source, unsigned max) {
        return clock_source_consume(((ClockSamples *)source)->clock, max);
}

static int collect(Source *source, uint64_t now_ns, char problem[PROBLEM_BYTES]) {
        ClockSamples *s = (ClockSamples *)source;
        ClockCounts before = s->counts;
        int r = clock_source_drain_time(s->clock, on_cpu_time, s);

        (void)now_ns;
        (void)clock_source_read_counts(s->clock, &s->counts);
        s->arrived = sign_arrived(s->counts.user_samples - before.user_samples,
                                  s->counts.ring_full - before.ring_full);
        (void)clock_source_follow_cpus(s->clock, source->observer->root);
        /* On a CPU that is not sampled this process would not see its own ticks. */
        if (clock_source_cpus_left_out(s->clock) + clock_source_cpus_refused(s->clock) == 0 &&
            dry_watch(&s->dry, s->counts.ticks, clock_self_cpu_ns(),
                      source->observer->choice.tick_hz)) {
                source_problem(problem, "its events bring no ticks any more");
                return -EIO;
        }
        return r;
}

static int set_rate(Source *source, RateChoice choice) {
        return clock_source_set_rate(((ClockSamples *)source)->clock, choice.tick_hz,
                                     choice.stride);
}

static void exclude(Source *source, ProcessId id, bool excluded) {
        /* Where there is no room its samples are dropped later. */
        (void)clock_source_exclude(((ClockSamples *)source)->clock, id, excluded);
}

static SourceWhy judge(Source *source, TrackedProcess *p, uint64_t elapsed_ns) {
        const ClockSamples *s = (const ClockSamples *)source;
        const Observer *o = source->observer;
        double sample_ns = 1e9 * o->choice.stride / o->choice.tick_hz;
        SourceSign *sign = &p->signs[SOURCE_CLOCK];
        SourceWhy why;

        (void)elapsed_ns;
        for (uint32_t i = 0; i < o->topology->n_nodes; i++)
                sign->expected += s->arrived * (double)p->interval_cpu_ns[i] / sample_ns;
        why = sign_judge_samples(sign);
        /* A virtual machine brings some accesses of its own: those of the devices that it emulates. */
        if (sign->expected >= SIGN_SAMPLES && sign->resolved < GUEST_SUSPECT * sign->expected &&
            guest_time_is_most(p, o->root, o->collected_ns))
                why = SOURCE_WHY_GUEST;
        return why;
}

static void describe(const Source *source, char *text, size_t bytes) {
        const ClockSamples *s = (const ClockSamples *)source;
        const Observer *o = source->observer;
        unsigned left_out = clock_source_cpus_left_out(s->clock);
        unsigned refused = clock_source_cpus_refused(s->clock);
        char apart[64] = "", late[96] = "", limit[64] = "", measured[64] = "";

        if (left_out > 0)
                snprintf(apart, sizeof(apart), " (%u isolated or nohz_full left out)", left_out);
        if (refused > 0)
                snprintf(late, sizeof(late),
                         " (%u came online later: to be sampled after a restart)", refused);
        if (rate_is_limited(&o->rate))
                snprintf(limit, sizeof(limit), " (fewer, to stay below %.1f %% of one CPU)",
                         100 * o->rate.ceiling);
        if (o->skid.block_percent > 0)
                snprintf(measured, sizeof(measured), " (%u %% of the places begin a block)",
                         o->skid.block_percent);
        snprintf(text, bytes, "clock samples at %u Hz%s on %u CPUs%s%s; %s%s", o->rate.rate_hz,
                 limit, clock_source_cpus(s->clock), apart, late,
                 o->skid.model == SKID_NONE
                         ? "emulated processor: every access of the interrupted block counts"
                         : "samples fall behind the access that was waited for",
                 measured);
}

static void count(const Source *source, Counters *counters) {
        const ClockCounts *c = &((const ClockSamples *)source)->counts;

        counters->samples_total += c->user_samples;
        counters->samples_compat += c->compat;
        counters->samples_no_code += c->no_code;
        counters->samples_lost += c->ring_full;
        counters->cpu_time_lost += c->cpu_time_full;
}

static uint64_t run_time_ns(const Source *source) {
        return ((const ClockSamples *)source)->counts.run_ns;
}

static unsigned n_cpus(const Source *source) {
        return clock_source_cpus(((const ClockSamples *)source)->clock);
}

const SourceType source_clock = {
        .id = SOURCE_CLOCK,
        .counts_cpu_time = true,
        .current = true,
        .open = open_source,
        .close = close_source,
        .get_fd = get_fd,
        .dispatch = dispatch,
        .collect = collect,
        .set_rate = set_rate,
        .exclude = exclude,
        .judge = judge,
        .describe = describe,
        .count = count,
        .run_time_ns = run_time_ns,
        .n_cpus = n_cpus,
};
