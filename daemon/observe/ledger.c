/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/ledger.h"

void ledger_account(Ledger *l, const Access *a) {
        TrackedProcess *p = a->process;

        if (p->excluded)
                return;
        p->signs[a->source].resolved += a->weight;
        if (p->observed.evidence.source == SOURCE_NONE)
                tracked_process_use(p, a->source);
        if (p->observed.evidence.source != a->source)
                return;
        l->counters.accesses_total += a->n;
        if (a->home != a->accessor)
                l->counters.accesses_remote += a->n;
        p->observed.evidence.skid = a->skid;
        change_add(&p->change, a->weight, a->home != a->accessor);
        evidence_add(&p->observed.evidence, a->accessor, a->home, a->weight, a->waited);
        if (a->address != 0)
                regions_add(&p->regions, a->address, a->accessor, a->home,
                            a->region_weight > 0 ? a->region_weight : a->weight, a->waited,
                            p->observed.evidence.updated_ns);
        p->interval_samples = true;
}

void ledger_unresolved(Ledger *l, TrackedProcess *p, EvidenceSource source, double weight) {
        (void)l;
        if (p->excluded)
                return;
        p->signs[source].unresolved += weight;
        if (p->observed.evidence.source == SOURCE_NONE || p->observed.evidence.source == source)
                evidence_add(&p->observed.evidence, NODE_NONE, NODE_NONE, weight, false);
}
