/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <math.h>
#include <syslog.h>
#include <string.h>
#include <time.h>

#include "manager/internal.h"
#include "manager/rhythm.h"
#include "report/journal.h"
#include "base/clock.h"

/* An evaluation each second while something might be moved, else every five: nothing is lost by
 * finding a misplaced process a few seconds later, and an idle machine stays idle. */
#define TICK_BUSY_USEC  (1000 * 1000ull)
#define TICK_QUIET_USEC (5 * 1000 * 1000ull)

/* Quiet begins when nothing was close to the gates for this long. */
#define QUIET_AFTER_NSEC (10 * NSEC_PER_SEC)

/* Whether something goes on that deserves the short interval; and how well the least known process is known
 * for whose sake it does. */
static bool is_busy(const Manager *m, double *ret_least_samples) {
        double near_remote = m->settings.min_remote_percent / 200;
        bool busy = m->n_pending > 0;

        *ret_least_samples = INFINITY;
        for (size_t i = 0; i < m->plan.n_verdicts; i++) {
                const Verdict *v = &m->plan.verdicts[i];

                if (!v->candidate && !m->views[i].busy && v->reason != REASON_TOO_FEW_SAMPLES &&
                    !(v->remote_share >= near_remote && v->cpu_ns >= 10 * NSEC_PER_MSEC))
                        continue;
                busy = true;
                if (m->views[i].evidence)
                        *ret_least_samples =
                                fmin(*ret_least_samples, m->views[i].evidence->samples);
        }
        return busy;
}

static uint64_t next_interval_usec(Manager *m, uint64_t now_ns) {
        double least_samples;
        bool busy = is_busy(m, &least_samples);

        observer_set_interest(m->observer, busy);
        observer_set_samples(m->observer, least_samples);
        if (busy) {
                m->quiet_since_ns = 0;
                return TICK_BUSY_USEC;
        }
        if (m->quiet_since_ns == 0)
                m->quiet_since_ns = now_ns;
        return now_ns - m->quiet_since_ns >= QUIET_AFTER_NSEC ? TICK_QUIET_USEC : TICK_BUSY_USEC;
}

static void evaluate(Manager *m, uint64_t now_ns) {
        Snapshot snapshot;
        int r;

        r = observer_collect(m->observer, now_ns);
        if (r < 0)
                journal_log(LOG_WARNING, "Samples could not be collected, trying again: %s",
                            strerror(-r));
        r = manager_build_snapshot(m, now_ns, &snapshot);
        if (r < 0) {
                journal_log(LOG_WARNING, "The machine's state could not be read, trying again: %s",
                            strerror(-r));
                return;
        }
        r = decide(&snapshot, m->decide_state, &m->settings, now_ns, &m->plan);
        if (r < 0) {
                journal_log(LOG_ERR, "Out of memory during an evaluation, ignoring it");
                return;
        }
        manager_record_snapshot(m, &snapshot, now_ns);
        m->counters.evaluations++;
        manager_take_verdicts(m, now_ns);
        manager_act(m, now_ns);
        manager_verify_outcomes(m, now_ns);
}

/* The observer may fall back to another source, or come back, by itself. */
static void tell_source(Manager *m) {
        StatusView view;

        if (observer_source(m->observer) == m->source_told)
                return;
        m->source_told = observer_source(m->observer);
        manager_status(m, &view);
        journal_source_changed(&view);
}

static int on_tick(sd_event_source *source, uint64_t usec, void *userdata) {
        Manager *m = userdata;
        uint64_t now_ns;

        /* What ended meanwhile is known before anything is planned again. */
        manager_take_outcomes(m);
        now_ns = clock_monotonic_ns();
        manager_read_kernel(m, now_ns);
        manager_watch_movers(m, now_ns);
        evaluate(m, now_ns);
        tell_source(m);
        manager_update_state(m);

        return rhythm_next(source, next_interval_usec(m, now_ns));
}

int manager_start_tick(Manager *m) {
        m->balancing = -1;
        manager_read_kernel(m, clock_monotonic_ns());
        if (observer_source(m->observer) == SOURCE_NONE)
                return 0; /* nothing to evaluate: no wake-ups at all */
        return rhythm_start(m->event, TICK_BUSY_USEC, on_tick, m, &m->tick_source);
}
