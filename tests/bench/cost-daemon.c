/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cost-daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"

#define NODES_DIR   "/sys/devices/system/node"
#define CONFIG_PATH "/run/cost.conf"
#define START_TRIES 100

/* Sampling goes to a trickle while no process is near the gates, and here nothing is remote. A gate of
 * nothing keeps it at its full, default rate: the dear case. */
static const char config[] = "mode = \"observe\";\ngates: { min_remote_percent = 0.0; };\n";

static int write_text(const char *path, const char *text) {
        int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        size_t n = strlen(text);

        if (fd < 0)
                return -errno;
        if (write(fd, text, n) != (ssize_t)n) {
                close(fd);
                return -EIO;
        }
        close(fd);
        return 0;
}

static int write_node(int node, unsigned first_cpu, unsigned last_cpu) {
        char path[128], text[256];
        int r;

        snprintf(path, sizeof(path), NODES_DIR "/node%d", node);
        if (mkdir(path, 0755) < 0)
                return -errno;
        snprintf(path, sizeof(path), NODES_DIR "/node%d/cpulist", node);
        snprintf(text, sizeof(text), "%u-%u\n", first_cpu, last_cpu);
        r = write_text(path, text);
        snprintf(path, sizeof(path), NODES_DIR "/node%d/distance", node);
        r = r < 0 ? r : write_text(path, node == 0 ? "10 20\n" : "20 10\n");
        snprintf(path, sizeof(path), NODES_DIR "/node%d/meminfo", node);
        snprintf(text, sizeof(text),
                 "Node %d MemTotal: 8388608 kB\nNode %d MemFree: 4194304 kB\n"
                 "Node %d Inactive(file): 1048576 kB\n",
                 node, node, node);
        return r < 0 ? r : write_text(path, text);
}

/* Status of a child that got no namespace: its errno would look like the daemon's own status. */
#define STATUS_NO_NAMESPACE 200

/* Two nodes, and a /run of its own, so that another daemon is not in the way. */
static int pretend_nodes(void) {
        long n = sysconf(_SC_NPROCESSORS_ONLN);
        unsigned cpus = n > 0 ? (unsigned)n : 1, half = cpus > 1 ? cpus / 2 : 1;
        int r;

        if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
            mount("none", "/run", "tmpfs", 0, NULL) < 0 ||
            mount("none", NODES_DIR, "tmpfs", 0, NULL) < 0)
                return -errno;
        r = write_text(NODES_DIR "/online", "0-1\n");
        r = r < 0 ? r : write_node(0, 0, half - 1);
        r = r < 0 ? r : write_node(1, half < cpus ? half : 0, cpus - 1);
        return r < 0 ? r : write_text(CONFIG_PATH, config);
}

static void bound_capabilities(void) {
        for (int cap = 0; cap <= 63; cap++)
                if (cap != CAP_SYS_PTRACE && cap != CAP_BPF && cap != CAP_PERFMON &&
                    cap != CAP_SYS_ADMIN)
                        (void)prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
}

/* Never returns. */
__attribute__((noreturn)) static void child(const char *program) {
        const char *const arguments[] = { "numabalancerd", "--config", CONFIG_PATH, NULL };
        const char *const environment[] = { "DBUS_SYSTEM_BUS_ADDRESS=unix:path=/nonexistent",
                                            NULL };
        /* The directories up to it may be closed to a root without CAP_DAC_OVERRIDE. */
        int fd = open(program, O_RDONLY | O_CLOEXEC);

        if (fd < 0)
                _exit(errno);
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (pretend_nodes() < 0)
                _exit(STATUS_NO_NAMESPACE);
        bound_capabilities();
        (void)dup2(open("/dev/null", O_WRONLY | O_CLOEXEC), STDOUT_FILENO);
        (void)dup2(STDOUT_FILENO, STDERR_FILENO);
        fexecve(fd, (char *const *)(uintptr_t)arguments, (char *const *)(uintptr_t)environment);
        _exit(errno);
}

