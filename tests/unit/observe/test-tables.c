/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common.h"
#include "model/limits.h"
#include "observe/policy.h"
#include "observe/process_table.h"
#include "observe/resolve.h"
#include "system/process_read.h"

Test(process_table, bounded_and_ordered) {
        TrackedProcess *p, *first = NULL;
        ProcessTable *t;

        cr_assert_eq(process_table_new(&t, 2), 0);
        cr_expect_null(process_table_oldest(t));
        for (int i = 0; i < PROCESSES_MAX; i++) {
                cr_assert_eq(process_table_touch(t, (ProcessId) { i + 1, 7 }, &p), 0);
                if (i == 0)
                        first = p;
        }
        cr_expect_eq(process_table_touch(t, (ProcessId) { 1, 8 }, &p), -ENOSPC,
                     "same pid, other start time: another process");
        cr_expect_eq(process_table_oldest(t), first);
        cr_assert_eq(process_table_touch(t, (ProcessId) { 1, 7 }, &p), 0);
        cr_expect_eq(p, first);
        cr_expect_eq(process_table_newest(t), first);
        cr_expect_eq(process_table_oldest(t)->observed.id.pid, 2);
        process_table_remove(t, process_table_oldest(t));
        cr_expect_eq(process_table_count(t), (size_t)PROCESSES_MAX - 1);
        cr_expect_null(process_table_find(t, (ProcessId) { 2, 7 }));
        cr_expect_eq(process_table_touch(t, (ProcessId) { 1, 8 }, &p), 0);
        cr_expect_eq(p->observed.evidence.n_nodes, 2u);
        cr_expect_neq(p, first);
        process_table_free(t);
}

Test(policy, numa_maps_lines) {
        static const struct {
                const char *line;
                bool explicit_policy;
        } rows[] = {
                { "7f0000000000 default anon=3 dirty=3 N0=3 kernelpagesize_kB=4", false },
                { "7f0000000000 local anon=3 dirty=3 N0=3", false },
                { "7f0000000000 default", false },
                { "7f0000000000 bind:0 anon=1", true },
                { "7f0000000000 bind=static:0-1 anon=1", true },
                { "7f0000000000 prefer:1 file=/usr/lib/x default", true },
                { "7f0000000000 interleave:0-1", true },
                { "7f0000000000 localx", true },
                { "7f0000000000", true },
                { "", true },
        };

        for (size_t i = 0; i < N(rows); i++)
                cr_expect_eq(numa_maps_line_explicit(rows[i].line), rows[i].explicit_policy, "%s",
                             rows[i].line);
}

static int add(Resolver *r, TrackedProcess *p, uint64_t address, int accessor, double weight,
               bool waited, bool mapping) {
        return resolver_add(r,
                            &(Access) {
                                    .process = p,
                                    .source = SOURCE_CLOCK,
                                    .address = address,
                                    .accessor = accessor,
                                    .weight = weight,
                                    .n = 1,
                                    .waited = waited,
                            },
                            mapping);
}

/* This process's own pages on a machine declared to have all of them on one node. */
Test(resolve, own_memory) {
        static Topology topology = { .n_nodes = 2, .node_id = { 0, 1 } };
        size_t page = (size_t)sysconf(_SC_PAGESIZE);
        TrackedProcess *p, *gone;
        Ledger ledger = {};
        const Counters *counters = &ledger.counters;
        ProcessTable *t;
        SystemRoot root;
        Resolver *r;
        uint64_t start, there, absent;
        char *memory;

        /* Shared, so that it is not merged with a neighbour. */
        memory = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        cr_assert_neq(memory, MAP_FAILED);
        memory[0] = 1;
        there = (uint64_t)(uintptr_t)memory;
        absent = there + page;
        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(process_read_starttime(&root, getpid(), &start), 0);
        cr_assert_eq(process_table_new(&t, 2), 0);
        cr_assert_eq(resolver_new(&r, &topology, &root), 0);
        cr_assert_eq(process_table_touch(t, (ProcessId) { getpid(), start }, &p), 0);
        cr_assert_eq(process_table_touch(t, (ProcessId) { getpid(), start + 1 }, &gone), 0);

        cr_expect_eq(add(r, p, there + 8, 0, 0.5, true, false), 0);
        cr_expect_eq(add(r, p, there + 16, 1, 0.5, false, false), 0);
        cr_expect_eq(add(r, p, absent, 0, 1, true, false), 0);
        cr_expect_eq(add(r, gone, there, 0, 1, true, false), 0);
        resolver_resolve(r, &ledger);
        if (counters->samples_gone == 4)
                cr_skip_test("move_pages is not permitted here");
        cr_expect_eq(counters->samples_gone, 1u, "start time of another process");
        cr_expect_eq(counters->samples_no_page, 1u);
        cr_expect_eq(counters->accesses_total, 2u);
        cr_expect_eq(counters->accesses_remote, 1u);
        cr_expect_eq(p->observed.evidence.access[0], 0.5, "node 0 from node 0");
        cr_expect_eq(p->observed.evidence.access[2], 0.5, "node 0 from node 1");
        cr_expect_eq(p->observed.evidence.waited[0], 0.5);
        cr_expect_eq(p->observed.evidence.waited[2], 0.0);
        cr_expect_eq(p->observed.evidence.unresolved, 1.0);

        cr_expect_eq(add(r, p, there, 0, 1, true, false), 0);
        resolver_forget(r, p);
        resolver_resolve(r, &ledger);
        cr_expect_eq(counters->accesses_total, 2u, "forgotten accesses are not resolved");

        /* An address that names the mapping is spread over its pages: one of two is resident. */
        for (int i = 0; i < 200; i++)
                cr_assert_eq(add(r, p, absent, 0, 1, true, true), 0);
        ledger = (Ledger) {};
        resolver_resolve(r, &ledger);
        cr_expect_eq(counters->accesses_total + counters->samples_no_page, 200u);
        cr_expect(counters->accesses_total > 50 && counters->accesses_total < 150, "%llu of 200",
                  (unsigned long long)counters->accesses_total);
        resolver_free(r);
        process_table_free(t);
        system_root_close(&root);
        munmap(memory, 2 * page);
}
