/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What sampling costs a busy program, everything included: interrupts, programs, caches. One program
 * does the same work again and again; in each pair it does it once with sampling off (one tick a second)
 * and once at the default rate, the order changing from pair to pair, so that what drifts cancels out. */
typedef struct Slowdown {
        unsigned n;          /* pairs */
        double mean_percent; /* of the relative differences */
        double median_percent;
        double error_percent; /* half of the 95 % confidence interval of the mean */
        double work_ms;       /* the median of one piece of work, sampling off */
        bool realtime;        /* nothing could preempt the program */
} Slowdown;

/* Negative errno; problem tells what failed. */
int slowdown_measure(unsigned n_pairs, Slowdown *ret, char *problem, unsigned problem_bytes);
