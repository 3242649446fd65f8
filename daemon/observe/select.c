/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/internal.h"
#include "observe/judge.h"

void select_first_source(Observer *o, TrackedProcess *p) {
        Source *chosen = NULL;

        for (unsigned i = 0; i < o->n_slots; i++) {
                const SourceType *type = o->slots[i].type;
                Source *s = o->slots[i].source;

                p->signs[type->id].why = type->must_show ? SOURCE_WHY_NOT_YET : SOURCE_WHY_NONE;
                if (s && !s->idle[0] && (!chosen || chosen->type->must_show))
                        chosen = s;
        }
        if (chosen)
                p->observed.evidence.source = chosen->type->id;
}

static SourceWhy judge(Source *s, TrackedProcess *p, uint64_t elapsed_ns) {
        SourceSign *sign = &p->signs[s->type->id];

        if (s->type->judge)
                sign->why = s->type->judge(s, p, elapsed_ns);
        sign_decay(sign, elapsed_ns);
        return sign->why;
}

Source *select_source(Observer *o, TrackedProcess *p, uint64_t elapsed_ns) {
        Source *chosen = NULL, *last = NULL;

        p->observed.passed_over = SOURCE_NONE;
        p->observed.why = SOURCE_WHY_NONE;
        for (unsigned i = 0; i < o->n_slots; i++) {
                Source *s = o->slots[i].source;
                SourceWhy why;

                if (!s || s->idle[0])
                        continue;
                why = judge(s, p, elapsed_ns);
                last = s;
                if (why == SOURCE_WHY_NONE && !chosen)
                        chosen = s;
                else if (!chosen && p->observed.passed_over == SOURCE_NONE) {
                        p->observed.passed_over = s->type->id;
                        p->observed.why = why;
                }
        }
        if (!chosen) /* nobody sees it: as good as the last can */
                chosen = last;
        if (chosen && p->observed.evidence.source != chosen->type->id)
                tracked_process_use(p, chosen->type->id);
        return chosen;
}
