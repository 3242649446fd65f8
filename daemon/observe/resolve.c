/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/resolve.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "system/maps.h"
#include "system/process_read.h"
#include "system/residency.h"

/* Accesses that may wait. At 97 Hz a busy CPU brings a hundred a second, or a few hundred where
 * whole blocks are evaluated. */
#define PENDING_MAX 65536

typedef struct Pending {
        TrackedProcess *process;
        uint64_t page;
        double weight;
        uint32_t n;
        int16_t accessor;
        uint8_t source; /* EvidenceSource */
        bool waited;
        bool skid;
        bool mapping;
} Pending;

struct Resolver {
        const Topology *topology;
        const SystemRoot *root;
        uint64_t page_mask;
        uint64_t random;
        uint32_t n;
        Pending *pending; /* [PENDING_MAX] */
        uint64_t *pages;  /* [PENDING_MAX], distinct pages of one process */
        int32_t *nodes;   /* [PENDING_MAX], their nodes */
};

DEFINE_CLEANUP(Resolver, resolver_free)

int resolver_new(Resolver **ret, const Topology *topology, const SystemRoot *root) {
        cleanup(cleanup_resolver_freep) Resolver *r = calloc(1, sizeof(*r));

        if (!r)
                return -ENOMEM;
        r->topology = topology;
        r->root = root;
        r->page_mask = ~((uint64_t)sysconf(_SC_PAGESIZE) - 1);
        r->pending = calloc(PENDING_MAX, sizeof(*r->pending));
        r->pages = calloc(PENDING_MAX, sizeof(*r->pages));
        r->nodes = calloc(PENDING_MAX, sizeof(*r->nodes));
        if (!r->pending || !r->pages || !r->nodes)
                return -ENOMEM;
        *ret = TAKE_PTR(r);
        return 0;
}

Resolver *resolver_free(Resolver *r) {
        if (!r)
                return NULL;
        free(r->pending);
        free(r->pages);
        free(r->nodes);
        free(r);
        return NULL;
}

int resolver_add(Resolver *r, const Access *a, bool mapping) {
        if (r->n == PENDING_MAX)
                return -ENOBUFS;
        r->pending[r->n++] = (Pending) {
                .process = a->process,
                .page = a->address & r->page_mask,
                .weight = a->weight,
                .n = a->n < UINT32_MAX ? (uint32_t)a->n : UINT32_MAX,
                .accessor = (int16_t)a->accessor,
                .source = (uint8_t)a->source,
                .waited = a->waited,
                .skid = a->skid,
                .mapping = mapping,
        };
        return 0;
}

void resolver_forget(Resolver *r, const TrackedProcess *process) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < r->n; i++)
                if (r->pending[i].process != process)
                        r->pending[kept++] = r->pending[i];
        r->n = kept;
}

void resolver_forget_source(Resolver *r, EvidenceSource source) {
        uint32_t kept = 0;

        for (uint32_t i = 0; i < r->n; i++)
                if (r->pending[i].source != source)
                        r->pending[kept++] = r->pending[i];
        r->n = kept;
}

static int compare_pending(const void *a, const void *b) {
        const Pending *x = a, *y = b;

        if (x->process != y->process)
                return x->process < y->process ? -1 : 1;
        if (x->page != y->page)
                return x->page < y->page ? -1 : 1;
        return 0;
}

static void add_access(const Pending *p, int32_t node, Ledger *ledger) {
        if (node < 0) {
                ledger->counters.samples_no_page++;
                ledger_unresolved(ledger, p->process, (EvidenceSource)p->source, p->weight);
                return;
        }
        ledger_account(ledger, &(Access) {
                                       .process = p->process,
                                       .source = (EvidenceSource)p->source,
                                       /* Which page of a mapping was accessed is not known. */
                                       .address = p->mapping ? 0 : p->page,
                                       .accessor = p->accessor,
                                       .home = node,
                                       .weight = p->weight,
                                       .n = p->n,
                                       .waited = p->waited,
                                       .skid = p->skid,
                               });
}

typedef struct Spread {
        Resolver *resolver;
        Pending *pending, *end;
} Spread;

/* Both mappings and accesses come in the order of addresses. */
static int spread_over_mapping(const Mapping *m, void *userdata) {
        Spread *s = userdata;
        uint64_t page_bytes = ~s->resolver->page_mask + 1;

        for (; s->pending < s->end && s->pending->page < m->end; s->pending++) {
                if (!s->pending->mapping || s->pending->page < m->start)
                        continue;
                s->resolver->random =
                        s->resolver->random * 6364136223846793005ull + 1442695040888963407ull;
                s->pending->page = m->start + (s->resolver->random >> 16) %
                                                      ((m->end - m->start) / page_bytes) *
                                                      page_bytes;
        }
        return s->pending == s->end;
}

/* Gives accesses that only name a mapping a page of it. */
static void spread_over_mappings(Resolver *r, Pending *pending, uint32_t n) {
        Spread spread = { r, pending, pending + n };
        bool any = false;

        for (uint32_t i = 0; i < n; i++)
                any = any || pending[i].mapping;
        if (!any)
                return;
        (void)maps_read(r->root, pending->process->observed.id.pid, spread_over_mapping, &spread);
        qsort(pending, n, sizeof(*pending), compare_pending);
}

/* All accesses of one process, sorted by page. */
static void resolve_process(Resolver *r, Pending *pending, uint32_t n, Ledger *ledger) {
        ProcessId id = pending->process->observed.id;
        uint32_t n_pages = 0, page = 0;

        spread_over_mappings(r, pending, n);
        for (uint32_t i = 0; i < n; i++)
                if (i == 0 || pending[i].page != pending[i - 1].page)
                        r->pages[n_pages++] = pending[i].page;
        /* The pid may belong to somebody else by now. */
        if (process_check(r->root, id) < 0 ||
            residency_query(r->topology, id.pid, r->pages, n_pages, r->nodes) < 0) {
                ledger->counters.samples_gone += n;
                return;
        }
        for (uint32_t i = 0; i < n; i++) {
                if (i > 0 && pending[i].page != pending[i - 1].page)
                        page++;
                add_access(&pending[i], r->nodes[page], ledger);
        }
}

void resolver_resolve(Resolver *r, Ledger *ledger) {
        uint32_t first = 0;

        qsort(r->pending, r->n, sizeof(*r->pending), compare_pending);
        for (uint32_t i = 1; i <= r->n; i++) {
                if (i < r->n && r->pending[i].process == r->pending[first].process)
                        continue;
                resolve_process(r, &r->pending[first], i - first, ledger);
                first = i;
        }
        r->n = 0;
}
