/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/stats.h"
#include "observe/process_table.h"
#include "system/root.h"

/* Sampled addresses wait here until the end of an interval; then each page is looked up once, in
 * batches per process, and the accesses are added to the evidence. */
typedef struct Resolver Resolver;

int resolver_new(Resolver **ret, const Topology *topology, const SystemRoot *root);
Resolver *resolver_free(Resolver *r); /* NULL-safe, returns NULL */

/* Adds an access of weight w. With `mapping` the address only names a mapping: some page of it, chosen
 * at random, is looked up instead. -ENOBUFS: full; resolve first. The process must stay in its table
 * until the next resolver_resolve or resolver_forget. */
int resolver_add(Resolver *r, TrackedProcess *process, uint64_t address, int accessor, double w,
                 bool waited, bool mapping);

/* Drops what waits for this process. */
void resolver_forget(Resolver *r, const TrackedProcess *process);

/* Whether the waited-for accesses differ from all accesses (see Evidence.skid). */
void resolver_set_skid(Resolver *r, bool skid);

/* Looks all pages up and adds the accesses to the evidence of their processes, whose source is the
 * clock from then on; counts accesses,
 * those without a page and those of processes that have ended. */
void resolver_resolve(Resolver *r, Counters *counters);
