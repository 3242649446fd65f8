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
        unsigned floor;      /* of the brake while it works */
        unsigned brake; /* 0 .. PROGRESS_BRAKE_MAX: the share of time in calls is halved so often */
} Progress;

#define PROGRESS_BRAKE_MAX 5

/* A process that works stands still during a call when it touches what is on its way, and afterwards
 * has to fill its TLB again, which its CPU time does not show. So it is braked as long as it works,
 * however it fares: calls take an eighth of the time with migration.cpu_percent = 50, which moves
 * 250 MB/s at 2 us a page. Where a move promises much, a quarter. */
#define PROGRESS_FLOOR        2
#define PROGRESS_FLOOR_URGENT 1

/* CPU time comes in ticks of 10 ms: less than this says nothing. */
#define PROGRESS_WINDOW_NS 250000000u

/* The move was ordered: what follows until progress_begin() is the process undisturbed. */
void progress_start(Progress *p, const ProgressSample *now);

/* A pass begins. The time since the last sample was undisturbed if long enough to tell, else
 * cpu_rate_known, CPU time per time (0: not known), is taken. A process that works is braked by floor
 * at least. */
void progress_begin(Progress *p, const ProgressSample *now, double cpu_rate_known, unsigned floor);

/* Whether the window since the last sample is long enough to look at it. */
bool progress_is_due(const Progress *p, uint64_t now_ns);

/* Pages moved since the last sample: brakes harder or lets go. */
void progress_judge(Progress *p, const ProgressSample *now);

/* How often calls are halved: they are short enough for a process that does not suffer. */
unsigned progress_call_brake(const Progress *p);
