/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/job.h"

#include <errno.h>
#include <string.h>

#include "base/mathx.h"
#include "migrate/backoff.h"
#include "migrate/job-internal.h"

int job_init(Job *job, uint64_t id, const Move *move, Walk walk, int fd, uint64_t now_ns,
             uint64_t page_bytes) {
        memset(job, 0, sizeof(*job));
        if (found_init(&job->found) < 0)
                return -ENOMEM;
        job->outcome = (Outcome) {
                .job = id,
                .move = *move,
                .state = JOB_QUEUED,
                .queued_ns = now_ns,
        };
        job->outcome.move.ranges = NULL;
        job->walk = walk;
        job->fd = fd;
        job->unit_page = UNIT_PAGES;
        worklist_init(&job->left, page_bytes);
        worklist_init(&job->shared, page_bytes);
        job->ahead_result = 1;
        return 0;
}

void job_done(Job *job, const MoverKernel *kernel) {
        if (job->fd >= 0)
                kernel->detach(kernel->userdata, job->fd);
        job->fd = -1;
        walk_done(&job->walk);
        found_done(&job->found);
        worklist_done(&job->left);
        worklist_done(&job->shared);
}

/* A cancelled job still finds out what its sweep has moved. */
static bool job_cancelled(const Job *job) {
        return atomic_load(&job->cancelled) && job->stage != STAGE_RECOUNT;
}

bool job_interrupted(const Job *job, const JobEnv *env) {
        return atomic_load(env->interrupt) || job_cancelled(job);
}

/* Distributes what is not settled yet so that planned = moved + failed + retry + gone + shared. */
static void job_settle(Job *job, Reason reason) {
        Outcome *o = &job->outcome;
        uint64_t settled = o->pages_moved + o->pages_failed + o->pages_gone + o->pages_shared;
        uint64_t left = job->left.n_pages + job_pages_in_hand(job);

        o->pages_shared += job->shared.n_pages;
        settled += job->shared.n_pages;

        /* Not all of it was walked: what the order expected, or more was found. */
        if (!job->walked && o->pages_planned < job->found_pages)
                o->pages_planned = job->found_pages;
        /* Pages that appeared on the sources after the count were planned and handled as well. */
        if (settled + left > o->pages_planned)
                o->pages_planned = settled + left;

        uint64_t rest = o->pages_planned - settled;
        o->pages_retry = 0; /* of the last pass */
        if (reason == REASON_PROCESS_GONE)
                o->pages_gone += rest;
        else {
                /* Every page was looked at: what is neither settled nor left has been freed. */
                o->pages_retry = job->scanned ? left : rest;
                o->pages_gone += rest - o->pages_retry;
        }
}

static void job_remember(const Job *job, const JobEnv *env, WorkList *list, NegativeKind kind) {
        worklist_rewind(list);
        for (size_t i = 0; i < list->n_units; i++)
                job_add_negative(job, env, list->units[i].base, kind);
}

JobResult job_end(Job *job, const JobEnv *env, Reason reason, int error) {
        Outcome *o = &job->outcome;

        job_find_stop(job, env);
        job_settle(job, reason);
        /* What stayed behind is left alone by the next jobs. */
        if (reason == REASON_PARTLY || reason == REASON_PASSES_EXHAUSTED)
                job_remember(job, env, &job->left, NEGATIVE_FAILED);
        if (reason != REASON_CANCELLED)
                job_remember(job, env, &job->shared, NEGATIVE_SHARED);
        o->state = JOB_FINISHED;
        o->reason = reason;
        o->error = error;
        o->next_pass_ns = 0;
        o->finished_ns = job_now(env);
        if (o->started_ns == 0)
                o->started_ns = o->finished_ns;
        job_done(job, env->kernel);
        return JOB_ENDED;
}

Reason job_reason(const Job *job) {
        const Outcome *o = &job->outcome;

        if (job->ending != REASON_NONE)
                return job->ending;
        if (job->left.n_pages > 0 || o->pages_failed > 0)
                return o->pages_moved > 0      ? REASON_PARTLY
                       : job->left.n_pages > 0 ? REASON_PASSES_EXHAUSTED
                                               : REASON_UNMOVABLE;
        /* Pages of other processes, too, are not this one's to move: without them it is done. */
        if (o->pages_moved > 0)
                return REASON_DONE;
        if (job->skipped[NEGATIVE_FAILED] > 0)
                return REASON_UNMOVABLE;
        if (o->pages_shared > 0 || job->skipped[NEGATIVE_SHARED] > 0)
                return REASON_SHARED;
        return REASON_NOTHING_TO_DO;
}

