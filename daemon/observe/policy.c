/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "attributes.skel.h"
#include "base/cleanup.h"
#include "base/parse.h"
#include "records.h"
#include "system/device_memory.h"
#include "system/file.h"

/* Start times count in ticks of USER_HZ, which is 100 on every Linux architecture we build for. */
#define NSEC_PER_TICK (1000000000ull / 100)

/* Read at once. */
#define RECORDS_BYTES 16384

struct PolicyReader {
        struct attributes_bpf *skeleton;
        bool has_vma;
};

DEFINE_CLEANUP(PolicyReader, policy_reader_free)

static int load(PolicyReader *p, bool with_vma, bool with_attributes) {
        int r;

        p->skeleton = attributes_bpf__open();
        if (!p->skeleton)
                return -errno;
        p->skeleton->rodata->with_attributes = with_attributes;
        if (!with_vma)
                bpf_program__set_autoload(p->skeleton->progs.vma_policy, false);
        r = attributes_bpf__load(p->skeleton);
        if (r < 0) {
                attributes_bpf__destroy(p->skeleton);
                p->skeleton = NULL;
                return r;
        }
        p->has_vma = with_vma;
        return 0;
}

/* A link that iterates over the tasks or mappings of one process; -E2BIG or -EINVAL where the
 * kernel cannot restrict an iterator (before 6.1). */
static int link_for_process(struct bpf_program *program, pid_t pid, struct bpf_link **ret) {
        union bpf_iter_link_info info = { .task = { .pid = (uint32_t)pid } };
        LIBBPF_OPTS(bpf_iter_attach_opts, options, .link_info = &info,
                    .link_info_len = sizeof(info));
        struct bpf_link *link = NULL;

        link = bpf_program__attach_iter(program, pid > 0 ? &options : NULL);
        if (!link)
                return -errno;
        *ret = link;
        return 0;
}

/* Walks what an iterator writes; take returns true to stop. */
typedef bool (*TakeRecord)(const void *record, void *userdata);

static int read_records(struct bpf_link *link, size_t record_bytes, TakeRecord take,
                        void *userdata) {
        cleanup_free char *buffer = malloc(RECORDS_BYTES);
        cleanup_close int fd = -1;
        size_t filled = 0;

        if (!buffer)
                return -ENOMEM;
        fd = bpf_iter_create(bpf_link__fd(link));
        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = read(fd, buffer + filled, RECORDS_BYTES - filled);
                size_t used = 0;

                if (n < 0 && (errno == EINTR || errno == EAGAIN))
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return 0;
                filled += (size_t)n;
                for (; filled - used >= record_bytes; used += record_bytes)
                        if (take(buffer + used, userdata))
                                return 0;
                memmove(buffer, buffer + used, filled - used);
                filled -= used;
        }
}

typedef struct TaskScan {
        uint64_t starttime;
        bool seen;
        bool other;
        bool explicit_policy;
        bool has_attributes;
        bool realtime;
        bool kernel_thread;
        bool has_memory;
        uint64_t locked_pages, pinned_pages, hugetlb_pages;
        uint64_t hugetlb_bytes; /* of mappings */
        bool has_mems;
        uint64_t mems[RECORD_NODE_WORDS]; /* allowed to all threads */
} TaskScan;

static void take_mems(TaskScan *scan, const uint64_t *mems) {
        for (size_t i = 0; i < RECORD_NODE_WORDS; i++)
                scan->mems[i] = scan->has_mems ? scan->mems[i] & mems[i] : mems[i];
        scan->has_mems = true;
}

static bool take_task(const void *data, void *userdata) {
        const TaskPolicyRecord *record = data;
        TaskScan *scan = userdata;

        scan->seen = true;
        if (record->start_ns / NSEC_PER_TICK != scan->starttime)
                scan->other = true;
        scan->explicit_policy = scan->explicit_policy || record->explicit_policy;
        scan->has_attributes = scan->has_attributes || record->has_attributes;
        scan->realtime = scan->realtime || record->realtime;
        scan->kernel_thread = scan->kernel_thread || record->kernel_thread;
        if (record->has_memory) {
                scan->has_memory = true;
                scan->locked_pages = record->locked_pages;
                scan->pinned_pages = record->pinned_pages;
                scan->hugetlb_pages = record->hugetlb_pages;
        }
        if (record->has_mems)
                take_mems(scan, (const uint64_t *)record->mems);
        return scan->other;
}

static bool take_vma(const void *data, void *userdata) {
        const VmaPolicyRecord *record = data;
        TaskScan *scan = userdata;

        scan->seen = true;
        if (record->hugetlb)
                scan->hugetlb_bytes += record->end - record->start;
        scan->explicit_policy = record->explicit_policy;
        return record->explicit_policy;
}

static int iterate(struct bpf_program *program, pid_t pid, size_t record_bytes, TakeRecord take,
                   TaskScan *scan) {
        struct bpf_link *link = NULL;
        int r;

        r = link_for_process(program, pid, &link);
        if (r < 0)
                return r;
        r = read_records(link, record_bytes, take, scan);
        bpf_link__destroy(link);
        return r;
}

