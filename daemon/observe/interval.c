/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>

#include "observe/internal.h"

/* Processes that did not run for this long are forgotten. */
#define FORGET_NS (60ull * NSEC_PER_SEC)

/* CPU time per node follows a move of the threads within a few evaluations. */
#define CPU_HALF_LIFE_NS (2.0 * 1e9)

/* Reading the mappings of a process takes some hundred microseconds: not for those that hardly run,
 * and not for many at once. */
#define ESTIMATE_CPU_NS 50e6
#define ESTIMATES_MAX   16

/* Moving average of the CPU time per node; the first interval is taken as it is. */
static void average_cpu(const Observer *o, TrackedProcess *p, uint64_t elapsed_ns) {
        double keep = p->cpu_known ? exp2(-(double)elapsed_ns / CPU_HALF_LIFE_NS) : 0;

        for (uint32_t i = 0; i < o->topology->n_nodes; i++) {
                double rate = (double)p->interval_cpu_ns[i] * 1e9 / (double)elapsed_ns;

                p->observed.evidence.cpu_ns[i] =
                        keep * p->observed.evidence.cpu_ns[i] + (1 - keep) * rate;
        }
        p->cpu_known = true;
}

static bool ran(const Observer *o, const TrackedProcess *p) {
        for (uint32_t i = 0; i < o->topology->n_nodes; i++)
                if (p->interval_cpu_ns[i] > 0)
                        return true;
        return p->interval_samples;
}

/* A source that shows now one part of the memory, now another, shows changes where there are none. */
static void watch_change(Observer *o, TrackedProcess *p, const Source *source, uint64_t now_ns) {
        if (!source || !source->type->current)
                change_reset(&p->change);
        else if (change_close(&p->change, now_ns)) {
                tracked_process_changed(p);
                o->ledger.counters.processes_changed++;
        }
}

/* Walks from the most recently active process to the first that is too old. */
void observer_close_interval(Observer *o, uint64_t now_ns, uint64_t elapsed_ns) {
        unsigned estimates = 0;
        Source *source;
        TrackedProcess *p, *older;

        o->n_active = 0;
        for (p = process_table_newest(o->processes); p; p = older) {
                Observed *observed = &p->observed;

                older = p->older;
                if (observed->last_seen_ns == 0 || ran(o, p))
                        observed->last_seen_ns = now_ns;
                if (now_ns - observed->last_seen_ns > FORGET_NS) {
                        observer_remove(o, p);
                        continue;
                }
                if (observed->evidence.updated_ns == 0)
                        observed->evidence.updated_ns = now_ns;
                average_cpu(o, p, elapsed_ns);
                source = p->excluded ? NULL : select_source(o, p, elapsed_ns);
                /* Those asked lately take no turn, or they would always be served before others. */
                if (source && source->type->estimate && estimates < ESTIMATES_MAX &&
                    evidence_cpu_ns(&observed->evidence) >= ESTIMATE_CPU_NS &&
                    source->type->estimate(source, p, now_ns) != -EALREADY)
                        estimates++;
                if (p->interval_samples && observed->evidence.evaluations < UINT32_MAX)
                        observed->evidence.evaluations++;
                watch_change(o, p, source, now_ns);
                memset(p->interval_cpu_ns, 0, sizeof(p->interval_cpu_ns));
                p->interval_samples = false;
                o->active[o->n_active++] = observed;
        }
}
