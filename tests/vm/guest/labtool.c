/* SPDX-License-Identifier: GPL-2.0-or-later */

/* The guest's end of the shared memory: reads the oracle's counters, tests that they are right,
 * sets the price of a remote access, and hands the results of a run to the host. */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "../oracle/layout.h"

#define IVSHMEM_VENDOR  0x1af4
#define IVSHMEM_DEVICE  0x1110
#define MPOL_BIND_MODE  2
#define SELFTEST_PAGES  64
#define SELFTEST_ROUNDS 2000

static int fail(const char *what) {
        fprintf(stderr, "labtool: %s: %s\n", what, strerror(errno));
        return 1;
}

static unsigned long read_hex(const char *directory, const char *name) {
        char path[PATH_MAX];
        unsigned long value = 0;

        (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", directory, name);
        FILE *file = fopen(path, "re");
        if (!file)
                return 0;
        if (fscanf(file, "%lx", &value) != 1)
                value = 0;
        (void)fclose(file);

        return value;
}

static void enable_device(const char *directory) {
        char path[PATH_MAX];

        (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/enable", directory);
        int fd = open(path, O_WRONLY | O_CLOEXEC);
        if (fd < 0)
                return;
        if (write(fd, "1", 1) != 1)
                (void)fail(path);
        (void)close(fd);
}

/* Maps the shared memory device; NULL when the machine has none. */
static uint8_t *map_shared(size_t *ret_bytes) {
        char path[PATH_MAX] = "";
        struct stat st;

        DIR *dir = opendir("/sys/bus/pci/devices");
        if (!dir)
                return NULL;
        for (struct dirent *e; (e = readdir(dir));)
                if (read_hex(e->d_name, "vendor") == IVSHMEM_VENDOR &&
                    read_hex(e->d_name, "device") == IVSHMEM_DEVICE) {
                        enable_device(e->d_name);
                        (void)snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/resource2",
                                       e->d_name);
                }
        (void)closedir(dir);

        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0)
                return NULL;
        void *mapped = fstat(fd, &st) < 0 ? MAP_FAILED
                                          : mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE,
                                                 MAP_SHARED, fd, 0);
        (void)close(fd);
        if (mapped == MAP_FAILED)
                return NULL;
        *ret_bytes = (size_t)st.st_size;

        return mapped;
}

static uint64_t count(const VmOracle *o, int window, unsigned cpu_node, unsigned home) {
        uint64_t sum = 0;

        for (unsigned c = 0; c < o->n_cpus; c++)
                if (o->node_of_cpu[c] == cpu_node)
                        sum += window < 0 ? o->cpu[c].total[home] : o->cpu[c].window[window][home];

        return sum;
}

static uint64_t count_window(const VmOracle *o, unsigned window) {
        uint64_t sum = 0;

        for (unsigned a = 0; a < o->n_nodes; a++)
                for (unsigned h = 0; h <= VM_MAX_NODES; h++)
                        sum += count(o, (int)window, a, h);

        return sum;
}

static void print_counts(const VmOracle *o, int window) {
        uint64_t local = 0, all = 0;

        printf("\"matrix\":[");
        for (unsigned a = 0; a < o->n_nodes; a++) {
                printf(a > 0 ? ",[" : "[");
                for (unsigned h = 0; h < o->n_nodes; h++) {
                        uint64_t n = count(o, window, a, h);
                        printf("%s%" PRIu64, h > 0 ? "," : "", n);
                        all += n;
                        local += a == h ? n : 0;
                }
                putchar(']');
        }
        printf("],\"accesses\":%" PRIu64 ",\"remote\":%" PRIu64, all, all - local);
}

static int print_json(const VmOracle *o) {
        struct timespec now;
        bool first = true;

        (void)clock_gettime(CLOCK_MONOTONIC, &now);
        printf("{\"monotonic_seconds\":%lld.%03ld,\"penalty_ns\":%" PRIu32 ",\"total\":{",
               (long long)now.tv_sec, now.tv_nsec / 1000000, o->penalty_ns);
        print_counts(o, -1);
        printf("},\"victims\":{");
        for (unsigned w = 0; w < VM_N_WINDOWS; w++) {
                uint64_t stores = 0;
                if (count_window(o, w) == 0)
                        continue;
                for (unsigned c = 0; c < o->n_cpus; c++)
                        stores += o->cpu[c].stores[w];
                printf("%s\"%u\":{\"phase\":%" PRIu32 ",\"stores\":%" PRIu64 ",", first ? "" : ",",
                       w, o->phase[w], stores);
                print_counts(o, (int)w);
                putchar('}');
                first = false;
        }
        puts("}}");

        return 0;
}

