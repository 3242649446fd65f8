/* SPDX-License-Identifier: GPL-2.0-or-later */

/* A QEMU TCG plugin that counts each user-space memory access of the guest by the node of the CPU
 * and the node of the memory: the truth against which the daemon's samples are judged. Optionally a
 * remote access costs time, as it does on hardware.
 *
 * Arguments: results=PATH (shared results, see layout.h), cpus=0:0:1:1 (node of each CPU),
 * map=START-END:START-END (physical range of each node as the plugin interface reports it),
 * penalty=NS (what a remote access costs), log=PATH (a JSON line each half second). With
 * count=instructions it counts the instructions of each CPU instead, those of the kernel, too: what a call
 * costs, apart from how the emulator happens to run it. */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "layout.h"
#include "qemu-plugin-v1.h"

#define EXPORT         __attribute__((visibility("default")))
#define USER_SPACE_END (UINT64_C(1) << 47)
#define LOG_PERIOD_MS  500

typedef struct NodeRange {
        uint64_t start;
        uint64_t end;
} NodeRange;

EXPORT int qemu_plugin_version = 1;

static VmOracle *oracle;
static NodeRange ranges[VM_MAX_NODES];
static uint32_t n_nodes;
static uint32_t n_cpus;
static uint32_t node_of_cpu[VM_MAX_CPUS];
static uint32_t default_penalty_ns;
static uint64_t rounds_per_1024_ns;
static bool counts_instructions;
static FILE *log_file;
static uint64_t started_ns;

static unsigned node_of_address(uint64_t address) {
        for (unsigned n = 0; n < n_nodes; n++)
                if (address - ranges[n].start < ranges[n].end - ranges[n].start)
                        return n;

        return VM_MAX_NODES;
}

/* The time that a remote access costs more. Not a sleep: it must cost the virtual CPU and be short.
 */
static void spin(uint64_t rounds) {
        for (volatile uint64_t i = 0; i < rounds; i++)
                ;
}

static uint64_t now_ns(void) {
        struct timespec now;
        (void)clock_gettime(CLOCK_MONOTONIC, &now);

        return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

/* How many rounds of spin() fit into 1024 ns on this host: the best of some tries, as others may
 * disturb. */
static uint64_t calibrate_spin(void) {
        const uint64_t rounds = 200000;
        uint64_t best_ns = UINT64_MAX;

        for (unsigned i = 0; i < 10; i++) {
                uint64_t start_ns = now_ns();
                spin(rounds);
                uint64_t took_ns = now_ns() - start_ns;
                best_ns = took_ns < best_ns ? took_ns : best_ns;
        }

        return best_ns > 0 ? rounds * 1024 / best_ns : rounds;
}

/* A remote access of a victim costs time, as on hardware. The others, systemd and the shells of a
 * case, would only make every case slower. */
static void charge(VmCpu *cpu) {
        uint32_t penalty_ns = __atomic_load_n(&oracle->penalty_ns, __ATOMIC_RELAXED);

        if (penalty_ns > 0) {
                cpu->penalties++;
                spin(penalty_ns * rounds_per_1024_ns / 1024);
        }
}

static void on_access(unsigned cpu_index, qemu_plugin_meminfo_t info, uint64_t vaddr, void *user) {
        (void)user;

        if (vaddr >= USER_SPACE_END || cpu_index >= n_cpus)
                return;

        struct qemu_plugin_hwaddr *hwaddr = qemu_plugin_get_hwaddr(info, vaddr);
        if (!hwaddr || qemu_plugin_hwaddr_is_io(hwaddr))
                return;

        VmCpu *cpu = &oracle->cpu[cpu_index];
        unsigned node = node_of_address(qemu_plugin_hwaddr_phys_addr(hwaddr));
        cpu->total[node]++;

        uint64_t offset = vaddr - VM_WINDOW_BASE;
        if (offset >= VM_N_WINDOWS * VM_WINDOW_SIZE)
                return;

        uint64_t window = offset >> VM_WINDOW_SHIFT;
        uint64_t inside = offset & (VM_WINDOW_SIZE - 1);

        if (inside < VM_MARKER_BYTES) {
                if (qemu_plugin_mem_is_store(info))
                        oracle->phase[window] = (uint32_t)(inside / 8);
                return;
        }
        cpu->window[window][node]++;
        cpu->stores[window] += qemu_plugin_mem_is_store(info);
        if (node != node_of_cpu[cpu_index] && node < VM_MAX_NODES)
                charge(cpu);
}

static void on_block(unsigned cpu_index, void *n_instructions) {
        if (cpu_index < n_cpus)
                oracle->cpu[cpu_index].instructions += (uintptr_t)n_instructions;
}

static void on_translate(qemu_plugin_id_t id, struct qemu_plugin_tb *block) {
        (void)id;

        size_t n = qemu_plugin_tb_n_insns(block);
        if (counts_instructions) {
                qemu_plugin_register_vcpu_tb_exec_cb(block, on_block, QEMU_PLUGIN_CB_NO_REGS,
                                                     (void *)(uintptr_t)n);
                return;
        }
        for (size_t i = 0; i < n; i++) {
                struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);

                /* The kernel's own accesses, those on behalf of user space too, are not the
                 * question. */
                if (qemu_plugin_insn_vaddr(insn) < USER_SPACE_END)
                        qemu_plugin_register_vcpu_mem_cb(insn, on_access, QEMU_PLUGIN_CB_NO_REGS,
                                                         QEMU_PLUGIN_MEM_RW, NULL);
        }
}

