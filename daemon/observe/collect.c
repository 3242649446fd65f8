/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/mathx.h"
#include "observe/internal.h"
#include "base/clock.h"

/* Samples taken per call of dispatch; and how many such portions one collect takes, which empties
 * the largest ring, but ends even if it is filled as fast as it is drained. */
#define DISPATCH_SAMPLES 4096
#define DRAIN_CALLS_MAX  48

/* Half the time after which processes are forgotten; a scan of all processes that can be tracked, at
 * 10 us each, rests less long. */
#define SCAN_REST_NS_MAX (30ull * NSEC_PER_SEC)

int observer_apply_rate(Observer *o) {
        RateChoice choice = rate_choose(&o->rate);
        unsigned i = 0;
        SourceSlot *slot;
        int r = 0, error;

        if (choice.tick_hz == o->choice.tick_hz && choice.stride == o->choice.stride)
                return 0;
        o->choice = choice;
        while ((slot = sources_next(o, &i))) {
                if (slot == &o->timekeeper || !slot->type->set_rate)
                        continue;
                error = slot->type->set_rate(slot->source, choice);
                r = r < 0 ? r : error;
        }
        return r;
}

static void dispatch_slot(Observer *o, SourceSlot *slot, unsigned calls) {
        char problem[PROBLEM_BYTES];

        for (unsigned i = 0; i < calls; i++) {
                int n = slot->type->dispatch(slot->source, DISPATCH_SAMPLES);

                if (n < 0) {
                        source_problem(problem, "its samples cannot be read: %s", strerror(-n));
                        sources_fail(o, slot, problem);
                }
                if (n < DISPATCH_SAMPLES)
                        return;
        }
}

int observer_dispatch(Observer *o) {
        uint64_t begin_ns = clock_thread_cpu_ns();
        unsigned i = 0;
        SourceSlot *slot;

        while ((slot = sources_next(o, &i)))
                if (slot->type->dispatch)
                        dispatch_slot(o, slot, 1);
        o->spent_ns += clock_thread_cpu_ns() - begin_ns;
        return 0;
}

static void on_scan(ProcessId id, int node, uint64_t cpu_ns, void *userdata) {
        observer_add_cpu_time(userdata, id, node, cpu_ns);
}

static void drain(Observer *o, uint64_t now_ns) {
        unsigned i = 0;
        SourceSlot *slot;

        while ((slot = sources_next(o, &i))) {
                char problem[PROBLEM_BYTES] = "";
                int r;

                if (slot->type->dispatch)
                        dispatch_slot(o, slot, DRAIN_CALLS_MAX);
                if (!slot->source || !slot->type->collect)
                        continue;
                r = slot->type->collect(slot->source, now_ns, problem);
                if (r < 0)
                        sources_fail(o, slot, problem[0] ? problem : strerror(-r));
        }
}

/* The cost of the interval that ends sets the rate of the next one. A scan costs what it costs; the
 * next one waits until both fit the ceiling. */
static void control_cost(Observer *o, uint64_t now_ns, uint64_t elapsed_ns) {
        uint64_t run_ns = observer_run_time_ns(o);

        if (o->scanner) {
                double rest_ns = ratio_or((double)o->spent_ns, o->rate.ceiling, 0);

                o->scan_not_before_ns =
                        now_ns + double_to_u64(fmin(rest_ns, (double)SCAN_REST_NS_MAX));
        } else {
                rate_learn(&o->rate, o->choice, o->spent_ns + (run_ns - o->run_ns_before),
                           elapsed_ns);
                (void)observer_apply_rate(o);
        }
        o->spent_ns = 0;
        o->run_ns_before = run_ns;
}

int observer_collect(Observer *o, uint64_t now_ns) {
        uint64_t elapsed_ns = o->collected_ns && now_ns > o->collected_ns ? now_ns - o->collected_ns
                                                                          : NSEC_PER_SEC;
        uint64_t begin_ns = clock_thread_cpu_ns();
        int r = 0;

        /* The interval goes on until the next scan, so its CPU time is averaged over all of it. */
        if (o->scanner && now_ns < o->scan_not_before_ns)
                return 0;
        /* Old evidence is aged before what belongs to now is added. */
        for (TrackedProcess *p = process_table_newest(o->processes); p; p = p->older)
                if (p->observed.evidence.updated_ns != 0)
                        evidence_decay(&p->observed.evidence, now_ns);
        drain(o, now_ns);
        sources_tend(o, now_ns);
        if (o->scanner)
                r = cpu_scanner_scan(o->scanner, on_scan, o);
        resolver_resolve(o->resolver, &o->ledger);
        observer_take_life(o);
        observer_close_interval(o, now_ns, elapsed_ns);
        o->collected_ns = now_ns;
        o->spent_ns += clock_thread_cpu_ns() - begin_ns;
        control_cost(o, now_ns, elapsed_ns);
        observer_update_description(o);
        return r;
}
