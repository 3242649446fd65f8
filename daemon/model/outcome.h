/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/plan.h"

/* Failure classes of a page or a call; see docs/migration.md for what the engine does with
 * each. FAILURE(NAME, "errno-class name"). */
#define FAILURE_TABLE(FAILURE)                                                                     \
        FAILURE(BUSY, "EBUSY")                                                                     \
        FAILURE(AGAIN, "EAGAIN")                                                                   \
        FAILURE(NOMEM, "ENOMEM")                                                                   \
        FAILURE(ACCES, "EACCES")                                                                   \
        FAILURE(NOENT, "ENOENT")                                                                   \
        FAILURE(FAULT, "EFAULT")                                                                   \
        FAILURE(IO, "EIO")                                                                         \
        FAILURE(INVAL, "EINVAL")                                                                   \
        FAILURE(NODEV, "ENODEV")                                                                   \
        FAILURE(SRCH, "ESRCH")                                                                     \
        FAILURE(PERM, "EPERM")                                                                     \
        FAILURE(OTHER, "other")

typedef enum Failure {
#define FAILURE_ENUM(name, text) FAILURE_##name,
        FAILURE_TABLE(FAILURE_ENUM)
#undef FAILURE_ENUM
                FAILURE_MAX,
} Failure;

/* "EBUSY" ...; "other" for values out of range. */
const char *failure_to_string(Failure failure);

/* Class of a positive errno value. */
Failure failure_from_errno(int error);

typedef enum JobState {
        JOB_QUEUED,
        JOB_RUNNING,
        JOB_WAITING, /* between two passes */
        JOB_FINISHED,
        JOB_STATE_MAX,
} JobState;

const char *job_state_to_string(JobState state);

/* What sets the pace of a job. LIMIT(NAME, "name"). */
#define LIMIT_TABLE(LIMIT)                                                                         \
        LIMIT(NONE, "none")                                                                        \
        LIMIT(BANDWIDTH, "bandwidth") /* migration.bandwidth, migration.bandwidth_max */           \
        LIMIT(CPU, "cpu_percent")     /* migration.cpu_percent */                                  \
        LIMIT(PAUSE, "pause_budget")  /* migration.pause_budget keeps the calls short */           \
        LIMIT(PRESSURE, "pressure")   /* bandwidth, halved under pressure */                       \
        LIMIT(PROGRESS, "progress")   /* the process itself gets less done while its pages move */

typedef enum Limit {
#define LIMIT_ENUM(name, text) LIMIT_##name,
        LIMIT_TABLE(LIMIT_ENUM)
#undef LIMIT_ENUM
                LIMIT_MAX,
} Limit;

/* "bandwidth" ...; "none" for values out of range. */
const char *limit_to_string(Limit limit);

/* A job of the migration engine: its order and what came of it so far. Page counts are base
 * pages. pages_planned = moved + failed + retry + gone + shared once the job is
 * finished. */
typedef struct Outcome {
        uint64_t job; /* 1, 2, ... unique while the daemon runs */
        Move move;
        JobState state;
        Reason reason;          /* of the end: REASON_DONE, _PARTLY, _NO_MEMORY, ... */
        int error;              /* negative errno of a call that ended the job, else 0 */
        uint64_t pages_planned; /* on the source nodes when the job began */
        uint64_t pages_moved;
        uint64_t pages_failed; /* failed for good */
        uint64_t pages_retry;  /* still busy when the job ended, or while it waits */
        uint64_t pages_gone;   /* freed, swapped or unmapped meanwhile */
        uint64_t pages_shared; /* mapped by other processes too: they stay, and are no failure */
        uint64_t bytes_moved;
        uint64_t failures[FAILURE_MAX];     /* attempts at pages (or calls) by class, and */
        uint64_t failed_bytes[FAILURE_MAX]; /* the size of those pages; calls count nothing */
        uint32_t passes;                    /* passes begun */
        uint32_t calls;                     /* page-moving system calls made */
        uint64_t queued_ns;                 /* CLOCK_MONOTONIC */
        uint64_t started_ns;
        uint64_t finished_ns;  /* 0 while not finished */
        uint64_t busy_ns;      /* time inside page-moving system calls */
        Limit limit;           /* what most of its waiting within passes was for */
        uint64_t next_pass_ns; /* when JOB_WAITING: CLOCK_MONOTONIC */
        double remote_after;   /* filled by the manager two evaluations later; NAN = not yet */
} Outcome;

/* The errno that tells best what went wrong: that of the call which ended the job, else of the
 * class with most failures; 0 when nothing failed. */
int outcome_errno(const Outcome *o);

/* Whether nothing is left of what there was to move. */
bool outcome_is_complete(const Outcome *o);
