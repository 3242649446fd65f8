/* SPDX-License-Identifier: GPL-2.0-or-later */

#include <errno.h>
#include <fcntl.h>
#include <linux/io_uring.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../oracle/layout.h"
#include "victim.h"

#define PAGE_BYTES 4096UL
/* The buffer begins on a huge page boundary, behind the marker page. */
#define BUFFER_OFFSET     (UINT64_C(2) << 20)
#define POLICY_DEFAULT    0
#define POLICY_BIND       2
#define POLICY_INTERLEAVE 3
#define POLICY_SAMPLED    (1 << 13) /* MPOL_F_NUMA_BALANCING */
#define QUERY_BATCH       1024
#define URING_BUFFER_MAX  (UINT64_C(1) << 30)

static void die(const char *what) {
        fprintf(stderr, "victim: %s: %s\n", what, strerror(errno));
        exit(1);
}

static bool parse_cpu_list(const char *text, cpu_set_t *set) {
        CPU_ZERO(set);
        while (*text && *text != '\n') {
                char *end;
                unsigned long first = strtoul(text, &end, 10), last = first;

                if (end == text)
                        return false;
                if (*end == '-')
                        last = strtoul(end + 1, &end, 10);
                for (unsigned long cpu = first; cpu <= last && cpu < CPU_SETSIZE; cpu++)
                        CPU_SET(cpu, set);
                text = *end == ',' ? end + 1 : end;
        }

        return CPU_COUNT(set) > 0;
}

static bool read_cpu_list(const char *path, cpu_set_t *set) {
        char line[1024] = "";

        FILE *file = fopen(path, "re");
        if (!file)
                return false;
        char *got = fgets(line, sizeof(line), file);
        (void)fclose(file);

        return got && parse_cpu_list(line, set);
}

bool node_cpus(int node, void *ret_set) {
        char path[128];

        (void)snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);

        return read_cpu_list(path, ret_set);
}

int node_count(void) {
        cpu_set_t set;

        /* A list of nodes has the form of a list of CPUs. */
        if (!read_cpu_list("/sys/devices/system/node/online", &set))
                return 1;
        for (int n = CPU_SETSIZE; n > 0; n--)
                if (CPU_ISSET(n - 1, &set))
                        return n;

        return 1;
}

int node_run_on(int node) {
        cpu_set_t set;

        if (node < 0) {
                if (!read_cpu_list("/sys/devices/system/cpu/online", &set))
                        return -EIO;
        } else if (!node_cpus(node, &set))
                return -ENOENT;

        return sched_setaffinity(0, sizeof(set), &set) < 0 ? -errno : 0;
}