static void print_matrix(FILE *out, int window) {
        fputc('[', out);
        for (unsigned a = 0; a < n_nodes; a++) {
                fputs(a > 0 ? ",[" : "[", out);
                for (unsigned h = 0; h < n_nodes; h++) {
                        uint64_t sum = 0;
                        for (unsigned c = 0; c < n_cpus; c++)
                                if (node_of_cpu[c] == a)
                                        sum += window < 0 ? oracle->cpu[c].total[h]
                                                          : oracle->cpu[c].window[window][h];
                        fprintf(out, "%s%" PRIu64, h > 0 ? "," : "", sum);
                }
                fputc(']', out);
        }
        fputc(']', out);
}

static bool window_used(unsigned window) {
        for (unsigned c = 0; c < n_cpus; c++)
                for (unsigned h = 0; h <= VM_MAX_NODES; h++)
                        if (oracle->cpu[c].window[window][h] > 0)
                                return true;

        return false;
}

static void log_line(void) {
        double seconds = (double)(now_ns() - started_ns) / 1e9;

        fprintf(log_file, "{\"host_seconds\":%.3f,\"total\":", seconds);
        print_matrix(log_file, -1);
        fputs(",\"victims\":{", log_file);
        bool first = true;
        for (unsigned w = 0; w < VM_N_WINDOWS; w++) {
                if (!window_used(w))
                        continue;
                fprintf(log_file, "%s\"%u\":{\"phase\":%" PRIu32 ",\"matrix\":", first ? "" : ",",
                        w, oracle->phase[w]);
                print_matrix(log_file, (int)w);
                fputc('}', log_file);
                first = false;
        }
        fputs("}}\n", log_file);
        fflush(log_file);
}

static void *log_thread(void *unused) {
        for (;;) {
                struct timespec pause = { .tv_nsec = LOG_PERIOD_MS * 1000000L };
                (void)nanosleep(&pause, NULL);
                log_line();
        }

        return unused;
}

static void on_exit_(qemu_plugin_id_t id, void *unused) {
        (void)id;
        (void)unused;

        if (log_file)
                log_line();
}

static bool parse_cpus(const char *text) {
        for (n_cpus = 0; *text;) {
                char *end;
                unsigned long node = strtoul(text, &end, 10);

                if (end == text || node >= VM_MAX_NODES || n_cpus >= VM_MAX_CPUS)
                        return false;
                node_of_cpu[n_cpus++] = (uint32_t)node;
                text = *end == ':' ? end + 1 : end;
                if (*end && *end != ':')
                        return false;
        }

        return n_cpus > 0;
}

static bool parse_map(const char *text) {
        for (n_nodes = 0; *text;) {
                uint64_t start, end;
                int used;

                if (n_nodes >= VM_MAX_NODES ||
                    sscanf(text, "%" SCNx64 "-%" SCNx64 "%n", &start, &end, &used) != 2 ||
                    start >= end)
                        return false;
                ranges[n_nodes++] = (NodeRange) { .start = start, .end = end };
                text += used;
                if (*text == ':')
                        text++;
                else if (*text)
                        return false;
        }

        return n_nodes > 0;
}

static bool open_results(const char *path) {
        int fd = open(path, O_RDWR | O_CLOEXEC);
        if (fd < 0) {
                fprintf(stderr, "oracle: %s: %s\n", path, strerror(errno));
                return false;
        }

        void *mapped = mmap(NULL, VM_ORACLE_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        (void)close(fd);
        if (mapped == MAP_FAILED) {
                fprintf(stderr, "oracle: cannot map %s: %s\n", path, strerror(errno));
                return false;
        }
        oracle = mapped;

        return true;
}

static bool parse_argument(const char *argument) {
        if (strncmp(argument, "results=", 8) == 0)
                return open_results(argument + 8);
        if (strncmp(argument, "cpus=", 5) == 0)
                return parse_cpus(argument + 5);
        if (strncmp(argument, "map=", 4) == 0)
                return parse_map(argument + 4);
        if (strcmp(argument, "count=instructions") == 0)
                return counts_instructions = true;
        if (strncmp(argument, "log=", 4) == 0) {
                log_file = fopen(argument + 4, "we");
                return log_file;
        }
        if (strncmp(argument, "penalty=", 8) == 0) {
                default_penalty_ns = (uint32_t)strtoul(argument + 8, NULL, 10);
                return true;
        }

        return false;
}

EXPORT int qemu_plugin_install(qemu_plugin_id_t id, const qemu_info_t *info, int argc,
                               char **argv) {
        (void)info;

        for (int i = 0; i < argc; i++)
                if (!parse_argument(argv[i])) {
                        fprintf(stderr, "oracle: bad argument %s\n", argv[i]);
                        return -1;
                }

        if (!oracle || n_nodes == 0 || n_cpus == 0) {
                fputs("oracle: results=, map= and cpus= are needed\n", stderr);
                return -1;
        }

        started_ns = now_ns();
        oracle->n_nodes = n_nodes;
        oracle->n_cpus = n_cpus;
        oracle->penalty_ns = default_penalty_ns;
        rounds_per_1024_ns = calibrate_spin();
        memcpy(oracle->node_of_cpu, node_of_cpu, sizeof(node_of_cpu));
        oracle->magic = VM_ORACLE_MAGIC;

        if (log_file) {
                pthread_t thread;
                if (pthread_create(&thread, NULL, log_thread, NULL) != 0)
                        return -1;
                (void)pthread_detach(thread);
        }

        qemu_plugin_register_vcpu_tb_trans_cb(id, on_translate);
        qemu_plugin_register_atexit_cb(id, on_exit_, NULL);

        return 0;
}
