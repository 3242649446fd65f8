/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <linux/perf_event.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/observer.h"
#include "observe/policy.h"
#include "observe/precise_events.h"
#include "system/process_read.h"
#include "system/topology_read.h"

/* Tells which sources and BPF programs work on this kernel, one "NAME<TAB>STATE<TAB>REASON" a line:
 *   source-probe
 * "works": it started and brought what it should; "starts": it started, there was nothing to see;
 * "absent": the machine or kernel has none. */

#define PAGES 256u

static void tell(const char *name, const char *state, const char *reason) {
        printf("%s\t%s\t%s\n", name, state, reason);
        fflush(stdout);
}

/* A child that reads and writes memory until it is ended. */
static pid_t start_worker(void) {
        pid_t pid = fork();

        if (pid == 0) {
                volatile long *p = mmap(NULL, 32u << 20, PROT_READ | PROT_WRITE,
                                        MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

                alarm(120);
                for (size_t i = 0;; i = (i * 5 + 1) % ((32u << 20) / sizeof(long)))
                        p[i]++;
        }
        return pid;
}

static double samples_of(Observer *o, pid_t pid) {
        size_t n;
        const Observed *const *list = observer_processes(o, &n);

        for (size_t i = 0; i < n; i++)
                if (list[i]->id.pid == pid)
                        return list[i]->evidence.samples;
        return 0;
}

static void probe_source(const Topology *t, const SystemRoot *root, EvidenceSource source,
                         pid_t worker) {
        const char *name = evidence_source_to_string(source);
        Observer *o = NULL;
        Settings settings;
        double samples = 0;
        int r;

        settings_init(&settings);
        settings.source = (int)source;
        settings.rate_hz = 200;
        settings.cpu_max_percent = 50;
        if (observer_new(&o, t, root) < 0)
                exit(1);
        r = observer_start(o, &settings);
        if (r < 0 || observer_source(o) != source) {
                tell(name, "absent", observer_describe(o));
                observer_free(o);
                return;
        }
        for (int i = 0; i < 20 && samples < 5; i++) {
                usleep(500000);
                (void)observer_dispatch(o);
                (void)observer_collect(o, clock_monotonic_ns());
                samples = samples_of(o, worker);
        }
        tell(name, samples >= 5 ? "works" : "starts", observer_describe(o));
        observer_free(o);
}

typedef struct Seen {
        uintptr_t first;
        unsigned pages;
} Seen;

static void see(const PreciseRecord *record, void *userdata) {
        Seen *s = userdata;

        if (record->address >= s->first && record->address < s->first + PAGES * 4096ull)
                s->pages++;
}

/* The programs of pebs and ibs with an event that every kernel has and that tells an address too: page
 * faults. */
static void probe_precise_programs(const SystemRoot *root) {
        PmuSelection selection = {
                .n = 1,
                .event = { { .type = PERF_TYPE_SOFTWARE, .config = PERF_COUNT_SW_PAGE_FAULTS } },
                .name = "page faults",
                .period = 1,
                .period_min = 1,
                .period_align = 1,
        };
        char problem[PROBLEM_BYTES] = "", text[128];
        PreciseEvents *events = NULL;
        Seen seen = {};
        void *p;
        int r;

        p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
                exit(1);
        (void)madvise(p, PAGES * 4096, MADV_NOHUGEPAGE);
        seen.first = (uintptr_t)p;
        for (unsigned how = 0; how < PRECISE_EVENT_MAX; how++) {
                selection.event[0].how = how;
                r = precise_events_new(&events, root, &selection, true, see, &seen, problem);
                if (r < 0) {
                        tell("precise-programs", "absent", problem);
                        return;
                }
                if (how + 1 < PRECISE_EVENT_MAX)
                        precise_events_free(events);
        }
        if (fork() == 0) {
                for (unsigned i = 0; i < PAGES; i++) {
                        /* The kernel stops an event that is too frequent until the next tick. */
                        if (i % 32 == 0)
                                usleep(20000);
                        ((volatile char *)p)[i * 4096] = 1;
                }
                _exit(0);
        }
        wait(NULL);
        (void)precise_events_consume(events, 100000);
        snprintf(text, sizeof(text), "%u of %u page faults with their address", seen.pages, PAGES);
        tell("precise-programs", seen.pages >= PAGES / 4 ? "works" : "starts", text);
        precise_events_free(events);
}

/* What the iterators tell must agree with proc. */
static void probe_policies(const SystemRoot *root, const Topology *t, pid_t worker) {
        ProcessInfo proc = {}, info;
        PolicyReader *reader = NULL;
        int r = policy_reader_new(&reader);

        if (r == 0)
                r = process_read(root, t, worker, 0, &proc);
        info = proc;
        info.cpuset_mems = 0;
        info.locked_bytes = info.pinned_bytes = 1;
        if (r == 0)
                r = policy_reader_read(reader, root, t, &info);
        if (r < 0)
                tell("policies", "absent", strerror(-r));
        else if (info.cpuset_mems != proc.cpuset_mems || info.locked_bytes != proc.locked_bytes ||
                 info.pinned_bytes != proc.pinned_bytes || info.realtime || info.task_policy ||
                 info.vma_policy || info.kernel_thread)
                tell("policies", "starts", "other attributes than proc tells");
        else
                tell("policies", "works",
                     policy_reader_has_mappings(reader) ? "threads and mappings" : "threads only");
        policy_reader_free(reader);
}

int main(void) {
        static const EvidenceSource sources[] = { SOURCE_CLOCK, SOURCE_HINT, SOURCE_RESIDENCY,
                                                  SOURCE_PEBS, SOURCE_IBS };
        static Topology topology;
        SystemRoot root;
        pid_t worker;

        if (system_root_open(&root, "") < 0 || topology_read(&topology, &root) < 0)
                return 1;
        worker = start_worker();
        for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++)
                probe_source(&topology, &root, sources[i], worker);
        probe_precise_programs(&root);
        probe_policies(&root, &topology, worker);
        kill(worker, SIGKILL);
        waitpid(worker, NULL, 0);
        system_root_close(&root);
        return 0;
}
