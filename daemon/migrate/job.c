/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/job.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/mathx.h"
#include "migrate/backoff.h"

void job_init(Job *job, uint64_t id, const Move *move, MoveMethod method, uint64_t now_ns,
              uint64_t page_bytes) {
        memset(job, 0, sizeof(*job));
        job->outcome = (Outcome) {
                .job = id,
                .move = *move,
                .state = JOB_QUEUED,
                .queued_ns = now_ns,
        };
        job->method = method;
        job->unit_page = UNIT_PAGES;
        worklist_init(&job->left, page_bytes);
}

void job_done(Job *job) {
        worklist_done(&job->left);
}

static uint64_t job_now(const JobEnv *env) {
        return env->kernel->now_ns(env->kernel->userdata);
}

/* A cancelled job still finds out what its sweep has moved. */
static bool job_cancelled(const Job *job) {
        return atomic_load(&job->cancelled) && job->stage != STAGE_RECOUNT;
}

static bool job_interrupted(const Job *job, const JobEnv *env) {
        return atomic_load(env->interrupt) || job_cancelled(job);
}

/* Distributes what is not settled yet so that planned = moved + failed + retry + gone. */
static void job_settle(Job *job, Reason reason) {
        Outcome *o = &job->outcome;
        uint64_t settled = o->pages_moved + o->pages_failed + o->pages_gone;

        /* Pages that appeared on the sources after the count were planned and handled as well. */
        if (settled + job->left.n_pages > o->pages_planned)
                o->pages_planned = settled + job->left.n_pages;

        uint64_t rest = o->pages_planned - settled;
        if (reason == REASON_PROCESS_GONE)
                o->pages_gone += rest;
        else {
                /* Every page was looked at: what is neither settled nor left has been freed. */
                o->pages_retry = job->scanned ? job->left.n_pages : rest;
                o->pages_gone += rest - o->pages_retry;
        }
}

static JobResult job_end(Job *job, const JobEnv *env, Reason reason, int error) {
        Outcome *o = &job->outcome;

        job_settle(job, reason);
        o->state = JOB_FINISHED;
        o->reason = reason;
        o->error = error;
        o->next_pass_ns = 0;
        o->finished_ns = job_now(env);
        worklist_done(&job->left);
        return JOB_ENDED;
}

/* Reason of a job that went over its pages until the end. */
static Reason job_reason(const Job *job) {
        const Outcome *o = &job->outcome;

        if (job->ending != REASON_NONE)
                return job->ending;
        if (job->left.n_pages == 0 && o->pages_failed == 0)
                return REASON_DONE;
        if (o->pages_moved > 0)
                return REASON_PARTLY;
        return job->left.n_pages > 0 ? REASON_PASSES_EXHAUSTED : REASON_UNMOVABLE;
}

