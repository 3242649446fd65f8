/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "migrate/chunk.h"
#include "migrate/crew.h"
#include "migrate/found.h"
#include "migrate/mover.h"
#include "migrate/negative.h"
#include "migrate/pace.h"
#include "migrate/progress.h"
#include "migrate/scan.h"
#include "migrate/worklist.h"

/* One job: passes over the pages of a process until nothing is left to move, or something ends it.
 * job_run() does as much as it may and says how to go on; it never waits between passes, so one
 * worker serves many jobs. */

typedef enum JobStage {
        STAGE_COUNT,   /* counts the pages on the source nodes */
        STAGE_BEGIN,   /* begins a pass */
        STAGE_SWEEP,   /* migrate_pages(2) */
        STAGE_RECOUNT, /* counts again to see what the first sweep did */
        STAGE_PAGES,   /* move_pages(2) over the pages found (first pass) or left over */
} JobStage;

typedef enum JobResult {
        JOB_SUSPENDED, /* interrupted: call again when it may go on */
        JOB_WAITS,     /* next pass at outcome.next_pass_ns */
        JOB_ENDED,     /* outcome is final */
} JobResult;

/* Huge pages are found by trying: the first page of a unit is moved, and the rest came along or
 * not. */
typedef struct HugeGuess {
        uint32_t units;   /* to try in the next call; doubles while all of them are huge */
        uint32_t skip;    /* full units to take as base pages before the next try */
        uint32_t penalty; /* skip after the next failure */
} HugeGuess;

typedef struct Job {
        Outcome outcome; /* the worker's own; see JobEnv.publish */
        Settings settings;
        PaceOrder order;
        uint64_t waited_ns[LIMIT_MAX]; /* within passes */
        Progress progress;             /* of the process */
        uint64_t braked_until_ns;      /* because of it */
        JobStage stage;
        Reason ending; /* not NONE: why the job ends once its pages are accounted for */
        int fd;        /* of MoverKernel.attach, or its errno */
        Walk walk;     /* what the order is about */
        Scan scan;
        bool scan_ended;                /* nothing is left of it */
        bool walked;                    /* once; what was found is known */
        bool swept_clean;               /* the sweep says that no page stayed behind */
        bool scanned;                   /* by the first pass: everything was tried */
        Found found;                    /* what waits to be tried */
        uint64_t found_pages;           /* by the first walk so far */
        uint64_t source_pages;          /* when it ended: what is to be moved, */
        uint64_t target_pages;          /* what is there already, */
        uint64_t all_pages;             /* and on all nodes */
        uint64_t skipped[NEGATIVE_MAX]; /* units left alone because of what earlier jobs met */
        uint64_t scan_ns;               /* spent in scanning since the last rest for it */
        Help ahead;              /* another thread that walks ahead; until it is waited for */
        int ahead_result;        /* the fields above from scan on are its own; as job_find() */
        uint64_t ahead_after_ns; /* when it may go on */
        WorkUnit unit;           /* the scan's last, taken from unit_page on */
        uint32_t unit_page;
        bool unit_fresh; /* nothing of it was tried */
        /* Units that come next: what is left of those that were not huge, without their first page,
         * and perhaps the one behind them, which then is full if it was not tried. */
        WorkUnit rest[CHUNK_UNITS_MAX + 1];
        uint32_t n_rest;
        HugeGuess huge;
        WorkList left;    /* pages to try again */
        WorkList shared;  /* and those that others map, where they may be moved later */
        Chunk chunk;      /* of the next call */
        bool refused_all; /* moving them was refused */
        bool filled;      /* chunk waits for the pace, */
        bool stale;       /* and has waited through an interruption */
        atomic_bool cancelled;
} Job;

/* What a job works with. Borrowed. */
typedef struct JobEnv {
        const MoverKernel *kernel;
        Crew *crew;
        pthread_mutex_t *share_lock; /* of pace and negative */
        Pace *pace;
        Negative *negative;
        const atomic_bool *interrupt; /* stop at the next opportunity: paused or shutting down */
        int wake_fd;                  /* readable when interrupt or a job's cancelled was set */
        void (*publish)(void *userdata, const Job *job); /* after each call */
        void *userdata;
} JobEnv;

/* Takes the walk, and fd: of MoverKernel.attach, or its errno, with which the job will end. -ENOMEM:
 * they stay the caller's. */
int job_init(Job *job, uint64_t id, const Move *move, Walk walk, int fd, uint64_t now_ns,
             uint64_t page_bytes);
/* What the process has done until now; false: it cannot be told. */
bool job_sample(const MoverKernel *kernel, pid_t pid, ProgressSample *ret);

void job_done(Job *job, const MoverKernel *kernel);

/* Sleeps until then or until the worker is woken. */
void job_sleep_until(const JobEnv *env, uint64_t until_ns);

/* Goes on with the job until it waits, ends or is interrupted. */
JobResult job_run(Job *job, const JobEnv *env);
