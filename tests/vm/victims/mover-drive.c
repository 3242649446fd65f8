/* SPDX-License-Identifier: GPL-2.0-or-later */

/* Drives the migration engine without the daemon: mover-drive [OPTION...] PID FROM TO, nodes by the
 * kernel's ids, PID and FROM also lists like 1,2. Prints a line of key=value words for each pass that left pages
 * and at the end; exits with 0 when the job ended with reason done or nothing-to-do, 1 for another reason. */

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/parse.h"
#include "migrate/mover.h"
#include "base/clock.h"
#include "system/process_read.h"
#include "system/root.h"
#include "system/topology_read.h"

static const char usage[] =
        "usage: mover-drive [--method M] [--pause-budget T] [--bandwidth S] [--cpu-percent N]\n"
        "                   [--passes N] [--backoff T] [--cancel-after T] [--repeat N] [--watch "
        "T]\n"
        "                   [--ranges START-END,...] [--first] [--shared] [--hugetlb]\n"
        "                   PID FROM TO\n";

static Settings settings;
static uint64_t cancel_after_ns = UINT64_MAX;
static uint64_t repeat = 1;
static uint64_t watch_ns;
static AddressRange ranges[MOVE_RANGES_MAX];
static Move move = { .ranges = ranges, .ranges_only = true };

static _Noreturn void die(const char *what, int error) {
        fprintf(stderr, "mover-drive: %s: %s\n", what, strerror(-error));
        exit(2);
}

static _Noreturn void die_usage(void) {
        fputs(usage, stderr);
        exit(2);
}

static uint32_t number(const char *text, uint32_t max) {
        uint64_t value;

        if (parse_u64(text, max, &value) < 0)
                die_usage();
        return (uint32_t)value;
}

/* Hexadecimal addresses. */
static void parse_ranges(const char *text) {
        for (int used = 0; *text; text += used) {
                AddressRange *r = &ranges[move.n_ranges];
                if (move.n_ranges == MOVE_RANGES_MAX ||
                    sscanf(text, "%" SCNx64 "-%" SCNx64 "%n", &r->start, &r->end, &used) < 2)
                        die_usage();
                move.n_ranges++;
                used += text[used] == ',';
        }
}

static void take_option(int option, const char *text) {
        int r = 0;

        switch (option) {
        case 'm':
                r = method_from_string(text);
                if (r >= 0)
                        settings.method = (MoveMethod)r;
                break;
        case 'p':
                r = parse_duration(text, &settings.pause_budget_ns);
                break;
        case 'b':
                r = parse_size(text, &settings.bandwidth_bytes);
                break;
        case 'c':
                settings.cpu_percent = number(text, 400);
                break;
        case 'n':
                settings.passes = number(text, 100);
                break;
        case 'w':
                r = parse_duration(text, &settings.backoff_ns);
                break;
        case 'x':
                r = parse_duration(text, &cancel_after_ns);
                break;
        case 'W': /* the process before the move */
                r = parse_duration(text, &watch_ns);
                break;
        case 'R':
                parse_ranges(text);
                break;
        case 'S':
                settings.move_shared = true;
                break;
        case 'H':
                settings.never_hugetlb = false;
                break;
        case 'F':
                move.ranges_only = false;
                break;
        case 'r':
                repeat = number(text, 1000);
                break;
        default:
                r = -EINVAL;
        }
        if (r < 0)
                die_usage();
}

static void parse_options(int argc, char **argv) {
        static const struct option options[] = {
                { "method", required_argument, NULL, 'm' },
                { "pause-budget", required_argument, NULL, 'p' },
                { "bandwidth", required_argument, NULL, 'b' },
                { "cpu-percent", required_argument, NULL, 'c' },
                { "passes", required_argument, NULL, 'n' },
                { "backoff", required_argument, NULL, 'w' },
                { "cancel-after", required_argument, NULL, 'x' },
                { "watch", required_argument, NULL, 'W' },
                { "ranges", required_argument, NULL, 'R' },
                { "shared", no_argument, NULL, 'S' },
                { "hugetlb", no_argument, NULL, 'H' },
                { "first", no_argument, NULL, 'F' },
                { "repeat", required_argument, NULL, 'r' },
                { 0 },
        };
        int option;

        settings_init(&settings);
        while ((option = getopt_long(argc, argv, "+", options, NULL)) != -1)
                take_option(option, optarg);
        if (argc - optind != 3)
                die_usage();
}

static int node_index(const Topology *t, const char *text) {
        int index = topology_index_of_id(t, (int)number(text, 1023));

        if (index == NODE_NONE)
                die("node", -ENODEV);
        return index;
}