/* True when memory can be had on the node at all. */
static bool touch_on_node(unsigned cpu, unsigned node) {
        unsigned long mask = 1UL << node;
        uint64_t base = VM_WINDOW_BASE + VM_WINDOW_SELFTEST * VM_WINDOW_SIZE + VM_MARKER_BYTES;
        cpu_set_t set;

        CPU_ZERO(&set);
        CPU_SET(cpu, &set);
        volatile uint8_t *pages = mmap((void *)base, SELFTEST_PAGES * 4096, PROT_READ | PROT_WRITE,
                                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
        if (pages == MAP_FAILED || sched_setaffinity(0, sizeof(set), &set) < 0 ||
            syscall(SYS_mbind, pages, SELFTEST_PAGES * 4096UL, MPOL_BIND_MODE, &mask, 64UL, 0) < 0)
                return false;
        for (unsigned round = 0; round < SELFTEST_ROUNDS; round++)
                for (unsigned p = 0; p < SELFTEST_PAGES; p++)
                        pages[p * 4096 + round] = (uint8_t)round;

        return munmap((void *)pages, SELFTEST_PAGES * 4096) == 0;
}

/* From each CPU to each node: the accesses must appear in that cell and in no other. */
static int selftest(const VmOracle *o) {
        unsigned bad = 0, checked = 0;

        if (o->magic != VM_ORACLE_MAGIC) {
                printf("oracle: FAILED, no plugin has written to the shared memory\n");
                return 1;
        }
        for (unsigned cpu = 0; cpu < o->n_cpus; cpu++)
                for (unsigned node = 0; node < o->n_nodes; node++) {
                        uint64_t cell = count(o, VM_WINDOW_SELFTEST, o->node_of_cpu[cpu], node);
                        uint64_t all = count_window(o, VM_WINDOW_SELFTEST);
                        if (!touch_on_node(cpu, node)) {
                                printf("oracle: FAILED, cannot touch node %u from CPU %u: %s\n",
                                       node, cpu, strerror(errno));
                                return 1;
                        }
                        cell = count(o, VM_WINDOW_SELFTEST, o->node_of_cpu[cpu], node) - cell;
                        all = count_window(o, VM_WINDOW_SELFTEST) - all;
                        checked++;
                        if (cell != all || all < (uint64_t)SELFTEST_ROUNDS * SELFTEST_PAGES) {
                                printf("oracle: CPU %u to node %u: %" PRIu64 " of %" PRIu64
                                       " accesses in its cell\n",
                                       cpu, node, cell, all);
                                bad++;
                        }
                }
        printf("oracle: %s, %u of %u pairs of CPU and node counted exactly\n",
               bad > 0 ? "FAILED" : "ok", checked - bad, checked);

        return bad > 0 ? 1 : 0;
}

/* What to look at: the window of a victim, or everything that user space does on the CPUs of a node.
 */
typedef struct Subject {
        int window; /* -1: all of user space */
        unsigned first_node;
        unsigned end_node;
} Subject;

static bool parse_subject(const VmOracle *o, const char *text, Subject *ret) {
        bool node = strncmp(text, "node", 4) == 0;
        const char *digits = node ? text + 4 : text;
        char *end;
        unsigned long number = strtoul(digits, &end, 10);

        if (end == digits || *end != '\0' || number >= (node ? o->n_nodes : VM_N_WINDOWS))
                return false;
        *ret = (Subject) {
                .window = node ? -1 : (int)number,
                .first_node = node ? (unsigned)number : 0,
                .end_node = node ? (unsigned)number + 1 : o->n_nodes,
        };

        return true;
}

/* Remote percent and number of the subject's accesses between two states. */
static int print_share(const VmOracle *before, const VmOracle *now, const Subject *s) {
        uint64_t remote = 0, all = 0;

        for (unsigned a = s->first_node; a < s->end_node; a++)
                for (unsigned h = 0; h < now->n_nodes; h++) {
                        uint64_t n = count(now, s->window, a, h) - count(before, s->window, a, h);
                        all += n;
                        remote += a == h ? 0 : n;
                }
        if (all == 0) {
                fputs("labtool: no access\n", stderr);
                return 1;
        }
        printf("%.2f %" PRIu64 "\n", 100.0 * (double)remote / (double)all, all);

        return 0;
}

/* `since` is a file of save, or how many milliseconds to watch. */
static int share(const VmOracle *o, const char *subject_text, const char *since) {
        static VmOracle before;
        Subject subject;
        char *end;
        unsigned long ms = strtoul(since, &end, 10);

        if (!parse_subject(o, subject_text, &subject))
                return 2;
        if (*end == '\0') {
                struct timespec pause = { .tv_sec = (time_t)(ms / 1000),
                                          .tv_nsec = (long)(ms % 1000) * 1000000L };
                before = *o;
                (void)nanosleep(&pause, NULL);
        } else {
                FILE *file = fopen(since, "re");
                size_t n = file ? fread(&before, sizeof(before), 1, file) : 0;
                if (file)
                        (void)fclose(file);
                if (n != 1)
                        return fail(since);
        }

        return print_share(&before, o, &subject);
}

static int save(const VmOracle *o, const char *path) {
        FILE *file = fopen(path, "we");

        if (!file)
                return fail(path);
        size_t n = fwrite(o, sizeof(*o), 1, file);

        return fclose(file) == 0 && n == 1 ? 0 : fail(path);
}

/* Of one CPU since boot, where the plugin counts them. */
static int print_instructions(const VmOracle *o, const char *cpu_text) {
        char *end;
        unsigned long cpu = strtoul(cpu_text, &end, 10);

        if (end == cpu_text || *end != '\0' || cpu >= o->n_cpus || o->cpu[cpu].instructions == 0) {
                fputs("labtool: nobody counts the instructions of such a CPU\n", stderr);
                return 1;
        }
        printf("%" PRIu64 "\n", o->cpu[cpu].instructions);

        return 0;
}

static int send_stdin(uint8_t *shared, size_t n_shared) {
        VmMailbox *box = (VmMailbox *)(shared + VM_ORACLE_BYTES);
        size_t room = n_shared - VM_ORACLE_BYTES - sizeof(*box);
        size_t used = 0;

        for (;;) {
                char extra;
                ssize_t n = used < room ? read(STDIN_FILENO, box->data + used, room - used)
                                        : read(STDIN_FILENO, &extra, 1);
                if (n < 0)
                        return fail("reading");
                if (n == 0)
                        break;
                if (used == room) {
                        fprintf(stderr, "labtool: more than %zu bytes for the host\n", room);
                        return 1;
                }
                used += (size_t)n;
        }
        box->n_bytes = used;
        __sync_synchronize();
        box->magic = VM_ORACLE_MAGIC;

        return 0;
}

/* One of many processes that do next to nothing: wakes once a second on average. */
_Noreturn static void idle_process(unsigned index) {
        uint64_t random = index + 1;

        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (;;) {
                random = random * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
                uint64_t ns = (random >> 20) % UINT64_C(2000000000);
                struct timespec pause = { .tv_sec = (time_t)(ns / 1000000000),
                                          .tv_nsec = (long)(ns % 1000000000) };
                (void)nanosleep(&pause, NULL);
        }
}

/* Starts them, says so, and lives as long as they shall. */
static int idle(const char *number) {
        unsigned long n = strtoul(number, NULL, 10);

        for (unsigned i = 0; i < n; i++) {
                pid_t pid = fork();
                if (pid < 0)
                        return fail("fork");
                if (pid == 0)
                        idle_process(i);
        }
        puts("ready");
        (void)fflush(stdout);
        for (;;)
                (void)pause();
}

/* A module that needs no other. */
static int load_module(const char *path, const char *parameters) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);

        if (fd < 0 || syscall(SYS_finit_module, fd, parameters, 0) < 0)
                return fail(path);
        (void)close(fd);
        return 0;
}

