/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdatomic.h>

#include "migrate/crew.h"
#include "migrate/job-internal.h"
#include "migrate/job.h"
#include "migrate/kernel.h"
#include "migrate/mover.h"

/* Unfinished jobs, and finished ones whose end was not fetched yet. The policy plans a handful per
 * evaluation; more would only go stale in the queue. */
#define JOBS_MAX 64

/* Events kept until they are fetched: the ends of JOBS_MAX jobs always fit, the rest is for news
 * of jobs that wait, which are dropped when nobody listens. */
#define EVENTS_MAX (4 * JOBS_MAX)

typedef struct Slot {
        Job job;
        Outcome shown; /* what the loop sees */
        bool running;  /* in the hands of a worker */
} Slot;

typedef struct Worker {
        Mover *mover;
        unsigned index;
        pthread_t thread;
        int wake_fd; /* readable when there may be something new to do */
} Worker;

struct Mover {
        pthread_mutex_t lock;
        Worker workers[CREW_MAX];
        unsigned n_workers; /* running */
        Crew crew;
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
        atomic_bool interrupt;      /* paused || stop, for workers in a job */
        int event_fd;               /* the loop's */
        pthread_mutex_t share_lock; /* of what follows */
        Pace pace;
        Negative negative;
};

/* With the lock held. */
void mover_push_event(Mover *m, const Outcome *o);
void mover_drop_slot(Mover *m, Slot *slot);

/* mover-workers.c */

/* Workers look for something to do. */
void mover_wake(Mover *m);

JobEnv mover_env(Mover *m, int wake_fd);

void mover_init_workers(Mover *m);
int mover_start_workers(Mover *m);
void mover_join_workers(Mover *m);
void mover_close_workers(Mover *m);
