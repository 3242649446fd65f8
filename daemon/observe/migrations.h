/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <sys/types.h>

#include "model/movement.h"

/* The kernel's own account of the pages that it migrates, from the tracepoint mm_migrate_pages: by
 * reason, apart for this process, and the processes that move pages of others. Costs a few dozen
 * instructions per batch of pages, nothing while none are moved. */
typedef struct MigrationCounter MigrationCounter;

/* Loads and attaches the program; before CAP_BPF or CAP_PERFMON are given up. self: the process whose
 * moves are its own. On failure a negative errno and in problem a sentence why (-EOPNOTSUPP: the
 * kernel lacks the tracepoint or its types). */
#define MIGRATIONS_PROBLEM_BYTES 112
int migrations_open(MigrationCounter **ret, pid_t self, char problem[MIGRATIONS_PROBLEM_BYTES]);
MigrationCounter *migrations_close(MigrationCounter *c); /* NULL-safe, returns NULL */

/* Everything since migrations_open(). */
int migrations_read(MigrationCounter *c, KernelMoves *ret);

/* Takes out up to max processes that moved pages of others since the last call, and returns how many.
 * A process that places its own memory is none, nor is a thread of the kernel (a changed cpuset).
 * Pages of processes beyond the first 64 come as one without pid. */
size_t migrations_take_foreign(MigrationCounter *c, ForeignMover *ret, size_t max);