int policy_reader_new(PolicyReader **ret) {
        cleanup(cleanup_policy_reader_freep) PolicyReader *p = NULL;
        TaskScan scan = {};
        int r;

        libbpf_set_print(NULL);
        p = calloc(1, sizeof(*p));
        if (!p)
                return -ENOMEM;
        for (int i = 0; i < 4; i++) { /* mappings from 5.12 on */
                r = load(p, i < 2, i % 2 == 0);
                if (r == 0 || r == -EPERM)
                        break;
        }
        if (r < 0)
                return r;
        /* Mappings of everybody would be walked on a kernel that cannot restrict the iterator. */
        p->skeleton->bss->wanted_tgid = (uint32_t)getpid();
        if (p->has_vma && iterate(p->skeleton->progs.vma_policy, getpid(), sizeof(VmaPolicyRecord),
                                  take_vma, &scan) < 0)
                p->has_vma = false;
        *ret = TAKE_PTR(p);
        return 0;
}

PolicyReader *policy_reader_free(PolicyReader *p) {
        if (!p)
                return NULL;
        attributes_bpf__destroy(p->skeleton);
        free(p);
        return NULL;
}

bool policy_reader_has_mappings(const PolicyReader *p) {
        return p && p->has_vma;
}

bool numa_maps_line_explicit(const char *line) {
        const char *policy = strchr(line, ' ');
        size_t n;

        if (!policy)
                return true;
        policy++;
        n = strcspn(policy, " \n");
        return !(n == 7 && memcmp(policy, "default", 7) == 0) &&
               !(n == 5 && memcmp(policy, "local", 5) == 0);
}

static int take_numa_maps_line(char *line, void *userdata) {
        bool *explicit_policy = userdata;

        *explicit_policy = numa_maps_line_explicit(line);
        return *explicit_policy ? 1 : 0;
}

static int read_numa_maps(const SystemRoot *root, pid_t pid, bool *ret_explicit) {
        bool explicit_policy = false;
        char path[64];
        int r;

        snprintf(path, sizeof(path), "%d/numa_maps", (int)pid);
        r = file_read_lines(root->proc_fd, path, take_numa_maps_line, &explicit_policy);
        if (r == -ENOENT)
                return -ESRCH;
        if (r < 0)
                return r;
        *ret_explicit = explicit_policy;
        return 0;
}

static int read_tasks(PolicyReader *p, const ProcessInfo *info, TaskScan *scan) {
        struct bpf_program *program = p->skeleton->progs.task_policy;
        int r;

        *scan = (TaskScan) { .starttime = info->id.starttime };
        r = iterate(program, info->id.pid, sizeof(TaskPolicyRecord), take_task, scan);
        if (r == -E2BIG || r == -EINVAL) {
                /* Before 6.1: everybody is visited, the program filters. */
                *scan = (TaskScan) { .starttime = info->id.starttime };
                r = iterate(program, 0, sizeof(TaskPolicyRecord), take_task, scan);
        }
        if (r < 0)
                return r;
        return scan->seen && !scan->other ? 0 : -ESRCH;
}

/* What the iterators know better than proc/PID/status: of every thread, and of mappings that are not
 * touched yet. */
static void fill_info(const Topology *t, const TaskScan *tasks, const TaskScan *mappings,
                      ProcessInfo *info) {
        uint64_t page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
        NodeMask mems = 0;

        info->task_policy = tasks->explicit_policy;
        info->vma_policy = mappings->explicit_policy;
        if (!tasks->has_attributes)
                return;
        info->realtime = tasks->realtime;
        info->kernel_thread = tasks->kernel_thread;
        if (tasks->has_memory) {
                info->locked_bytes = tasks->locked_pages * page_bytes;
                info->pinned_bytes = tasks->pinned_pages * page_bytes;
                info->hugetlb_bytes = tasks->hugetlb_pages * page_bytes;
        }
        if (mappings->hugetlb_bytes > info->hugetlb_bytes)
                info->hugetlb_bytes = mappings->hugetlb_bytes;
        if (!tasks->has_mems)
                return;
        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (t->node_id[i] < RECORD_NODE_WORDS * 64 &&
                    bits_has(tasks->mems, (unsigned)t->node_id[i]))
                        mems |= node_bit((int)i);
        info->cpuset_mems = mems;
}

/* Threads of the kernel have no mappings. */
static int read_mappings(PolicyReader *p, const SystemRoot *root, pid_t pid, TaskScan *mappings) {
        int r;

        if (!p->has_vma)
                return read_numa_maps(root, pid, &mappings->explicit_policy);
        r = iterate(p->skeleton->progs.vma_policy, pid, sizeof(VmaPolicyRecord), take_vma,
                    mappings);
        if (r < 0)
                return r;
        /* Ended between the two; no living process is without mappings. */
        return mappings->seen ? 0 : -ESRCH;
}

int policy_reader_read(PolicyReader *p, const SystemRoot *root, const Topology *t,
                       ProcessInfo *info) {
        TaskScan tasks, mappings = {};
        int r;

        if (!p)
                return -EOPNOTSUPP;
        p->skeleton->bss->wanted_tgid = (uint32_t)info->id.pid;
        r = read_tasks(p, info, &tasks);
        if (r < 0)
                return r;
        if (!tasks.kernel_thread && !info->kernel_thread) {
                r = read_mappings(p, root, info->id.pid, &mappings);
                if (r >= 0)
                        r = device_memory_find(root, info->id.pid, &info->device_memory);
                if (r < 0)
                        return r;
        }
        info->attributes = p->has_vma ? ATTRIBUTES_BPF : ATTRIBUTES_NUMA_MAPS;
        fill_info(t, &tasks, &mappings, info);
        return 0;
}
