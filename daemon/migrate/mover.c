/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/mover.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "migrate/job-internal.h"
#include "migrate/job.h"
#include "migrate/kernel.h"

/* Unfinished jobs, and finished ones whose end was not fetched yet. The policy plans a handful per
 * evaluation; more would only go stale in the queue. */
#define JOBS_MAX 64

/* Events kept until they are fetched: the ends of JOBS_MAX jobs always fit, the rest is for news
 * of jobs that wait, which are dropped when nobody listens. */
#define EVENTS_MAX (4 * JOBS_MAX)

/* Threads in move calls at once. One keeps the promise of cpu_percent without bookkeeping, needs no
 * lock around what it learns, and the kernel serialises the costly part (draining all CPUs' page lists) anyway. */
#define WORKERS 1

typedef struct Slot {
        Job job;
        Outcome shown; /* what the loop sees */
        bool running;  /* in the hands of a worker */
} Slot;

typedef struct Worker {
        Mover *mover;
        pthread_t thread;
        int wake_fd; /* readable when there may be something new to do */
} Worker;

struct Mover {
        pthread_mutex_t lock;
        Worker workers[WORKERS];
        unsigned n_workers; /* running */
        const Topology *topology;
        Settings settings;
        MoverKernel kernel;
        KernelContext context; /* of the running kernel's functions */
        Slot *slots[JOBS_MAX]; /* in order of submission */
        size_t n_slots;
        Outcome *events; /* ring */
        size_t first_event, n_events, n_ends;
        uint64_t last_job;
        bool paused, stop;
        atomic_bool interrupt; /* paused || stop, for workers in a job */
        int event_fd;          /* the loop's */
        Pace pace;             /* the worker's */
        Negative negative;     /* the worker's */
};

static void mover_wake(Mover *m) {
        for (unsigned i = 0; i < m->n_workers; i++)
                (void)eventfd_write(m->workers[i].wake_fd, 1);
}

static void mover_push_event(Mover *m, const Outcome *o) {
        bool end = o->state == JOB_FINISHED;

        if (!end && m->n_events >= EVENTS_MAX - JOBS_MAX)
                return;
        m->events[(m->first_event + m->n_events++) % EVENTS_MAX] = *o;
        m->n_ends += end;
        (void)eventfd_write(m->event_fd, 1);
}

static void mover_publish(void *userdata, const Job *job) {
        Mover *m = userdata;

        pthread_mutex_lock(&m->lock);
        for (size_t i = 0; i < m->n_slots; i++)
                if (&m->slots[i]->job == job)
                        m->slots[i]->shown = job->outcome;
        pthread_mutex_unlock(&m->lock);
}

static void slot_free(Mover *m, Slot *slot) {
        job_done(&slot->job, &m->kernel);
        free(slot);
}

static void mover_drop_slot(Mover *m, Slot *slot) {
        for (size_t i = 0; i < m->n_slots; i++) {
                if (m->slots[i] != slot)
                        continue;
                memmove(&m->slots[i], &m->slots[i + 1], (m->n_slots - i - 1) * sizeof(m->slots[0]));
                m->n_slots--;
                break;
        }
        slot_free(m, slot);
}

static bool mover_works_on(const Mover *m, pid_t pid) {
        for (size_t i = 0; i < m->n_slots; i++)
                if (m->slots[i]->running && m->slots[i]->shown.move.id.pid == pid)
                        return true;
        return false;
}

/* The job to go on with, or NULL and when to look again. A cancelled job ends at once, also while
 * paused; one whose wait is over goes before those that have not begun. A process never has two jobs
 * in hand at once. */
static Slot *mover_pick(Mover *m, uint64_t now_ns, uint64_t *ret_until_ns) {
        Slot *best = NULL;

        *ret_until_ns = UINT64_MAX;
        for (size_t i = 0; i < m->n_slots; i++) {
                Slot *slot = m->slots[i];
                if (slot->running || mover_works_on(m, slot->shown.move.id.pid))
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
                if (!best || (best->shown.state == JOB_QUEUED && slot->shown.state != JOB_QUEUED))
                        best = slot;
        }
        return best;
}

