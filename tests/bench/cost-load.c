/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cost-load.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define BUSY_BYTES (128ull << 20)

/* An idle process wakes at random, every second on average, and then works for some 20 us. */
#define IDLE_MEAN_NS  1000000000u
#define IDLE_ROUNDS   20000u
#define WORDS_AT_ONCE 65536u

struct Load {
        unsigned n;
        uint64_t *wakeups; /* shared with the children */
        pid_t pid[];
};

static uint64_t next_random(uint64_t *state) {
        *state = *state * 6364136223846793005ull + 1442695040888963407ull;
        return *state >> 20;
}

__attribute__((noreturn)) static void be_busy(unsigned index) {
        uint64_t n_words = BUSY_BYTES / sizeof(uint64_t), state = index;
        long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
        volatile uint64_t sink = 0;
        uint64_t *words;
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(index % (unsigned)(n_cpus > 0 ? n_cpus : 1), &set);
        (void)sched_setaffinity(0, sizeof(set), &set);
        words = mmap(NULL, BUSY_BYTES, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
        if (words == MAP_FAILED)
                _exit(1);
        for (;;) {
                uint64_t sum = 0;

                for (unsigned i = 0; i < WORDS_AT_ONCE; i++)
                        sum += words[next_random(&state) % n_words];
                sink = sink + sum;
        }
}

__attribute__((noreturn)) static void be_idle(unsigned index, uint64_t *wakeups) {
        uint64_t state = index * 0x9e3779b97f4a7c15ull + 1;
        volatile uint64_t sink = 0;

        for (;;) {
                uint64_t ns = next_random(&state) % (2ull * IDLE_MEAN_NS);
                struct timespec pause = { (time_t)(ns / 1000000000u), (long)(ns % 1000000000u) };

                (void)nanosleep(&pause, NULL);
                for (unsigned i = 0; i < IDLE_ROUNDS; i++)
                        sink = sink + i;
                __atomic_fetch_add(wakeups, 1, __ATOMIC_RELAXED);
        }
}

static pid_t start(unsigned index, bool busy, uint64_t *wakeups) {
        pid_t parent = getpid(), pid = fork();

        if (pid != 0)
                return pid;
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (getppid() != parent)
                _exit(1);
        (void)prctl(PR_SET_NAME, busy ? "cost-busy" : "cost-idle");
        if (busy)
                be_busy(index);
        be_idle(index, wakeups);
}

DEFINE_CLEANUP(Load, load_stop)

int load_start(Load **ret, unsigned n_busy, unsigned n_idle) {
        cleanup(cleanup_load_stopp) Load *l =
                calloc(1, sizeof(*l) + (n_busy + n_idle) * sizeof(l->pid[0]));

        if (!l)
                return -ENOMEM;
        l->wakeups = mmap(NULL, sizeof(*l->wakeups), PROT_READ | PROT_WRITE,
                          MAP_SHARED | MAP_ANONYMOUS, -1, 0);
        if (l->wakeups == MAP_FAILED) {
                l->wakeups = NULL;
                return -ENOMEM;
        }
        for (unsigned i = 0; i < n_busy + n_idle; i++) {
                pid_t pid = start(i, i < n_busy, l->wakeups);

                if (pid < 0)
                        return -errno;
                l->pid[l->n++] = pid;
        }
        *ret = TAKE_PTR(l);
        return 0;
}

Load *load_stop(Load *l) {
        if (!l)
                return NULL;
        for (unsigned i = 0; i < l->n; i++)
                (void)kill(l->pid[i], SIGKILL);
        for (unsigned i = 0; i < l->n; i++)
                (void)waitpid(l->pid[i], NULL, 0);
        if (l->wakeups)
                (void)munmap(l->wakeups, sizeof(*l->wakeups));
        free(l);
        return NULL;
}

uint64_t load_wakeups(const Load *l) {
        return __atomic_load_n(l->wakeups, __ATOMIC_RELAXED);
}
