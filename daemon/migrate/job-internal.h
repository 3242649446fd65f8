/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "migrate/job.h"

/* Shared by the files of a job. */

static inline uint64_t job_now(const JobEnv *env) {
        return env->kernel->now_ns(env->kernel->userdata);
}

static inline bool job_is_gone(const Job *job, const JobEnv *env) {
        return env->kernel->check(env->kernel->userdata, job->fd) < 0;
}

/* Whether the job must stop where it is: cancelled, paused, shutting down. */
bool job_interrupted(const Job *job, const JobEnv *env);

/* Waits for the pace. False when interrupted. */
bool job_wait_pace(Job *job, const JobEnv *env);

/* Rests in proportion to busy_ns of work that is no call, or until interrupted. */
void job_rest(Job *job, const JobEnv *env, uint64_t busy_ns);

/* Reason of a job that went over its pages until the end. */
Reason job_reason(const Job *job);

/* Reason why an error of a whole call or of a query ends the job; NONE when it does not. */
Reason job_error_reason(int error);

/* Ends the job for that reason, or because of that error. */
JobResult job_end(Job *job, const JobEnv *env, Reason reason, int error);
JobResult job_fail(Job *job, const JobEnv *env, int error);

/* job-fill.c */

void job_scan_again(Job *job, const JobEnv *env);

/* As scan_next(), without units that are left alone. */
int job_scan_next(Job *job, const JobEnv *env, WorkUnit *ret);

/* Fills the chunk from the scan (first pass) or the list: 1 and a chunk, perhaps empty; 0 at the end
 * of the pass; negative errno. Pages that are where they belong meanwhile are booked in *result. */
int job_fill(Job *job, const JobEnv *env, ChunkResult *result);

/* Moves the pages of the chunk and learns what a call costs. Result as chunk_move(). */
int job_move(Job *job, const JobEnv *env, ChunkResult *result);

/* Pages that were found and not yet given to a call. */
uint64_t job_pages_in_hand(const Job *job);

/* job-sweep.c */

/* Whether the pass that begins should call migrate_pages(2). */
bool job_wants_sweep(const Job *job, const JobEnv *env);

/* STAGE_SWEEP: JOB_ENDED, or JOB_SUSPENDED to go on with job->stage. */
JobResult job_sweep(Job *job, const JobEnv *env);

/* STAGE_COUNT and STAGE_RECOUNT: the same. */
JobResult job_count(Job *job, const JobEnv *env);
