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

/* What move_pages leaves in a status that it did not write; the engine fills it in beforehand. */
#define MOVE_STATUS_UNWRITTEN INT32_MIN

/* What is walked besides private memory. */
typedef enum MappingKinds {
        MAPPINGS_SHARED = 1,  /* shared memory and files mapped shared */
        MAPPINGS_HUGETLB = 2, /* anonymous hugetlb pages */
} MappingKinds;

/* System calls and clock of the engine, replaced by a script in tests. All return 0 or more, or a
 * negative errno. Addresses are page aligned; node numbers are dense indices. Called from worker
 * threads without a lock held. */
typedef struct MoverKernel {
        /* migrate_pages(2): pages that could not be moved (>= 0). */
        int64_t (*migrate_pages)(void *userdata, pid_t pid, NodeMask from, int to);
        /* move_pages(2) with MPOL_MF_MOVE, or MPOL_MF_MOVE_ALL where `all`, of n pages to one node: 0, or the number of pages not
         * moved including those not attempted. status[n]: node index or negative errno where the
         * kernel wrote it, else as it was. */
        int64_t (*move_pages)(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                              int to, bool all, int32_t *status);
        /* Where pages are: node index or negative errno each; see residency_query(). */
        int (*query_pages)(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                           int32_t *ret_node);
        /* Up to max accessible mappings that end above `from`, ascending; 0 at the end. Just private
         * ones, unless kinds asks for more. */
        int (*read_mappings)(void *userdata, pid_t pid, uint64_t from, MappingKinds kinds,
                             AddressRange *ret, uint32_t max);
        /* Takes hold of the address space of a process: a descriptor for check that never stands for
         * another one, whatever becomes of the pid. -ESRCH: it is not the process meant; -EPERM. */
        int (*attach)(void *userdata, ProcessId id);
        void (*detach)(void *userdata, int fd);
        /* 0 while the process has this address space, -ESRCH after it ended or called exec. */
        int (*check)(void *userdata, int fd);
        /* What the process has used so far: CPU time of all threads, minor faults. NULL: cannot tell. */
        int (*progress)(void *userdata, pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_faults);
        /* Percent of time in which tasks waited for CPU or memory; negative: not told. */
        double (*pressure)(void *userdata);
        uint64_t (*now_ns)(void *userdata);
        /* Sleeps until now_ns() >= until_ns (UINT64_MAX: for ever) or wake_fd is readable, which the
         * caller empties. */
        void (*sleep_until)(void *userdata, uint64_t until_ns, int wake_fd);
        void *userdata;
        uint32_t page_bytes;
        bool may_move_all; /* CAP_SYS_NICE is held */
        uint32_t cpus;     /* as many threads are started, up to a handful */
} MoverKernel;

/* kernel == NULL: the running kernel. Topology and root are borrowed. */
int mover_new(Mover **ret, const Topology *topology, const SystemRoot *root,
              const Settings *settings, const MoverKernel *kernel);

/* Waits for the call under way, then ends every job as cancelled; their ends are the last events. No
 * order is taken any more. */
void mover_stop(Mover *m);

/* The same, and frees. NULL-safe. */
Mover *mover_free(Mover *m);

/* New settings apply to passes that begin afterwards. */
void mover_set_settings(Mover *m, const Settings *settings);

/* Queues a move; its ranges are copied. A process may have several unfinished jobs where each is
 * about ranges only and has another target; the ranges of two must not overlap. They are worked off
 * one after the other. -EINVAL: a node that is unknown, no source, the target among the sources, or
 * ranges that walk_init() refuses; -ESRCH: it is not the process meant any more; -ECANCELED: after
 * mover_stop(); -EBUSY: a job for this process that excludes this one exists already; -ENOBUFS: the
 * queue is full. */
int mover_submit(Mover *m, const Move *move, uint64_t *ret_job);

/* -ENOENT: no such unfinished job. */
int mover_cancel(Mover *m, uint64_t job);

/* A paused engine starts no call that moves pages: a pass under way stops after the present call and
 * goes on where it was when the engine is resumed; jobs stay queued. */
void mover_pause(Mover *m, bool paused);

/* Whether pages that other processes map can be moved: CAP_SYS_NICE is held. False for NULL. */
bool mover_may_move_shared(const Mover *m);

/* Whether a job for this process is queued, running or waiting. */
bool mover_is_busy(const Mover *m, ProcessId id);

/* Becomes readable (eventfd, non-blocking; emptied by mover_next_event() returning 0) when a job finished or is about to retry. */
int mover_get_fd(const Mover *m);

/* Takes the next event: 1 and a copy of the job as it then was, or 0 when there is none.
 * state JOB_WAITING: a pass left pages behind and the next follows at next_pass_ns;
 * JOB_FINISHED: the end, told exactly once per job. */
int mover_next_event(Mover *m, Outcome *ret);

/* Copies up to max unfinished jobs; returns how many. */
size_t mover_list(const Mover *m, Outcome *ret, size_t max);

/* How many unfinished jobs there are. */
size_t mover_count(const Mover *m);
