/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/parse.h"
#include "observe/observer.h"
#include "observe/observer_hook.h"
#include "base/clock.h"
#include "system/process_read.h"
#include "system/topology_read.h"

/* Shows what the observer sees, without a daemon:
 *   observe-print [SECONDS [HZ [MIN_SAMPLES [SOURCE [kprobe]]]]]
 * runs it for SECONDS (5) at HZ (97) and prints the access matrix of each process with at least
 * MIN_SAMPLES (5) accesses, and the counters. SOURCE as in the configuration (auto); "kprobe" makes
 * the hint source do without fentry. */

static uint32_t argument(char *argv[], int argc, int i, uint32_t otherwise) {
        uint64_t v;

        if (i >= argc)
                return otherwise;
        if (parse_u64(argv[i], 100000, &v) < 0) {
                fprintf(stderr, "not a number: %s\n", argv[i]);
                exit(2);
        }
        return (uint32_t)v;
}

static void print_process(Observer *o, const SystemRoot *root, const Topology *t,
                          const Observed *p) {
        const Evidence *e = &p->evidence;
        ProcessInfo info = {};
        int r;

        if (process_read(root, t, p->id.pid, clock_boottime_ns(), &info) < 0 ||
            !process_id_equal(info.id, p->id)) {
                printf("pid %d: has ended\n", (int)p->id.pid);
                return;
        }
        r = observer_read_policy(o, &info);
        printf("pid %d (%s): source %s: remote %.1f %% of %.1f accesses, %.1f unresolved, cpu %.1f "
               "%%, "
               "evaluations %u, policy task %d mappings %d (%s)\n",
               (int)p->id.pid, info.comm, evidence_source_to_string(e->source),
               100 * evidence_remote_share(e), e->samples, e->unresolved, evidence_cpu_ns(e) / 1e7,
               e->evaluations, info.task_policy, info.vma_policy, r < 0 ? strerror(-r) : "read");
        for (uint32_t a = 0; a < e->n_nodes; a++) {
                printf("  node %d: cpu %.1f %%, accesses to", t->node_id[a], e->cpu_ns[a] / 1e7);
                for (uint32_t h = 0; h < e->n_nodes; h++)
                        printf(" node%d=%.1f(waited %.1f)", t->node_id[h],
                               e->access[a * e->n_nodes + h], e->waited[a * e->n_nodes + h]);
                printf("\n");
        }
}

static void print_counters(const Observer *o) {
        Counters c = {};

        observer_count(o, &c);
#define PRINT(member, name, meaning)                                                               \
        if (c.member != 0)                                                                         \
                printf("%s %llu\n", name, (unsigned long long)c.member);
        COUNTER_TABLE(PRINT)
#undef PRINT
        printf("BPF run time %.3f ms, own CPU time %.3f ms\n",
               (double)observer_run_time_ns(o) / 1e6, (double)clock_self_cpu_ns() / 1e6);
}

int main(int argc, char *argv[]) {
        uint32_t seconds = argument(argv, argc, 1, 5), min_samples = argument(argv, argc, 3, 5);
        static Topology topology;
        const Observed *const *all;
        Settings settings;
        SystemRoot root;
        Observer *o;
        size_t n;
        int r;

        settings_init(&settings);
        settings.rate_hz = argument(argv, argc, 2, settings.rate_hz);
        r = system_root_open(&root, "");
        if (r >= 0)
                r = topology_read(&topology, &root);
        if (r >= 0)
                r = observer_new(&o, &topology, &root);
        if (r < 0) {
                fprintf(stderr, "cannot set up: %s\n", strerror(-r));
                return 1;
        }
        if (argc > 4)
                settings.source = evidence_source_from_string(argv[4]);
        if (settings.source == -EINVAL)
                settings.source = SOURCE_AUTO;
        if (argc > 5 && strcmp(argv[5], "kprobe") == 0)
                observer_set_kprobe(o);
        r = observer_start(o, &settings);
        printf("%s: %s\n", evidence_source_to_string(observer_source(o)), observer_describe(o));
        if (r < 0)
                return 1;
        for (uint32_t i = 0; i < seconds; i++) {
                sleep(1);
                r = observer_collect(o, clock_monotonic_ns());
                if (r < 0)
                        fprintf(stderr, "collect: %s\n", strerror(-r));
        }
        all = observer_processes(o, &n);
        for (size_t i = 0; i < n; i++)
                if (all[i]->evidence.samples >= min_samples)
                        print_process(o, &root, &topology, all[i]);
        printf("%zu processes; now %.1f samples per second and CPU; %s\n", n, observer_rate_hz(o),
               observer_describe(o));
        print_counters(o);
        observer_free(o);
        system_root_close(&root);
        return 0;
}
