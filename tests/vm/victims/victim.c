/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A process with misplaced memory: it touches its memory on one node and works on it from another,
 * without any memory policy. The oracle counts its accesses by its window of virtual addresses
 * (oracle/layout.h).
 *
 * Writes once a second to its progress file: seconds since the work began, work done in all, work
 * in the last second, and the node it runs on. Prints "ready" when the work begins. SIGUSR1: print
 * the checksum. SIGUSR2: next phase, and pinned pages are let go. SIGTERM: end. */

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../oracle/layout.h"
#include "victim.h"

enum { PHASE_PLACING = 1, PHASE_WORKING = 2 };

static Options options;
static Worker workers[VICTIM_MAX_THREADS];
static pthread_t threads[VICTIM_MAX_THREADS];
static unsigned n_workers;
static uint64_t *buffer;
static uint64_t first_checksum;
/* Workers work while this is set; they are joined before the memory is looked at. */
static volatile bool working;

static double seconds_now(void) {
        struct timespec now;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);

        return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void stamp_phase(unsigned phase) {
        volatile uint64_t *marker =
                (volatile uint64_t *)(VM_WINDOW_BASE + options.id * VM_WINDOW_SIZE);

        marker[phase % VM_N_PHASES] = phase;
}

static int node_of_worker(unsigned index) {
        return options.layout == LAYOUT_COMMON ? options.run_node : (int)index;
}

/* Where worker `index` wants its memory at first. */
static int first_home(unsigned index) {
        if (options.layout == LAYOUT_HALVES)
                return (int)index;
        if (options.layout == LAYOUT_SWAPPED)
                return (int)((index + 1) % n_workers);

        return options.mem_node;
}

static unsigned count_cpu_nodes(void) {
        unsigned n = 0;
        cpu_set_t set;

        while (n < VICTIM_MAX_THREADS && node_cpus((int)n, &set))
                n++;

        return n;
}

static void place(void *start, size_t bytes, int node) {
        memory_place(start, bytes, node, 0, options.split_percent);
        if (options.split_percent < 100)
                memory_place(start, bytes, options.run_node, options.split_percent, 100);
}

static void prepare_workers(void) {
        bool sliced = options.layout == LAYOUT_HALVES || options.layout == LAYOUT_SWAPPED;
        size_t n_words = options.size_bytes / sizeof(uint64_t);

        n_workers = options.layout == LAYOUT_COMMON ? options.n_threads : count_cpu_nodes();
        /* A slice is whole huge pages, so that no page lies in two of them. */
        size_t slice = sliced ? n_words / n_workers >> 18 << 18 : n_words;
        if (slice < LINE_WORDS * 64)
                victim_die("--size is too small");
        for (unsigned i = 0; i < n_workers; i++) {
                workers[i] = (Worker) {
                        .words = sliced ? buffer + i * slice : buffer,
                        .n_words = slice,
                        .origin = buffer,
                        .pattern = options.pattern,
                        .write_percent = options.write_percent,
                        .random = UINT64_C(0x9e3779b97f4a7c15) * (i + 1),
                };
                if (sliced || i == 0) {
                        place(workers[i].words, slice * sizeof(uint64_t), first_home(i));
                        pattern_fill(&workers[i]);
                } else {
                        workers[i].next = workers[0].words + LINE_WORDS * i;
                        workers[i].position = 0;
                }
        }
}

static void *work(void *argument) {
        Worker *worker = argument;

        while (working)
                pattern_work(worker);

        return NULL;
}

static void start_work(void) {
        working = true;
        if (options.idle)
                n_workers = 0; /* the memory is there, and nobody uses it */
        for (unsigned i = 0; i < n_workers; i++) {
                /* The new thread inherits the affinity. */
                if (node_run_on(node_of_worker(i)) < 0)
                        victim_die("--run-node: no CPUs there");
                if (pthread_create(&threads[i], NULL, work, &workers[i]) != 0)
                        victim_die("cannot create a thread");
        }
        (void)node_run_on(node_of_worker(0));
}

static void stop_work(void) {
        working = false;
        for (unsigned i = 0; i < n_workers; i++)
                (void)pthread_join(threads[i], NULL);
}

/* Slices become mappings of their own, so that numa_maps tells where each of them lies. Not before
 * they are asked for: a daemon should not learn from mappings who uses what. */
static void split_slices(void) {
        bool sliced = options.layout == LAYOUT_HALVES || options.layout == LAYOUT_SWAPPED;

        for (unsigned i = 1; sliced && i < n_workers; i += 2)
                (void)madvise(workers[i].words, workers[i].n_words * sizeof(uint64_t),
                              MADV_DONTDUMP);
}

