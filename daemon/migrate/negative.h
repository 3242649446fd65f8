/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "base/table.h"
#include "model/process.h"

/* Units of processes that had pages which could not be moved: later jobs leave them alone for a
 * while instead of running into the same pages again. For one thread. */

#define NEGATIVE_KEEP_NS (600ull * 1000 * 1000 * 1000)

/* Units remembered; 32 GiB of address space. What does not fit is tried again, which costs time
 * only. */
#define NEGATIVE_UNITS_MAX 16384

typedef enum NegativeKind {
        NEGATIVE_NONE,
        NEGATIVE_SHARED, /* mapped by other processes too */
        NEGATIVE_FAILED, /* stayed busy, or was refused */
        NEGATIVE_MAX,
} NegativeKind;

typedef struct Negative {
        Table *units;
        uint64_t expired_ns; /* when what is over was last removed */
} Negative;

int negative_init(Negative *n); /* -ENOMEM */
void negative_done(Negative *n);

/* base: aligned to UNIT_PAGES pages. */
void negative_add(Negative *n, ProcessId id, uint64_t base, NegativeKind kind, uint64_t now_ns);
NegativeKind negative_find(const Negative *n, ProcessId id, uint64_t base, uint64_t now_ns);
