/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/mathx.h"
#include "migrate/job-internal.h"

/* migrate_pages(2) walks all page tables, holding the lock of the address space before Linux 6.7:
 * about this much for each page that is where it should be. */
#define WALK_NS_PER_PAGE 20

/* It cannot be stopped, so it must not take longer than a service has to stop. */
#define SWEEP_NS_MAX (10 * NSEC_PER_SEC)

static uint64_t sweep_estimate_ns(const Job *job, const JobEnv *env) {
        uint64_t pages = job->outcome.passes > 1 ? job->left.n_pages : job->source_pages;

        return add_sat(pace_estimate_sweep_ns(env->pace, pages),
                       mul_sat(job->all_pages, WALK_NS_PER_PAGE));
}

bool job_wants_sweep(const Job *job, const JobEnv *env) {
        uint64_t ns = sweep_estimate_ns(job, env);

        if (job->settings.method == METHOD_MOVE_PAGES || ns > SWEEP_NS_MAX)
                return false;
        /* It knows no addresses. */
        if (job->outcome.move.ranges_only)
                return false;
        if (job->settings.method == METHOD_MIGRATE_PAGES)
                return true;
        /* Between the first pass and the last it would only try the same pages twice. */
        if (job->outcome.passes > 1 && job->outcome.passes < job->settings.passes)
                return false;
        if (job->skipped[NEGATIVE_SHARED] + job->skipped[NEGATIVE_FAILED] > 0)
                return false; /* it would run into the pages that are left alone */
        return job->settings.pause_budget_ns == 0 || ns <= job->settings.pause_budget_ns;
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

JobResult job_sweep(Job *job, const JobEnv *env) {
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
        pace_account(env->pace, &job->order, end, busy, 0);

        if (job_is_gone(job, env))
                return job_end(job, env, REASON_PROCESS_GONE, 0);
        if (r < 0) {
                int error = sweep_error(job, env, (int)r);
                o->failures[failure_from_errno((int)-r)]++;
                Reason reason = job_error_reason(error);
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

/* Runs the scan to its end, adding the pages found to *source_pages: 1, 0 interrupted, or errno. */
static int count_sources(Job *job, const JobEnv *env, uint64_t *source_pages) {
        WorkUnit unit;

        for (;;) {
                int r = job_scan_next(job, env, &unit);
                if (r == 0)
                        return 1;
                if (r > 0)
                        *source_pages += unit_count(&unit);
                else if (r != -EAGAIN)
                        return r;
                if (job_interrupted(job, env))
                        return 0;
        }
}

/* After the first sweep: what left the sources was moved as far as the target grew, else freed. */
static void account_sweep(Job *job, const JobEnv *env, uint64_t left) {
        Outcome *o = &job->outcome;
        uint64_t went = sub_sat(job->source_pages, left);
        uint64_t came = sub_sat(job->scan.pages[o->move.to], job->target_pages);
        uint64_t moved = went < came ? went : came;

        o->pages_moved += moved;
        o->pages_gone += went - moved;
        o->bytes_moved = o->pages_moved * env->kernel->page_bytes;
        pace_account(env->pace, &job->order, job_now(env), 0, moved * env->kernel->page_bytes);
        pace_learn_sweep(env->pace, moved, o->busy_ns);
}

JobResult job_count(Job *job, const JobEnv *env) {
        Outcome *o = &job->outcome;
        uint64_t pages = 0;

        int r = count_sources(job, env, &pages);
        if (r < 0)
                return job_fail(job, env, r);
        if (r == 0) {
                /* Counts are of one walk: start over when it goes on. */
                job_scan_again(job, env);
                if (job->stage == STAGE_COUNT)
                        memset(job->skipped, 0, sizeof(job->skipped));
                return JOB_SUSPENDED;
        }
        if (job->stage == STAGE_RECOUNT) {
                account_sweep(job, env, pages);
                job->stage = STAGE_PAGES;
                if (job->ending != REASON_NONE)
                        return job_end(job, env, job->ending, o->error);
        } else {
                job->source_pages = o->pages_planned = pages;
                job->target_pages = job->scan.pages[o->move.to];
                for (int i = 0; i < NODES_MAX; i++)
                        job->all_pages += job->scan.pages[i];
                job->stage = STAGE_BEGIN;
                if (pages == 0) {
                        job->scanned = true;
                        return job_end(job, env, job_reason(job), 0);
                }
        }
        env->publish(env->userdata, job);
        job_scan_again(job, env);
        return JOB_SUSPENDED;
}