static void print_outcome(const Outcome *o) {
        printf("state=%s reason=%s errno=%d planned=%" PRIu64 " moved=%" PRIu64 " failed=%" PRIu64
               " retry=%" PRIu64 " gone=%" PRIu64 " shared=%" PRIu64
               " passes=%u calls=%u busy_ms=%" PRIu64 " ms=%" PRIu64 " limit=%s",
               job_state_to_string(o->state), reason_to_string(o->reason), -o->error,
               o->pages_planned, o->pages_moved, o->pages_failed, o->pages_retry, o->pages_gone,
               o->pages_shared, o->passes, o->calls, o->busy_ns / NSEC_PER_MSEC,
               o->finished_ns ? (o->finished_ns - o->started_ns) / NSEC_PER_MSEC : 0,
               limit_to_string(o->limit));
        for (int i = 0; i < FAILURE_MAX; i++)
                if (o->failures[i] > 0)
                        printf(" %s=%" PRIu64, failure_to_string((Failure)i), o->failures[i]);
        putchar('\n');
        fflush(stdout);
}

/* Until so many jobs have ended: 0 when all were done. The last one is cancelled when it is time. */
static int wait_for_end(Mover *mover, uint64_t job, uint64_t n_jobs) {
        uint64_t cancel_ns =
                cancel_after_ns == UINT64_MAX ? UINT64_MAX : clock_monotonic_ns() + cancel_after_ns;
        int status = 0;
        Outcome o;

        for (;;) {
                while (mover_next_event(mover, &o) > 0) {
                        print_outcome(&o);
                        if (o.state != JOB_FINISHED)
                                continue;
                        if (o.reason != REASON_DONE && o.reason != REASON_NOTHING_TO_DO)
                                status = 1;
                        if (--n_jobs == 0)
                                return status;
                }
                struct pollfd p = { .fd = mover_get_fd(mover), .events = POLLIN };
                uint64_t now_ns = clock_monotonic_ns();
                int wait_ms = cancel_ns == UINT64_MAX ? -1
                              : cancel_ns > now_ns ? (int)((cancel_ns - now_ns) / NSEC_PER_MSEC) + 1
                                                   : 0;
                if (poll(&p, 1, wait_ms) == 0) {
                        (void)mover_cancel(mover, job);
                        cancel_ns = UINT64_MAX;
                }
        }
}

/* Orders the move of each process of the list; returns how many. */
static uint64_t submit_all(Mover *mover, const SystemRoot *root, const char *pids,
                           uint64_t *ret_last) {
        uint64_t n = 0;
        char *copy = strdup(pids), *rest = copy;

        for (char *word; copy && (word = strsep(&rest, ","));) {
                move.id.pid = (pid_t)number(word, INT32_MAX);
                int r = process_read_starttime(root, move.id.pid, &move.id.starttime);
                if (r < 0)
                        die("process", r);
                r = mover_submit(mover, &move, ret_last);
                if (r < 0)
                        die("order", r);
                n++;
        }
        free(copy);
        return n;
}

static void sleep_ns(uint64_t ns) {
        struct timespec t = { .tv_sec = (time_t)(ns / NSEC_PER_SEC),
                              .tv_nsec = (long)(ns % NSEC_PER_SEC) };

        (void)nanosleep(&t, NULL);
}

int main(int argc, char **argv) {
        static Topology topology;
        SystemRoot root;
        Mover *mover;
        uint64_t job = 0;
        int status = 1;

        parse_options(argc, argv);
        move.ranges_only &= move.n_ranges > 0;
        int r = system_root_open(&root, "");
        if (r < 0)
                die("/proc", r);
        r = topology_read(&topology, &root);
        if (r < 0)
                die("nodes", r);
        for (char *rest = argv[optind + 1], *word; (word = strsep(&rest, ","));)
                move.from |= node_bit(node_index(&topology, word));
        move.to = node_index(&topology, argv[optind + 2]);
        r = mover_new(&mover, &topology, &root, &settings, NULL);
        if (r < 0)
                die("engine", r);
        for (uint64_t i = 0; i < repeat; i++) {
                mover_pause(mover, watch_ns > 0);
                uint64_t n = submit_all(mover, &root, argv[optind], &job);
                if (watch_ns > 0)
                        sleep_ns(watch_ns);
                mover_pause(mover, false);
                status = wait_for_end(mover, job, n);
        }
        mover_free(mover);
        system_root_close(&root);
        return status;
}
