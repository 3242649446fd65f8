/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "model/settings.h"
#include "observe/observer.h"
#include "observe/internal.h"
#include "observe/cpu_scanner.h"
#include "observe/residency_source.h"
#include "base/clock.h"
#include "system/process_read.h"
#include "system/topology_read.h"

static pid_t start_spinner(void) {
        pid_t pid = fork();

        if (pid == 0) {
                prctl(PR_SET_PDEATHSIG, SIGKILL);
                for (volatile unsigned i = 0;; i++)
                        ;
        }
        cr_assert_gt(pid, 0);
        return pid;
}

static void stop(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}

typedef struct Heard {
        pid_t pid;
        uint64_t cpu_ns;
        unsigned others;
        int node;
} Heard;

static void hear(ProcessId id, int node, uint64_t cpu_ns, void *userdata) {
        Heard *h = userdata;

        cr_expect_neq(id.pid, getpid(), "the observer itself");
        if (id.pid != h->pid) {
                h->others++;
                return;
        }
        h->cpu_ns += cpu_ns;
        h->node = node;
}

Test(residency, cpu_time_from_proc) {
        static Topology t;
        struct timespec half = { .tv_nsec = 500000000 };
        CpuScanner *s;
        SystemRoot root;
        Heard h = { .node = NODE_NONE };
        uint64_t begin_ns;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_geq(topology_read(&t, &root), 0);
        cr_assert_eq(cpu_scanner_new(&s, &t, &root), 0);
        h.pid = start_spinner();
        cr_expect_eq(cpu_scanner_scan(s, hear, &h), 0);
        cr_expect_eq(h.cpu_ns + h.others, 0u, "the first scan only remembers");
        begin_ns = clock_monotonic_ns();
        /* A loaded machine may let it wait. */
        for (int i = 0; i < 20 && h.cpu_ns == 0; i++) {
                nanosleep(&half, NULL);
                cr_expect_eq(cpu_scanner_scan(s, hear, &h), 0);
        }
        cr_expect_gt(h.cpu_ns, 0u);
        cr_expect_leq(h.cpu_ns, clock_monotonic_ns() - begin_ns + 50000000, "%llu ns",
                      (unsigned long long)h.cpu_ns);
        cr_expect_geq(h.node, 0);
        stop(h.pid);
        h.cpu_ns = 0;
        cr_expect_eq(cpu_scanner_scan(s, hear, &h), 0);
        cr_expect_eq(h.cpu_ns, 0u, "ended");
        cpu_scanner_free(s);
        system_root_close(&root);
}

/* This process's memory is on node 0; its CPU time is declared to be spent on node 1, three quarters,
 * and node 0. */
Test(residency, expected_share) {
        static Topology t = { .n_nodes = 2, .node_id = { 0, 1 } };
        Ledger ledger = {};
        TrackedProcess *p;
        ProcessTable *table;
        SystemRoot root;
        uint64_t start;
        int r;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(process_read_starttime(&root, getpid(), &start), 0);
        cr_assert_eq(process_table_new(&table, 2), 0);
        cr_assert_eq(process_table_touch(table, (ProcessId) { getpid(), start }, &p), 0);
        cr_expect_eq(residency_estimate(p, &t, &root, &ledger, NSEC_PER_SEC), -EALREADY,
                     "no CPU time");
        p->observed.evidence.cpu_ns[0] = 0.25e9;
        p->observed.evidence.cpu_ns[1] = 0.75e9;
        evidence_add(&p->observed.evidence, 0, 1, 100, true);
        p->observed.evidence.source = SOURCE_CLOCK;
        r = residency_estimate(p, &t, &root, &ledger, NSEC_PER_SEC);
        if (r == -EPERM)
                cr_skip_test("move_pages is not permitted here");
        cr_assert_eq(r, 0, "%s", strerror(-r));
        cr_expect_eq(p->observed.evidence.source, SOURCE_RESIDENCY);
        cr_expect_float_eq(p->observed.evidence.samples, RESIDENCY_WEIGHT, 1e-6,
                           "what the clock saw is dropped");
        cr_expect_float_eq(evidence_remote_share(&p->observed.evidence), 0.75, 1e-6);
        cr_expect_eq(residency_estimate(p, &t, &root, &ledger, 2 * NSEC_PER_SEC), -EALREADY);
        cr_expect_float_eq(p->observed.evidence.samples, RESIDENCY_WEIGHT, 1e-6,
                           "not asked again so soon");
        cr_expect_eq(residency_estimate(p, &t, &root, &ledger, 7 * NSEC_PER_SEC), 0);
        cr_expect_float_eq(p->observed.evidence.samples, 2 * RESIDENCY_WEIGHT, 1e-6);
        cr_expect_eq(ledger.counters.accesses_total, 0u, "expected accesses were not seen");
        process_table_free(table);
        system_root_close(&root);
}

/* What the observer knows of a process after a collect, or NULL. */
static const Observed *collect_one(Observer *o, pid_t pid) {
        const Observed *const *all;
        size_t n;

        cr_expect_eq(observer_collect(o, clock_monotonic_ns()), 0);
        all = observer_processes(o, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i]->id.pid == pid)
                        return all[i];
        return NULL;
}

