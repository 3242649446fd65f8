/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/regions.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "model/limits.h"
#include "model/settings.h"
#include "observe/ledger.h"
#include "observe/process_table.h"

/* Two mappings of this process; the regions of the first begin on a boundary. */
typedef struct Fixture {
        RegionTable *table;
        RegionSet set;
        SystemRoot root;
        uint64_t address; /* of 8 regions, */
        uint64_t shared;  /* and of a shared mapping */
        Region regions[64];
} Fixture;

static Fixture *fixture_new(uint32_t capacity) {
        Fixture *f = calloc(1, sizeof(*f));
        uint64_t at;

        cr_assert_eq(region_table_new(&f->table, capacity), 0);
        cr_assert_eq(system_root_open(&f->root, ""), 0);
        f->set.table = f->table;
        at = (uint64_t)(uintptr_t)mmap(NULL, 16 * REGION_BYTES, PROT_NONE,
                                       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        f->address = (at + REGION_BYTES - 1) / REGION_BYTES * REGION_BYTES;
        cr_assert_eq(
                mprotect((void *)(uintptr_t)f->address, 8 * REGION_BYTES, PROT_READ | PROT_WRITE),
                0);
        f->shared = (uint64_t)(uintptr_t)mmap(NULL, REGION_BYTES, PROT_READ,
                                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        return f;
}

static void fixture_free(Fixture *f) {
        regions_clear(&f->set);
        region_table_free(f->table);
        system_root_close(&f->root);
        free(f);
}

static void add(Fixture *f, uint64_t region, int accessor, int home, double w, uint64_t now_s) {
        regions_add(&f->set, f->address + region * REGION_BYTES + 4096, accessor, home, w, true,
                    now_s * NSEC_PER_SEC);
}

static int view(Fixture *f, uint64_t now_s) {
        return regions_view(&f->set, &f->root, getpid(), now_s * NSEC_PER_SEC, f->regions, 64);
}

Test(regions, who_uses_what) {
        Fixture *f = fixture_new(16);
        const Region *r = f->regions;

        add(f, 3, 1, 0, 1, 100);
        add(f, 0, 0, 1, 2, 100);
        add(f, 0, 1, 1, 0.5, 100);
        cr_assert_eq(view(f, 100), 2);
        cr_expect_eq(r[0].start, f->address);
        cr_expect_eq(r[0].bytes, REGION_BYTES);
        cr_expect_eq(r[1].start, f->address + 3 * REGION_BYTES);
        cr_expect_eq(r[0].mapping, r[1].mapping);
        cr_expect(r[0].access[0].node == 0 && r[0].access[0].weight == 2 &&
                  r[0].access[0].remote == 2 && r[0].access[0].waited == 2);
        cr_expect(r[0].access[1].node == 1 && r[0].access[1].weight == 0.5f &&
                  r[0].access[1].remote == 0);
        cr_expect_eq(r[0].access[2].node, NODE_NONE);
        cr_expect_eq(r[0].home, 1);
        cr_expect_eq(r[0].since_ns, 100 * NSEC_PER_SEC);
        /* One half-life later; another node takes over then. */
        cr_assert_eq(view(f, 110), 2);
        cr_expect_float_eq((double)r[0].access[0].weight, 1, 1e-6);
        add(f, 0, 1, 1, 5, 110);
        cr_assert_eq(view(f, 110), 2);
        cr_expect_eq(r[0].since_ns, 110 * NSEC_PER_SEC);
        fixture_free(f);
}

Test(regions, only_four_accessors_are_told_apart) {
        Fixture *f = fixture_new(16);

        for (int node = 0; node < 6; node++)
                add(f, 1, node, 0, 1 + node, 100);
        cr_assert_eq(view(f, 100), 1);
        /* The lightest made room: 0 and 1. */
        cr_expect_eq(f->regions[0].other, 3);
        for (int i = 0; i < REGION_ACCESSORS; i++)
                cr_expect_geq(f->regions[0].access[i].node, 2);
        fixture_free(f);
}

Test(regions, bounded_together_and_each) {
        Fixture *f = fixture_new(4);
        RegionSet other = { .table = f->table };

        for (uint64_t i = 0; i < 4; i++)
                add(f, i, 0, 1, 1, 100);
        add(f, 0, 0, 1, 1, 101);
        regions_add(&other, 4096, 0, 1, 1, true, 0);
        /* Region 1 was the one sampled least recently. */
        cr_expect_eq(region_table_dropped(f->table), 1);
        cr_expect_eq(other.n, 1);
        cr_assert_eq(view(f, 101), 3);
        cr_expect_eq(f->regions[0].start, f->address);
        cr_expect_eq(f->regions[1].start, f->address + 2 * REGION_BYTES);
        regions_clear(&other);
        fixture_free(f);

        f = fixture_new(REGIONS_PER_PROCESS_MAX + 10);
        for (uint64_t i = 0; i < REGIONS_PER_PROCESS_MAX + 5; i++)
                add(f, i, 0, 1, 1, i < 5 ? 70 : 100);
        /* The first five have not been used for half a minute. */
        cr_expect_eq(f->set.n, REGIONS_PER_PROCESS_MAX);
        cr_expect_eq(f->set.grain, 0);
        cr_expect_eq(region_table_dropped(f->table), 5);
        fixture_free(f);
}

/* 24 GiB, all of it in use: node 0 accesses the lower half, node 1 the upper one. */
Test(regions, a_large_process_gets_larger_ones) {
        Fixture *f = fixture_new(REGIONS_PER_PROCESS_MAX + 10);
        const uint64_t n = 3 * REGIONS_PER_PROCESS_MAX, size = n * REGION_BYTES;
        Region *regions = calloc(REGIONS_PER_PROCESS_MAX, sizeof(*regions));
        double weight = 0;
        void *memory;
        int seen;

        memory = mmap(NULL, size + 8 * REGION_BYTES, PROT_READ,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        cr_assert_neq(memory, MAP_FAILED);
        f->address = ((uint64_t)(uintptr_t)memory + 8 * REGION_BYTES - 1) / (8 * REGION_BYTES) *
                     (8 * REGION_BYTES);
        /* In an order that jumps to and fro, in three rounds of some seconds. */
        for (uint64_t round = 0; round < 3; round++)
                for (uint64_t i = 0; i < n; i++) {
                        uint64_t at = i * 1021 % n;

                        add(f, at, at < n / 2 ? 0 : 1, at < n / 2 ? 1 : 0, 1, 100 + 10 * round);
                }
        cr_expect_eq(region_table_dropped(f->table), 0);
        cr_expect_eq(f->set.grain, 2, "%u", f->set.grain);
        seen = regions_view(&f->set, &f->root, getpid(), 120 * NSEC_PER_SEC, regions,
                            REGIONS_PER_PROCESS_MAX);
        cr_assert_eq(seen, (int)n / 4, "%d", seen);
        for (int i = 0; i < seen; i++) {
                const RegionAccess *a = &regions[i].access[0];
                int node = i < seen / 2 ? 0 : 1;

                cr_assert_eq(regions[i].bytes, 4 * REGION_BYTES, "region %d", i);
                cr_assert_eq(regions[i].home, 1 - node, "region %d", i);
                cr_assert(a->node == node && a->remote == a->weight, "region %d", i);
                cr_assert_eq(regions[i].since_ns, 100 * NSEC_PER_SEC, "region %d", i);
                weight += (double)a->weight;
        }
        /* One, half and a quarter. */
        cr_expect_float_eq(weight, 1.75 * (double)n, 1);
        regions_clear(&f->set);
        cr_expect_eq(f->set.grain, 0);
        munmap(memory, size + 8 * REGION_BYTES);
        free(regions);
        fixture_free(f);
}

Test(regions, mappings_bound_them) {
        Fixture *f = fixture_new(16);
        uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
        int n;

        add(f, 7, 0, 1, 1, 100);
        regions_add(&f->set, f->shared, 0, 1, 1, true, 100 * NSEC_PER_SEC);
        regions_add(&f->set, 4096, 0, 1, 1, true, 100 * NSEC_PER_SEC); /* nothing is there */
        n = view(f, 100);
        cr_assert_eq(n, 2);
        for (int i = 0; i < n; i++) {
                bool shared = f->regions[i].start + f->regions[i].bytes > f->shared &&
                              f->regions[i].start <= f->shared;

                cr_expect_eq(f->regions[i].unmovable, shared);
                cr_expect_eq(f->regions[i].start % page, 0);
        }
        /* What has no mapping any more is forgotten, once the mappings are read again. */
        munmap((void *)(uintptr_t)f->address, 8 * REGION_BYTES);
        cr_expect_eq(view(f, 105), 2);
        cr_expect_eq(view(f, 111), 1);
        cr_expect_eq(regions_view(&f->set, &f->root, 1 << 23, 200 * NSEC_PER_SEC, f->regions, 64),
                     -ESRCH);
        fixture_free(f);
}

/* Evidence and regions are kept alike; a move takes out of both what the region had. */
Test(regions, a_move_is_forgotten_for_its_regions_only) {
        Fixture *f = fixture_new(16);
        AddressRange range = { f->address, f->address + REGION_BYTES };
        Evidence e;

        cr_assert_eq(evidence_init(&e, 2), 0);
        e.updated_ns = 100 * NSEC_PER_SEC;
        for (uint64_t region = 0; region < 2; region++) {
                add(f, region, 0, 1, 4, 100);
                evidence_add(&e, 0, 1, 4, true);
        }
        evidence_decay(&e, 110 * NSEC_PER_SEC);
        regions_moved(&f->set, &range, 1, 0, &e);
        cr_expect_float_eq(e.access[1], 2, 1e-5, "%f", e.access[1]);
        cr_expect_float_eq(e.waited[1], 2, 1e-5);
        cr_expect_float_eq(e.samples, 2, 1e-5);
        cr_assert_eq(view(f, 110), 2);
        cr_expect_eq(f->regions[0].home, 0);
        cr_expect_float_eq((double)f->regions[0].access[0].weight, 2, 1e-5,
                           "who accesses it stays known");
        cr_expect_eq(f->regions[0].access[0].remote, 0);
        cr_expect_eq(f->regions[1].home, 1);
        cr_expect_gt(f->regions[1].access[0].remote, 1);
        /* A second time there is nothing to take away. */
        regions_moved(&f->set, &range, 1, 1, &e);
        cr_expect_float_eq(e.access[1] + e.access[0], 2, 1e-5);
        evidence_done(&e);
        fixture_free(f);
}

/* Of the pages that hint faults tell of, some come with their address and stand for the others. */
Test(regions, a_few_addresses_stand_for_many) {
        AddressRange range = { 1ull << 40, (1ull << 40) + REGION_BYTES };
        Ledger ledger = {};
        TrackedProcess *p;
        ProcessTable *t;
        Access a = { .source = SOURCE_HINT, .accessor = 0, .home = 1, .weight = 1, .n = 1 };

        cr_assert_eq(process_table_new(&t, 2), 0);
        cr_assert_eq(process_table_touch(t, (ProcessId) { 1, 2 }, &p), 0);
        a.process = p;
        ledger_account(&ledger, &a);
        cr_expect_eq(p->regions.n, 0, "no address");
        a.address = range.start;
        a.weight = 1.0 / 512;
        a.region_weight = 16.0 / 512;
        ledger_account(&ledger, &a);
        cr_assert_eq(p->regions.n, 1);
        regions_moved(&p->regions, &range, 1, 0, &p->observed.evidence);
        cr_expect_float_eq(p->observed.evidence.access[1], 1 - 15.0 / 512, 1e-6);
        /* An exec or another source drops them with the rest. */
        tracked_process_clear(p);
        cr_expect_eq(p->regions.n, 0);
        process_table_free(t);
}

Test(regions, hostile_samples) {
        Fixture *f = fixture_new(16);

        regions_add(&f->set, f->address, -1, 0, 1, true, 1);
        regions_add(&f->set, f->address, 0, NODES_MAX, 1, true, 1);
        regions_add(&f->set, f->address, 0, 1, NAN, true, 1);
        regions_add(&f->set, f->address, 0, 1, -1, true, 1);
        cr_expect_eq(f->set.n, 0);
        regions_add(&f->set, UINT64_MAX, 0, 1, 1, true, 1);
        cr_expect_eq(view(f, 1), 0);
        regions_add(&(RegionSet) {}, f->address, 0, 1, 1, true, 1);
        fixture_free(f);
}
