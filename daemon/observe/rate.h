/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* How often the clock source ticks and how many of its ticks hand a sample over. Ticks alone are
 * cheap and give CPU time; samples cost the daemon a disassembly and a page look-up. Pure. */
typedef struct RateController {
        uint32_t rate_hz; /* ticks per second and CPU that are wanted */
        double ceiling;   /* CPU time per second of wall time that sampling may take */
        double limit_hz;  /* samples per second and CPU that the ceiling allows */
        double wanted_hz; /* samples per second and CPU that bring those who wait as many as they need */
        bool interest; /* somebody waits for evidence */
} RateController;

typedef struct RateChoice {
        uint32_t tick_hz; /* per CPU, 1.. */
        uint32_t stride;  /* one in so many user-mode ticks hands a sample over, 1.. */
} RateChoice;

/* While nothing is a candidate, ticks come this much more rarely. */
#define RATE_TRICKLE 8

/* The ceiling in CPU time per second: cpu_max_percent of one CPU on a machine with more than 200
 * sampled CPUs, two thirds of it from 101, one third on smaller ones; so the default of 3 % is 1 %
 * up to 100 CPUs. */
double rate_ceiling(double cpu_max_percent, unsigned n_cpus);

void rate_init(RateController *c, uint32_t rate_hz, double cpu_max_percent, unsigned n_cpus);

/* More samples than this (decayed) make a process no better known: its share is exact to a point, and each
 * 2 MiB of a few GiB in use have been seen a few times. */
#define RATE_SAMPLES_ENOUGH 10000.0

/* Learns, once an interval, how many samples the least known of those processes has that are waited for
 * (infinite: nobody waits): more than enough, and it goes on with fewer, a tenth less each time, since what is
 * counted follows only slowly; too few, and it goes on with more, up to the rate. */
void rate_satisfy(RateController *c, double least_samples);

/* What to do now. */
RateChoice rate_choose(const RateController *c);

/* Learns from an interval of elapsed_ns in which sampling took cost_ns (BPF programs and daemon)
 * while `choice` held. Above the ceiling the limit falls to what would have fitted; below 80 % of it
 * the limit rises by at most a half per interval. */
void rate_learn(RateController *c, RateChoice choice, uint64_t cost_ns, uint64_t elapsed_ns);

/* Whether the ceiling keeps the rate below the one wanted. */
bool rate_is_limited(const RateController *c);
