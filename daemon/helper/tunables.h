/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/settings.h"

/* The values of the kernel that may be written, and no others. Pure. */
typedef enum Tunable {
        TUNABLE_SCAN_DELAY,
        TUNABLE_SCAN_PERIOD_MIN,
        TUNABLE_SCAN_PERIOD_MAX,
        TUNABLE_SCAN_SIZE,
        TUNABLE_BALANCING, /* last: it is not switched on before the others are set */
        TUNABLE_MAX,
} Tunable;

/* Places of a tunable below the root directory, the first that exists counts. */
#define TUNABLE_PATHS_MAX 2

/* "kernel.numa_balancing", "scan_delay_ms": the name in messages and in the state file. */
const char *tunable_to_string(Tunable tunable);
int tunable_from_string(const char *name); /* -EINVAL */

/* Path number i, relative to the root directory; NULL: there are no more. */
const char *tunable_path(Tunable tunable, size_t i);

/* Whether a setting asks for a value, and which, given the present one. */
bool tunable_wanted(Tunable tunable, KernelBalancing balancing, uint64_t present, uint64_t *ret);

/* What was taken over: a value from before, and what was written in its place. */
typedef struct Saved {
        bool taken;
        uint64_t before;
        uint64_t written;
} Saved;

/* The saved values as text, a line for each that was taken, and back. Lines that are not complete,
 * name something else or do not parse are passed over and counted: what they said is lost, which
 * does less harm than to write what nobody knows. */
#define STATE_BYTES_MAX 1024
size_t saved_format(const Saved saved[static TUNABLE_MAX], char text[static STATE_BYTES_MAX]);
unsigned saved_parse(const char *text, Saved ret[static TUNABLE_MAX]);
