/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "observe/ledger.h"
#include "system/root.h"

/* Sampled addresses wait here until the end of an interval; then each page is looked up once, in
 * batches per process, and the accesses are added to the evidence. */
typedef struct Resolver Resolver;

int resolver_new(Resolver **ret, const Topology *topology, const SystemRoot *root);
Resolver *resolver_free(Resolver *r); /* NULL-safe, returns NULL */

/* Keeps an access until the next resolver_resolve; its home is ignored. With `mapping` the address
 * only names a mapping: some page of it, chosen at random, is looked up instead. -ENOBUFS: full;
 * resolve first. The process must stay in its table until the next resolver_resolve or
 * resolver_forget. */
int resolver_add(Resolver *r, const Access *access, bool mapping);

/* Drops what waits for this process. */
void resolver_forget(Resolver *r, const TrackedProcess *process);

/* Drops what waits and was seen by this source. */
void resolver_forget_source(Resolver *r, EvidenceSource source);

/* Looks all pages up and accounts the accesses; counts those without a page and those of processes
 * that have ended. */
void resolver_resolve(Resolver *r, Ledger *ledger);
