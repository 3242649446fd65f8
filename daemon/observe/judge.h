/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "observe/process_table.h"

/* Whether a source sees a process, by what it brought. Pure. */

/* Signs lose half their weight in this time, so that a process that changes is seen to. */
#define SIGN_HALF_LIFE_NS (10ull * 1000 * 1000 * 1000)

/* Ages the sign by the interval that ends. */
void sign_decay(SourceSign *sign, uint64_t elapsed_ns);

/* For a source that samples: NONE while it sees the process. It does not when CPU time for
 * SIGN_SAMPLES accesses brought less than SIGN_SILENT of them, or SIGN_SAMPLES samples were taken of which
 * less than SIGN_UNDECODED led to an address, or most are of 32-bit code. What is not seen must be
 * twice as good before it is seen again. */
#define SIGN_SAMPLES   20.0
#define SIGN_SILENT    0.05
#define SIGN_UNDECODED 0.1
#define SIGN_AGAIN     2.0
SourceWhy sign_judge_samples(const SourceSign *sign);

/* Share of the samples that arrived, of those taken: what was lost for lack of room (0 <= lost <= taken)
 * says nothing about whether a process is seen, so fewer are to be expected. 1 where none was taken. */
double sign_arrived(uint64_t taken, uint64_t lost);

/* For a source whose accesses come in bursts: it sees a process from `enough` accesses on, until
 * patience_ns went by in which it ran and brought less. `ran_ns` is the part of the interval in which it
 * ran. */
SourceWhy sign_judge_bursts(SourceSign *sign, double enough, uint64_t ran_ns, uint64_t patience_ns);

/* Whether a source of ticks has run dry. A process that watches itself needs nobody else for that: while
 * it uses CPU time, ticks must come. */
typedef struct DryWatch {
        uint64_t ticks;  /* at the last call */
        uint64_t cpu_ns; /* likewise */
        double missed;   /* ticks that should have come since the last one did */
} DryWatch;

/* Takes the ticks so far, the CPU time of this process so far, and the ticks per second and CPU since the
 * last call: true once DRY_TICKS should have come and none did. */
#define DRY_TICKS 20.0
bool dry_watch(DryWatch *w, uint64_t ticks, uint64_t cpu_ns, uint32_t tick_hz);
