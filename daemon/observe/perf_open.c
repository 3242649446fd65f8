/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/perf_open.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "base/prefix.h"
#include "observe/source.h"
#include "system/file.h"

/* One second of samples at the default rate of 97 Hz is 57 KiB for each CPU; twice that, so that an
 * evaluation may come late. */
#define RING_BYTES_PER_CPU (114u * 1024)
#define RING_BYTES_MIN     (512u * 1024)
#define RING_BYTES_MAX     (64u * 1024 * 1024)

int perf_read_cpus(const SystemRoot *root, const char *path, CpuSet *ret) {
        cleanup_free char *text = malloc(FILE_LINE_BYTES);
        int r;

        if (!text)
                return -ENOMEM;
        r = file_read(root->sys_fd, path, text, FILE_LINE_BYTES);
        if (r < 0)
                return r;
        /* The kernel writes "(null)" for nohz_full when there is none. */
        if (after_prefix(text, "(null)"))
                return -ENOENT;
        return parse_list_bits(text, ret->words, CPUS_MAX);
}

int perf_sampled_cpus(const SystemRoot *root, bool isolated, CpuSet *ret, unsigned *ret_left_out) {
        static const char *const apart[] = { "devices/system/cpu/isolated",
                                             "devices/system/cpu/nohz_full" };
        unsigned left_out = 0;
        CpuSet set;
        int r;

        r = perf_read_cpus(root, "devices/system/cpu/online", ret);
        if (r < 0)
                return r;
        for (size_t i = 0; !isolated && i < sizeof(apart) / sizeof(apart[0]); i++) {
                if (perf_read_cpus(root, apart[i], &set) < 0)
                        continue;
                for (size_t w = 0; w < CPUS_MAX / 64; w++) {
                        left_out += (unsigned)__builtin_popcountll(ret->words[w] & set.words[w]);
                        ret->words[w] &= ~set.words[w];
                }
        }
        *ret_left_out = left_out;
        return 0;
}

static int read_paranoid(const SystemRoot *root) {
        char text[16];

        if (file_read(root->proc_fd, "sys/kernel/perf_event_paranoid", text, sizeof(text)) < 0)
                return 2;
        return (int)strtol(text, NULL, 10);
}

void perf_explain_open(const SystemRoot *root, int error, char *problem) {
        int paranoid;

        switch (-error) {
        case EACCES:
        case EPERM:
                paranoid = read_paranoid(root);
                source_problem(problem,
                               "perf_event_open was refused (%s): it needs CAP_PERFMON%s "
                               "(kernel.perf_event_paranoid is %d)",
                               strerror(-error), paranoid > 2 ? " and CAP_SYS_ADMIN" : "",
                               paranoid);
                break;
        case ENOSYS:
        case ENOENT:
        case EOPNOTSUPP:
                source_problem(problem, "this kernel has no perf events (CONFIG_PERF_EVENTS): %s",
                               strerror(-error));
                break;
        case EMFILE:
                source_problem(problem,
                               "too many open files: each CPU takes two (LimitNOFILE=65536)");
                break;
        default:
                source_problem(problem, "perf_event_open failed: %s", strerror(-error));
        }
}

void perf_explain_load(int error, char *problem) {
        if (access("/sys/kernel/btf/vmlinux", R_OK) < 0)
                source_problem(problem,
                               "the BPF program cannot be fitted to this kernel: "
                               "/sys/kernel/btf/vmlinux is missing (CONFIG_DEBUG_INFO_BTF)");
        else if (error == -EPERM || error == -EACCES)
                source_problem(
                        problem,
                        "loading the BPF program was refused (%s): it needs CAP_BPF and "
                        "CAP_PERFMON, "
                        "before Linux 5.11 also locked memory (LimitMEMLOCK=infinity), and no "
                        "kernel lockdown in mode confidentiality",
                        strerror(-error));
        else
                source_problem(problem, "loading the BPF program failed: %s", strerror(-error));
}

uint32_t perf_ring_bytes(unsigned n_cpus) {
        uint64_t bytes = (uint64_t)n_cpus * RING_BYTES_PER_CPU, size = RING_BYTES_MIN;

        while (size < bytes && size < RING_BYTES_MAX)
                size *= 2;
        return (uint32_t)size;
}
