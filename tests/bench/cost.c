/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <bpf/bpf.h>

#include "base/parse.h"
#include "cost-daemon.h"
#include "cost-load.h"
#include "cost-slowdown.h"
#include "base/clock.h"

/* What the daemon costs on this machine, at its default rate: CPU time beside busy and mostly idle
 * processes, the slow-down of a busy program, memory.
 *   cost [--seconds N] [--busy N] [--idle N] [--pairs N] [--smoke] DAEMON
 * Exits 0 when all limits hold, 1 when one does not, 77 when this machine cannot sample. --smoke takes
 * a few seconds and judges only what does not depend on time. */

#define LIMIT_CPU_PERCENT      1.0
#define LIMIT_SLOWDOWN_PERCENT 1.0

/* A small machine's; both are bounded by the sizes of tables and rings (docs/evidence.md). */
#define LIMIT_RSS_MIB 64.0
#define LIMIT_BPF_MIB 8.0

/* Processes are looked at from the age of 10 s on. */
#define WARM_UP_SECONDS 15

#define EXIT_CANNOT 77

typedef struct Options {
        uint64_t seconds, busy, idle, pairs;
        bool smoke;
        const char *program;
} Options;

static unsigned n_exceeded;

static void print_row(const char *what, double value, const char *unit, double limit, bool judge) {
        bool exceeded = value > limit;

        printf("%-44s %9.3f %-4s", what, value, unit);
        if (limit < 1e9)
                printf(" limit %5.1f %s", limit,
                       !judge     ? "(not judged)"
                       : exceeded ? "EXCEEDED"
                                  : "ok");
        printf("\n");
        n_exceeded += judge && exceeded;
}

static void print_number(const char *what, double value, const char *unit) {
        print_row(what, value, unit, 1e9, false);
}

static void sleep_seconds(uint64_t seconds) {
        struct timespec pause = { .tv_sec = (time_t)seconds };

        while (nanosleep(&pause, &pause) < 0 && errno == EINTR)
                ;
}

static void print_cpu(const DaemonUse *a, const DaemonUse *b, double elapsed_ns, bool judge) {
        double daemon = 100 * (double)(b->cpu_ns - a->cpu_ns) / elapsed_ns;
        double bpf = 100 * (double)(b->bpf_ns - a->bpf_ns) / elapsed_ns;
        double runs = (double)(b->bpf_runs - a->bpf_runs);

        print_number("runs of the BPF program", runs * 1e9 / elapsed_ns, "/s");
        print_number("  each", runs > 0 ? (double)(b->bpf_ns - a->bpf_ns) / runs / 1e3 : 0, "us");
        print_number("CPU, daemon", daemon, "%");
        print_number("CPU, BPF", bpf, "%");
        print_row("CPU, sum, of one CPU", daemon + bpf, "%", LIMIT_CPU_PERCENT, judge);
}

static void print_memory(const DaemonUse *use) {
        double mib = 1024.0 * 1024.0;

        print_number("memory, daemon at present", (double)use->rss_bytes / mib, "MiB");
        print_row("memory, daemon at most", (double)use->rss_peak_bytes / mib, "MiB", LIMIT_RSS_MIB,
                  true);
        print_row("memory, BPF maps and programs", (double)use->bpf_bytes / mib, "MiB",
                  LIMIT_BPF_MIB, true);
}

/* 0 or negative errno. */
static int measure_daemon(const Options *o) {
        const char *problem = "the daemon has ended";
        DaemonUse before, after;
        uint64_t begin_ns, wakeups;
        Load *load;
        pid_t pid;
        int r;

        r = load_start(&load, (unsigned)o->busy, (unsigned)o->idle);
        if (r < 0) {
                fprintf(stderr, "cost: the load does not start: %s\n", strerror(-r));
                return r;
        }
        r = daemon_start(&pid, o->program, &problem);
        if (r == 0) {
                sleep_seconds(o->smoke ? 1 : WARM_UP_SECONDS);
                r = daemon_use(pid, &before);
                begin_ns = clock_monotonic_ns();
                wakeups = load_wakeups(load);
                sleep_seconds(o->seconds);
                r = r < 0 ? r : daemon_use(pid, &after);
                if (r == 0) {
                        double elapsed_ns = (double)(clock_monotonic_ns() - begin_ns);

                        printf("%llu busy processes, %llu mostly idle ones (%.0f wake-ups a "
                               "second), "
                               "%.0f s\n",
                               (unsigned long long)o->busy, (unsigned long long)o->idle,
                               (double)(load_wakeups(load) - wakeups) * 1e9 / elapsed_ns,
                               elapsed_ns / 1e9);
                        print_cpu(&before, &after, elapsed_ns, !o->smoke);
                        print_memory(&after);
                }
                daemon_stop(pid);
        }
        load_stop(load);
        if (r < 0)
                fprintf(stderr, "cost: %s: %s\n", problem, strerror(-r));
        return r;
}

