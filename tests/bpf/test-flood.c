/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "model/limits.h"
#include "watch.h"
#include "workload.h"

/* More than the buffers and tables hold: it is counted, memory stays bounded, and what comes after is
 * seen again. */

#define RATE_MAX_HZ 10000

static double rss_mib(void) {
        FILE *f = fopen("/proc/self/statm", "re");
        unsigned long total = 0, resident = 0;

        cr_assert_not_null(f);
        cr_assert_eq(fscanf(f, "%lu %lu", &total, &resident), 2);
        fclose(f);
        return (double)resident * (double)sysconf(_SC_PAGESIZE) / (1024.0 * 1024.0);
}

static void collect(Watch *w) {
        cr_assert_eq(observer_collect(w->observer, clock_monotonic_ns()), 0);
}

static pid_t start_busy(void) {
        pid_t pid = fork();
        volatile uint64_t sink = 0;
        Work work;

        cr_assert_geq(pid, 0);
        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (work_init(&work, WORK_RANDOM, 50, 16u << 20) < 0)
                _exit(1);
        for (;;)
                sink = sink + work_run(&work);
}

/* Nobody drains for a second: the smallest ring holds some 70 ms of this rate. */
Test(flood, ring) {
        struct timespec second = { .tv_sec = 1 };
        static Watch w;
        const Observed *p = NULL;
        Counters flooded;
        Settings settings;
        double before;
        pid_t pid[2];

        watch_start(&w, RATE_MAX_HZ, NULL, NULL);
        for (int i = 0; i < 2; i++)
                pid[i] = start_busy();
        collect(&w);
        before = rss_mib();
        for (int i = 0; i < 3; i++) {
                nanosleep(&second, NULL);
                collect(&w);
        }
        flooded = watch_counters(&w);
        cr_log_info("%llu samples, %llu lost, RSS %.1f to %.1f MiB",
                    (unsigned long long)flooded.samples_total,
                    (unsigned long long)flooded.samples_lost, before, rss_mib());
        cr_expect_gt(flooded.samples_lost, 1000u);
        cr_expect_lt(flooded.samples_lost, flooded.samples_total);
        cr_expect_gt(flooded.accesses_total, 1000u, "what the ring held was used");
        cr_expect_lt(rss_mib() - before, 16.0);

        settings_init(&settings);
        settings.source = SOURCE_CLOCK;
        settings.rate_hz = 200;
        settings.cpu_max_percent = 100;
        cr_assert_eq(observer_configure(w.observer, &settings), 0);
        watch_process(&w, pid[0], 3);
        flooded = watch_counters(&w);
        observer_forget(w.observer, (ProcessId) { 0 });
        p = watch_process(&w, pid[0], 10);
        cr_assert_not_null(p);
        cr_expect_eq(watch_counters(&w).samples_lost, flooded.samples_lost, "none since");
        cr_expect_gt(watch_counters(&w).accesses_total, flooded.accesses_total);
        for (int i = 0; i < 2; i++)
                watch_kill(pid[i]);
        watch_stop(&w);
}

#define STACK_BYTES 16384

/* Lives for a tick or two. */
static int live_shortly(void *execute) {
        volatile unsigned sink = 0;

        for (unsigned i = 0; i < 50000; i++)
                sink = sink + i;
        if (execute)
                execl("/bin/true", "true", (char *)NULL);
        _exit(0);
}

/* A process that starts n others, one after the other; one in a hundred executes another program. They
 * share its memory, as by vfork: copying it for each would take most of the time. */
static pid_t start_storm(unsigned n) {
        static char stack[STACK_BYTES] __attribute__((aligned(16)));
        pid_t pid = fork();

        cr_assert_geq(pid, 0);
        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (unsigned i = 0; i < n; i++) {
                pid = clone(live_shortly, stack + sizeof(stack), CLONE_VM | CLONE_VFORK | SIGCHLD,
                            i % 100 == 0 ? stack : NULL);
                if (pid < 0 || waitpid(pid, NULL, 0) != pid)
                        _exit(1);
        }
        _exit(0);
}

static void storm(Watch *w, unsigned n, bool collecting) {
        struct timespec pause = { .tv_nsec = 100000000 };
        pid_t pid = start_storm(n);
        int status = -1;

        while (waitpid(pid, &status, WNOHANG) == 0) {
                nanosleep(&pause, NULL);
                if (collecting)
                        collect(w);
        }
        cr_assert_eq(status, 0);
        collect(w);
}

Test(flood, short_lived_processes, .timeout = 600) {
        static Watch w;
        Counters some, all;
        double before, at_peak;
        size_t n;

        watch_start(&w, RATE_MAX_HZ, NULL, NULL);
        before = rss_mib();
        storm(&w, 70000, true);
        some = watch_counters(&w);
        at_peak = rss_mib();
        /* Nobody collects: the kernel's table of CPU time overflows, too. */
        for (unsigned i = 0, n_more = 30000; i < 3; i++, n_more *= 2) {
                storm(&w, n_more, false);
                all = watch_counters(&w);
                /* On a busy machine many live from one tick to the next and are not seen. */
                if (all.cpu_time_lost > some.cpu_time_lost)
                        break;
        }
        observer_processes(w.observer, &n);
        cr_log_info(
                "100000 processes or more: %llu samples, %llu lost, %llu of processes gone, %llu "
                "ticks of "
                "CPU time lost, %zu processes remembered, %llu dropped, RSS %.1f, %.1f, %.1f MiB",
                (unsigned long long)all.samples_total, (unsigned long long)all.samples_lost,
                (unsigned long long)all.samples_gone, (unsigned long long)all.cpu_time_lost, n,
                (unsigned long long)all.processes_dropped, before, at_peak, rss_mib());
        cr_expect_gt(some.samples_gone, 1000u);
        cr_expect_gt(some.processes_dropped, 1000u);
        cr_expect_gt(all.cpu_time_lost, some.cpu_time_lost);
        cr_expect_leq(n, (size_t)PROCESSES_MAX);
        cr_expect_lt(at_peak - before, 64.0, "all tables at their largest");
        cr_expect_lt(rss_mib() - at_peak, 8.0, "and no larger than that");

        /* Whoever lives on is seen as before. */
        pid_t pid = start_busy();
        const Observed *p = NULL;

        for (int i = 0; i < 50 && (!p || p->evidence.samples <= 100); i++)
                p = watch_process(&w, pid, 1);
        cr_assert_not_null(p);
        cr_expect_gt(p->evidence.samples, 100.0);
        watch_kill(pid);
        watch_stop(&w);
}
