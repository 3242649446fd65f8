/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/judge.h"

#include <math.h>

void sign_decay(SourceSign *sign, uint64_t elapsed_ns) {
        double keep = exp2(-(double)elapsed_ns / (double)SIGN_HALF_LIFE_NS);

        sign->resolved *= keep;
        sign->unresolved *= keep;
        sign->expected *= keep;
        sign->compat *= keep;
}

SourceWhy sign_judge_samples(const SourceSign *s) {
        double samples = s->resolved + s->unresolved;
        double again = s->why == SOURCE_WHY_NONE ? 1 : SIGN_AGAIN;

        /* Too little to change anything. */
        if (s->expected < SIGN_SAMPLES && samples + s->compat < SIGN_SAMPLES &&
            !(s->why == SOURCE_WHY_NOT_YET && s->resolved > 0))
                return s->why;
        if (s->compat > samples * (s->why == SOURCE_WHY_COMPAT ? 0.5 : 1))
                return SOURCE_WHY_COMPAT;
        if (samples >= SIGN_SAMPLES && s->resolved < again * SIGN_UNDECODED * samples)
                return SOURCE_WHY_UNDECODED;
        if (s->resolved < again * SIGN_SILENT * s->expected)
                return SOURCE_WHY_SILENT;
        return SOURCE_WHY_NONE;
}

double sign_arrived(uint64_t taken, uint64_t lost) {
        if (taken == 0)
                return 1;
        return lost < taken ? 1 - (double)lost / (double)taken : 0;
}

SourceWhy sign_judge_bursts(SourceSign *s, double enough, uint64_t ran_ns, uint64_t patience_ns) {
        if (s->resolved >= enough) {
                s->silent_ns = 0;
                return SOURCE_WHY_NONE;
        }
        if (s->why != SOURCE_WHY_NONE)
                return s->why;
        s->silent_ns += (double)ran_ns;
        return s->silent_ns >= (double)patience_ns ? SOURCE_WHY_SILENT : SOURCE_WHY_NONE;
}

bool dry_watch(DryWatch *w, uint64_t ticks, uint64_t cpu_ns, uint32_t tick_hz) {
        if (ticks != w->ticks)
                w->missed = 0;
        else if (cpu_ns > w->cpu_ns && w->cpu_ns != 0)
                w->missed += (double)(cpu_ns - w->cpu_ns) / 1e9 * tick_hz;
        w->ticks = ticks;
        w->cpu_ns = cpu_ns;
        return w->missed >= DRY_TICKS;
}
