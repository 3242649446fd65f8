/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/pmu_events.h"

#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/mathx.h"
#include "records.h"

/* Loads that miss the last cache of an Intel server, told apart by where they were answered. These are
 * exact counts, unlike the load-latency event, which follows a few loads picked at random. Source:
 * Intel's event lists (MEM_LOAD_L3_MISS_RETIRED.LOCAL_DRAM and .REMOTE_DRAM). */
#define EVENT_L3_MISS 0xd3u
#define UMASK_LOCAL   0x01u
#define UMASK_REMOTE  0x02u
#define CONFIG(umask) (EVENT_L3_MISS | (uint64_t)(umask) << 8)

static const struct {
        unsigned model; /* of family 6 */
        const char *name;
} intel_servers[] = {
        { 0x55, "Skylake-SP, Cascade Lake or Cooper Lake" },
        { 0x6a, "Ice Lake-SP" },
        { 0x6c, "Ice Lake-D" },
        { 0x8f, "Sapphire Rapids" },
        { 0xcf, "Emerald Rapids" },
};

/* A prime; among the last-level misses of a busy core some hundred samples a second. */
#define PERIOD_MISSES     20011
#define PERIOD_MISSES_MIN 2003

/* Loads of more cycles than a hit of the last cache takes. */
#define LATENCY_CYCLES 128

/* IBS counts dispatched instructions, in units of 16. */
#define PERIOD_OPS       0x40000
#define PERIOD_OPS_MIN   0x4000
#define PERIOD_OPS_ALIGN 16

#define PERIOD_MAX 0x3ffffff0

__attribute__((format(printf, 2, 3))) static int refuse(char problem[PMU_PROBLEM_BYTES],
                                                        const char *format, ...) {
        va_list args;

        va_start(args, format);
        vsnprintf(problem, PMU_PROBLEM_BYTES, format, args);
        va_end(args);
        return -EOPNOTSUPP;
}

static void select_misses(const PmuDevice *cpu, const char *name, PmuSelection *ret) {
        const PmuEvent event = {
                .device = PMU_CPU,
                .type = cpu->type,
                .precise_ip = 2,
                .exclude_kernel = true,
        };

        *ret = (PmuSelection) {
                .n = 2,
                .event = { event, event },
                .name = name,
                .period = PERIOD_MISSES,
                .period_min = PERIOD_MISSES_MIN,
                .period_align = 1,
        };
        ret->event[0].config = CONFIG(UMASK_LOCAL);
        ret->event[0].how = PRECISE_LOCAL_MEMORY;
        ret->event[1].config = CONFIG(UMASK_REMOTE);
        ret->event[1].how = PRECISE_REMOTE_MEMORY;
}

static void add_mem_loads(const PmuDevice *device, PmuDeviceId id, PmuSelection *ret) {
        ret->event[ret->n++] = (PmuEvent) {
                .device = id,
                .type = device->type,
                .config = device->mem_loads,
                .config1 = LATENCY_CYCLES,
                .leader_config = device->mem_loads_aux,
                .precise_ip = 2,
                .exclude_kernel = true,
                .how = PRECISE_BY_DATA_SOURCE,
        };
}

static int select_pebs(const PmuMachine *m, PmuSelection *ret, char problem[PMU_PROBLEM_BYTES]) {
        const PmuDevice *cpu = &m->device[PMU_CPU];
        PmuSelection s = {
                .name = "loads of long latency",
                .period = PERIOD_MISSES,
                .period_min = PERIOD_MISSES_MIN,
                .period_align = 1,
        };

        if (m->vendor != CPU_VENDOR_INTEL)
                return refuse(problem, "only Intel processors have it");
        if (cpu->exists && cpu->mem_loads && m->family == 6) {
                for (size_t i = 0; i < sizeof(intel_servers) / sizeof(intel_servers[0]); i++)
                        if (intel_servers[i].model == m->model) {
                                select_misses(cpu, intel_servers[i].name, ret);
                                return 0;
                        }
        }
        for (PmuDeviceId id = PMU_CPU; id <= PMU_CPU_ATOM && s.n < PMU_EVENTS_MAX; id++)
                if (m->device[id].exists && m->device[id].mem_loads)
                        add_mem_loads(&m->device[id], id, &s);
        if (s.n == 0)
                return refuse(problem, "the processor offers no precise memory events%s",
                              m->hypervisor ? " (virtual machines rarely have them)" : "");
        *ret = s;
        return 0;
}

static int select_ibs(const PmuMachine *m, PmuSelection *ret, char problem[PMU_PROBLEM_BYTES]) {
        const PmuDevice *ibs = &m->device[PMU_IBS_OP];

        if (m->vendor != CPU_VENDOR_AMD)
                return refuse(problem, "only AMD processors have it");
        if (!ibs->exists)
                return refuse(problem, "the processor offers no instruction-based sampling%s",
                              m->hypervisor ? " (virtual machines rarely have it)" : "");
        /* Before, the driver hands raw registers over and neither address nor data source. */
        if (m->kernel_version < 601)
                return refuse(problem, "it needs Linux 6.1 or newer");
        *ret = (PmuSelection) {
                .n = 1,
                .event = { {
                        .device = PMU_IBS_OP,
                        .type = ibs->type,
                        .config = ibs->count_ops | ibs->l3_miss_only,
                        .how = PRECISE_BY_DATA_SOURCE,
                } },
                .name = ibs->l3_miss_only ? "instructions that miss the last cache"
                                          : "every so many instructions",
                .amd = true,
                .period = PERIOD_OPS,
                .period_min = PERIOD_OPS_MIN,
                .period_align = PERIOD_OPS_ALIGN,
        };
        return 0;
}

int pmu_select(const PmuMachine *machine, EvidenceSource source, PmuSelection *ret,
               char problem[PMU_PROBLEM_BYTES]) {
        if (source == SOURCE_PEBS)
                return select_pebs(machine, ret, problem);
        if (source == SOURCE_IBS)
                return select_ibs(machine, ret, problem);
        return -EINVAL;
}

uint64_t pmu_adapt_period(const PmuSelection *selection, uint64_t period, double seen,
                          double wanted) {
        double factor = fmin(fmax(ratio_or(seen, wanted, 1), 0.25), 4);
        double value =
                fmin(fmax((double)period * factor, (double)selection->period_min), PERIOD_MAX);
        uint64_t rounded = double_to_u64(value);

        if (selection->period_align == 1)
                return rounded | 1;
        return rounded - rounded % selection->period_align;
}
