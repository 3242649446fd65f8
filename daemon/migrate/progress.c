/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/progress.h"

#include "base/mathx.h"

/* Of the CPU time that it had before. Below the first it suffers; above the second it does not. What
 * is between is the price of a move. */
#define KEEPS_TOO_LITTLE 0.70
#define KEEPS_ENOUGH     0.85

/* Who used less than a tenth of a CPU has nothing to lose that ticks could show. */
#define WORKS_RATE 0.1

/* Faults per second that moving its pages must add before it counts as the cause. */
#define FAULTS_MORE 4.0

/* Who faults more often anyway does so less while it is held up: its faults tell nothing. */
#define FAULTS_TELL 20.0

static double per_ns(uint64_t later, uint64_t earlier, uint64_t ns) {
        return ratio_or((double)sub_sat(later, earlier), (double)ns, 0);
}

static void progress_learn(Progress *p, const ProgressSample *now, uint64_t ns) {
        p->known = true;
        p->cpu_rate = per_ns(now->cpu_ns, p->last.cpu_ns, ns);
        p->fault_rate = per_ns(now->faults, p->last.faults, ns) * 1e9;
}

void progress_start(Progress *p, const ProgressSample *now) {
        *p = (Progress) { .last = *now };
}

void progress_begin(Progress *p, const ProgressSample *now, double cpu_rate_known, unsigned floor) {
        uint64_t ns = sub_sat(now->at_ns, p->last.at_ns);

        if (p->last.at_ns > 0 && ns >= PROGRESS_WINDOW_NS)
                progress_learn(p, now, ns);
        else if (!p->known && cpu_rate_known > 0) {
                p->known = true;
                p->cpu_rate = cpu_rate_known;
                p->fault_rate = 0;
        }
        p->floor = p->known && p->cpu_rate >= WORKS_RATE ? floor : 0;
        if (p->brake < p->floor)
                p->brake = p->floor;
        p->last = *now;
}

bool progress_is_due(const Progress *p, uint64_t now_ns) {
        return p->known && sub_sat(now_ns, p->last.at_ns) >= PROGRESS_WINDOW_NS;
}

void progress_judge(Progress *p, const ProgressSample *now) {
        uint64_t ns = sub_sat(now->at_ns, p->last.at_ns);
        double cpu_rate = per_ns(now->cpu_ns, p->last.cpu_ns, ns);
        double fault_rate = per_ns(now->faults, p->last.faults, ns) * 1e9;
        bool faults_more = p->fault_rate > FAULTS_TELL || fault_rate > p->fault_rate + FAULTS_MORE;

        p->last = *now;
        if (p->cpu_rate < WORKS_RATE || cpu_rate >= KEEPS_ENOUGH * p->cpu_rate || !faults_more)
                p->brake -= p->brake > p->floor;
        else if (cpu_rate < KEEPS_TOO_LITTLE * p->cpu_rate && p->brake < PROGRESS_BRAKE_MAX)
                p->brake++;
}

unsigned progress_call_brake(const Progress *p) {
        return p->brake - (p->brake < p->floor ? p->brake : p->floor);
}
