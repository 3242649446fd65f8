/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/evidence.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *name;
        double quality;
        bool built;
} sources[EVIDENCE_SOURCE_MAX] = {
        [SOURCE_NONE] = { "none", 0.0 },
        [SOURCE_CLOCK] = { "clock", 0.8, .built = true },
        [SOURCE_HINT] = { "hint", 0.5, .built = true },
        [SOURCE_RESIDENCY] = { "residency", 0.25, .built = true },
        [SOURCE_PEBS] = { "pebs", 1.0, .built = true },
        [SOURCE_IBS] = { "ibs", 1.0, .built = true },
};

static const struct {
        const char *code, *sentence;
} whys[SOURCE_WHY_MAX] = {
#define SOURCE_WHY_ROW(member, code, sentence) { code, sentence },
        SOURCE_WHY_TABLE(SOURCE_WHY_ROW)
#undef SOURCE_WHY_ROW
};

const char *source_why_to_string(SourceWhy why) {
        return whys[(unsigned)why < SOURCE_WHY_MAX ? why : SOURCE_WHY_NONE].code;
}

const char *source_why_sentence(SourceWhy why) {
        return whys[(unsigned)why < SOURCE_WHY_MAX ? why : SOURCE_WHY_NONE].sentence;
}

const char *evidence_source_to_string(EvidenceSource source) {
        return sources[(unsigned)source < EVIDENCE_SOURCE_MAX ? source : SOURCE_NONE].name;
}

int evidence_source_from_string(const char *s) {
        for (int i = 0; i < EVIDENCE_SOURCE_MAX; i++)
                if (strcmp(s, sources[i].name) == 0)
                        return i;
        return -EINVAL;
}

bool evidence_source_is_built(EvidenceSource source) {
        return (unsigned)source < EVIDENCE_SOURCE_MAX && sources[source].built;
}

double evidence_source_quality(EvidenceSource source) {
        return sources[(unsigned)source < EVIDENCE_SOURCE_MAX ? source : SOURCE_NONE].quality;
}

int evidence_init(Evidence *e, uint32_t n_nodes) {
        size_t cells = (size_t)n_nodes * n_nodes;
        double *memory;

        if (n_nodes == 0 || n_nodes > NODES_MAX)
                return -EINVAL;
        /* One block for all three, so there is one thing to free. */
        memory = calloc(2 * cells + n_nodes, sizeof(*memory));
        if (!memory)
                return -ENOMEM;
        *e = (Evidence) {
                .n_nodes = n_nodes,
                .access = memory,
                .waited = memory + cells,
                .cpu_ns = memory + 2 * cells,
        };
        return 0;
}

void evidence_done(Evidence *e) {
        free(e->access);
        *e = (Evidence) {};
}

int evidence_copy(Evidence *dst, const Evidence *src) {
        size_t cells = (size_t)src->n_nodes * src->n_nodes;
        Evidence copy = *src;

        if (!dst->access || !src->access || dst->n_nodes != src->n_nodes)
                return -EINVAL;
        copy.access = dst->access;
        copy.waited = dst->waited;
        copy.cpu_ns = dst->cpu_ns;
        memcpy(copy.access, src->access, cells * sizeof(*copy.access));
        memcpy(copy.waited, src->waited, cells * sizeof(*copy.waited));
        memcpy(copy.cpu_ns, src->cpu_ns, src->n_nodes * sizeof(*copy.cpu_ns));
        *dst = copy;
        return 0;
}

void evidence_decay(Evidence *e, uint64_t now_ns) {
        if (now_ns <= e->updated_ns)
                return;
        evidence_age(e, now_ns - e->updated_ns);
        e->updated_ns = now_ns;
}

void evidence_age(Evidence *e, uint64_t ns) {
        size_t cells = (size_t)e->n_nodes * e->n_nodes;
        double factor = exp2(-(double)ns / (double)EVIDENCE_HALF_LIFE_NS);

        for (size_t i = 0; i < cells; i++) {
                e->access[i] *= factor;
                e->waited[i] *= factor;
        }
        e->samples *= factor;
        e->unresolved *= factor;
}

void evidence_add(Evidence *e, int accessor, int home, double w, bool waited) {
        size_t cell;

        if (!(w > 0) || !isfinite(w))
                return;
        if (accessor < 0 || home < 0 || (uint32_t)accessor >= e->n_nodes ||
            (uint32_t)home >= e->n_nodes) {
                e->unresolved += w;
                return;
        }
        cell = (size_t)accessor * e->n_nodes + (size_t)home;
        e->access[cell] += w;
        if (waited)
                e->waited[cell] += w;
        e->samples += w;
}

double evidence_remote(const Evidence *e) {
        double sum = 0;

        for (uint32_t a = 0; a < e->n_nodes; a++)
                for (uint32_t h = 0; h < e->n_nodes; h++)
                        if (a != h)
                                sum += e->access[(size_t)a * e->n_nodes + h];
        return sum;
}

double evidence_remote_share(const Evidence *e) {
        double share;

        if (!(e->samples > 0))
                return 0;
        share = evidence_remote(e) / e->samples;
        /* The two sums are rounded apart. */
        return share > 1 ? 1 : share;
}

double evidence_cpu_ns(const Evidence *e) {
        double sum = 0;

        for (uint32_t i = 0; i < e->n_nodes; i++)
                sum += e->cpu_ns[i];
        return sum;
}