int main(int argc, char **argv) {
        size_t n_shared = 0;
        const char *verb = argc > 1 ? argv[1] : "";

        if (strcmp(verb, "idle") == 0 && argc == 3)
                return idle(argv[2]);
        if (strcmp(verb, "module") == 0 && argc == 4)
                return load_module(argv[2], argv[3]);
        uint8_t *shared = map_shared(&n_shared);
        if (!shared)
                return fail("shared memory device");
        VmOracle *oracle = (VmOracle *)shared;

        if (strcmp(verb, "oracle") == 0 && argc == 2)
                return print_json(oracle);
        if (strcmp(verb, "selftest") == 0 && argc == 2)
                return selftest(oracle);
        if (strcmp(verb, "send") == 0 && argc == 2)
                return send_stdin(shared, n_shared);
        if (strcmp(verb, "penalty") == 0 && argc == 3) {
                oracle->penalty_ns = (uint32_t)strtoul(argv[2], NULL, 10);
                return 0;
        }
        if (strcmp(verb, "share") == 0 && argc == 4)
                return share(oracle, argv[2], argv[3]);
        if (strcmp(verb, "instructions") == 0 && argc == 3)
                return print_instructions(oracle, argv[2]);
        if (strcmp(verb, "save") == 0 && argc == 3)
                return save(oracle, argv[2]);
        fputs("usage: labtool oracle | selftest | send | penalty NS | save FILE | share "
              "ID|nodeN FILE|MS | instructions CPU | idle N | module FILE PARAMETERS\n",
              stderr);

        return 2;
}
