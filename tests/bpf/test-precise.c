/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "observe/observer.h"
#include "observe/precise_events.h"
#include "system/process_read.h"
#include "system/topology_read.h"

/* The programs of pebs and ibs, run by page faults, which tell an address on any machine. */

#define PAGES 256u

typedef struct Seen {
        uint64_t first;
        pid_t pid;
        unsigned n, how;
        PreciseRecord last;
} Seen;

static void see(const PreciseRecord *record, void *userdata) {
        Seen *s = userdata;

        if ((pid_t)record->tgid != s->pid || record->address < s->first ||
            record->address >= s->first + PAGES * 4096ull)
                return;
        s->n++;
        s->last = *record;
}

static pid_t touch(void *p, uint64_t *ret_starttime) {
        uint64_t starttime = 0;
        SystemRoot root;
        int fds[2];
        pid_t pid;

        cr_assert_eq(pipe(fds), 0);
        pid = fork();
        if (pid == 0) {
                for (unsigned i = 0; i < PAGES; i++) {
                        /* The kernel stops an event that is too frequent until the next tick, and page
                         * faults of everybody else count as well. */
                        if (i % 32 == 0)
                                usleep(20000);
                        ((volatile char *)p)[i * 4096] = 1;
                }
                _exit(read(fds[0], &pid, 1) == 1 ? 0 : 1);
        }
        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_eq(process_read_starttime(&root, pid, &starttime), 0);
        cr_assert_eq(write(fds[1], "", 1), 1);
        cr_assert_eq(waitpid(pid, NULL, 0), pid);
        system_root_close(&root);
        *ret_starttime = starttime;
        return pid;
}

Test(precise, programs_hand_over_addresses) {
        for (unsigned how = 0; how < PRECISE_EVENT_MAX; how++) {
                const PmuSelection selection = {
                        .n = 1,
                        .event = { { .type = PERF_TYPE_SOFTWARE,
                                     .config = PERF_COUNT_SW_PAGE_FAULTS,
                                     .how = how } },
                        .name = "page faults",
                        .period = 1,
                        .period_align = 1,
                };
                char problem[PROBLEM_BYTES] = "";
                PreciseEvents *events = NULL;
                PreciseCounts counts;
                Seen seen = {};
                uint64_t starttime;
                SystemRoot root;
                void *p;
                int r;

                cr_assert_eq(system_root_open(&root, ""), 0);
                p = mmap(NULL, PAGES * 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                         -1, 0);
                cr_assert_neq(p, MAP_FAILED);
                (void)madvise(p, PAGES * 4096, MADV_NOHUGEPAGE);
                r = precise_events_new(&events, &root, &selection, true, see, &seen, problem);
                if (r == -EPERM || r == -EACCES)
                        cr_skip_test("%s", problem);
                cr_assert_eq(r, 0, "%s", problem);
                seen.first = (uintptr_t)p;
                seen.pid = touch(p, &starttime);
                cr_expect_geq(precise_events_consume(events, 1000000), (int)PAGES / 4);
                cr_expect(seen.n >= PAGES / 4 && seen.n <= PAGES, "program %u: %u of %u", how,
                          seen.n, PAGES);
                cr_expect_eq(seen.last.event, how);
                cr_expect_eq(seen.last.start_ns / 10000000, starttime);
                cr_expect_eq(seen.last.physical, 0, "page faults have no physical address");
                cr_expect_eq(precise_events_read_counts(events, &counts), 0);
                cr_expect_geq(counts.samples, seen.n);
                cr_expect_gt(counts.run_ns, 0);
                precise_events_free(events);
                munmap(p, PAGES * 4096);
                system_root_close(&root);
        }
}

/* Without a PMU the next source takes over, and the reason is told. */
Test(precise, falls_back_with_the_reason) {
        static const EvidenceSource sources[] = { SOURCE_PEBS, SOURCE_IBS };
        static Topology topology;
        SystemRoot root;

        cr_assert_eq(system_root_open(&root, ""), 0);
        cr_assert_geq(topology_read(&topology, &root), 0);
        for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
                Observer *o = NULL;
                Settings settings;
                int r;

                settings_init(&settings);
                settings.source = (int)sources[i];
                cr_assert_eq(observer_new(&o, &topology, &root), 0);
                r = observer_start(o, &settings);
                if (r == -EPERM || r == -EACCES)
                        cr_skip_test("%s", observer_describe(o));
                cr_assert_eq(r, 0, "%s", observer_describe(o));
                cr_expect_neq(observer_source(o), SOURCE_NONE);
                if (observer_source(o) != sources[i])
                        cr_expect(strstr(observer_describe(o), sources[i] == SOURCE_PEBS
                                                                       ? "pebs source: "
                                                                       : "ibs source: "),
                                  "%s", observer_describe(o));
                observer_free(o);
        }
        system_root_close(&root);
}
