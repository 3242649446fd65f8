/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What a process gets done while its pages move, by its own CPU time and page faults: a thread that
 * touches a page on its way faults and sleeps until it has arrived. Where a process keeps much less
 * of its CPU time than before and faults more, its move goes slower. Pure: time is given. */

/* Since the process began. */
typedef struct ProgressSample {
        uint64_t at_ns;
        uint64_t cpu_ns; /* of all threads */
        uint64_t faults; /* minor ones */
} ProgressSample;

typedef struct Progress {
        ProgressSample last; /* where the present window began; at_ns 0: none yet */
        bool known;          /* how it was before: */
        double cpu_rate;     /* CPU time per time, */
        double fault_rate;   /* faults per second */
        unsigned brake;      /* 0 .. PROGRESS_BRAKE_MAX: pace and calls are halved so often */
} Progress;

#define PROGRESS_BRAKE_MAX 3

/* CPU time comes in ticks of 10 ms: less than this says nothing. */
#define PROGRESS_WINDOW_NS 250000000u

/* The move was ordered: what follows until progress_begin() is the process undisturbed. */
void progress_start(Progress *p, const ProgressSample *now);

/* A pass begins. The time since the last sample was undisturbed if long enough to tell, else
 * cpu_rate_known, CPU time per time (0: not known), is taken. A process that works is braked at first,
 * until it shows that it does not suffer. */
void progress_begin(Progress *p, const ProgressSample *now, double cpu_rate_known);

/* Whether the window since the last sample is long enough to look at it. */
bool progress_is_due(const Progress *p, uint64_t now_ns);

/* Pages moved since the last sample: brakes harder or lets go. */
void progress_judge(Progress *p, const ProgressSample *now);
