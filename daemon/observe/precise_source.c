/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "observe/data_source.h"
#include "observe/internal.h"
#include "observe/precise_events.h"
#include "system/memory_blocks.h"

/* The processor's own sampling of memory accesses as a source: "pebs" and "ibs" differ in the events
 * chosen and in how their data source is read. */

typedef struct PreciseSource {
        Source base;
        PmuSelection selection;
        PreciseEvents *events;
        MemoryBlocks *blocks; /* NULL: homes are looked up by virtual address */
        uint64_t collected_ns;
        PreciseCounts counts; /* at the last collect */
} PreciseSource;

static AccessClass class_of(const PreciseSource *s, const PreciseRecord *record) {
        switch (record->event) {
        case PRECISE_LOCAL_MEMORY:
                return ACCESS_LOCAL_MEMORY;
        case PRECISE_REMOTE_MEMORY:
                return ACCESS_REMOTE_MEMORY;
        default:
                return data_source_classify(record->data_source, s->selection.amd);
        }
}

/* Accesses that a cache answered do not depend on where the page is; those of a cache of another node
 * would not be helped by moving it. */
static void on_sample(const PreciseRecord *record, void *userdata) {
        PreciseSource *s = userdata;
        Observer *o = s->base.observer;
        AccessClass class = class_of(s, record);
        Access access = {
                .source = s->base.type->id,
                .address = record->address,
                .accessor = topology_index_of_id(o->topology, record->node),
                .home = NODE_NONE,
                .weight = 1,
                .n = 1,
                .waited = true,
        };

        if (class == ACCESS_CACHE || class == ACCESS_REMOTE_CACHE)
                return;
        access.process = observer_track(o, observer_id_of(record->tgid, record->start_ns));
        if (!access.process) {
                o->ledger.counters.samples_lost++;
                return;
        }
        observer_notice_exec(o, access.process, record->exec_id);
        if (s->blocks && record->physical != 0)
                access.home = memory_blocks_node(s->blocks, record->physical);
        if (access.home != NODE_NONE)
                ledger_account(&o->ledger, &access);
        else
                observer_queue_access(o, &access, false);
}

static int open_for(EvidenceSource id, Source **ret, Observer *o, const Settings *settings,
                    SourceRole role, char problem[PROBLEM_BYTES]) {
        cleanup_free PreciseSource *s = calloc(1, sizeof(*s));
        PmuMachine machine;
        int r;

        if (role != ROLE_SAMPLES)
                return -EOPNOTSUPP;
        if (!s)
                return -ENOMEM;
        r = pmu_machine_read(&machine, o->root);
        if (r < 0) {
                source_problem(problem, "the processor is not described: %s", strerror(-r));
                return r;
        }
        r = pmu_select(&machine, id, &s->selection, problem);
        if (r < 0)
                return r;
        s->base.observer = o;
        r = precise_events_new(&s->events, o->root, &s->selection, settings->isolated, on_sample, s,
                               problem);
        if (r < 0)
                return r;
        (void)memory_blocks_read(&s->blocks, o->root, o->topology);
        *ret = &TAKE_PTR(s)->base;
        return 0;
}

static int open_pebs(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                     char problem[PROBLEM_BYTES]) {
        return open_for(SOURCE_PEBS, ret, o, settings, role, problem);
}

static int open_ibs(Source **ret, Observer *o, const Settings *settings, SourceRole role,
                    char problem[PROBLEM_BYTES]) {
        return open_for(SOURCE_IBS, ret, o, settings, role, problem);
}

static void close_source(Source *source) {
        PreciseSource *s = (PreciseSource *)source;

        precise_events_free(s->events);
        memory_blocks_free(s->blocks);
        free(s);
}

static int get_fd(const Source *source) {
        return precise_events_get_fd(((const PreciseSource *)source)->events);
}

static int dispatch(Source *source, unsigned max) {
        return precise_events_consume(((PreciseSource *)source)->events, max);
}

/* The period follows the number of samples: as many as the clock source would bring from CPUs that are
 * all busy. */
static void control_period(PreciseSource *s, uint64_t now_ns, double seen) {
        const RateChoice *choice = &s->base.observer->choice;
        double seconds = s->collected_ns ? (double)(now_ns - s->collected_ns) / 1e9 : 0;
        double wanted =
                (double)choice->tick_hz / choice->stride * precise_events_cpus(s->events) * seconds;

        s->collected_ns = now_ns;
        if (seconds <= 0)
                return;
        (void)precise_events_set_period(
                s->events,
                pmu_adapt_period(&s->selection, precise_events_period(s->events), seen, wanted));
}

static int collect(Source *source, uint64_t now_ns, char problem[PROBLEM_BYTES]) {
        PreciseSource *s = (PreciseSource *)source;
        PreciseCounts before = s->counts;
        int r = precise_events_read_counts(s->events, &s->counts);

        if (r < 0) {
                source_problem(problem, "its counts cannot be read: %s", strerror(-r));
                return r;
        }
        control_period(
                s, now_ns,
                (double)(s->counts.samples + s->counts.others - before.samples - before.others));
        return 0;
}

static void describe(const Source *source, char *text, size_t bytes) {
        const PreciseSource *s = (const PreciseSource *)source;

        snprintf(text, bytes, "hardware samples (%s: %s) on %u CPUs, homes by %s",
                 evidence_source_to_string(s->base.type->id), s->selection.name,
                 precise_events_cpus(s->events),
                 s->blocks ? "physical address where the kernel tells it" : "virtual address");
}

static void count(const Source *source, Counters *counters) {
        const PreciseCounts *c = &((const PreciseSource *)source)->counts;

        counters->samples_total += c->samples;
        counters->samples_lost += c->ring_full;
}

static uint64_t run_time_ns(const Source *source) {
        return ((const PreciseSource *)source)->counts.run_ns;
}

static unsigned n_cpus(const Source *source) {
        return precise_events_cpus(((const PreciseSource *)source)->events);
}

/* It sees misses of the caches only, so silence of a process says nothing against it. */
#define PRECISE_OPERATIONS                                                                         \
        .current = true, .close = close_source, .get_fd = get_fd, .dispatch = dispatch,            \
        .collect = collect, .describe = describe, .count = count, .run_time_ns = run_time_ns,      \
        .n_cpus = n_cpus

const SourceType source_pebs = { .id = SOURCE_PEBS, .open = open_pebs, PRECISE_OPERATIONS };
const SourceType source_ibs = { .id = SOURCE_IBS, .open = open_ibs, PRECISE_OPERATIONS };