/* Called and returns with the lock held. */
static void mover_work(Mover *m, Slot *slot, const JobEnv *env) {
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
        if (r == JOB_ENDED)
                mover_drop_slot(m, slot);
}

static JobEnv mover_env(Mover *m, int wake_fd) {
        return (JobEnv) {
                .kernel = &m->kernel,
                .pace = &m->pace,
                .negative = &m->negative,
                .interrupt = &m->interrupt,
                .wake_fd = wake_fd,
                .publish = mover_publish,
                .userdata = m,
        };
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
                        mover_work(m, slot, &env);
                        continue;
                }
                /* A change made from here on leaves wake_fd readable: the sleep ends at once. */
                pthread_mutex_unlock(&m->lock);
                job_sleep_until(&env, until_ns);
                pthread_mutex_lock(&m->lock);
        }
        pthread_mutex_unlock(&m->lock);
        return NULL;
}

void mover_stop(Mover *m) {
        const JobEnv env = mover_env(m, -1);

        pthread_mutex_lock(&m->lock);
        m->stop = true;
        atomic_store(&m->interrupt, true);
        mover_wake(m);
        pthread_mutex_unlock(&m->lock);
        for (unsigned i = 0; i < m->n_workers; i++)
                pthread_join(m->workers[i].thread, NULL);
        m->n_workers = 0;

        /* Alone from here on. */
        while (m->n_slots > 0) {
                Slot *slot = m->slots[0];

                (void)job_end(&slot->job, &env, REASON_CANCELLED, 0);
                mover_push_event(m, &slot->job.outcome);
                mover_drop_slot(m, slot);
        }
}

Mover *mover_free(Mover *m) {
        if (!m)
                return NULL;

        mover_stop(m);
        for (unsigned i = 0; i < WORKERS; i++)
                if (m->workers[i].wake_fd >= 0)
                        close(m->workers[i].wake_fd);
        if (m->event_fd >= 0)
                close(m->event_fd);
        negative_done(&m->negative);
        pthread_mutex_destroy(&m->lock);
        free(m->events);
        free(m);
        return NULL;
}

DEFINE_CLEANUP(Mover, mover_free)

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

static int mover_start_workers(Mover *m) {
        for (unsigned i = 0; i < WORKERS; i++) {
                m->workers[i].mover = m;
                m->workers[i].wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
                if (m->workers[i].wake_fd < 0)
                        return -errno;
        }
        for (unsigned i = 0; i < WORKERS; i++) {
                int r = worker_start(&m->workers[i]);
                if (r < 0)
                        return r;
                m->n_workers++;
        }
        return 0;
}

int mover_new(Mover **ret, const Topology *topology, const SystemRoot *root,
              const Settings *settings, const MoverKernel *kernel) {
        cleanup(cleanup_mover_freep) Mover *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;

        pthread_mutex_init(&m->lock, NULL);
        m->topology = topology;
        m->settings = *settings;
        for (unsigned i = 0; i < WORKERS; i++)
                m->workers[i].wake_fd = -1;
        m->event_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        if (m->event_fd < 0)
                return -errno;
        m->events = calloc(EVENTS_MAX, sizeof(*m->events));
        if (!m->events || negative_init(&m->negative) < 0)
                return -ENOMEM;
        pace_init(&m->pace);
        if (kernel)
                m->kernel = *kernel;
        else
                kernel_init(&m->kernel, &m->context, topology, root);

        int r = mover_start_workers(m);
        if (r < 0)
                return r;
        *ret = TAKE_PTR(m);
        return 0;
}

void mover_set_settings(Mover *m, const Settings *settings) {
        pthread_mutex_lock(&m->lock);
        m->settings = *settings;
        pthread_mutex_unlock(&m->lock);
}

static bool move_is_valid(const Topology *t, const Move *move) {
        NodeMask known = t->n_nodes >= NODES_MAX ? ~(NodeMask)0 : ((NodeMask)1 << t->n_nodes) - 1;

        return move->id.pid > 0 && move->to >= 0 && (uint32_t)move->to < t->n_nodes &&
               move->from != 0 && (move->from & ~known) == 0 &&
               !node_mask_has(move->from, move->to);
}

/* Orders for one process go together where each is about ranges of its own and another target. */
static bool moves_exclude(const Move *a, const Move *b) {
        return a->id.pid == b->id.pid && (!a->ranges_only || !b->ranges_only || a->to == b->to);
}