/* Whether an error of a whole call (or of a query) ends the job, and why. */
static Reason error_reason(int error) {
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
static JobResult job_fail(Job *job, const JobEnv *env, int error) {
        Reason reason = error_reason(error);

        if (reason == REASON_NONE)
                reason = REASON_ERROR;
        return job_end(job, env, reason, reason == REASON_PROCESS_GONE ? 0 : error);
}

static bool job_is_gone(const Job *job, const JobEnv *env) {
        return env->kernel->check(env->kernel->userdata, job->outcome.move.id) < 0;
}

void job_sleep_until(const JobEnv *env, uint64_t until_ns) {
        eventfd_t ignored;

        env->kernel->sleep_until(env->kernel->userdata, until_ns, env->wake_fd);
        (void)eventfd_read(env->wake_fd, &ignored);
}

/* Waits for the pace. False when interrupted. */
static bool job_wait_pace(Job *job, const JobEnv *env) {
        while (!job_interrupted(job, env)) {
                if (job_now(env) >= env->pace->not_before_ns)
                        return true;
                job_sleep_until(env, env->pace->not_before_ns);
        }
        return false;
}

static uint64_t scan_source_pages(const Scan *s, NodeMask from) {
        uint64_t n = 0;

        for (int i = 0; i < NODES_MAX; i++)
                if (node_mask_has(from, i))
                        n += s->pages[i];
        return n;
}

/* Runs the scan to its end without moving: 1 done, 0 interrupted, negative errno. */
static int job_count(Job *job, const JobEnv *env) {
        WorkUnit unit;

        for (;;) {
                int r = scan_next(&job->scan, job->outcome.move.from, &unit);
                if (r == 0)
                        return 1;
                if (r < 0 && r != -EAGAIN)
                        return r;
                if (job_interrupted(job, env))
                        return 0;
        }
}

static void job_scan_again(Job *job, const JobEnv *env) {
        scan_start(&job->scan, env->kernel, job->outcome.move.id.pid);
        job->unit_page = UNIT_PAGES;
}

/* After the first sweep: what left the sources was moved as far as the target grew, else freed. */
static void job_account_sweep(Job *job) {
        Outcome *o = &job->outcome;
        uint64_t left = scan_source_pages(&job->scan, o->move.from);
        uint64_t went = sub_sat(job->source_pages, left);
        uint64_t came = sub_sat(job->scan.pages[o->move.to], job->target_pages);
        uint64_t moved = went < came ? went : came;

        o->pages_moved += moved;
        o->pages_gone += went - moved;
}

/* migrate_pages(2) says -EPERM also for a target outside the cpuset of the process, and -EINVAL
 * also for a target outside ours; a query tells them apart. */
static int sweep_error(const Job *job, const JobEnv *env, int error) {
        uint64_t address = 0;
        int32_t node;

        if (error != -EPERM && error != -EINVAL)
                return error;
        int r = env->kernel->query_pages(env->kernel->userdata, job->outcome.move.id.pid, &address,
                                         1, &node);
        if (r < 0)
                return r;
        return -EACCES;
}

/* JOB_ENDED, or JOB_SUSPENDED to go on with job->stage. */
static JobResult job_sweep(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;
        const MoverKernel *k = env->kernel;

        if (!job_wait_pace(job, env))
                return JOB_SUSPENDED;
        if (job_is_gone(job, env))
                return job_end(job, env, REASON_PROCESS_GONE, 0);

        uint64_t begin = job_now(env);
        int64_t r = k->migrate_pages(k->userdata, o->move.id.pid, o->move.from, o->move.to);
        uint64_t end = job_now(env), busy = sub_sat(end, begin);
        o->calls++;
        o->busy_ns += busy;
        pace_account(env->pace, end, busy, job->settings.cpu_percent);

        if (job_is_gone(job, env))
                return job_end(job, env, REASON_PROCESS_GONE, 0);
        if (r < 0) {
                int error = sweep_error(job, env, (int)r);
                o->failures[failure_from_errno((int)-r)]++;
                Reason reason = error_reason(error);
                if (reason != REASON_NONE && reason != REASON_NO_MEMORY)
                        return job_fail(job, env, error);
                job->ending = reason;
                o->error = reason == REASON_NONE ? 0 : error;
        }
        job->stage = job->scanned ? STAGE_PAGES : STAGE_RECOUNT;
        if (!job->scanned)
                job_scan_again(job, env);
        return JOB_SUSPENDED;
}

/* Fills the chunk from the scan. 0 or more pages, 0 at the end; -EAGAIN when there may be more. */
static int chunk_fill_scan(Job *job, const JobEnv *env, uint32_t wanted) {
        Chunk *c = env->chunk;

        while (c->n < wanted) {
                if (job->unit_page >= UNIT_PAGES) {
                        int r = scan_next(&job->scan, job->outcome.move.from, &job->unit);
                        if (r == -EAGAIN && c->n > 0)
                                break;
                        if (r < 0)
                                return r;
                        if (r == 0) {
                                job->scanned = true;
                                break;
                        }
                        job->unit_page = 0;
                }
                c->n += unit_take(&job->unit, &job->unit_page, env->kernel->page_bytes,
                                  c->address + c->n, wanted - c->n);
        }
        return (int)c->n;
}

/* Books the result; pages to retry go back on the list, or fail when it has no room. */
static void job_account(Job *job, const Chunk *c, const ChunkResult *result, uint64_t page_bytes) {
        Outcome *o = &job->outcome;

        o->pages_moved += result->pages[PAGE_MOVED];
        o->pages_gone += result->pages[PAGE_GONE];
        o->pages_failed += result->pages[PAGE_SHARED] + result->pages[PAGE_REFUSED];
        for (uint32_t i = 0; i < c->n; i++)
                if (c->page[i] == PAGE_RETRY && worklist_add(&job->left, c->address[i]) < 0)
                        o->pages_failed++;
        for (int i = 0; i < FAILURE_MAX; i++)
                o->failures[i] += result->failures[i];
        o->calls += result->calls;
        o->busy_ns += result->busy_ns;
        o->bytes_moved = o->pages_moved * page_bytes;
}

/* Takes pages off the scan or the list: 1 and a chunk (n may be 0), 0 at the end of the pass. */
static int job_fill(Job *job, const JobEnv *env, ChunkResult *result) {
        Chunk *c = env->chunk;
        int r;

        c->pid = job->outcome.move.id.pid;
        c->from = job->outcome.move.from;
        c->to = job->outcome.move.to;
        c->n = 0;
        if (job->outcome.passes == 1) {
                if (job->scanned)
                        return 0;
                r = chunk_fill_scan(job, env, PACE_CHUNK_PAGES);
                if (r == -EAGAIN)
                        return 1;
                return r < 0 ? r : r > 0;
        }
        c->n = worklist_take(&job->left, c->address, PACE_CHUNK_PAGES);
        if (c->n == 0)
                return 0;
        uint32_t taken = c->n;
        r = chunk_filter(c, env->kernel, result);
        if (r < 0) {
                /* Back on the list: the query failed before anything was tried. */
                for (uint32_t i = 0; i < taken; i++)
                        (void)worklist_add(&job->left, c->address[i]);
                return r;
        }
        return 1;
}

static JobResult job_end_pass(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;

        worklist_rewind(&job->left);
        if (job->ending != REASON_NONE || job->left.n_pages == 0 ||
            o->passes >= job->settings.passes)
                return job_end(job, env, job_reason(job), o->error);

        job->stage = STAGE_BEGIN;
        o->state = JOB_WAITING;
        o->next_pass_ns = add_sat(job_now(env), backoff_delay_ns(job->settings.backoff_ns,
                                                                 job->settings.backoff_max_ns,
                                                                 o->passes, o->job));
        return JOB_WAITS;
}

/* Takes back a chunk that was not tried. */
static void job_unfill(Job *job, const Chunk *c) {
        if (c->n == 0)
                return;
        if (job->outcome.passes > 1) {
                worklist_untake(&job->left, c->address, c->n);
                return;
        }
        scan_seek(&job->scan, c->address[0]);
        job->unit_page = UNIT_PAGES;
        job->scanned = false;
}

/* Waits for the pace and moves the pages of the chunk. 1, 0 when interrupted before, -ESRCH when the
 * process is gone, or the errno of the query. */
static int job_try_chunk(Job *job, const JobEnv *env, ChunkResult *result) {
        if (!job_wait_pace(job, env))
                return 0;
        if (job_is_gone(job, env))
                return -ESRCH;
        int r = chunk_move(env->chunk, env->kernel, result);
        pace_account(env->pace, job_now(env), result->busy_ns, job->settings.cpu_percent);
        if (job_is_gone(job, env))
                return -ESRCH;
        return r < 0 ? r : 1;
}

/* One chunk of the present pass: JOB_SUSPENDED to go on with the next, or when interrupted. */
static JobResult job_move_chunk(Job *job, const JobEnv *env) {
        ChunkResult result = { 0 };
        Chunk *c = env->chunk;

        int r = job_fill(job, env, &result);
        if (r < 0)
                return job_fail(job, env, r);
        if (r == 0)
                return job_end_pass(job, env);

        if (c->n > 0 && job->ending == REASON_NONE) {
                r = job_try_chunk(job, env, &result);
                if (r == 0) {
                        job_unfill(job, c);
                        c->n = 0;
                } else if (r == -ESRCH)
                        return job_end(job, env, REASON_PROCESS_GONE, 0);
        } else {
                for (uint32_t i = 0; i < c->n; i++)
                        c->page[i] = PAGE_RETRY;
        }
        job_account(job, c, &result, env->kernel->page_bytes);
        env->publish(env->userdata, job);

        if (r < 0)
                return job_fail(job, env, r);
        if (error_reason(result.error) != REASON_NONE)
                return job_fail(job, env, result.error);
        return JOB_SUSPENDED;
}

static JobResult job_pages(Job *job, const JobEnv *env) {
        while (!job_interrupted(job, env)) {
                JobResult r = job_move_chunk(job, env);
                if (r != JOB_SUSPENDED)
                        return r;
        }
        return JOB_SUSPENDED;
}

/* Counts before the first pass or after its sweep: true when the stage is over. */
static bool job_count_stage(Job *job, const JobEnv *env, JobResult *ret) {
        Outcome *o = &job->outcome;
        int r = job_count(job, env);

        if (r <= 0) {
                *ret = r < 0 ? job_fail(job, env, r) : JOB_SUSPENDED;
                return false;
        }
        if (job->stage == STAGE_COUNT) {
                job->source_pages = scan_source_pages(&job->scan, o->move.from);
                job->target_pages = job->scan.pages[o->move.to];
                o->pages_planned = job->source_pages;
                job->stage = STAGE_BEGIN;
        } else {
                job_account_sweep(job);
                o->bytes_moved = o->pages_moved * env->kernel->page_bytes;
                job->stage = STAGE_PAGES;
                if (job->ending != REASON_NONE) {
                        *ret = job_end(job, env, job->ending, o->error);
                        return false;
                }
        }
        env->publish(env->userdata, job);
        job_scan_again(job, env);
        return true;
}

static void job_begin_pass(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;

        o->passes++;
        o->state = JOB_RUNNING;
        o->next_pass_ns = 0;
        job->stage = job->method == METHOD_MIGRATE_PAGES ? STAGE_SWEEP : STAGE_PAGES;
        env->publish(env->userdata, job);
}

JobResult job_run(Job *job, const JobEnv *env) {
        JobResult r = JOB_SUSPENDED;

        if (job->outcome.started_ns == 0) {
                job->outcome.started_ns = job_now(env);
                job->outcome.state = JOB_RUNNING;
                job_scan_again(job, env);
                env->publish(env->userdata, job);
        }
        for (;;) {
                if (job_cancelled(job))
                        return job_end(job, env, REASON_CANCELLED, 0);
                if (atomic_load(env->interrupt))
                        return JOB_SUSPENDED;
                if (job_is_gone(job, env))
                        return job_end(job, env, REASON_PROCESS_GONE, 0);
                switch (job->stage) {
                case STAGE_COUNT:
                case STAGE_RECOUNT:
                        if (!job_count_stage(job, env, &r) && r != JOB_SUSPENDED)
                                return r;
                        break;
                case STAGE_BEGIN:
                        job_begin_pass(job, env);
                        break;
                case STAGE_SWEEP:
                        r = job_sweep(job, env);
                        if (r == JOB_ENDED)
                                return r;
                        break;
                case STAGE_PAGES:
                        r = job_pages(job, env);
                        if (r != JOB_SUSPENDED)
                                return r;
                        break;
                }
        }
}
