/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cost-slowdown.h"

#include <errno.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "observe/observer.h"
#include "base/clock.h"
#include "system/topology_read.h"

/* Reads within what stays in the second-level cache: work that repeats well, and loses when an
 * interrupt takes cache lines away. */
#define WORK_WORDS  (256u * 1024 / 8)
#define WORK_ROUNDS (16u << 20)

/* What a change of the rate leaves behind is over after this. */
#define SETTLE_NS 5000000L

/* One tick a second is as good as none. */
#define RATE_OFF_HZ 1
#define RATE_ON     0 /* the default */

typedef struct Worker {
        pid_t pid;
        int socket;
        bool realtime;
} Worker;

static uint64_t work(const uint64_t *words, uint64_t *state) {
        uint64_t begin_ns = clock_monotonic_ns(), sum = 0;

        for (unsigned i = 0; i < WORK_ROUNDS; i++) {
                *state = *state * 6364136223846793005ull + 1442695040888963407ull;
                sum += words[(*state >> 33) % WORK_WORDS];
        }
        __asm__ volatile("" : : "r"(sum)); /* or there would be nothing to do */
        return clock_monotonic_ns() - begin_ns;
}

/* For each byte that comes it does one piece of work and answers how long that took; first it tells
 * whether it has a real-time priority. */
__attribute__((noreturn)) static void be_worker(int socket) {
        struct sched_param priority = { .sched_priority = 1 };
        static uint64_t words[WORK_WORDS];
        uint64_t state = 1, ns;
        cpu_set_t set;
        char byte;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        CPU_ZERO(&set);
        CPU_SET((unsigned)sysconf(_SC_NPROCESSORS_ONLN) - 1, &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
        ns = sched_setscheduler(0, SCHED_FIFO, &priority) == 0;
        for (unsigned i = 0; i < WORK_WORDS; i++)
                words[i] = i;
        while (write(socket, &ns, sizeof(ns)) == sizeof(ns) && read(socket, &byte, 1) == 1)
                ns = work(words, &state);
        _exit(0);
}

static int worker_start(Worker *ret) {
        uint64_t realtime;
        int ends[2];
        pid_t pid;

        if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        pid = fork();
        if (pid == 0)
                be_worker(ends[1]);
        close(ends[1]);
        if (pid < 0 || read(ends[0], &realtime, sizeof(realtime)) != sizeof(realtime)) {
                close(ends[0]);
                return -EIO;
        }
        *ret = (Worker) { pid, ends[0], realtime != 0 };
        return 0;
}

static void worker_stop(Worker *w) {
        close(w->socket);
        (void)kill(w->pid, SIGKILL);
        (void)waitpid(w->pid, NULL, 0);
}

static int worker_work(Worker *w, double *ret_ns) {
        uint64_t ns;

        if (write(w->socket, "", 1) != 1 || read(w->socket, &ns, sizeof(ns)) != sizeof(ns))
                return -EIO;
        *ret_ns = (double)ns;
        return 0;
}

/* One piece of work while ticks come at this rate. Sampling is not stopped altogether, as loading the
 * programs anew each time would disturb more than what is to be measured. */
static int measure_at(Observer *o, uint32_t rate_hz, Worker *w, double *ret_ns) {
        struct timespec settle = { .tv_nsec = SETTLE_NS };
        Settings settings;
        int r;

        settings_init(&settings);
        settings.source = SOURCE_CLOCK;
        if (rate_hz > 0)
                settings.rate_hz = rate_hz;
        r = observer_configure(o, &settings);
        if (r < 0)
                return r;
        (void)nanosleep(&settle, NULL);
        r = worker_work(w, ret_ns);
        if (r < 0)
                return r;
        return observer_collect(o, clock_monotonic_ns());
}

static int compare_doubles(const void *a, const void *b) {
        double x = *(const double *)a, y = *(const double *)b;

        return (x > y) - (x < y);
}

static double median(double *values, unsigned n) {
        qsort(values, n, sizeof(*values), compare_doubles);
        return values[n / 2];
}

static void summarise(double *difference, double *off_ns, unsigned n, Slowdown *ret) {
        double sum = 0, squares = 0;

        for (unsigned i = 0; i < n; i++)
                sum += difference[i];
        for (unsigned i = 0; i < n; i++)
                squares += (difference[i] - sum / n) * (difference[i] - sum / n);
        ret->n = n;
        ret->mean_percent = 100 * sum / n;
        /* Student's t for 95 % is 1.98 with 100 values and nears 1.96; with a handful it says more than
         * they do. */
        ret->error_percent = n > 1 ? 100 * 1.98 * sqrt(squares / (n - 1) / n) : INFINITY;
        ret->median_percent = 100 * median(difference, n);
        ret->work_ms = median(off_ns, n) / 1e6;
}

static int measure_pairs(Observer *o, Worker *w, unsigned n, Slowdown *ret) {
        cleanup_free double *difference = calloc(n, sizeof(*difference));
        cleanup_free double *off_ns = calloc(n, sizeof(*off_ns));
        Settings settings;
        Counters counters = {};
        double on_ns = 0;
        int r;

        if (!difference || !off_ns)
                return -ENOMEM;
        settings_init(&settings);
        settings.source = SOURCE_CLOCK;
        r = observer_start(o, &settings);
        for (unsigned i = 0; i < n && r >= 0; i++) {
                bool on_first = i % 2 == 0;

                r = on_first ? measure_at(o, RATE_ON, w, &on_ns) : 0;
                r = r < 0 ? r : measure_at(o, RATE_OFF_HZ, w, &off_ns[i]);
                if (r == 0 && !on_first)
                        r = measure_at(o, RATE_ON, w, &on_ns);
                difference[i] = r == 0 ? on_ns / off_ns[i] - 1 : 0;
        }
        if (r < 0)
                return r;
        /* A piece of work lasts two ticks and more: without samples nothing was measured. */
        observer_count(o, &counters);
        if (counters.samples_total < n)
                return -ENODATA;
        summarise(difference, off_ns, n, ret);
        ret->realtime = w->realtime;
        return 0;
}

int slowdown_measure(unsigned n_pairs, Slowdown *ret, char *problem, unsigned problem_bytes) {
        static Topology topology;
        SystemRoot root;
        Observer *o;
        Worker w = {};
        int r;

        r = system_root_open(&root, "");
        if (r < 0)
                return r;
        r = topology_read(&topology, &root);
        r = r < 0 ? r : observer_new(&o, &topology, &root);
        if (r < 0) {
                system_root_close(&root);
                return r;
        }
        r = worker_start(&w);
        if (r == 0) {
                r = measure_pairs(o, &w, n_pairs, ret);
                worker_stop(&w);
        }
        if (r < 0)
                snprintf(problem, problem_bytes, "%s (%s)", strerror(-r), observer_describe(o));
        observer_free(o);
        system_root_close(&root);
        return r;
}
