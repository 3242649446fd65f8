/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shares.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "observe/observer_hook.h"
#include "base/clock.h"
#include "system/topology_read.h"

#define TOTAL_BYTES (512ull * 1024 * 1024)

typedef struct Watched {
        pid_t pid;
        uint64_t start[2], end[2];
        double weight[2], waited[2], outside, unknown;
        uint64_t samples, without;
        uint64_t rule[ATTRIBUTE_RULE_MAX];
} Watched;

static void on_sample(const SampleRecord *record, const Attribution *a, void *userdata) {
        Watched *w = userdata;
        double weight;

        if ((pid_t)record->tgid != w->pid)
                return;
        w->samples++;
        w->rule[a->rule]++;
        if (a->n == 0) {
                w->without++;
                return;
        }
        weight = 1.0 / (a->n + a->unknown);
        w->unknown += a->unknown * weight;
        for (uint32_t i = 0; i < a->n; i++) {
                int b = -1;

                for (int k = 0; k < 2; k++)
                        if (a->address[i] >= w->start[k] && a->address[i] < w->end[k])
                                b = k;
                if (b < 0) {
                        w->outside += weight;
                        continue;
                }
                w->weight[b] += weight;
                if (a->waited)
                        w->waited[b] += weight;
        }
}

/* In the child: never returns. Reports its buffers (or an errno) through the pipe. */
__attribute__((noreturn)) static void child(WorkPattern pattern, unsigned percent, int out) {
        uint64_t report[5] = {};
        volatile uint64_t sink = 0;
        Work work;
        int r;

        prctl(PR_SET_PDEATHSIG, SIGKILL);
        r = work_init(&work, pattern, percent, TOTAL_BYTES);
        for (int i = 0; i < 2; i++) {
                report[i] = (uint64_t)(uintptr_t)work.buffer[i];
                report[2 + i] = work.n_words[i] * 8;
        }
        report[4] = (uint64_t)(int64_t)r;
        if (write(out, report, sizeof(report)) != sizeof(report) || r < 0)
                _exit(1);
        for (;;)
                sink = sink + work_run(&work);
}

static int start_child(WorkPattern pattern, unsigned percent, Watched *ret) {
        uint64_t report[5];
        int fds[2];
        pid_t pid;

        if (pipe(fds) < 0)
                return -errno;
        pid = fork();
        if (pid < 0)
                return -errno;
        if (pid == 0)
                child(pattern, percent, fds[1]);
        close(fds[1]);
        *ret = (Watched) { .pid = pid };
        if (read(fds[0], report, sizeof(report)) != sizeof(report))
                report[4] = (uint64_t)-EPIPE;
        close(fds[0]);
        for (int i = 0; i < 2; i++) {
                ret->start[i] = report[i];
                ret->end[i] = report[i] + report[2 + i];
        }
        return (int)(int64_t)report[4];
}

static double percent_of(double part, double whole) {
        return whole > 0 ? 100 * part / whole : 0;
}

static void summarise(const Watched *w, Shares *ret) {
        double inside = w->weight[0] + w->weight[1];

        *ret = (Shares) {
                .percent = percent_of(w->weight[0], inside),
                .waited_percent = percent_of(w->waited[0], w->waited[0] + w->waited[1]),
                .yield_percent = percent_of((double)(w->samples - w->without), (double)w->samples),
                .inside_percent = percent_of(inside, inside + w->outside + w->unknown),
                .samples = w->samples,
        };
        memcpy(ret->rule, w->rule, sizeof(ret->rule));
}

static int sample(Observer *o, uint32_t rate_hz, uint64_t min_samples, unsigned max_seconds,
                  Watched *w) {
        uint64_t deadline = clock_monotonic_ns() + max_seconds * NSEC_PER_SEC;
        struct timespec pause = { .tv_nsec = 50 * 1000 * 1000 };
        Settings settings;
        int r;

        settings_init(&settings);
        settings.source = SOURCE_CLOCK;
        settings.rate_hz = rate_hz;
        observer_set_sample_hook(o, on_sample, w);
        r = observer_start(o, &settings);
        if (r < 0)
                return r;
        while (w->samples < min_samples && clock_monotonic_ns() < deadline) {
                nanosleep(&pause, NULL);
                r = observer_collect(o, clock_monotonic_ns());
                if (r < 0)
                        return r;
        }
        return 0;
}

int shares_measure(WorkPattern pattern, unsigned percent, uint32_t rate_hz, uint64_t min_samples,
                   unsigned max_seconds, Shares *ret, char *problem, unsigned problem_bytes) {
        static Topology topology;
        SystemRoot root;
        Observer *o;
        Watched w;
        int r;

        r = system_root_open(&root, "");
        if (r < 0)
                return r;
        r = topology_read(&topology, &root);
        if (r >= 0)
                r = observer_new(&o, &topology, &root);
        if (r < 0) {
                system_root_close(&root);
                return r;
        }
        r = start_child(pattern, percent, &w);
        if (r >= 0) {
                r = sample(o, rate_hz, min_samples, max_seconds, &w);
                if (r < 0)
                        snprintf(problem, problem_bytes, "%s", observer_describe(o));
        } else {
                snprintf(problem, problem_bytes, "workload: %s", strerror(-r));
        }
        if (w.pid > 0) {
                kill(w.pid, SIGKILL);
                waitpid(w.pid, NULL, 0);
        }
        observer_free(o);
        system_root_close(&root);
        if (r >= 0)
                summarise(&w, ret);
        return r;
}
