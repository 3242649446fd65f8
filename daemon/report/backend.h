/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "model/finding.h"
#include "model/view.h"

/* The table of callbacks through which the report room reaches the manager. Reads answer from the
 * last tick's data and never start a query. */
typedef struct ReportBackend {
        void (*status)(void *userdata, StatusView *ret);
        /* Node ids and topology for turning dense indices into what a person reads. */
        const Topology *(*topology)(void *userdata);
        /* Up to max rows, best first in the given order; *ret is malloc'ed, the caller frees. */
        int (*processes)(void *userdata, size_t max, ProcessOrder order, ProcessRow **ret,
                         size_t *ret_n);
        /* One process; -ESRCH when no such process exists. A process that exists but is not
         * tracked gives a row with reason REASON_NO_EVIDENCE or what excludes it. */
        int (*process)(void *userdata, pid_t pid, ProcessRow *ret);
        /* usec 0: until resumed. */
        int (*pause)(void *userdata, uint64_t usec);
        int (*resume)(void *userdata);
        /* Nodes, and the accesses of all watched processes. */
        void (*machine)(void *userdata, MachineView *ret);
        /* Up to max unfinished jobs; returns how many. */
        size_t (*jobs)(void *userdata, Outcome *ret, size_t max);
        /* What GetProcess shows besides the row; -ESRCH: not watched. */
        int (*detail)(void *userdata, pid_t pid, ProcessDetail *ret);
        /* Reads the configuration again. -EBADMSG: refused, StatusView.last_reload_error says why. */
        int (*reload)(void *userdata);
        /* Ends an unfinished job; -ENOENT: there is none of that number. */
        int (*cancel)(void *userdata, uint64_t job);
        /* Orders a move. -ESRCH; -EINVAL: a node that does not exist or may not be used; -EPERM:
         * never touched, for *ret_reason; -EBUSY: a job for the process exists; -ENOBUFS: the queue
         * is full; -ECANCELED: paused. */
        int (*migrate)(void *userdata, const MoveRequest *request, uint64_t *ret_job,
                       Reason *ret_reason);
        /* Empties a regular file and writes what the policy sees into it for so many seconds; the descriptor stays the
         * caller's. -EBUSY: a recording is under way; -ENODATA: nothing is evaluated; -EBADF: no
         * regular file open for writing. */
        int (*record)(void *userdata, int fd, uint32_t seconds);
        /* Up to max findings of the doctor; returns how many. */
        size_t (*diagnose)(void *userdata, Finding *ret, size_t max);
        void *userdata;
} ReportBackend;