Reason job_error_reason(int error) {
        switch (error) {
        case 0:
        case -EINTR:
        case -EAGAIN:
        case -EBUSY:
        case -ENOENT: /* "nothing to move", from old kernels */
                return REASON_NONE;
        case -ENOMEM:
                return REASON_NO_MEMORY;
        case -ESRCH:
        case -EINVAL: /* the arguments are ours and right, so it has no address space any more */
                return REASON_PROCESS_GONE;
        case -EPERM:
                return REASON_FORBIDDEN;
        case -EACCES: /* the target is not among the nodes of its cpuset */
                return REASON_NO_TARGET;
        default:
                return REASON_ERROR;
        }
}

/* The quiet end of a process is no error worth keeping. */
JobResult job_fail(Job *job, const JobEnv *env, int error) {
        Reason reason = job_error_reason(error);

        if (reason == REASON_NONE)
                reason = REASON_ERROR;
        return job_end(job, env, reason, reason == REASON_PROCESS_GONE ? 0 : error);
}

/* Books what became of pages, and the calls. */
static void job_book(Job *job, const JobEnv *env, const ChunkResult *result) {
        Outcome *o = &job->outcome;

        o->pages_moved += result->pages[PAGE_MOVED];
        o->pages_gone += result->pages[PAGE_GONE];
        o->pages_failed += result->pages[PAGE_REFUSED];
        for (int i = 0; i < FAILURE_MAX; i++) {
                o->failures[i] += result->failures[i];
                o->failed_bytes[i] += result->failed_pages[i] * env->kernel->page_bytes;
        }
        o->calls += result->calls;
        o->busy_ns += result->busy_ns;
        o->bytes_moved = o->pages_moved * env->kernel->page_bytes;
}

bool job_moves_shared(const Job *job, const JobEnv *env) {
        return job->settings.move_shared && env->kernel->may_move_all && !job->refused_all;
}

/* What becomes of one page that stayed behind: it goes back on a list, or fails when that has no room.
 * Units with pages that failed for good are left alone by later jobs. */
static void job_keep(Job *job, const JobEnv *env, uint64_t address, PageClass class) {
        Outcome *o = &job->outcome;
        uint64_t base = address - address % ((uint64_t)UNIT_PAGES * env->kernel->page_bytes);

        if (class == PAGE_RETRY) {
                WorkList *list = job->chunk.all ? &job->shared : &job->left;
                if (worklist_add(list, address) < 0)
                        o->pages_failed++;
        } else if (class == PAGE_SHARED) {
                if (!job->chunk.all && job_moves_shared(job, env) &&
                    worklist_add(&job->shared, address) >= 0)
                        return;
                o->pages_shared++;
                job_add_negative(job, env, base, NEGATIVE_SHARED);
        } else if (class == PAGE_REFUSED)
                job_add_negative(job, env, base, NEGATIVE_FAILED);
}

static void job_sort_chunk(Job *job, const JobEnv *env) {
        const Chunk *c = &job->chunk;

        for (uint32_t i = 0; i < c->n; i++)
                job_keep(job, env, c->address[i], c->page[i]);
}

static JobResult job_end_pass(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;

        worklist_rewind(&job->left);
        worklist_rewind(&job->shared);
        if (job->ending != REASON_NONE || job->left.n_pages + job->shared.n_pages == 0 ||
            o->passes >= job->settings.passes)
                return job_end(job, env, job_reason(job), o->error);

        job->stage = STAGE_BEGIN;
        o->state = JOB_WAITING;
        o->pages_retry = job->left.n_pages;
        o->next_pass_ns = add_sat(job_now(env), backoff_delay_ns(job->settings.backoff_ns,
                                                                 job->settings.backoff_max_ns,
                                                                 o->passes, o->job));
        return JOB_WAITS;
}

/* Waits for the pace and moves the pages of the chunk. 1, 0 when interrupted before, -ESRCH when the
 * process is gone, or the errno of a query. */
static int job_try_chunk(Job *job, const JobEnv *env, ChunkResult *result) {
        PaceCharge charge;

        if (!job_wait_pace(job, env, job_call_kind(job), job->chunk.n, &charge))
                return 0;
        if (job_is_gone(job, env)) {
                job_charge(job, env, &charge, 0, 0);
                return -ESRCH;
        }
        int r = job_move(job, env, result);
        job_charge(job, env, &charge, result->busy_ns, result->pages[PAGE_MOVED]);
        job_watch_call(job, env, result->busy_ns);
        if (job_is_gone(job, env))
                return -ESRCH;
        return r < 0 ? r : 1;
}

