/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/limits.h"
#include "model/outcome.h"
#include "model/view.h"

/* What happened lately: one row per interval, and the jobs that ended. Pure; reads no clock. */

#define HISTORY_INTERVAL_USEC UINT64_C(10000000)
#define HISTORY_ROWS_MAX      360 /* one hour of intervals */

/* What was counted in one interval. */
typedef struct HistoryRow {
        uint64_t end_usec; /* CLOCK_REALTIME */
        uint64_t interval_usec;
        uint64_t samples;
        uint64_t lost;
        uint64_t accesses;
        uint64_t remote;
        uint64_t pages_moved;
        uint64_t pages_failed;
        uint64_t bytes_moved;
        uint64_t migrations_finished;
        uint64_t migrations_failed;
        uint64_t cpu_usec;
        uint32_t processes; /* watched at its end */
} HistoryRow;

typedef struct HistoryJob {
        Outcome outcome;
        uint64_t end_usec; /* CLOCK_REALTIME */
} HistoryJob;

/* Zero-initialise (about 1 MB, of which only what is used is touched when it comes from calloc). */
typedef struct History {
        HistoryRow rows[HISTORY_ROWS_MAX];
        size_t n_rows; /* ever made; the last HISTORY_ROWS_MAX are kept */
        HistoryJob jobs[HISTORY_JOBS_MAX];
        size_t n_jobs; /* ever ended; the last HISTORY_JOBS_MAX are kept */
        Counters last; /* at the end of the last interval */
        uint64_t last_cpu_usec;
        uint64_t last_monotonic_usec;
        bool started;
} History;

/* Ends an interval: the difference to the last call becomes a row. The first call only begins. */
void history_sample(History *h, const StatusView *s, uint64_t realtime_usec,
                    uint64_t monotonic_usec);

/* Takes a job that ended; one that is known already (verified since) is brought up to date. */
void history_add_job(History *h, const Outcome *o, uint64_t realtime_usec);

/* Rows from the oldest (0) on, jobs from the latest (0) on; NULL beyond the end. */
const HistoryRow *history_row(const History *h, size_t i);
const HistoryJob *history_job(const History *h, size_t i);
