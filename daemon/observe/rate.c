/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/rate.h"

#include <math.h>

#include "base/mathx.h"

/* Ever so few samples are still worth having; below, one interval would often bring none. */
#define LIMIT_FLOOR_HZ 0.25

/* Shorter intervals say little about the cost. */
#define LEARN_NS_MIN 100000000ull

#define HEADROOM 0.8
#define RISE_MAX 1.5

#define WANTED_FALL     0.9
#define WANTED_FLOOR_HZ 1.0

double rate_ceiling(double cpu_max_percent, unsigned n_cpus) {
        unsigned thirds = n_cpus > 200 ? 3 : n_cpus > 100 ? 2 : 1;

        return cpu_max_percent / 100.0 * thirds / 3.0;
}

void rate_init(RateController *c, uint32_t rate_hz, double cpu_max_percent, unsigned n_cpus) {
        *c = (RateController) {
                .rate_hz = rate_hz > 0 ? rate_hz : 1,
                .ceiling = rate_ceiling(cpu_max_percent, n_cpus),
                .limit_hz = rate_hz,
                .wanted_hz = rate_hz,
                .interest = true,
        };
}

void rate_satisfy(RateController *c, double least_samples) {
        if (isinf(least_samples))
                return;
        if (least_samples > RATE_SAMPLES_ENOUGH)
                c->wanted_hz *= fmax(WANTED_FALL, RATE_SAMPLES_ENOUGH / least_samples);
        else if (least_samples < HEADROOM * RATE_SAMPLES_ENOUGH)
                c->wanted_hz *= RISE_MAX;
        c->wanted_hz = clamp_double(c->wanted_hz, WANTED_FLOOR_HZ, c->rate_hz);
}

RateChoice rate_choose(const RateController *c) {
        uint32_t tick_hz = c->interest ? c->rate_hz : c->rate_hz / RATE_TRICKLE;
        RateChoice choice;

        choice.tick_hz = tick_hz > 0 ? tick_hz : 1;
        choice.stride = (uint32_t)clamp_double(
                ceil(choice.tick_hz / fmin(c->limit_hz, c->wanted_hz)), 1, 1e6);
        return choice;
}

void rate_learn(RateController *c, RateChoice choice, uint64_t cost_ns, uint64_t elapsed_ns) {
        double used, sampled_hz, at_limit;

        if (elapsed_ns < LEARN_NS_MIN)
                return;
        sampled_hz = (double)choice.tick_hz / choice.stride;
        used = (double)cost_ns / (double)elapsed_ns;
        /* What it would cost to go to the limit: while there is a trickle only, little is used. */
        at_limit = used * fmax(c->limit_hz / sampled_hz, 1.0);
        if (at_limit > c->ceiling)
                c->limit_hz *= c->ceiling / at_limit;
        else if (at_limit < HEADROOM * c->ceiling)
                c->limit_hz *= fmin(RISE_MAX, HEADROOM * ratio_or(c->ceiling, at_limit, RISE_MAX));
        c->limit_hz = clamp_double(c->limit_hz, LIMIT_FLOOR_HZ, c->rate_hz);
}

bool rate_is_limited(const RateController *c) {
        return c->limit_hz < c->rate_hz;
}
