/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/process_read.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/mathx.h"
#include "base/parse.h"
#include "system/file.h"
#include "system/process_stat.h"

#define PATH_SIZE 64

/* Large enough for the longest command name and 52 numbers of 20 digits. */
#define STAT_BYTES 2048

/* PF_KTHREAD of <linux/sched.h>. */
#define FLAG_KTHREAD 0x00200000u

/* A path below proc/PID that is missing, and reading one while its process ends, mean the same. */
static int gone(int r) {
        return r == -ENOENT || r == -ENOTDIR ? -ESRCH : r;
}

static int read_stat(int dir_fd, const char *path, ProcessStat *ret) {
        char text[STAT_BYTES];
        int r = gone(file_read(dir_fd, path, text, sizeof(text)));

        if (r < 0)
                return r;
        return process_stat_parse(text, ret);
}

static int read_process_stat(const SystemRoot *root, pid_t pid, ProcessStat *ret) {
        char path[PATH_SIZE];

        snprintf(path, sizeof(path), "%d/stat", pid);
        return read_stat(root->proc_fd, path, ret);
}

int process_read_starttime(const SystemRoot *root, pid_t pid, uint64_t *ret_starttime) {
        ProcessStat stat;
        int r;

        r = read_process_stat(root, pid, &stat);
        if (r < 0)
                return r;
        *ret_starttime = stat.starttime;
        return 0;
}

int process_read_progress(const SystemRoot *root, pid_t pid, uint64_t *ret_cpu_ns,
                          uint64_t *ret_faults) {
        static const uint64_t second_ns = 1000000000;
        long ticks = sysconf(_SC_CLK_TCK);
        ProcessStat stat;
        int r;

        r = read_process_stat(root, pid, &stat);
        if (r < 0)
                return r;
        *ret_cpu_ns = mul_div(add_sat(stat.utime, stat.stime), second_ns,
                              ticks > 0 ? (uint64_t)ticks : 100);
        *ret_faults = stat.minflt;
        return 0;
}

int process_check(const SystemRoot *root, ProcessId id) {
        uint64_t starttime;
        int r = process_read_starttime(root, id.pid, &starttime);

        if (r < 0)
                return r;
        return starttime == id.starttime ? 0 : -ESRCH;
}

typedef struct Status {
        const Topology *topology;
        ProcessInfo *info;
        bool has_uid, has_threads, has_cpus, has_mems, has_end;
} Status;

static int add_mems(unsigned first, unsigned last, void *userdata) {
        Status *s = userdata;

        for (uint32_t i = 0; i < s->topology->n_nodes; i++)
                if (s->topology->node_id[i] >= (int64_t)first &&
                    s->topology->node_id[i] <= (int64_t)last)
                        s->info->cpuset_mems |= node_bit((int)i);
        return 0;
}

static int add_affinity(unsigned first, unsigned last, void *userdata) {
        Status *s = userdata;

        for (unsigned cpu = first; cpu <= last && cpu < s->topology->n_cpus; cpu++)
                s->info->affinity_nodes |= node_bit(s->topology->cpu_node[cpu]);
        return 0;
}

static int take_kib(const char *value, uint64_t *ret_bytes) {
        char number[24];
        size_t n = strcspn(value, " ");
        uint64_t kib;

        if (n >= sizeof(number) || strcmp(value + n, " kB") != 0)
                return -EBADMSG;
        memcpy(number, value, n);
        number[n] = 0;
        if (parse_u64(number, UINT64_MAX / 1024, &kib) < 0)
                return -EBADMSG;
        *ret_bytes = kib * 1024;
        return 0;
}

/* "Uid:\treal\teffective\tsaved\tfilesystem" */
static int take_uid(char *value, Status *s) {
        uint64_t uid;

        value[strcspn(value, "\t ")] = 0;
        if (parse_u64(value, UINT32_MAX, &uid) < 0)
                return -EBADMSG;
        s->info->uid = (uid_t)uid;
        s->has_uid = true;
        return 0;
}