uint64_t *memory_map(const Options *o) {
        uint64_t window = VM_WINDOW_BASE + o->id * VM_WINDOW_SIZE;
        unsigned long all_nodes = (1UL << node_count()) - 1;
        int flags = MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, fd = -1;

        /* As numactl --interleave=all; the threads that are created later inherit it. */
        if (o->interleave && syscall(SYS_set_mempolicy, POLICY_INTERLEAVE, &all_nodes, 64UL) < 0)
                die("set_mempolicy");

        flags |= o->share || o->shmem || o->file_path ? MAP_SHARED : MAP_PRIVATE;
        if (mmap((void *)window, VM_MARKER_BYTES, PROT_READ | PROT_WRITE, flags, -1, 0) ==
            MAP_FAILED)
                die("marker page");
        if (o->hugetlb)
                flags |= MAP_HUGETLB;
        if (o->file_path) {
                flags &= ~MAP_ANONYMOUS;
                fd = open(o->file_path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
                if (fd < 0 || ftruncate(fd, (off_t)o->size_bytes) < 0)
                        die("--file");
        }

        void *start = mmap((void *)(window + BUFFER_OFFSET), o->size_bytes, PROT_READ | PROT_WRITE,
                           flags, fd, 0);
        if (start == MAP_FAILED)
                die("memory");
        /* A huge page would take the neighbours along. */
        if (o->split_percent < 100 && madvise(start, o->size_bytes, MADV_NOHUGEPAGE) < 0)
                die("madvise");
        if (o->thp >= 0 &&
            madvise(start, o->size_bytes, o->thp ? MADV_HUGEPAGE : MADV_NOHUGEPAGE) < 0)
                die("madvise");

        return start;
}

static void set_policy(void *start, size_t bytes, int mode, int node) {
        unsigned long mask = node >= 0 ? 1UL << node : 0;

        if (syscall(SYS_mbind, start, bytes, mode, node >= 0 ? &mask : NULL, 64UL, 0) < 0)
                die("mbind");
}

/* Rank of page i among a hundred. 61 is prime to 100: neighbours differ, and a pattern with a stride
 * of pages sees the same mixture. */
static unsigned page_rank(size_t i) {
        return (unsigned)(i * 61 % 100);
}

void memory_place(void *start, size_t bytes, int node, unsigned from_percent, unsigned to_percent) {
        /* Without CPUs there, only a policy brings memory to the node; it is taken away again
         * below. */
        bool by_policy = node_run_on(node) < 0;

        if (by_policy)
                set_policy(start, bytes, POLICY_BIND, node);
        for (size_t at = 0; at < bytes; at += PAGE_BYTES) {
                unsigned rank = page_rank(at / PAGE_BYTES);
                if (rank >= from_percent && rank < to_percent)
                        ((volatile uint8_t *)start)[at] = 0;
        }
        if (by_policy)
                set_policy(start, bytes, POLICY_DEFAULT, -1);
}

/* Registered buffers hold a long-term pin: such pages cannot be moved. */
/* Descriptors that hold pages. */
static int pins[3];
static unsigned n_pins;

void memory_release(void) {
        while (n_pins > 0)
                (void)close(pins[--n_pins]);
}

static void pin_uring(void *start, size_t bytes) {
        struct io_uring_params params = { 0 };
        struct iovec parts[64];
        unsigned n = 0;

        int fd = (int)syscall(SYS_io_uring_setup, 4, &params);
        if (fd < 0)
                die("io_uring_setup");
        pins[n_pins++] = fd;
        for (size_t at = 0; at < bytes && n < 64; at += parts[n++].iov_len) {
                parts[n].iov_base = (uint8_t *)start + at;
                parts[n].iov_len = bytes - at < URING_BUFFER_MAX ? bytes - at : URING_BUFFER_MAX;
        }
        if (syscall(SYS_io_uring_register, fd, IORING_REGISTER_BUFFERS, parts, n) < 0)
                die("io_uring_register");
}

/* Pages in a pipe hold a short-term reference, here for as long as the victim lives. */
static void pin_vmsplice(void *start, unsigned n_pages) {
        int ends[2];
        struct iovec part = { .iov_base = start, .iov_len = n_pages * PAGE_BYTES };

        if (pipe(ends) < 0 || fcntl(ends[1], F_SETPIPE_SZ, n_pages * PAGE_BYTES) < 0)
                die("pipe");
        pins[n_pins++] = ends[0];
        pins[n_pins++] = ends[1];
        while (part.iov_len > 0) {
                ssize_t done = vmsplice(ends[1], &part, 1, SPLICE_F_NONBLOCK);
                if (done <= 0)
                        die("vmsplice");
                part.iov_base = (uint8_t *)part.iov_base + done;
                part.iov_len -= (size_t)done;
        }
}

void memory_hold(const Options *o, void *start) {
        if (o->lock && mlock(start, o->size_bytes) < 0)
                die("mlock");
        if (o->mbind_node >= 0)
                set_policy(start, o->size_bytes, POLICY_BIND, o->mbind_node);
        if (o->mbind_sampled_node >= 0)
                set_policy(start, o->size_bytes, POLICY_BIND | POLICY_SAMPLED,
                           o->mbind_sampled_node);
        if (o->bind_node >= 0) {
                /* As numactl --membind; the threads that are created later inherit it. */
                unsigned long mask = 1UL << o->bind_node;
                if (syscall(SYS_set_mempolicy, POLICY_BIND, &mask, 64UL) < 0)
                        die("set_mempolicy");
        }
        if (o->pin_uring_percent > 0)
                pin_uring(start,
                          o->size_bytes / 100 * o->pin_uring_percent / PAGE_BYTES * PAGE_BYTES);
        if (o->pin_vmsplice_pages > 0)
                pin_vmsplice(start, o->pin_vmsplice_pages);
}

void memory_count(void *start, size_t bytes, size_t step_bytes, uint64_t *ret_per_node,
                  size_t n_nodes) {
        void *pages[QUERY_BATCH];
        int status[QUERY_BATCH];

        memset(ret_per_node, 0, n_nodes * sizeof(*ret_per_node));
        for (size_t at = 0; at < bytes;) {
                unsigned long n = 0;
                for (; n < QUERY_BATCH && at < bytes; at += step_bytes)
                        pages[n++] = (uint8_t *)start + at;
                if (syscall(SYS_move_pages, 0, n, pages, NULL, status, 0) < 0)
                        die("move_pages");
                for (unsigned long i = 0; i < n; i++)
                        if (status[i] >= 0 && (size_t)status[i] < n_nodes)
                                ret_per_node[status[i]]++;
        }
}
