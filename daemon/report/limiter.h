/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Subjects that are remembered at once. A busy machine has at most tens of processes being moved
 * in one interval; beyond that the entry whose interval began first makes room. */
#define LIMITER_ENTRIES 256

typedef struct LimiterEntry {
        uint64_t key;
        uint64_t since_ns; /* when the interval began */
        unsigned passed;   /* records passed in it */
        unsigned dropped;  /* records held back since one last passed */
        bool used;
} LimiterEntry;

/* Limits how often the same thing is told. Zero-initialise. Reads no clock. */
typedef struct Limiter {
        LimiterEntry entries[LIMITER_ENTRIES];
} Limiter;

/* True when a record with this key may pass at now_ns (CLOCK_MONOTONIC): at most `burst` pass in
 * interval_ns; burst 0 passes always. *ret_dropped, written only when true is returned, is the
 * number of records with this key held back since the last that passed. */
bool limiter_pass(Limiter *l, uint64_t key, unsigned burst, uint64_t interval_ns, uint64_t now_ns,
                  unsigned *ret_dropped);
