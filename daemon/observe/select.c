/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/internal.h"

/* Missing this many accesses by chance is out of the question. */
#define BLIND_ACCESSES 20.0

/* A source that should have brought accesses by the CPU time of the process, and did not, is blind for
 * it until it brings some. */
static void judge_sign(const Source *s, TrackedProcess *p) {
        SourceSign *sign = &p->signs[s->type->id];

        if (sign->resolved > 0) {
                sign->silence = 0;
                sign->blind = false;
        } else if (s->type->expected) {
                sign->silence += s->type->expected(s, p);
                if (sign->silence >= BLIND_ACCESSES)
                        sign->blind = true;
        }
        sign->resolved = 0;
        sign->unresolved = 0;
}

Source *select_source(Observer *o, TrackedProcess *p) {
        Source *chosen = NULL, *last = NULL;

        for (unsigned i = 0; i < o->n_slots; i++) {
                Source *s = o->slots[i].source;

                if (!s)
                        continue;
                judge_sign(s, p);
                last = s;
                if (!chosen && !p->signs[s->type->id].blind)
                        chosen = s;
        }
        if (!chosen)
                chosen = last;
        if (chosen && p->observed.evidence.source != chosen->type->id)
                tracked_process_use(p, chosen->type->id);
        return chosen;
}
