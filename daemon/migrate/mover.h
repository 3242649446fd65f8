/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/outcome.h"
#include "model/settings.h"
#include "model/topology.h"
#include "system/root.h"

/* The migration engine: takes orders, works them off in worker threads, reports outcomes. The only
 * place in the daemon that calls a page-moving system call. All functions are called from the loop
 * and never block on such a call. */
typedef struct Mover Mover;

/* System calls and clock of the engine, replaced by a script in tests. All return 0 or more, or a
 * negative errno. Addresses are page aligned; node numbers are dense indices. */
typedef struct MoverKernel {
        /* migrate_pages(2): pages that could not be moved (>= 0). */
        int64_t (*migrate_pages)(void *userdata, pid_t pid, NodeMask from, int to);
        /* Counts resident base pages per node over the private mappings that a move would reach:
         * ret_pages[n_nodes]. cancelled is polled between bounded steps. */
        int (*count_pages)(void *userdata, pid_t pid, uint64_t *ret_pages,
                           const bool *cancelled);
        /* 0 when the process still is the one meant, else -ESRCH. */
        int (*check)(void *userdata, ProcessId id);
        uint64_t (*now_ns)(void *userdata);
        /* Sleeps until now_ns() >= until_ns or *cancelled; returns early on cancellation. */
        void (*sleep_until)(void *userdata, uint64_t until_ns, const bool *cancelled);
        void *userdata;
} MoverKernel;

/* kernel == NULL: the running kernel. Topology and root are borrowed. */
int mover_new(Mover **ret, const Topology *topology, const SystemRoot *root,
              const Settings *settings, const MoverKernel *kernel);

/* Cancels every job, waits for the workers, frees. NULL-safe. */
Mover *mover_free(Mover *m);

/* New settings apply to passes that begin afterwards. */
void mover_set_settings(Mover *m, const Settings *settings);

/* Queues a move. -EBUSY: a job for this process exists already; -ENOBUFS: the queue is full. */
int mover_submit(Mover *m, const Move *move, uint64_t *ret_job);

/* -ENOENT: no such unfinished job. */
int mover_cancel(Mover *m, uint64_t job);

/* A paused engine starts no pass; jobs stay queued. */
void mover_pause(Mover *m, bool paused);

/* Whether a job for this process is queued, running or waiting. */
bool mover_is_busy(const Mover *m, ProcessId id);

/* Becomes readable (eventfd) when a job finished or is about to retry. */
int mover_get_fd(const Mover *m);

/* Takes the next event: 1 and a copy of the job as it then was, or 0 when there is none.
 * state JOB_WAITING: a pass left pages behind and the next follows at next_pass_ns;
 * JOB_FINISHED: the end, told exactly once per job. */
int mover_next_event(Mover *m, Outcome *ret);

/* Copies up to max unfinished jobs; returns how many. */
size_t mover_list(const Mover *m, Outcome *ret, size_t max);
