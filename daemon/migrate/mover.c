/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/mover.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "migrate/mover-internal.h"

void mover_push_event(Mover *m, const Outcome *o) {
        bool end = o->state == JOB_FINISHED;

        if (!end && m->n_events >= EVENTS_MAX - JOBS_MAX)
                return;
        m->events[(m->first_event + m->n_events++) % EVENTS_MAX] = *o;
        m->n_ends += end;
        (void)eventfd_write(m->event_fd, 1);
}

static void slot_free(Mover *m, Slot *slot) {
        job_done(&slot->job, &m->kernel);
        free(slot);
}

void mover_drop_slot(Mover *m, Slot *slot) {
        for (size_t i = 0; i < m->n_slots; i++) {
                if (m->slots[i] != slot)
                        continue;
                memmove(&m->slots[i], &m->slots[i + 1], (m->n_slots - i - 1) * sizeof(m->slots[0]));
                m->n_slots--;
                break;
        }
        slot_free(m, slot);
}

void mover_stop(Mover *m) {
        const JobEnv env = mover_env(m, -1);

        pthread_mutex_lock(&m->lock);
        m->stop = true;
        atomic_store(&m->interrupt, true);
        mover_wake(m);
        pthread_mutex_unlock(&m->lock);
        mover_join_workers(m);

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
        mover_close_workers(m);
        if (m->event_fd >= 0)
                close(m->event_fd);
        negative_done(&m->negative);
        pthread_mutex_destroy(&m->share_lock);
        pthread_mutex_destroy(&m->lock);
        free(m->events);
        free(m);
        return NULL;
}

DEFINE_CLEANUP(Mover, mover_free)

int mover_new(Mover **ret, const Topology *topology, const SystemRoot *root,
              const Settings *settings, const MoverKernel *kernel) {
        cleanup(cleanup_mover_freep) Mover *m = calloc(1, sizeof(*m));
        if (!m)
                return -ENOMEM;

        pthread_mutex_init(&m->lock, NULL);
        pthread_mutex_init(&m->share_lock, NULL);
        m->topology = topology;
        m->settings = *settings;
        mover_init_workers(m);
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

static int slot_new(Mover *m, const Move *move, Walk walk, int fd, const ProgressSample *before,
                    Slot **ret) {
        Slot *slot = calloc(1, sizeof(*slot));

        if (!slot)
                return -ENOMEM;
        int r = job_init(&slot->job, m->last_job + 1, move, walk, fd,
                         m->kernel.now_ns(m->kernel.userdata), m->kernel.page_bytes);
        if (r < 0) {
                free(slot);
                return r;
        }
        if (before)
                progress_start(&slot->job.progress, before);
        slot->shown = slot->job.outcome;
        *ret = slot;
        return 0;
}

/* Takes the walk when it returns 0. */
static int mover_add_slot(Mover *m, const Move *move, Walk walk, const ProgressSample *before,
                          uint64_t *ret_job) {
        Slot *slot;

        for (size_t i = 0; i < m->n_slots; i++)
                if (moves_exclude(&m->slots[i]->shown.move, move))
                        return -EBUSY;
        if (m->n_slots + m->n_ends >= JOBS_MAX)
                return -ENOBUFS;

        /* Now, so that an exec while the job waits in the queue ends it. */
        int fd = m->kernel.attach(m->kernel.userdata, move->id);
        if (fd == -ESRCH)
                return fd;
        int r = slot_new(m, move, walk, fd, before, &slot);
        if (r < 0) {
                if (fd >= 0)
                        m->kernel.detach(m->kernel.userdata, fd);
                return r;
        }
        m->slots[m->n_slots++] = slot;
        *ret_job = ++m->last_job;
        mover_wake(m);
        return 0;
}

int mover_submit(Mover *m, const Move *move, uint64_t *ret_job) {
        ProgressSample before;
        Walk walk;

        if (!move_is_valid(m->topology, move))
                return -EINVAL;
        int r = walk_init(&walk, move, m->kernel.page_bytes);
        if (r < 0)
                return r;
        bool watched = job_sample(&m->kernel, move->id.pid, &before);

        pthread_mutex_lock(&m->lock);
        r = m->stop ? -ECANCELED : mover_add_slot(m, move, walk, watched ? &before : NULL, ret_job);
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

bool mover_may_move_shared(const Mover *m) {
        return m && m->kernel.may_move_all;
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
