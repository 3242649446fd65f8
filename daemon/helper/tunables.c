/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/tunables.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "base/parse.h"

/* kernel.numa_balancing since 5.18: bit 0 balancing between nodes, bit 1 promotion from a slower
 * tier of memory (Documentation/admin-guide/sysctl/kernel.rst). Only the first is ever changed. */
#define BALANCING_BIT 1

/* Times for a whole pass over the memory of a process, in ms of its CPU time: the kernel divides
 * them by the number of windows of scan_size that its memory has (task_scan_min() in
 * kernel/sched/fair.c). 60 s is its own slowest pace; with the fastest at the same, 1 GiB costs at
 * most 4400 hint faults per second, below a percent of a CPU, and few pages are found remote twice,
 * which is what makes the kernel move them. */
#define SAMPLE_PERIOD_MS 60000

/* Processes younger than gates.min_age are not judged, so they need not pay for hint faults. */
#define SAMPLE_DELAY_MS 10000

/* The kernel's own 256 MB come as a burst of up to 65536 faults. Smaller than some MB, the kernel
 * rounds the time between windows of a large process to nothing. */
#define SAMPLE_SIZE_MB 16

#define DEBUGFS "sys/kernel/debug/sched/numa_balancing/"
#define SYSCTL  "proc/sys/kernel/numa_balancing"

static const struct {
        const char *name;
        const char *paths[TUNABLE_PATHS_MAX]; /* in debugfs since 5.13, sysctls before */
        uint64_t sample;
} tunables[TUNABLE_MAX] = {
        [TUNABLE_SCAN_DELAY] = { "scan_delay_ms",
                                 { DEBUGFS "scan_delay_ms", SYSCTL "_scan_delay_ms" },
                                 SAMPLE_DELAY_MS },
        [TUNABLE_SCAN_PERIOD_MIN] = { "scan_period_min_ms",
                                      { DEBUGFS "scan_period_min_ms",
                                        SYSCTL "_scan_period_min_ms" },
                                      SAMPLE_PERIOD_MS },
        [TUNABLE_SCAN_PERIOD_MAX] = { "scan_period_max_ms",
                                      { DEBUGFS "scan_period_max_ms",
                                        SYSCTL "_scan_period_max_ms" },
                                      SAMPLE_PERIOD_MS },
        [TUNABLE_SCAN_SIZE] = { "scan_size_mb",
                                { DEBUGFS "scan_size_mb", SYSCTL "_scan_size_mb" },
                                SAMPLE_SIZE_MB },
        [TUNABLE_BALANCING] = { "kernel.numa_balancing", { SYSCTL }, 0 },
};

const char *tunable_to_string(Tunable tunable) {
        return tunables[tunable].name;
}

int tunable_from_string(const char *name) {
        for (int i = 0; i < TUNABLE_MAX; i++)
                if (strcmp(name, tunables[i].name) == 0)
                        return i;
        return -EINVAL;
}

const char *tunable_path(Tunable tunable, size_t i) {
        return i < TUNABLE_PATHS_MAX ? tunables[tunable].paths[i] : NULL;
}

bool tunable_wanted(Tunable tunable, KernelBalancing balancing, uint64_t present, uint64_t *ret) {
        if (balancing == BALANCING_SAMPLE)
                *ret = tunable == TUNABLE_BALANCING ? present | BALANCING_BIT
                                                    : tunables[tunable].sample;
        else if (balancing == BALANCING_OFF && tunable == TUNABLE_BALANCING)
                *ret = present & ~(uint64_t)BALANCING_BIT;
        else
                return false;
        return true;
}

size_t saved_format(const Saved saved[static TUNABLE_MAX], char text[static STATE_BYTES_MAX]) {
        size_t used = 0;

        for (int i = 0; i < TUNABLE_MAX; i++)
                if (saved[i].taken)
                        used += (size_t)snprintf(text + used, STATE_BYTES_MAX - used,
                                                 "%s %" PRIu64 " %" PRIu64 "\n", tunables[i].name,
                                                 saved[i].before, saved[i].written);
        return used;
}

/* "NAME BEFORE WRITTEN"; the values are those of an int in the kernel. */
static bool parse_line(char *line, Saved ret[static TUNABLE_MAX]) {
        char *before = strchr(line, ' '), *written = before ? strchr(before + 1, ' ') : NULL;
        Saved saved = { .taken = true };
        int tunable;

        if (!written)
                return false;
        *before++ = *written++ = '\0';
        tunable = tunable_from_string(line);
        if (tunable < 0 || ret[tunable].taken || parse_u64(before, INT_MAX, &saved.before) < 0 ||
            parse_u64(written, INT_MAX, &saved.written) < 0)
                return false;
        ret[tunable] = saved;
        return true;
}

unsigned saved_parse(const char *text, Saved ret[static TUNABLE_MAX]) {
        unsigned bad = 0;

        memset(ret, 0, TUNABLE_MAX * sizeof(*ret));
        while (*text) {
                size_t length = strcspn(text, "\n");
                char line[128];

                if (text[length] != '\n')
                        return bad + 1; /* cut off */
                if (length < sizeof(line)) {
                        memcpy(line, text, length);
                        line[length] = '\0';
                }
                if (length >= sizeof(line) || !parse_line(line, ret))
                        bad++;
                text += length + 1;
        }
        return bad;
}
