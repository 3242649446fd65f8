/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "migrate/kernel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <numa.h>
#include <numaif.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/prefix.h"
#include "migrate/chunk.h"
#include "base/clock.h"
#include "system/maps.h"
#include "system/pressure.h"
#include "system/process_read.h"
#include "system/residency.h"

DEFINE_CLEANUP(struct bitmask, numa_bitmask_free)

static int64_t kernel_migrate_pages(void *userdata, pid_t pid, NodeMask from, int to) {
        const KernelContext *c = userdata;
        cleanup(cleanup_numa_bitmask_freep) struct bitmask *old = numa_allocate_nodemask();
        cleanup(cleanup_numa_bitmask_freep) struct bitmask *new = numa_allocate_nodemask();

        if (!old || !new)
                return -ENOBUFS;
        for (uint32_t i = 0; i < c->topology->n_nodes; i++)
                if (node_mask_has(from, (int)i))
                        numa_bitmask_setbit(old, (unsigned)c->topology->node_id[i]);
        numa_bitmask_setbit(new, (unsigned)c->topology->node_id[to]);

        int r = numa_migrate_pages(pid, old, new);
        return r < 0 ? -errno : r;
}

static int64_t kernel_move_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                                 int to, bool all, int32_t *status) {
        const KernelContext *c = userdata;
        void *pages[CHUNK_PAGES_MAX];
        int nodes[CHUNK_PAGES_MAX];

        if (n > CHUNK_PAGES_MAX)
                return -E2BIG;
        for (uint32_t i = 0; i < n; i++) {
                pages[i] = (void *)(uintptr_t)addresses[i];
                nodes[i] = c->topology->node_id[to];
        }
        int r = numa_move_pages(pid, n, pages, nodes, status,
                                all ? MPOL_MF_MOVE_ALL : MPOL_MF_MOVE);
        int64_t result = r < 0 ? -errno : r;
        for (uint32_t i = 0; i < n; i++)
                if (status[i] >= 0) {
                        int node = topology_index_of_id(c->topology, status[i]);
                        status[i] = node == NODE_NONE ? -ENODEV : node;
                }
        return result;
}

static int kernel_query_pages(void *userdata, pid_t pid, const uint64_t *addresses, uint32_t n,
                              int32_t *ret_node) {
        const KernelContext *c = userdata;

        return residency_query(c->topology, pid, addresses, n, ret_node);
}

/* Mappings that the kernel made for itself; their pages belong to nobody. */
static bool name_is_special(const char *name) {
        return after_prefix(name, "[vvar") || strcmp(name, "[vdso]") == 0 ||
               strcmp(name, "[vsyscall]") == 0;
}

/* Anonymous memory of MAP_HUGETLB; processes with hugetlb files are told by their account of pages,
 * long before. */
static bool name_is_hugetlb(const char *name) {
        return after_prefix(name, "/anon_hugepage");
}

typedef struct Taker {
        uint64_t from;
        MappingKinds kinds;
        AddressRange *ranges;
        uint32_t n, max;
} Taker;

static int take_mapping(const Mapping *m, void *userdata) {
        Taker *t = userdata;

        /* What nobody can access costs nobody time. */
        if ((m->shared && !(t->kinds & MAPPINGS_SHARED)) ||
            (name_is_hugetlb(m->name) && !(t->kinds & MAPPINGS_HUGETLB)) ||
            (!m->readable && !m->writable) || m->end <= t->from || name_is_special(m->name))
                return 0;
        t->ranges[t->n++] = (AddressRange) { .start = m->start, .end = m->end };
        return t->n == t->max;
}

static int kernel_read_mappings(void *userdata, pid_t pid, uint64_t from, MappingKinds kinds,
                                AddressRange *ret, uint32_t max) {
        const KernelContext *c = userdata;
        Taker taker = { .from = from, .kinds = kinds, .ranges = ret, .max = max };

        int r = maps_read(c->root, pid, take_mapping, &taker);
        /* The system call says EPERM where the file says EACCES. */
        if (r < 0)
                return r == -EACCES ? -EPERM : r;
        return (int)taker.n;
}