/* Takes the walk when it returns 0. */
static int mover_add_slot(Mover *m, const Move *move, Walk walk, uint64_t *ret_job) {
        for (size_t i = 0; i < m->n_slots; i++)
                if (moves_exclude(&m->slots[i]->shown.move, move))
                        return -EBUSY;
        if (m->n_slots + m->n_ends >= JOBS_MAX)
                return -ENOBUFS;

        /* Now, so that an exec while the job waits in the queue ends it. */
        int fd = m->kernel.attach(m->kernel.userdata, move->id);
        if (fd == -ESRCH)
                return fd;
        Slot *slot = calloc(1, sizeof(*slot));
        if (!slot) {
                if (fd >= 0)
                        m->kernel.detach(m->kernel.userdata, fd);
                return -ENOMEM;
        }
        job_init(&slot->job, ++m->last_job, move, walk, fd, m->kernel.now_ns(m->kernel.userdata),
                 m->kernel.page_bytes);
        slot->shown = slot->job.outcome;
        m->slots[m->n_slots++] = slot;
        *ret_job = m->last_job;
        mover_wake(m);
        return 0;
}

int mover_submit(Mover *m, const Move *move, uint64_t *ret_job) {
        Walk walk;

        if (!move_is_valid(m->topology, move))
                return -EINVAL;
        int r = walk_init(&walk, move, m->kernel.page_bytes);
        if (r < 0)
                return r;

        pthread_mutex_lock(&m->lock);
        r = m->stop ? -ECANCELED : mover_add_slot(m, move, walk, ret_job);
        pthread_mutex_unlock(&m->lock);
        if (r < 0)
                walk_done(&walk);
        return r;
}

int mover_cancel(Mover *m, uint64_t job) {
        int r = -ENOENT;

        pthread_mutex_lock(&m->lock);
        for (size_t i = 0; i < m->n_slots; i++) {
                if (m->slots[i]->shown.job != job)
                        continue;
                atomic_store(&m->slots[i]->job.cancelled, true);
                mover_wake(m);
                r = 0;
        }
        pthread_mutex_unlock(&m->lock);
        return r;
}

void mover_pause(Mover *m, bool paused) {
        pthread_mutex_lock(&m->lock);
        m->paused = paused;
        atomic_store(&m->interrupt, m->paused || m->stop);
        mover_wake(m);
        pthread_mutex_unlock(&m->lock);
}

/* The lock is no part of what a const Mover promises to keep. */
static pthread_mutex_t *mover_lock(const Mover *m) {
        return &((Mover *)m)->lock;
}

bool mover_is_busy(const Mover *m, ProcessId id) {
        bool busy = false;

        pthread_mutex_lock(mover_lock(m));
        for (size_t i = 0; i < m->n_slots; i++)
                if (process_id_equal(m->slots[i]->shown.move.id, id))
                        busy = true;
        pthread_mutex_unlock(mover_lock(m));
        return busy;
}

int mover_get_fd(const Mover *m) {
        return m->event_fd;
}

int mover_next_event(Mover *m, Outcome *ret) {
        int r = 0;

        pthread_mutex_lock(&m->lock);
        if (m->n_events == 0) {
                eventfd_t ignored;
                (void)eventfd_read(m->event_fd, &ignored);
        } else {
                *ret = m->events[m->first_event];
                m->first_event = (m->first_event + 1) % EVENTS_MAX;
                m->n_events--;
                m->n_ends -= ret->state == JOB_FINISHED;
                r = 1;
        }
        pthread_mutex_unlock(&m->lock);
        return r;
}

size_t mover_list(const Mover *m, Outcome *ret, size_t max) {
        pthread_mutex_lock(mover_lock(m));
        size_t n = m->n_slots < max ? m->n_slots : max;
        for (size_t i = 0; i < n; i++)
                ret[i] = m->slots[i]->shown;
        pthread_mutex_unlock(mover_lock(m));
        return n;
}

size_t mover_count(const Mover *m) {
        pthread_mutex_lock(mover_lock(m));
        size_t n = m->n_slots;
        pthread_mutex_unlock(mover_lock(m));
        return n;
}
