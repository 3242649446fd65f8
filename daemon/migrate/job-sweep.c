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

bool job_sweeps_always(const Job *job) {
        /* It knows no addresses. */
        return job->settings.method == METHOD_MIGRATE_PAGES && !job->outcome.move.ranges_only;
}

/* Whether migrate_pages(2) may serve this job at all. With CAP_SYS_NICE it moves what everybody shares, and
 * to nodes outside the cpuset. */
static bool job_knows_sweeps(const Job *job, const JobEnv *env) {
        return !env->kernel->may_move_all && job->settings.method != METHOD_MOVE_PAGES &&
               !job->outcome.move.ranges_only;
}

bool job_sweeps_first(const Job *job, const JobEnv *env) {
        return job_knows_sweeps(job, env) && job->settings.pause_budget_ns == 0;
}

bool job_may_sweep(const Job *job, const JobEnv *env, uint64_t pages) {
        uint64_t budget_ns = job->settings.pause_budget_ns;
        uint64_t ns = add_sat(job_estimate_sweep_ns(env, pages),
                              mul_sat(job->all_pages, WALK_NS_PER_PAGE));

        if (!job_knows_sweeps(job, env) || ns > SWEEP_NS_MAX)
                return false;
        return job_sweeps_always(job) || budget_ns == 0 || ns <= budget_ns;
}

bool job_wants_sweep(const Job *job, const JobEnv *env) {
        uint64_t pages = job->outcome.passes > 1 ? job->left.n_pages : job->source_pages;

        if (!job->walked || !job_may_sweep(job, env, pages))
                return false;
        if (job_sweeps_always(job))
                return true;
        /* Between the first pass and the last it would only try the same pages twice. */
        if (job->outcome.passes > 1 && job->outcome.passes < job->settings.passes)
                return false;
        /* It would run into the pages that are left alone. */
        return job->skipped[NEGATIVE_SHARED] + job->skipped[NEGATIVE_FAILED] == 0;
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
        uint64_t pages = o->passes > 1 ? job->left.n_pages : job->source_pages;
        PaceCharge charge;

        if (!job_wait_pace(job, env, CALL_BASE, pages, &charge))
                return JOB_SUSPENDED;
        if (job_is_gone(job, env)) {
                job_charge(job, env, &charge, 0, 0);
                return job_end(job, env, REASON_PROCESS_GONE, 0);
        }

        uint64_t begin = job_now(env);
        int64_t r = k->migrate_pages(k->userdata, o->move.id.pid, o->move.from, o->move.to);
        uint64_t end = job_now(env), busy = sub_sat(end, begin);
        o->calls++;
        o->busy_ns += busy;
        job_charge(job, env, &charge, busy, 0);

        if (job_is_gone(job, env))
                return job_end(job, env, REASON_PROCESS_GONE, 0);
        job->swept_clean = r == 0;
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

/* What left the sources was moved as far as the target grew, else freed. */
JobResult job_account_sweep(Job *job, const JobEnv *env, uint64_t left) {
        Outcome *o = &job->outcome;
        uint64_t went = sub_sat(job->source_pages, left);
        uint64_t came = sub_sat(job->scan.pages[o->move.to], job->target_pages);
        uint64_t moved = went < came ? went : came;

        o->pages_moved += moved;
        o->pages_gone += went - moved;
        o->bytes_moved = o->pages_moved * env->kernel->page_bytes;
        job_account_pages(job, env, moved);
        job_learn_sweep(env, moved, o->busy_ns);
        job->stage = STAGE_PAGES;
        return job->ending != REASON_NONE ? job_end(job, env, job->ending, o->error)
                                          : JOB_SUSPENDED;
}
