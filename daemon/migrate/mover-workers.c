/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <signal.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "migrate/mover-internal.h"

/* The threads of the engine: each takes a job that may go on, or else helps another. */

static void mover_wake_others(Mover *m, const Worker *self) {
        for (unsigned i = 0; i < m->n_workers; i++)
                if (&m->workers[i] != self)
                        (void)eventfd_write(m->workers[i].wake_fd, 1);
}

void mover_wake(Mover *m) {
        mover_wake_others(m, NULL);
}

static void mover_publish(void *userdata, const Job *job) {
        Mover *m = userdata;

        pthread_mutex_lock(&m->lock);
        for (size_t i = 0; i < m->n_slots; i++)
                if (&m->slots[i]->job == job)
                        m->slots[i]->shown = job->outcome;
        pthread_mutex_unlock(&m->lock);
}

JobEnv mover_env(Mover *m, int wake_fd) {
        return (JobEnv) {
                .kernel = &m->kernel,
                .crew = &m->crew,
                .share_lock = &m->share_lock,
                .pace = &m->pace,
                .negative = &m->negative,
                .interrupt = &m->interrupt,
                .wake_fd = wake_fd,
                .publish = mover_publish,
                .userdata = m,
        };
}

/* Whether another job that is being worked on stands in the way: of the same process, or between the
 * same nodes, where both would only share one bandwidth and take twice as long. */
static bool slot_is_blocked(const Mover *m, const Slot *slot) {
        const Move *move = &slot->shown.move;

        for (size_t i = 0; i < m->n_slots; i++) {
                const Move *other = &m->slots[i]->shown.move;
                if (!m->slots[i]->running)
                        continue;
                if (other->id.pid == move->id.pid ||
                    (other->to == move->to && (other->from & move->from)))
                        return true;
        }
        return false;
}

/* The job to go on with, or NULL and when to look again. A cancelled job ends at once, also while
 * paused; one whose wait is over goes before those that have not begun. */
static Slot *mover_pick(Mover *m, uint64_t now_ns, uint64_t *ret_until_ns) {
        Slot *best = NULL;

        *ret_until_ns = UINT64_MAX;
        for (size_t i = 0; i < m->n_slots; i++) {
                Slot *slot = m->slots[i];
                if (slot->running)
                        continue;
                /* Paused, what a sweep did is found out afterwards; then the job ends. */
                if (atomic_load(&slot->job.cancelled) &&
                    !(m->paused && slot->job.stage == STAGE_RECOUNT))
                        return slot;
                if (m->paused)
                        continue;
                if (slot->shown.state == JOB_WAITING && slot->shown.next_pass_ns > now_ns) {
                        if (slot->shown.next_pass_ns < *ret_until_ns)
                                *ret_until_ns = slot->shown.next_pass_ns;
                        continue;
                }
                if (slot_is_blocked(m, slot))
                        continue;
                if (!best || (best->shown.state == JOB_QUEUED && slot->shown.state != JOB_QUEUED))
                        best = slot;
        }
        return best;
}

/* A node is full: those that wait to begin to fill it need not try. */
static void mover_tell_full(Mover *m, int node) {
        for (size_t i = 0; i < m->n_slots; i++) {
                Slot *slot = m->slots[i];
                if (!slot->running && slot->shown.state == JOB_QUEUED &&
                    slot->shown.move.to == node)
                        slot->job.ending = REASON_NO_MEMORY;
        }
}

/* Called and returns with the lock held. */
static void mover_work(Mover *m, Slot *slot, const Worker *self, const JobEnv *env) {
        slot->running = true;
        if (slot->job.stage == STAGE_COUNT || slot->job.stage == STAGE_BEGIN)
                slot->job.settings = m->settings;
        pthread_mutex_unlock(&m->lock);
        JobResult r = job_run(&slot->job, env);
        pthread_mutex_lock(&m->lock);

        slot->running = false;
        slot->shown = slot->job.outcome;
        if (r != JOB_SUSPENDED)
                mover_push_event(m, &slot->shown);
        if (r == JOB_ENDED && slot->shown.reason == REASON_NO_MEMORY)
                mover_tell_full(m, slot->shown.move.to);
        if (r == JOB_ENDED)
                mover_drop_slot(m, slot);
        /* It may have stood in the way of others. */
        mover_wake_others(m, self);
}

/* Sleeps until there may be a job, helping others meanwhile. */
static void worker_rest(Worker *w, const JobEnv *env, uint64_t until_ns) {
        Crew *crew = &w->mover->crew;

        crew_rest(crew, w->index);
        job_sleep_until(env, until_ns);
        Help *help = crew_rise(crew, w->index);
        if (help) {
                help->run(help->userdata, env);
                crew_finish(crew, help);
        }
}

static void *mover_worker(void *userdata) {
        Worker *w = userdata;
        Mover *m = w->mover;
        const JobEnv env = mover_env(m, w->wake_fd);

        pthread_mutex_lock(&m->lock);
        while (!m->stop) {
                uint64_t until_ns;
                Slot *slot = mover_pick(m, m->kernel.now_ns(m->kernel.userdata), &until_ns);

                if (slot) {
                        mover_work(m, slot, w, &env);
                        continue;
                }
                /* A change made from here on leaves wake_fd readable: the sleep ends at once. */
                pthread_mutex_unlock(&m->lock);
                worker_rest(w, &env, until_ns);
                pthread_mutex_lock(&m->lock);
        }
        pthread_mutex_unlock(&m->lock);
        return NULL;
}

/* Signals are the loop's. */
static int worker_start(Worker *w) {
        sigset_t all, before;

        sigfillset(&all);
        int r = pthread_sigmask(SIG_SETMASK, &all, &before);
        if (r != 0)
                return -r;
        r = pthread_create(&w->thread, NULL, mover_worker, w);
        (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
        if (r != 0)
                return -r;
        (void)pthread_setname_np(w->thread, "mover");
        return 0;
}

void mover_init_workers(Mover *m) {
        for (unsigned i = 0; i < CREW_MAX; i++)
                m->workers[i] = (Worker) { .mover = m, .index = i, .wake_fd = -1 };
}

int mover_start_workers(Mover *m) {
        unsigned n = m->kernel.cpus < 1 ? 1 : m->kernel.cpus > CREW_MAX ? CREW_MAX : m->kernel.cpus;
        int wake_fds[CREW_MAX];

        for (unsigned i = 0; i < n; i++) {
                wake_fds[i] = m->workers[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (wake_fds[i] < 0)
                        return -errno;
        }
        crew_init(&m->crew, wake_fds, n);
        for (unsigned i = 0; i < n; i++) {
                pthread_mutex_lock(&m->lock);
                int r = worker_start(&m->workers[i]);
                if (r >= 0)
                        m->n_workers++;
                pthread_mutex_unlock(&m->lock);
                if (r < 0)
                        return r;
        }
        return 0;
}

void mover_join_workers(Mover *m) {
        for (unsigned i = 0; i < m->n_workers; i++)
                pthread_join(m->workers[i].thread, NULL);
        m->n_workers = 0;
}

void mover_close_workers(Mover *m) {
        if (m->crew.n > 0)
                crew_done(&m->crew);
        for (unsigned i = 0; i < CREW_MAX; i++)
                if (m->workers[i].wake_fd >= 0)
                        close(m->workers[i].wake_fd);
}