static void print_checksum(void) {
        uint64_t expected = first_checksum;

        stop_work();
        split_slices();
        uint64_t found = pattern_checksum(buffer, options.size_bytes / sizeof(uint64_t));
        for (unsigned i = 0; i < n_workers; i++)
                expected += workers[i].added;
        printf("checksum %s %016" PRIx64 " expected %016" PRIx64 "\n",
               found == expected ? "ok" : "BAD", found, expected);
        fflush(stdout);
}

static uint64_t work_done(void) {
        uint64_t sum = 0;

        for (unsigned i = 0; i < n_workers; i++)
                sum += workers[i].n_done;

        return sum;
}

static void hop(unsigned n_hops) {
        unsigned n_nodes = count_cpu_nodes();
        cpu_set_t set;

        options.run_node =
                (int)((unsigned)(options.run_node < 0 ? 0 : options.run_node) + 1) % (int)n_nodes;
        if (!node_cpus(options.run_node, &set))
                return;
        for (unsigned i = 0; i < n_workers; i++)
                (void)pthread_setaffinity_np(threads[i], sizeof(set), &set);
        (void)node_run_on(options.run_node);
        stamp_phase(PHASE_WORKING + n_hops);
}

static void report_placement(void) {
        uint64_t pages[VM_MAX_NODES];
        size_t n_nodes = (size_t)node_count();

        memory_count(buffer, options.size_bytes, 1UL << 20, pages, n_nodes);
        printf("placed");
        for (size_t n = 0; n < n_nodes; n++)
                printf(" node%zu=%" PRIu64 "M", n, pages[n]);
        puts("");
}

static bool write_progress(FILE *file, double began, uint64_t *last, double *last_time) {
        uint64_t done = work_done();
        double now = seconds_now();

        if (file)
                fprintf(file, "%.2f %" PRIu64 " %.1f %d\n", now - began, done,
                        (double)(done - *last) / (now - *last_time), options.run_node);
        *last = done;
        *last_time = now;

        return options.exit_after_seconds == 0 || now - began < options.exit_after_seconds;
}

/* Wakes each second and on signals; the work itself is done by the threads. */
static void supervise(const sigset_t *signals) {
        double began = seconds_now(), last_time = began;
        uint64_t last = 0;
        unsigned n_seconds = 0, phase = PHASE_WORKING, n_hops = 0;
        FILE *file = options.progress_path ? fopen(options.progress_path, "we") : NULL;

        if (file)
                setvbuf(file, NULL, _IOLBF, 0);
        for (;;) {
                struct timespec second = { .tv_sec = 1 };
                int number = sigtimedwait(signals, NULL, &second);

                if (number == SIGTERM || number == SIGINT)
                        break;
                if (number == SIGUSR2) {
                        stamp_phase(++phase);
                        memory_release();
                }
                if (number == SIGUSR1) {
                        print_checksum();
                        start_work();
                }
                if (number < 0 && errno == EAGAIN &&
                    !write_progress(file, began, &last, &last_time))
                        break;
                if (number < 0 && options.hop_seconds > 0 && ++n_seconds % options.hop_seconds == 0)
                        hop(++n_hops);
        }
        (void)write_progress(file, began, &last, &last_time);
}

/* The other process: same memory, other node; ends with its parent. */
static pid_t start_sharer(void) {
        pid_t pid = fork();

        if (pid != 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        options.run_node = options.share_node;
        for (unsigned i = 0; i < n_workers; i++)
                workers[i].pattern =
                        workers[i].pattern == PATTERN_CHASE ? PATTERN_CHASE : PATTERN_RANDOM;
        start_work();
        for (;;)
                (void)pause();
}

int main(int argc, char **argv) {
        sigset_t signals;
        pid_t sharer = -1;

        options_parse(argc, argv, &options);
        sigemptyset(&signals);
        sigaddset(&signals, SIGUSR1);
        sigaddset(&signals, SIGUSR2);
        sigaddset(&signals, SIGTERM);
        sigaddset(&signals, SIGINT);
        (void)sigprocmask(SIG_BLOCK, &signals, NULL);
        setvbuf(stdout, NULL, _IOLBF, 0);

        if (options.name)
                (void)prctl(PR_SET_NAME, options.name);
        buffer = memory_map(&options);
        stamp_phase(PHASE_PLACING);
        prepare_workers();
        if (options.checksum)
                first_checksum = pattern_checksum(buffer, options.size_bytes / sizeof(uint64_t));
        memory_hold(&options, buffer);
        report_placement();

        if (options.share)
                sharer = start_sharer();
        stamp_phase(PHASE_WORKING);
        start_work();
        if (options.remap_path)
                remap_start(options.remap_path);
        puts("ready");
        supervise(&signals);

        if (sharer > 0) {
                (void)kill(sharer, SIGKILL);
                (void)waitpid(sharer, NULL, 0);
        }
        if (options.checksum)
                print_checksum();
        else
                stop_work();

        return 0;
}