/* The whole observer without perf events and BPF. */
Test(residency, observer) {
        static Topology t;
        struct timespec pause = { .tv_nsec = 300000000 };
        const Observed *seen = NULL;
        Settings settings;
        SystemRoot root;
        Observer *o;
        pid_t pid;
        int r;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_geq(topology_read(&t, &root), 0);
        cr_assert_eq(observer_new(&o, &t, &root), 0);
        settings_init(&settings);
        settings.source = SOURCE_RESIDENCY;
        settings.cpu_max_percent = 100; /* so that no scan rests */
        r = observer_start(o, &settings);
        if (r == -EPERM)
                cr_skip_test("%s", observer_describe(o));
        cr_assert_eq(r, 0, "%s", observer_describe(o));
        cr_expect_eq(observer_source(o), SOURCE_RESIDENCY);
        cr_expect_geq(observer_get_fd(o), 0);
        pid = start_spinner();
        settings.rate_hz = 50;
        cr_expect_eq(observer_configure(o, &settings), 0);
        /* A loaded machine may give it little of its CPUs, and only what runs is looked at. */
        for (int i = 0; i < 150; i++) {
                seen = collect_one(o, pid);
                if (seen && seen->evidence.samples > 0)
                        break;
                nanosleep(&pause, NULL);
        }
        cr_assert(seen, "the spinning process was not seen");
        cr_expect_eq(seen->evidence.source, SOURCE_RESIDENCY);
        cr_expect_gt(seen->evidence.samples, 1.0);
        cr_expect_gt(evidence_cpu_ns(&seen->evidence), 1e6);
        stop(pid);
        observer_free(o);
        system_root_close(&root);
}

/* More processes that only this source sees than are asked for at once: all get their turn. */
Test(residency, turns) {
        static Topology t = { .n_nodes = 2, .node_id = { 0, 1 } };
        enum { PROCESSES = 40 };
        Source residency = { .type = &source_residency };
        uint64_t now_ns = 100 * NSEC_PER_SEC;
        unsigned asked = 0, before = 0;
        TrackedProcess *p;
        SystemRoot root;
        Observer *o;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(observer_new(&o, &t, &root), 0);
        residency.observer = o;
        o->slots[o->n_slots++] = (SourceSlot) { .type = &source_residency, .source = &residency };
        for (unsigned interval = 0; interval < 3; interval++, now_ns += NSEC_PER_SEC) {
                for (int i = 0; i < PROCESSES; i++) {
                        ProcessId id = { getpid(), 1000 + (uint64_t)i };

                        cr_assert_eq(process_table_touch(o->processes, id, &p), 0);
                        p->interval_cpu_ns[0] = NSEC_PER_SEC / 2;
                }
                observer_close_interval(o, now_ns, NSEC_PER_SEC);
                asked = 0;
                for (p = process_table_newest(o->processes); p; p = p->older)
                        asked += p->residency_ns != 0;
                cr_expect_gt(asked, before, "interval %u: nobody new was asked for", interval);
                cr_expect_leq(asked - before, 16u, "interval %u", interval);
                before = asked;
        }
        cr_expect_eq(asked, (unsigned)PROCESSES);
        o->n_slots = 0;
        observer_free(o);
        system_root_close(&root);
}

/* Scans rest in proportion to what they cost. */
Test(residency, ceiling) {
        static Topology t;
        uint64_t now_ns = 100 * NSEC_PER_SEC, cost_ns, rest_ns, collected_ns;
        Settings settings;
        SystemRoot root;
        Observer *o;
        int r;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_geq(topology_read(&t, &root), 0);
        cr_assert_eq(observer_new(&o, &t, &root), 0);
        settings_init(&settings);
        settings.source = SOURCE_RESIDENCY;
        settings.cpu_max_percent = 0.3; /* a thousandth of a CPU on a small machine */
        r = observer_start(o, &settings);
        if (r == -EPERM)
                cr_skip_test("%s", observer_describe(o));
        cr_assert_eq(r, 0);
        o->collected_ns = now_ns - NSEC_PER_SEC;
        cost_ns = clock_thread_cpu_ns();
        cr_assert_eq(observer_collect(o, now_ns), 0);
        cost_ns = clock_thread_cpu_ns() - cost_ns;
        rest_ns = o->scan_not_before_ns - now_ns;
        cr_expect_geq((double)rest_ns, fmin(0.5 * (double)cost_ns / o->rate.ceiling, 30e9),
                      "%llu ns of rest after %llu ns", (unsigned long long)rest_ns,
                      (unsigned long long)cost_ns);
        collected_ns = o->collected_ns;
        cr_expect_eq(observer_collect(o, now_ns + rest_ns - 1), 0);
        cr_expect_eq(o->collected_ns, collected_ns, "scanned while it should rest");
        cr_expect_eq(observer_collect(o, now_ns + rest_ns), 0);
        cr_expect_eq(o->collected_ns, now_ns + rest_ns);
        settings.cpu_max_percent = 100;
        cr_expect_eq(observer_configure(o, &settings), 0);
        cr_expect_float_eq(o->rate.ceiling, rate_ceiling(100, t.n_cpus), 1e-9);
        observer_free(o);
        system_root_close(&root);
}
