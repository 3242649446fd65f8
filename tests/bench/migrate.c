/* SPDX-License-Identifier: GPL-2.0-or-later */

/* What the migration engine itself costs, apart from the kernel: a process of the given size (1 TiB
 * when none is given) whose pages all move, and one whose pages are all busy. Prints time per page
 * and the most memory that was used; fails when that is too much. */

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "base/parse.h"
#include "migrate/mover.h"

#define BASE       (UINT64_C(1) << 40)
#define PAGE_BYTES 4096u

/* Of the whole program, for up to 1 TiB. */
#define MEMORY_MAX_MIB 64

/* Pages below `moved` are on node 0, the others on node 1; the engine goes in ascending order. */
typedef struct Simulated {
        uint64_t end;
        uint64_t moved;
        bool busy;
} Simulated;

static int64_t simulate_migrate(void *userdata, pid_t pid, NodeMask from, int to) {
        return -EAGAIN;
}

static int64_t simulate_move(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                             int to, bool all, int32_t *status) {
        Simulated *s = userdata;

        if (s->busy)
                return n;
        for (uint32_t i = 0; i < n; i++)
                status[i] = to;
        s->moved = addresses[n - 1] + PAGE_BYTES;
        return 0;
}

static int simulate_query(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                          int32_t *ret_node) {
        const Simulated *s = userdata;

        for (uint32_t i = 0; i < n; i++)
                ret_node[i] = addresses[i] < s->moved ? 0 : 1;
        return 0;
}

static int simulate_mappings(void *userdata, pid_t pid, uint64_t from, MappingKinds kinds,
                             AddressRange *ret, uint32_t max) {
        const Simulated *s = userdata;

        if (from >= s->end)
                return 0;
        *ret = (AddressRange) { .start = BASE, .end = s->end };
        return 1;
}

static int simulate_attach(void *userdata, ProcessId id) {
        return 1;
}

static void simulate_detach(void *userdata, int fd) {
}

static int simulate_check(void *userdata, int fd) {
        return 0;
}

static double simulate_pressure(void *userdata) {
        return 0;
}

static uint64_t now_ns(void *userdata) {
        struct timespec t;

        (void)clock_gettime(CLOCK_MONOTONIC, &t);
        return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static void sleep_until(void *userdata, uint64_t until_ns, int wake_fd) {
        struct pollfd p = { .fd = wake_fd, .events = POLLIN };
        uint64_t now = now_ns(userdata);

        (void)poll(&p, 1,
                   until_ns == UINT64_MAX ? -1
                   : until_ns > now       ? (int)((until_ns - now) / NSEC_PER_MSEC) + 1
                                          : 0);
}

/* Whether the accounts are right and the memory bounded. */
static bool run(const char *name, Simulated *s) {
        static Topology topology = { .n_nodes = 2 };
        const MoverKernel kernel = {
                .migrate_pages = simulate_migrate,
                .move_pages = simulate_move,
                .query_pages = simulate_query,
                .read_mappings = simulate_mappings,
                .attach = simulate_attach,
                .detach = simulate_detach,
                .check = simulate_check,
                .pressure = simulate_pressure,
                .now_ns = now_ns,
                .sleep_until = sleep_until,
                .userdata = s,
                .page_bytes = PAGE_BYTES,
        };
        const Move move = { .id = { 1, 1 }, .from = node_bit(1), .to = 0 };
        struct rusage usage;
        Settings settings;
        Mover *mover;
        Outcome o;
        uint64_t job;

        settings_init(&settings);
        settings.method = METHOD_MOVE_PAGES;
        settings.cpu_percent = 100;
        settings.bandwidth_bytes = UINT64_C(1) << 50;
        settings.passes = 2;
        settings.backoff_ns = 1;
        if (mover_new(&mover, &topology, NULL, &settings, &kernel) < 0 ||
            mover_submit(mover, &move, &job) < 0)
                exit(1);
        do {
                struct pollfd p = { .fd = mover_get_fd(mover), .events = POLLIN };
                if (mover_next_event(mover, &o) == 0) {
                        (void)poll(&p, 1, -1);
                        o.state = JOB_RUNNING;
                }
        } while (o.state != JOB_FINISHED);
        mover_free(mover);

        (void)getrusage(RUSAGE_SELF, &usage);
        uint64_t pages = (s->end - BASE) / PAGE_BYTES;
        double ns = (double)(o.finished_ns - o.started_ns);
        printf("%s: %" PRIu64 " pages, moved %" PRIu64 ", retry %" PRIu64 ", %s; %.2f s, %.1f ns "
               "per page, most memory %ld MiB\n",
               name, pages, o.pages_moved, o.pages_retry, reason_to_string(o.reason), ns / 1e9,
               ns / (double)pages, usage.ru_maxrss / 1024);
        return usage.ru_maxrss / 1024 < MEMORY_MAX_MIB && o.pages_planned == pages &&
               (s->busy ? o.pages_retry : o.pages_moved) == pages;
}

int main(int argc, char **argv) {
        uint64_t bytes = UINT64_C(1) << 40;

        if (argc > 2 || (argc == 2 && parse_size(argv[1], &bytes) < 0)) {
                fputs("usage: migrate [SIZE]\n", stderr);
                return 2;
        }
        bool good = run("moving", &(Simulated) { .end = BASE + bytes });
        good &= run("busy", &(Simulated) { .end = BASE + bytes, .busy = true });
        if (!good)
                printf("not so: every page accounted for, memory below %d MiB\n", MEMORY_MAX_MIB);
        return !good;
}
