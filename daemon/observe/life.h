/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "model/process.h"

/* Ends and execs of the processes that evidence is kept of, told by BPF programs on the kernel's
 * tracepoints; so no process is looked at to learn that it is gone. All others raise nothing. */
typedef struct Life Life;

/* Loads and attaches the programs. A negative errno where that is not possible: then processes are
 * forgotten when they have not run for a while. */
int life_open(Life **ret);
Life *life_close(Life *l); /* NULL-safe, returns NULL */

/* From now on, after the next life_flush, the process is told of. NULL-safe. */
void life_track(Life *l, ProcessId id);

/* Hands what life_track took to the kernel, in one call. NULL-safe. */
void life_flush(Life *l);

/* No more of this process. NULL-safe. */
void life_untrack(Life *l, ProcessId id);

typedef struct LifeHandlers {
        void (*ended)(ProcessId id, void *userdata);
        void (*executed)(ProcessId id, uint64_t exec_id, void *userdata);
        void *userdata;
} LifeHandlers;

/* Tells what happened since the last call; how much of it had no room in *ret_lost, since life_open.
 * NULL-safe. */
void life_take(Life *l, const LifeHandlers *handlers, uint64_t *ret_lost);
