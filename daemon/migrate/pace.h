/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>

/* How fast a job may go. */

/* Pages of one call until the pace is learned: the batch of the kernel's own migration. */
#define PACE_CHUNK_PAGES 512

typedef struct Pace {
        uint64_t not_before_ns; /* no call begins earlier */
} Pace;

/* After a call that took busy_ns and ended at now_ns: the next one waits long enough that calls
 * take at most cpu_percent of the time, busy * (100 - p) / p. */
void pace_account(Pace *p, uint64_t now_ns, uint64_t busy_ns, uint32_t cpu_percent);