/* MPOL_MF_MOVE_ALL was refused although the capability seemed to be there (a user namespace, a security
 * module): these pages stay, that is all. */
static void job_take_refusal(Job *job, ChunkResult *result) {
        Chunk *c = &job->chunk;

        if (!c->all || result->error != -EPERM)
                return;
        result->error = 0;
        job->refused_all = true;
        for (uint32_t i = 0; i < c->n; i++)
                if (c->page[i] == PAGE_RETRY)
                        c->page[i] = PAGE_SHARED;
}

/* The chunk that is filled: JOB_SUSPENDED to go on, or when interrupted. */
static JobResult job_move_chunk(Job *job, const JobEnv *env) {
        Chunk *c = &job->chunk;
        ChunkResult result = { 0 };
        int r = 0;

        if (c->n > 0 && job->ending == REASON_NONE) {
                r = job_try_chunk(job, env, &result);
                if (r == 0) {
                        job->stale = true;
                        return JOB_SUSPENDED;
                }
                if (r == -ESRCH)
                        return job_end(job, env, REASON_PROCESS_GONE, 0);
        } else {
                for (uint32_t i = 0; i < c->n; i++)
                        c->page[i] = PAGE_RETRY;
        }
        job->filled = false;
        job_take_refusal(job, &result);
        job_book(job, env, &result);
        job_sort_chunk(job, env);
        env->publish(env->userdata, job);

        if (r < 0)
                return job_fail(job, env, r);
        if (job_error_reason(result.error) != REASON_NONE)
                return job_fail(job, env, result.error);
        return JOB_SUSPENDED;
}

/* A chunk to move: 1, 0 at the end of the pass, negative errno. */
static int job_prepare_chunk(Job *job, const JobEnv *env) {
        ChunkResult result = { 0 };
        int r = 1;

        if (!job->filled) {
                r = job_fill(job, env, &result);
                job->filled = r > 0;
        } else if (job->stale && !job->chunk.huge) {
                /* Much may have happened since it was filled. Huge pages are looked at page by page
                 * after the call anyway. */
                int q = chunk_filter(&job->chunk, env->kernel, &result);
                r = q < 0 ? q : 1;
        }
        job->stale = false;
        job_book(job, env, &result);
        return r;
}

static JobResult job_pages(Job *job, const JobEnv *env) {
        while (!job_interrupted(job, env)) {
                int r = job_prepare_chunk(job, env);
                if (r < 0)
                        return job_fail(job, env, r);
                if (r == 0)
                        return job_end_pass(job, env);
                JobResult result = job_move_chunk(job, env);
                if (result != JOB_SUSPENDED)
                        return result;
        }
        return JOB_SUSPENDED;
}

static void job_begin_pass(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;

        o->passes++;
        o->state = JOB_RUNNING;
        o->next_pass_ns = 0;
        job->order = pace_order(&job->settings, &o->move);
        job_watch_pass(job, env);
        job->stage = job_wants_sweep(job, env) ? STAGE_SWEEP : STAGE_PAGES;
        env->publish(env->userdata, job);
}

static void job_begin(Job *job, const JobEnv *env) {
        job->outcome.started_ns = job_now(env);
        job->outcome.state = JOB_RUNNING;
        job_scan_again(job, env);
        env->publish(env->userdata, job);
}

JobResult job_run(Job *job, const JobEnv *env) {
        if (job->outcome.started_ns == 0) {
                job_begin(job, env);
                if (job->ending == REASON_NO_MEMORY && !job_cancelled(job))
                        return job_fail(job, env, -ENOMEM);
                if (job->fd < 0 && !job_cancelled(job))
                        return job_fail(job, env, job->fd);
        }
        for (;;) {
                JobResult r = JOB_SUSPENDED;

                if (job_cancelled(job))
                        return job_end(job, env, REASON_CANCELLED, 0);
                if (atomic_load(env->interrupt))
                        return JOB_SUSPENDED;
                if (job_is_gone(job, env))
                        return job_end(job, env, REASON_PROCESS_GONE, 0);
                switch (job->stage) {
                case STAGE_COUNT:
                case STAGE_RECOUNT:
                        r = job_count(job, env);
                        break;
                case STAGE_BEGIN:
                        job_begin_pass(job, env);
                        break;
                case STAGE_SWEEP:
                        r = job_sweep(job, env);
                        break;
                case STAGE_PAGES:
                        r = job_pages(job, env);
                        break;
                }
                if (r != JOB_SUSPENDED)
                        return r;
        }
}