static int take_status_line(char *line, void *userdata) {
        Status *s = userdata;
        ProcessInfo *info = s->info;
        char *value = strchr(line, ':');
        uint64_t number;

        if (!value)
                return 0;
        *value++ = 0;
        value += strspn(value, " \t");
        if (strcmp(line, "VmRSS") == 0)
                return take_kib(value, &info->rss_bytes);
        if (strcmp(line, "VmLck") == 0)
                return take_kib(value, &info->locked_bytes);
        if (strcmp(line, "VmPin") == 0)
                return take_kib(value, &info->pinned_bytes);
        if (strcmp(line, "HugetlbPages") == 0)
                return take_kib(value, &info->hugetlb_bytes);
        if (strcmp(line, "Uid") == 0)
                return take_uid(value, s);
        if (strcmp(line, "Threads") == 0) {
                if (parse_u64(value, UINT32_MAX, &number) < 0)
                        return -EBADMSG;
                info->n_threads = (uint32_t)number;
                s->has_threads = true;
        } else if (strcmp(line, "Mems_allowed_list") == 0) {
                if (parse_list(value, INT32_MAX, add_mems, s) < 0)
                        return -EBADMSG;
                s->has_mems = true;
        } else if (strcmp(line, "Cpus_allowed_list") == 0) {
                if (parse_list(value, INT32_MAX, add_affinity, s) < 0)
                        return -EBADMSG;
                s->has_cpus = true;
        } else if (strcmp(line, "nonvoluntary_ctxt_switches") == 0)
                s->has_end = true; /* follows all of the above in every kernel */
        return 0;
}

static int read_status(int dir_fd, const Topology *t, ProcessInfo *info) {
        Status s = { .topology = t, .info = info };
        int r;

        r = gone(file_read_lines(dir_fd, "status", take_status_line, &s));
        if (r < 0)
                return r;
        if (r > 0 || !s.has_uid || !s.has_threads || !s.has_cpus || !s.has_end)
                return -EBADMSG;
        if (!s.has_mems)
                info->cpuset_mems = topology_memory_mask(t);
        return 0;
}

static int take_cgroup_line(char *line, void *userdata) {
        char *unit = userdata;

        process_unit_parse(line, unit);
        return unit[0] ? 1 : 0;
}

/* No unit is no error: the file is missing where the kernel has no cgroups. */
static int read_unit(int dir_fd, char *ret_unit) {
        int r;

        ret_unit[0] = 0;
        r = file_read_lines(dir_fd, "cgroup", take_cgroup_line, ret_unit);
        return r >= 0 || r == -ENOENT || r == -EACCES ? 0 : r;
}

/* Whether one of the first threads is real-time. Threads that end meanwhile do not count. */
static int read_realtime(int dir_fd, bool *ret) {
        cleanup_closedir DIR *dir = NULL;
        char path[PATH_SIZE];
        struct dirent *entry;
        int fd, tasks = 0;

        fd = openat(dir_fd, "task", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return gone(-errno);
        dir = fdopendir(fd);
        if (!dir) {
                close(fd);
                return -ENOMEM;
        }
        while (tasks < PROCESS_READ_TASKS_MAX && (entry = readdir(dir))) {
                ProcessStat stat;
                uint64_t tid;

                if (parse_u64(entry->d_name, INT32_MAX, &tid) < 0)
                        continue;
                tasks++;
                snprintf(path, sizeof(path), "task/%" PRIu64 "/stat", tid);
                if (read_stat(dir_fd, path, &stat) == 0 && process_stat_is_realtime(&stat)) {
                        *ret = true;
                        return 0;
                }
        }
        *ret = false;
        return 0;
}

static uint64_t age_ns(uint64_t starttime, uint64_t boottime_ns) {
        long ticks_per_second = sysconf(_SC_CLK_TCK);

        if (ticks_per_second <= 0)
                return 0;
        return sub_sat(boottime_ns, mul_div(starttime, 1000000000u, (uint64_t)ticks_per_second));
}

int process_read(const SystemRoot *root, const Topology *t, pid_t pid, uint64_t boottime_ns,
                 ProcessInfo *ret) {
        cleanup_close int dir_fd = -1;
        ProcessInfo info = {};
        char path[PATH_SIZE];
        ProcessStat stat;
        int r;

        /* The directory stays that of this very process: when the pid is reused, its files are gone. */
        snprintf(path, sizeof(path), "%d", pid);
        dir_fd = openat(root->proc_fd, path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        if (dir_fd < 0)
                return gone(-errno);
        r = read_stat(dir_fd, "stat", &stat);
        if (r < 0)
                return r;
        info.id = (ProcessId) { .pid = pid, .starttime = stat.starttime };
        memcpy(info.comm, stat.comm, sizeof(info.comm));
        info.kernel_thread = stat.flags & FLAG_KTHREAD;
        info.realtime = process_stat_is_realtime(&stat);
        info.age_ns = age_ns(stat.starttime, boottime_ns);
        r = read_status(dir_fd, t, &info);
        if (r < 0)
                return r;
        r = read_unit(dir_fd, info.unit);
        if (r < 0)
                return r;
        if (!info.realtime && info.n_threads > 1) {
                r = read_realtime(dir_fd, &info.realtime);
                if (r < 0)
                        return r;
        }
        *ret = info;
        return 0;
}
