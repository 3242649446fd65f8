/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

#include "migrate/chunk.h"
#include "migrate/mover.h"
#include "migrate/pace.h"
#include "migrate/scan.h"
#include "migrate/worklist.h"

/* One job: passes over the pages of a process until nothing is left to move, or something ends it.
 * job_run() does as much as it may and says how to go on; it never waits between passes, so one
 * worker serves many jobs. */

/* How whole-process and page-by-page calls are combined. */
typedef enum MoveMethod {
        METHOD_MIGRATE_PAGES, /* each pass begins with migrate_pages(2) */
        METHOD_MOVE_PAGES,    /* move_pages(2) only */
        METHOD_MAX,
} MoveMethod;

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

typedef struct Job {
        Outcome outcome; /* the worker's own; see JobEnv.publish */
        Settings settings;
        MoveMethod method;
        JobStage stage;
        Reason ending; /* not NONE: why the job ends once its pages are accounted for */
        Scan scan;
        WorkUnit unit; /* found by the scan, taken from unit_page on */
        uint32_t unit_page;
        bool scanned;          /* all mappings were seen by the first pass */
        uint64_t source_pages; /* of the first count */
        uint64_t target_pages;
        WorkList left; /* pages to try again */
        atomic_bool cancelled;
} Job;

/* What a job works with. Borrowed. */
typedef struct JobEnv {
        const MoverKernel *kernel;
        Pace *pace;
        Chunk *chunk;                 /* scratch */
        const atomic_bool *interrupt; /* stop at the next opportunity: paused or shutting down */
        int wake_fd;                  /* readable when interrupt or a job's cancelled was set */
        void (*publish)(void *userdata, const Job *job); /* after each call */
        void *userdata;
} JobEnv;

void job_init(Job *job, uint64_t id, const Move *move, MoveMethod method, uint64_t now_ns,
              uint64_t page_bytes);
void job_done(Job *job);

/* Sleeps until then or until the worker is woken. */
void job_sleep_until(const JobEnv *env, uint64_t until_ns);

/* Goes on with the job until it waits, ends or is interrupted. */
JobResult job_run(Job *job, const JobEnv *env);
