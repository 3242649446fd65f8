/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <string.h>

#include "base/mathx.h"
#include "migrate/job-internal.h"

/* Finding the pages of a job. Asking where a page is costs a tenth of moving it, so it is done once
 * per page, and ahead of the calls where another thread has time. */

/* It uses CPU time, too: much where address space is reserved and empty. It rests as moving does,
 * each time that so much of it was used. */
#define SCAN_SLICE_NS (5 * NSEC_PER_MSEC)

/* Lists at least so long need no helper. */
#define FOUND_ENOUGH (FOUND_UNITS / 2)

/* The next unit, without those that are left alone. For the one thread that walks. */
static int find_next(Job *job, const JobEnv *env, WorkUnit *ret) {
        uint64_t begin = job_now(env);
        int r = scan_next(&job->scan, job->outcome.move.from, ret);

        job->scan_ns += sub_sat(job_now(env), begin);
        if (r <= 0)
                return r;
        NegativeKind kind = job_find_negative(job, env, ret->base);
        if (kind == NEGATIVE_SHARED && job_moves_shared(job, env))
                kind = NEGATIVE_NONE;
        if (kind != NEGATIVE_NONE) {
                job->skipped[kind] += !job->walked;
                return -EAGAIN;
        }
        if (!job->walked)
                job->found_pages += unit_count(ret);
        return 1;
}

static void find_rest(Job *job, const JobEnv *env) {
        if (job->scan_ns < SCAN_SLICE_NS)
                return;
        job_rest(job, env, job->scan_ns);
        job->scan_ns = 0;
}

/* All of it was seen: everything that was planned is known. */
static void find_end(Job *job) {
        Outcome *o = &job->outcome;

        job->scan_ended = true;
        if (job->walked)
                return;
        job->walked = true;
        o->pages_planned = job->source_pages = job->found_pages;
        job->target_pages = job->scan.pages[o->move.to];
        job->all_pages = 0;
        for (int i = 0; i < NODES_MAX; i++)
                job->all_pages += job->scan.pages[i];
}

/* In a helper's thread: a slice of the walk. What it finds out is the job's once the helper is waited
 * for. */
static void find_ahead(void *userdata, const void *helper_env) {
        const JobEnv *env = helper_env;
        Job *job = userdata;
        WorkUnit unit;

        job->ahead_result = 1;
        while (found_count(&job->found) < FOUND_UNITS && job->scan_ns < SCAN_SLICE_NS &&
               !job_interrupted(job, env)) {
                int r = find_next(job, env, &unit);
                if (r > 0)
                        (void)found_put(&job->found, &unit);
                if (r > 0 || r == -EAGAIN)
                        continue;
                job->ahead_result = r;
                break;
        }
}

/* What a helper left behind. */
static int find_collect(Job *job, const JobEnv *env) {
        int r = job->ahead_result;

        job->ahead_result = 1;
        if (r == 0)
                find_end(job);
        if (job->scan_ns >= SCAN_SLICE_NS) {
                job->ahead_after_ns = add_sat(
                        job_now(env), pace_rest_ns(job->scan_ns, job->settings.cpu_percent));
                job->scan_ns = 0;
        }
        return r < 0 ? r : 0;
}

void job_find_stop(Job *job, const JobEnv *env) {
        if (crew_wait(env->crew, &job->ahead))
                (void)find_collect(job, env);
}

int job_find_ahead(Job *job, const JobEnv *env) {
        if (!crew_poll(env->crew, &job->ahead))
                return 0;
        int r = find_collect(job, env);
        if (r < 0)
                return r;
        job->ahead.run = find_ahead;
        job->ahead.userdata = job;
        if (!job->scan_ended && found_count(&job->found) < FOUND_ENOUGH &&
            job_now(env) >= job->ahead_after_ns)
                (void)crew_offer(env->crew, &job->ahead);
        return 0;
}

int job_find(Job *job, const JobEnv *env, WorkUnit *ret) {
        if (found_take(&job->found, ret))
                return 1;
        if (crew_wait(env->crew, &job->ahead)) {
                int r = find_collect(job, env);
                if (r < 0)
                        return r;
                if (found_take(&job->found, ret))
                        return 1;
        }
        if (job->scan_ended)
                return 0;
        int r = find_next(job, env, ret);
        find_rest(job, env);
        if (r == 0)
                find_end(job);
        return r;
}

