/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "migrate/worklist.h"

/* Units with pages to move that a walk has found and no call has tried yet, first in, first out. One
 * thread may put while another takes. */

/* 4 GiB of address space in 144 KiB: far enough ahead that a call never waits for the walk. */
#define FOUND_UNITS 2048u

typedef struct Found {
        pthread_mutex_t lock;
        WorkUnit *units; /* ring */
        uint32_t first, n;
        uint64_t pages;
} Found;

int found_init(Found *f); /* -ENOMEM */
void found_done(Found *f);

/* False: it is full. */
bool found_put(Found *f, const WorkUnit *unit);

/* False: it is empty. */
bool found_take(Found *f, WorkUnit *ret);

void found_clear(Found *f);

uint32_t found_count(Found *f);
uint64_t found_pages(Found *f);