static int measure_slowdown(const Options *o) {
        char problem[1024] = "";
        Slowdown s = {};
        int r;

        r = slowdown_measure((unsigned)o->pairs, &s, problem, sizeof(problem));
        if (r < 0) {
                fprintf(stderr, "cost: %s\n", problem);
                return r;
        }
        printf("%u times sampling off and on while one program does %.0f ms of work%s\n", s.n,
               s.work_ms, s.realtime ? ", at real-time priority" : "");
        print_number("slow-down, median", s.median_percent, "%");
        print_number("slow-down, 95 % confidence, +-", s.error_percent, "%");
        print_row("slow-down, mean", s.mean_percent, "%", LIMIT_SLOWDOWN_PERCENT, !o->smoke);
        print_row("slow-down, upper end of the confidence", s.mean_percent + s.error_percent, "%",
                  LIMIT_SLOWDOWN_PERCENT, !o->smoke);
        return 0;
}

static bool parse_number(const char *text, uint64_t *ret) {
        return parse_u64(text, 100000, ret) == 0 && *ret > 0;
}

static bool parse(int argc, char *argv[], Options *o) {
        static const struct option known[] = {
                { "seconds", required_argument, NULL, 's' },
                { "busy", required_argument, NULL, 'b' },
                { "idle", required_argument, NULL, 'i' },
                { "pairs", required_argument, NULL, 'p' },
                { "smoke", no_argument, NULL, 'k' },
                {},
        };
        bool good = true;
        int c;

        *o = (Options) { .seconds = 30, .busy = 2, .idle = 1000, .pairs = 150 };
        while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
                switch (c) {
                case 's':
                        good = good && parse_number(optarg, &o->seconds);
                        break;
                case 'b':
                        good = good && parse_number(optarg, &o->busy);
                        break;
                case 'i':
                        good = good && parse_number(optarg, &o->idle);
                        break;
                case 'p':
                        good = good && parse_number(optarg, &o->pairs);
                        break;
                case 'k':
                        *o = (Options) {
                                .seconds = 2, .busy = 1, .idle = 50, .pairs = 4, .smoke = true
                        };
                        break;
                default:
                        good = false;
                }
        if (!good || optind + 1 != argc)
                return false;
        o->program = argv[optind];
        return true;
}

/* The kernel also says EACCES where it takes the program for wrong, which root must not overlook. */
static int exit_status(int r) {
        return r == -EPERM || r == -ENOSYS || (r == -EACCES && geteuid() != 0) ? EXIT_CANNOT
                                                                               : EXIT_FAILURE;
}

int main(int argc, char *argv[]) {
        Options options;
        int stats, r;

        if (!parse(argc, argv, &options)) {
                fprintf(stderr,
                        "usage: cost [--seconds N] [--busy N] [--idle N] [--pairs N] [--smoke] "
                        "DAEMON\n");
                return 2;
        }
        /* The kernel measures the programs while this is open. */
        stats = bpf_enable_stats(BPF_STATS_RUN_TIME);
        if (stats < 0) {
                fprintf(stderr, "cost: the run time of BPF programs: %s\n", strerror(-stats));
                return exit_status(stats);
        }
        r = measure_daemon(&options);
        close(stats);
        if (r == 0)
                r = measure_slowdown(&options);
        if (r < 0)
                return exit_status(r);
        if (n_exceeded > 0)
                printf("%u limits are exceeded\n", n_exceeded);
        return n_exceeded > 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