static MappingKinds job_kinds(const Job *job) {
        return (job->settings.move_shared ? MAPPINGS_SHARED : 0) |
               (job->settings.never_hugetlb ? 0 : MAPPINGS_HUGETLB);
}

/* Around a call of migrate_pages(2) that nothing slows down asking for every page would take as long
 * as the call itself. What the kernel left behind is looked for page by page. */
static uint32_t scan_sample_pages(const Job *job, const JobEnv *env) {
        if (!job_sweeps_first(job, env))
                return 0;
        if (job->stage == STAGE_COUNT)
                return SCAN_SAMPLE_BEFORE;
        return job->stage == STAGE_RECOUNT && job->swept_clean ? SCAN_SAMPLE_AFTER : 0;
}

void job_scan_again(Job *job, const JobEnv *env) {
        job_find_stop(job, env);
        found_clear(&job->found);
        scan_start(&job->scan, env->kernel, job->outcome.move.id.pid, &job->walk, job_kinds(job),
                   scan_sample_pages(job, env));
        job->scan_ended = false;
        job->unit_page = UNIT_PAGES;
        if (!job->walked) {
                job->found_pages = 0;
                memset(job->skipped, 0, sizeof(job->skipped));
        }
}

/* Whether the first pass may begin before the walk has ended: where another thread can go on with it,
 * or no more can be kept. */
static bool count_suffices(Job *job, const JobEnv *env, uint64_t pages) {
        if (found_count(&job->found) == FOUND_UNITS)
                return true;
        return env->crew->n > 1 && !job_may_sweep(job, env, pages);
}

/* Walks on, keeping what is found, or just counting it. 1 at the end, 2 when there is no need to know
 * more before the first pass, 0 interrupted, negative errno. */
static int count_on(Job *job, const JobEnv *env, uint64_t *pages, bool keep) {
        WorkUnit unit;

        for (;;) {
                if (keep && job->stage == STAGE_COUNT && count_suffices(job, env, *pages))
                        return 2;
                int r = find_next(job, env, &unit);
                find_rest(job, env);
                if (r == 0) {
                        find_end(job);
                        return 1;
                }
                if (r > 0) {
                        *pages += unit_count(&unit);
                        if (keep)
                                (void)found_put(&job->found, &unit);
                } else if (r != -EAGAIN)
                        return r;
                if (job_interrupted(job, env))
                        return 0;
        }
}

/* Before the first pass: what there is to move, or as much of it as must be known. */
static JobResult count_done(Job *job, const JobEnv *env, int r) {
        Outcome *o = &job->outcome;

        job->stage = STAGE_BEGIN;
        if (r == 2) {
                /* Until all is found, what the order expected. */
                uint64_t expected = o->move.bytes / env->kernel->page_bytes;
                o->pages_planned = expected > job->found_pages ? expected : job->found_pages;
                return JOB_SUSPENDED;
        }
        if (job->source_pages == 0) {
                job->scanned = true;
                return job_end(job, env, job_reason(job), 0);
        }
        return JOB_SUSPENDED;
}

JobResult job_count(Job *job, const JobEnv *env) {
        uint64_t pages = 0;
        bool keep = !job_sweeps_always(job) && !(job->stage == STAGE_COUNT && job->scan.sample > 0);

        int r = count_on(job, env, &pages, keep);
        if (r < 0)
                return job_fail(job, env, r);
        if (r == 0) {
                /* Counts are of one walk: start over when it goes on. */
                job_scan_again(job, env);
                return JOB_SUSPENDED;
        }
        JobResult result = JOB_SUSPENDED;
        if (job->stage == STAGE_RECOUNT)
                result = job_account_sweep(job, env, pages);
        else
                result = count_done(job, env, r);
        if (result != JOB_SUSPENDED)
                return result;
        env->publish(env->userdata, job);
        /* Not kept, or not all of it: the pass walks itself. */
        if (!keep || (job->walked && found_pages(&job->found) != pages))
                job_scan_again(job, env);
        return JOB_SUSPENDED;
}
