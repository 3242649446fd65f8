/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/cpu_scanner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/table.h"
#include "model/limits.h"
#include "model/settings.h"
#include "system/file.h"
#include "system/process_stat.h"

#define NSEC_PER_TICK (NSEC_PER_SEC / 100)

/* PF_KTHREAD of the kernel, as in field 9 of stat. */
#define FLAG_KERNEL_THREAD 0x00200000u

/* Threads whose nodes are looked up for one process. */
#define THREADS_MAX 64

#define STAT_BYTES 1024

typedef struct Scanned {
        uint64_t ticks;
        uint64_t scan; /* number of the scan that saw it last */
} Scanned;

struct CpuScanner {
        const Topology *topology;
        const SystemRoot *root;
        Table *seen; /* (pid, start time) -> Scanned */
        uint64_t scan;
};

DEFINE_CLEANUP(CpuScanner, cpu_scanner_free)

int cpu_scanner_new(CpuScanner **ret, const Topology *t, const SystemRoot *root) {
        cleanup(cleanup_cpu_scanner_freep) CpuScanner *s = calloc(1, sizeof(*s));
        int r;

        if (!s)
                return -ENOMEM;
        s->topology = t;
        s->root = root;
        r = table_new(&s->seen, PROCESSES_MAX, sizeof(Scanned));
        if (r < 0)
                return r;
        *ret = TAKE_PTR(s);
        return 0;
}

CpuScanner *cpu_scanner_free(CpuScanner *s) {
        if (!s)
                return NULL;
        table_free(s->seen);
        free(s);
        return NULL;
}

static int read_stat(int dir_fd, const char *path, ProcessStat *ret) {
        char text[STAT_BYTES];
        int r = file_read(dir_fd, path, text, sizeof(text));

        return r < 0 ? r : process_stat_parse(text, ret);
}

static int node_of_cpu(const Topology *t, uint64_t cpu) {
        return cpu < t->n_cpus && cpu < CPUS_MAX ? t->cpu_node[cpu] : NODE_NONE;
}

/* Calls take for each numeric name in a directory. */
typedef int (*TakeNumber)(CpuScanner *s, pid_t number, void *userdata);

static int for_each_number(CpuScanner *s, int parent_fd, const char *path, TakeNumber take,
                           void *userdata) {
        cleanup_closedir DIR *dir = NULL;
        struct dirent *entry;
        int fd;

        fd = openat(parent_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -errno;
        }
        while ((entry = readdir(dir))) {
                uint64_t number;
                int r;

                if (parse_u64(entry->d_name, INT32_MAX, &number) < 0)
                        continue;
                r = take(s, (pid_t)number, userdata);
                if (r != 0)
                        return r;
        }
        return 0;
}

typedef struct Threads {
        pid_t pid;
        unsigned n;
        uint64_t total;
        uint64_t ticks[NODES_MAX];
} Threads;

static int take_thread(CpuScanner *s, pid_t tid, void *userdata) {
        Threads *threads = userdata;
        ProcessStat stat;
        char path[64];
        int node;

        snprintf(path, sizeof(path), "%d/task/%d/stat", (int)threads->pid, (int)tid);
        if (read_stat(s->root->proc_fd, path, &stat) < 0)
                return 0;
        node = node_of_cpu(s->topology, stat.processor);
        if (node >= 0) {
                threads->ticks[node] += stat.utime + stat.stime;
                threads->total += stat.utime + stat.stime;
        }
        return ++threads->n == THREADS_MAX;
}

typedef struct Scan {
        CpuScanHandler handler;
        void *userdata;
} Scan;

static void tell_nodes(CpuScanner *s, ProcessId id, uint64_t cpu_ns, const Scan *scan) {
        Threads threads = { .pid = id.pid };
        char path[32];

        snprintf(path, sizeof(path), "%d/task", (int)id.pid);
        (void)for_each_number(s, s->root->proc_fd, path, take_thread, &threads);
        for (uint32_t i = 0; i < s->topology->n_nodes && threads.total > 0; i++)
                if (threads.ticks[i] > 0)
                        scan->handler(id, (int)i,
                                      (uint64_t)((double)cpu_ns * (double)threads.ticks[i] /
                                                 (double)threads.total),
                                      scan->userdata);
}

static int take_process(CpuScanner *s, pid_t pid, void *userdata) {
        const Scan *scan = userdata;
        uint64_t ticks, before;
        ProcessStat stat;
        char path[32];
        Scanned *seen;
        void *value;
        int r;

        snprintf(path, sizeof(path), "%d/stat", (int)pid);
        if (pid == getpid() || read_stat(s->root->proc_fd, path, &stat) < 0 ||
            (stat.flags & FLAG_KERNEL_THREAD))
                return 0;
        r = table_insert(s->seen, (TableKey) { (uint64_t)pid, stat.starttime }, &value);
        if (r < 0)
                return 0; /* more processes than are tracked */
        seen = value;
        ticks = stat.utime + stat.stime;
        before = seen->ticks;
        seen->ticks = ticks;
        seen->scan = s->scan;
        /* What a process used before it was first seen belongs to no interval. */
        if (r == 0 && ticks > before)
                tell_nodes(s, (ProcessId) { pid, stat.starttime }, (ticks - before) * NSEC_PER_TICK,
                           scan);
        return 0;
}

int cpu_scanner_scan(CpuScanner *s, CpuScanHandler handler, void *userdata) {
        Scan scan = { handler, userdata };
        uint32_t cursor = 0;
        Scanned *seen;
        TableKey key;
        int r;

        s->scan++;
        r = for_each_number(s, s->root->proc_fd, ".", take_process, &scan);
        if (r < 0)
                return r;
        while ((seen = table_next(s->seen, &cursor, &key)))
                if (seen->scan != s->scan)
                        table_remove(s->seen, key);
        return 0;
}
