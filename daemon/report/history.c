/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/history.h"

#include "base/mathx.h"

void history_sample(History *h, const StatusView *s, uint64_t realtime_usec,
                    uint64_t monotonic_usec) {
        const Counters *a = &h->last, *b = &s->counters;

        if (h->started)
                h->rows[h->n_rows++ % HISTORY_ROWS_MAX] = (HistoryRow) {
                        .end_usec = realtime_usec,
                        .interval_usec = sub_sat(monotonic_usec, h->last_monotonic_usec),
                        .samples = sub_sat(b->samples_total, a->samples_total),
                        .lost = sub_sat(b->samples_lost, a->samples_lost),
                        .accesses = sub_sat(b->accesses_total, a->accesses_total),
                        .remote = sub_sat(b->accesses_remote, a->accesses_remote),
                        .pages_moved = sub_sat(b->pages_moved, a->pages_moved),
                        .pages_failed = sub_sat(b->pages_failed, a->pages_failed),
                        .bytes_moved = sub_sat(b->bytes_moved, a->bytes_moved),
                        .migrations_finished =
                                sub_sat(b->migrations_finished, a->migrations_finished),
                        .migrations_failed = sub_sat(b->migrations_failed, a->migrations_failed),
                        .cpu_usec = sub_sat(s->cpu_usage_usec, h->last_cpu_usec),
                        .processes = s->processes_tracked,
                };
        h->last = s->counters;
        h->last_cpu_usec = s->cpu_usage_usec;
        h->last_monotonic_usec = monotonic_usec;
        h->started = true;
}

void history_add_job(History *h, const Outcome *o, uint64_t realtime_usec) {
        size_t kept = h->n_jobs < HISTORY_JOBS_MAX ? h->n_jobs : HISTORY_JOBS_MAX;

        for (size_t i = 1; i <= kept; i++) {
                HistoryJob *j = &h->jobs[(h->n_jobs - i) % HISTORY_JOBS_MAX];

                if (j->outcome.job == o->job) {
                        j->outcome = *o;
                        return;
                }
        }
        h->jobs[h->n_jobs++ % HISTORY_JOBS_MAX] = (HistoryJob) { *o, realtime_usec };
}

const HistoryRow *history_row(const History *h, size_t i) {
        size_t kept = h->n_rows < HISTORY_ROWS_MAX ? h->n_rows : HISTORY_ROWS_MAX;

        return i < kept ? &h->rows[(h->n_rows - kept + i) % HISTORY_ROWS_MAX] : NULL;
}

const HistoryJob *history_job(const History *h, size_t i) {
        size_t kept = h->n_jobs < HISTORY_JOBS_MAX ? h->n_jobs : HISTORY_JOBS_MAX;

        return i < kept ? &h->jobs[(h->n_jobs - 1 - i) % HISTORY_JOBS_MAX] : NULL;
}