int daemon_start(pid_t *ret, const char *program, const char **problem) {
        struct timespec pause = { .tv_nsec = 100000000 };
        DaemonUse use;
        int status;
        pid_t pid = fork();

        if (pid < 0)
                return -errno;
        if (pid == 0)
                child(program);
        for (int i = 0; i < START_TRIES; i++) {
                (void)nanosleep(&pause, NULL);
                if (waitpid(pid, &status, WNOHANG) == pid) {
                        if (WIFEXITED(status) && WEXITSTATUS(status) == STATUS_NO_NAMESPACE) {
                                *problem = "no mount namespace with file systems of its own is to "
                                           "be had here (not root, or in a plain chroot)";
                                return -EPERM;
                        }
                        *problem = "the daemon does not start";
                        return -EIO;
                }
                if (daemon_use(pid, &use) == 0 && use.bpf_runs > 0) {
                        *ret = pid;
                        return 0;
                }
        }
        daemon_stop(pid);
        *problem = "the daemon does not sample";
        return -EPERM;
}

void daemon_stop(pid_t pid) {
        (void)kill(pid, SIGTERM);
        (void)waitpid(pid, NULL, 0);
}

/* The number behind the key on a line "key:\tnumber"; false: another line. */
static bool value_of(const char *line, const char *key, uint64_t *ret) {
        size_t n = strlen(key);

        if (strncmp(line, key, n) != 0 || line[n] != ':')
                return false;
        *ret = strtoull(line + n + 1, NULL, 10);
        return true;
}

/* What one descriptor is, as proc(5) tells of BPF maps and programs. */
typedef struct Descriptor {
        uint64_t id, bytes, run_ns, runs, type;
        bool map, program;
} Descriptor;

static void read_descriptor(int dir, const char *name, Descriptor *ret) {
        int fd = openat(dir, name, O_RDONLY | O_CLOEXEC);
        FILE *f = fd < 0 ? NULL : fdopen(fd, "r");
        char line[256];

        *ret = (Descriptor) {};
        if (!f)
                return;
        while (fgets(line, sizeof(line), f)) {
                if (value_of(line, "map_id", &ret->id) || value_of(line, "prog_id", &ret->id) ||
                    value_of(line, "memlock", &ret->bytes) ||
                    value_of(line, "run_time_ns", &ret->run_ns) ||
                    value_of(line, "run_cnt", &ret->runs))
                        continue;
                ret->map |= value_of(line, "map_type", &ret->type);
                ret->program |= value_of(line, "prog_type", &ret->type);
        }
        fclose(f);
}

#define SEEN_MAX 64

static int read_descriptors(pid_t pid, DaemonUse *use) {
        uint64_t seen[SEEN_MAX];
        unsigned n_seen = 0;
        char path[64];
        struct dirent *e;
        DIR *dir;

        snprintf(path, sizeof(path), "/proc/%d/fdinfo", (int)pid);
        dir = opendir(path);
        if (!dir)
                return -errno;
        while ((e = readdir(dir))) {
                Descriptor d;
                bool known = false;
                uint64_t key;

                read_descriptor(dirfd(dir), e->d_name, &d);
                if (!d.map && !d.program)
                        continue;
                key = d.id << 1 | d.map;
                for (unsigned i = 0; i < n_seen; i++)
                        known |= seen[i] == key;
                if (known || n_seen == SEEN_MAX)
                        continue;
                seen[n_seen++] = key;
                use->n_maps += d.map;
                use->bpf_bytes += d.bytes;
                use->bpf_ns += d.run_ns;
                use->bpf_runs += d.runs;
        }
        closedir(dir);
        return 0;
}

static int read_memory(pid_t pid, DaemonUse *use) {
        char path[64], line[256];
        uint64_t kib;
        FILE *f;

        snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
        f = fopen(path, "re");
        if (!f)
                return -ESRCH;
        while (fgets(line, sizeof(line), f)) {
                if (value_of(line, "VmRSS", &kib))
                        use->rss_bytes = kib * 1024;
                if (value_of(line, "VmHWM", &kib))
                        use->rss_peak_bytes = kib * 1024;
        }
        fclose(f);
        return 0;
}

int daemon_use(pid_t pid, DaemonUse *ret) {
        DaemonUse use = {};
        struct timespec cpu;
        clockid_t clock;
        int r;

        if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &cpu) < 0)
                return -ESRCH;
        use.cpu_ns = (uint64_t)cpu.tv_sec * 1000000000u + (uint64_t)cpu.tv_nsec;
        r = read_descriptors(pid, &use);
        r = r < 0 ? r : read_memory(pid, &use);
        if (r < 0)
                return r;
        *ret = use;
        return 0;
}