/* The open file belongs to an address space, not to a pid: after the process has ended or called
 * exec it reads as empty, and a new process with the same pid has another one. */
static int kernel_attach(void *userdata, ProcessId id) {
        const KernelContext *c = userdata;
        char path[64];

        snprintf(path, sizeof(path), "%d/maps", (int)id.pid);
        cleanup_close int fd = openat(c->root->proc_fd, path, O_RDONLY | O_CLOEXEC);
        if (fd < 0)
                return errno == ENOENT ? -ESRCH : errno == EACCES ? -EPERM : -errno;
        /* Checked after opening: what was opened is this process's. */
        int r = process_check(c->root, id);
        if (r < 0)
                return r;
        return TAKE_FD(fd);
}

static void kernel_detach(void *userdata, int fd) {
        close(fd);
}

/* One byte: the kernel looks up and prints one mapping only. */
static int kernel_check(void *userdata, int fd) {
        char byte;

        return pread(fd, &byte, 1, 0) > 0 ? 0 : -ESRCH;
}

static int kernel_progress(void *userdata, pid_t pid, uint64_t *ret_cpu_ns, uint64_t *ret_faults) {
        const KernelContext *c = userdata;

        return process_read_progress(c->root, pid, ret_cpu_ns, ret_faults);
}

static double kernel_pressure(void *userdata) {
        const KernelContext *c = userdata;
        double cpu = -1, memory = -1;

        (void)pressure_read(c->root, PRESSURE_CPU, &cpu);
        (void)pressure_read(c->root, PRESSURE_MEMORY, &memory);
        return cpu > memory ? cpu : memory;
}

static uint64_t kernel_now_ns(void *userdata) {
        return clock_monotonic_ns();
}

static void kernel_sleep_until(void *userdata, uint64_t until_ns, int wake_fd) {
        struct pollfd p = { .fd = wake_fd, .events = POLLIN };
        uint64_t now_ns = kernel_now_ns(userdata);
        uint64_t wait_ns = until_ns > now_ns ? until_ns - now_ns : 0;
        struct timespec t = {
                .tv_sec = (time_t)(wait_ns / NSEC_PER_SEC),
                .tv_nsec = (long)(wait_ns % NSEC_PER_SEC),
        };

        (void)ppoll(&p, 1, until_ns == UINT64_MAX ? NULL : &t, NULL);
}

/* CAP_SYS_NICE of this thread, which those that it starts inherit. */
static bool holds_sys_nice(void) {
        struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
        struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

        return syscall(SYS_capget, &header, data) == 0 &&
               data[0].effective & CAP_TO_MASK(CAP_SYS_NICE);
}

static uint32_t usable_cpus(void) {
        cpu_set_t set;

        /* Fails on machines with more CPUs than the set holds. */
        return sched_getaffinity(0, sizeof(set), &set) < 0 ? (uint32_t)sysconf(_SC_NPROCESSORS_ONLN)
                                                           : (uint32_t)CPU_COUNT(&set);
}

void kernel_init(MoverKernel *ret, KernelContext *context, const Topology *topology,
                 const SystemRoot *root) {
        *context = (KernelContext) { .topology = topology, .root = root };
        *ret = (MoverKernel) {
                .migrate_pages = kernel_migrate_pages,
                .move_pages = kernel_move_pages,
                .query_pages = kernel_query_pages,
                .read_mappings = kernel_read_mappings,
                .attach = kernel_attach,
                .detach = kernel_detach,
                .check = kernel_check,
                .progress = kernel_progress,
                .pressure = kernel_pressure,
                .now_ns = kernel_now_ns,
                .sleep_until = kernel_sleep_until,
                .userdata = context,
                .page_bytes = (uint32_t)sysconf(_SC_PAGESIZE),
                .may_move_all = holds_sys_nice(),
                .cpus = usable_cpus(),
        };
}
