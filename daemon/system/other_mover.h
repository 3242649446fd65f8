/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <dirent.h>
#include <stdbool.h>

#include "model/movement.h"
#include "system/root.h"

/* Programs whose trade is to place or move the memory of others, by their command names: numad,
 * memtierd, autonuma. Only those of root count, for anybody can take such a name. */
bool other_mover_is_known(const char *comm);

/* A walk over all processes in portions, so that none takes long. Zero-initialise. */
typedef struct MoverScan {
        DIR *dir; /* NULL: the next portion begins anew */
} MoverScan;

/* Looks at up to max more processes (some 10 us each). 1: one is a known mover, *ret is it without
 * pages; 0: none in this portion. Errors count as none. The walk has ended when scan->dir is NULL. */
int mover_scan_step(MoverScan *scan, const SystemRoot *root, unsigned max, ForeignMover *ret);
void mover_scan_done(MoverScan *scan);

/* Whether DAMON runs a scheme that migrates (migrate_hot, migrate_cold; since Linux 6.11), by
 * sys/kernel/mm/damon/admin. These files are root's; false where they cannot be read. */
bool damon_migrates(const SystemRoot *root);
