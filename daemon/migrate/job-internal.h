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

/* Whether pages that others map are tried, too, from the third pass on. */
bool job_moves_shared(const Job *job, const JobEnv *env);

/* Reason of a job that went over its pages until the end. */
Reason job_reason(const Job *job);

/* Reason why an error of a whole call or of a query ends the job; NONE when it does not. */
Reason job_error_reason(int error);

/* Ends the job for that reason, or because of that error. */
JobResult job_end(Job *job, const JobEnv *env, Reason reason, int error);
JobResult job_fail(Job *job, const JobEnv *env, int error);

/* job-pace.c: everything that jobs share, behind env->share_lock. */

/* Waits until a call over n units of that kind may begin, and charges what it is expected to take.
 * False when interrupted. */
bool job_wait_pace(Job *job, const JobEnv *env, CallKind kind, uint64_t n, PaceCharge *ret);

/* The call took busy_ns and moved so many pages. */
void job_charge(Job *job, const JobEnv *env, const PaceCharge *charge, uint64_t busy_ns,
                uint64_t pages);

/* So many pages were moved by a call that was charged without them. */
void job_account_pages(Job *job, const JobEnv *env, uint64_t pages);

/* Rests in proportion to busy_ns of work that is no call, or until interrupted. */
void job_rest(Job *job, const JobEnv *env, uint64_t busy_ns);

/* A pass begins, a call that took busy_ns has ended: how the process fares, and whether to go slower. */
void job_watch_pass(Job *job, const JobEnv *env);
void job_watch_call(Job *job, const JobEnv *env, uint64_t busy_ns);

/* As their namesakes in pace.h and negative.h. */
uint32_t job_chunk_size(const Job *job, const JobEnv *env, CallKind kind);
void job_learn(const Job *job, const JobEnv *env, CallKind kind, uint64_t n, uint64_t busy_ns);
void job_learn_sweep(const JobEnv *env, uint64_t n, uint64_t busy_ns);
uint64_t job_estimate_sweep_ns(const JobEnv *env, uint64_t n);
NegativeKind job_find_negative(const Job *job, const JobEnv *env, uint64_t base);
void job_add_negative(const Job *job, const JobEnv *env, uint64_t base, NegativeKind kind);

/* job-find.c */

void job_scan_again(Job *job, const JobEnv *env);

/* The next unit of the walk, from what was found ahead or by walking on: 1, 0 at the end, -EAGAIN
 * when there may be more, or what the kernel said. */
int job_find(Job *job, const JobEnv *env, WorkUnit *ret);

/* Has another thread look ahead, where one has time. What went wrong there, else 0. */
int job_find_ahead(Job *job, const JobEnv *env);

/* Waits until nobody looks ahead. */
void job_find_stop(Job *job, const JobEnv *env);

/* STAGE_COUNT and STAGE_RECOUNT: JOB_ENDED, or JOB_SUSPENDED to go on with job->stage. */
JobResult job_count(Job *job, const JobEnv *env);

/* job-fill.c */

/* Fills the chunk from what is found (first pass) or the list: 1 and a chunk, perhaps empty; 0 at the
 * end of the pass; negative errno. Pages that are where they belong meanwhile are booked in *result.
 */
int job_fill(Job *job, const JobEnv *env, ChunkResult *result);

/* What kind of call the chunk is. */
CallKind job_call_kind(const Job *job);

/* Moves the pages of the chunk and learns what a call costs. Result as chunk_move(). */
int job_move(Job *job, const JobEnv *env, ChunkResult *result);

/* Pages that were found and not yet given to a call. */
uint64_t job_pages_in_hand(Job *job);

/* job-sweep.c */

/* Whether all passes begin with migrate_pages(2), if it does not take too long. */
bool job_sweeps_always(const Job *job);

/* Whether everything is to go by one migrate_pages(2) if that does not take too long: there is no
 * pause budget. */
bool job_sweeps_first(const Job *job, const JobEnv *env);

/* Whether migrate_pages(2) may be called for so many pages. */
bool job_may_sweep(const Job *job, const JobEnv *env, uint64_t pages);

/* Whether the pass that begins should call migrate_pages(2). */
bool job_wants_sweep(const Job *job, const JobEnv *env);

/* STAGE_SWEEP: as job_count(). */
JobResult job_sweep(Job *job, const JobEnv *env);

/* After the first sweep so many pages are left on the sources: books the others. As job_count(). */
JobResult job_account_sweep(Job *job, const JobEnv *env, uint64_t left);
