/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

#include "model/plan.h"

/* The addresses that a job looks at, in its order: the ranges of its order as given, then, unless
 * these are all that is wanted, what lies between them. */
typedef struct Walk {
        AddressRange *ranges; /* disjoint */
        uint32_t n;
} Walk;

/* -EINVAL: a range that is empty, not aligned to pages, or overlaps another, too many of them, or
 * none where nothing else is wanted; -ENOMEM. */
int walk_init(Walk *ret, const Move *move, uint32_t page_bytes);
void walk_done(Walk *w);
