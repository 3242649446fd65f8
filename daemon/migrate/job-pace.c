/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <sys/eventfd.h>

#include "base/mathx.h"
#include "migrate/job-internal.h"

/* What jobs share: what calls cost, what may still be spent, and what is left alone. */

static void share_lock(const JobEnv *env) {
        pthread_mutex_lock(env->share_lock);
}

static void share_unlock(const JobEnv *env) {
        pthread_mutex_unlock(env->share_lock);
}

void job_sleep_until(const JobEnv *env, uint64_t until_ns) {
        eventfd_t ignored;

        env->kernel->sleep_until(env->kernel->userdata, until_ns, env->wake_fd);
        (void)eventfd_read(env->wake_fd, &ignored);
}

void job_rest(Job *job, const JobEnv *env, uint64_t busy_ns) {
        uint64_t until_ns = add_sat(job_now(env), pace_rest_ns(busy_ns, job->settings.cpu_percent));

        while (!job_interrupted(job, env) && job_now(env) < until_ns)
                job_sleep_until(env, until_ns);
}

/* Which limit the job has waited for longest. */
static Limit job_limit(const Job *job, const JobEnv *env) {
        Limit most = LIMIT_NONE;

        for (Limit limit = 0; limit < LIMIT_MAX; limit++)
                if (job->waited_ns[limit] > job->waited_ns[most])
                        most = limit;
        return most == LIMIT_NONE && pace_is_short(env->pace, &job->order) ? LIMIT_PAUSE : most;
}

static void job_read_pressure(const JobEnv *env) {
        uint64_t now_ns = job_now(env);

        share_lock(env);
        bool wanted = pace_wants_pressure(env->pace, now_ns);
        share_unlock(env);
        if (!wanted)
                return;
        double percent = env->kernel->pressure(env->kernel->userdata);
        share_lock(env);
        pace_set_pressure(env->pace, now_ns, percent);
        share_unlock(env);
}

bool job_wait_pace(Job *job, const JobEnv *env, CallKind kind, uint64_t n, PaceCharge *ret) {
        uint64_t begin = job_now(env);
        Limit limit;

        job_read_pressure(env);
        for (uint64_t now_ns = begin; !job_interrupted(job, env); now_ns = job_now(env)) {
                share_lock(env);
                uint64_t next_ns = pace_next_ns(env->pace, &job->order, &limit);
                if (job->braked_until_ns > next_ns) {
                        next_ns = job->braked_until_ns;
                        limit = LIMIT_PROGRESS;
                }
                if (now_ns >= next_ns) {
                        job->waited_ns[limit] += sub_sat(now_ns, begin);
                        job->outcome.limit = job_limit(job, env);
                        *ret = pace_begin(env->pace, kind, &job->order, now_ns, n,
                                          env->kernel->page_bytes);
                        share_unlock(env);
                        return true;
                }
                share_unlock(env);
                job_sleep_until(env, next_ns);
        }
        return false;
}

void job_charge(Job *job, const JobEnv *env, const PaceCharge *charge, uint64_t busy_ns,
                uint64_t pages) {
        share_lock(env);
        pace_end(env->pace, &job->order, charge, busy_ns, pages * env->kernel->page_bytes);
        share_unlock(env);
}

void job_account_pages(Job *job, const JobEnv *env, uint64_t pages) {
        uint64_t now_ns = job_now(env);

        share_lock(env);
        pace_account(env->pace, &job->order, now_ns, 0, pages * env->kernel->page_bytes);
        share_unlock(env);
}

uint32_t job_chunk_size(const Job *job, const JobEnv *env, CallKind kind) {
        share_lock(env);
        uint32_t n =
                pace_chunk(env->pace, kind, &job->order) >> progress_call_brake(&job->progress);
        share_unlock(env);
        return n > pace_chunk_min(kind) ? n : pace_chunk_min(kind);
}

bool job_sample(const MoverKernel *kernel, pid_t pid, ProgressSample *ret) {
        ret->at_ns = kernel->now_ns(kernel->userdata);
        return kernel->progress &&
               kernel->progress(kernel->userdata, pid, &ret->cpu_ns, &ret->faults) >= 0;
}

/* Without a pause budget the administrator wants it over soon. */
static bool job_is_watched(const Job *job) {
        return job->settings.pause_budget_ns > 0;
}

void job_watch_pass(Job *job, const JobEnv *env) {
        ProgressSample sample;

        if (job_is_watched(job) && job_sample(env->kernel, job->outcome.move.id.pid, &sample))
                progress_begin(&job->progress, &sample, job->outcome.move.cpu_ns / 1e9,
                               pace_is_urgent(&job->outcome.move) ? PROGRESS_FLOOR_URGENT
                                                                  : PROGRESS_FLOOR);
}

void job_watch_call(Job *job, const JobEnv *env, uint64_t busy_ns) {
        ProgressSample sample;

        if (!job_is_watched(job))
                return;
        if (progress_is_due(&job->progress, job_now(env)) &&
            job_sample(env->kernel, job->outcome.move.id.pid, &sample))
                progress_judge(&job->progress, &sample);
        if (job->progress.brake > 0) {
                uint32_t percent = job->order.cpu_percent > 100 ? 100 : job->order.cpu_percent;
                job->braked_until_ns = add_sat(
                        job_now(env), pace_rest_ns(busy_ns, percent >> job->progress.brake));
        }
}

void job_learn(const Job *job, const JobEnv *env, CallKind kind, uint64_t n, uint64_t busy_ns) {
        share_lock(env);
        pace_learn(env->pace, kind, n, busy_ns, job->order.pause_budget_ns);
        share_unlock(env);
}

void job_learn_sweep(const JobEnv *env, uint64_t n, uint64_t busy_ns) {
        share_lock(env);
        pace_learn_sweep(env->pace, n, busy_ns);
        share_unlock(env);
}

uint64_t job_estimate_sweep_ns(const JobEnv *env, uint64_t n) {
        share_lock(env);
        uint64_t ns = pace_estimate_sweep_ns(env->pace, n);
        share_unlock(env);
        return ns;
}

NegativeKind job_find_negative(const Job *job, const JobEnv *env, uint64_t base) {
        uint64_t now_ns = job_now(env);

        share_lock(env);
        NegativeKind kind = negative_find(env->negative, job->outcome.move.id, base, now_ns);
        share_unlock(env);
        return kind;
}

void job_add_negative(const Job *job, const JobEnv *env, uint64_t base, NegativeKind kind) {
        uint64_t now_ns = job_now(env);

        share_lock(env);
        negative_add(env->negative, job->outcome.move.id, base, kind, now_ns);
        share_unlock(env);
}
