/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#include "../tempdir.h"
#include "common.h"
#include "observe/pmu_events.h"
#include "records.h"

#define INTEL "vendor_id\t: GenuineIntel\ncpu family\t: 6\n"
#define FLAGS "flags\t\t: fpu vme de pse\n"
#define CORE  "event=0xcd,umask=0x1,ldlat=3\n"
#define ATOM  "event=0xd0,umask=0x5,ldlat=3\n"
#define AUX   "event=0x03,umask=0x82\n"

/* A PMU as files below sys/bus/event_source/devices. */
typedef struct Device {
        const char *name, *type, *mem_loads, *aux, *l3_miss_only;
} Device;

typedef struct Row {
        const char *name, *cpuinfo, *release;
        Device device[2];
        EvidenceSource source;
        unsigned n; /* events chosen, 0: refused */
        uint64_t config[2], config1, leader_config;
        unsigned how[2];
        const char *says; /* part of the name, or of the problem */
} Row;

/* clang-format off */
static const Row rows[] = {
        { "Skylake-SP", INTEL "model\t\t: 85\n" FLAGS, "6.1.0-18-amd64",
          { { "cpu", "4", CORE, NULL, NULL } }, SOURCE_PEBS,
          2, { 0x1d3, 0x2d3 }, 0, 0, { PRECISE_LOCAL_MEMORY, PRECISE_REMOTE_MEMORY }, "Skylake-SP" },
        { "Ice Lake-SP", INTEL "model\t\t: 106\n" FLAGS, "6.1.0-18-amd64",
          { { "cpu", "4", CORE, NULL, NULL } }, SOURCE_PEBS,
          2, { 0x1d3, 0x2d3 }, 0, 0, { PRECISE_LOCAL_MEMORY, PRECISE_REMOTE_MEMORY }, "Ice Lake-SP" },
        { "Sapphire Rapids", INTEL "model\t\t: 143\n" FLAGS, "6.12.9",
          { { "cpu", "4", CORE, AUX, NULL } }, SOURCE_PEBS,
          2, { 0x1d3, 0x2d3 }, 0, 0, { PRECISE_LOCAL_MEMORY, PRECISE_REMOTE_MEMORY }, "Sapphire" },
        { "Broadwell-EP has no such events in the table: load latency",
          INTEL "model\t\t: 79\n" FLAGS, "5.10.0-28-amd64",
          { { "cpu", "4", CORE, NULL, NULL } }, SOURCE_PEBS,
          1, { 0x1cd }, 128, 0, { PRECISE_BY_DATA_SOURCE }, "long latency" },
        { "an unknown server that needs the auxiliary event", INTEL "model\t\t: 255\n" FLAGS, "6.12.9",
          { { "cpu", "4", CORE, AUX, NULL } }, SOURCE_PEBS,
          1, { 0x1cd }, 128, 0x8203, { PRECISE_BY_DATA_SOURCE }, "long latency" },
        { "a hybrid processor", INTEL "model\t\t: 151\n" FLAGS, "6.12.9",
          { { "cpu_core", "4", CORE, AUX, NULL }, { "cpu_atom", "10", ATOM, NULL, NULL } },
          SOURCE_PEBS, 2, { 0x1cd, 0x5d0 }, 128, 0x8203,
          { PRECISE_BY_DATA_SOURCE, PRECISE_BY_DATA_SOURCE }, "long latency" },
        { "Skylake-SP in a guest without precise events",
          INTEL "model\t\t: 85\nflags\t\t: fpu hypervisor lahf_lm\n", "6.1.0",
          { { "cpu", "4", NULL, NULL, NULL } }, SOURCE_PEBS,
          0, {}, 0, 0, {}, "virtual machines" },
        { "no PMU at all", INTEL "model\t\t: 85\n" FLAGS, "6.1.0", {}, SOURCE_PEBS,
          0, {}, 0, 0, {}, "no precise memory events" },
        { "ibs on Intel", INTEL "model\t\t: 85\n" FLAGS, "6.1.0",
          { { "cpu", "4", CORE, NULL, NULL } }, SOURCE_IBS, 0, {}, 0, 0, {}, "only AMD" },
        { "Zen 3", "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n" FLAGS, "6.1.0",
          { { "cpu", "4", NULL, NULL, NULL }, { "ibs_op", "11", NULL, NULL, NULL } }, SOURCE_IBS,
          1, { 1ull << 19 }, 0, 0, { PRECISE_BY_DATA_SOURCE }, "every so many" },
        { "Zen 4", "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 17\n" FLAGS, "6.12.9",
          { { "cpu", "4", NULL, NULL, NULL }, { "ibs_op", "11", NULL, NULL, "config:16\n" } },
          SOURCE_IBS, 1, { 1ull << 19 | 1 << 16 }, 0, 0, { PRECISE_BY_DATA_SOURCE }, "miss" },
        { "Zen 3 with an old kernel",
          "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n" FLAGS, "5.10.0-28-amd64",
          { { "ibs_op", "11", NULL, NULL, NULL } }, SOURCE_IBS, 0, {}, 0, 0, {}, "Linux 6.1" },
        { "Zen 3 in a guest",
          "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\nflags\t: fpu hypervisor\n",
          "6.1.0", { { "cpu", "4", NULL, NULL, NULL } }, SOURCE_IBS,
          0, {}, 0, 0, {}, "virtual machines" },
        { "pebs on AMD", "vendor_id\t: AuthenticAMD\ncpu family\t: 25\nmodel\t\t: 1\n" FLAGS, "6.1.0",
          { { "ibs_op", "11", NULL, NULL, NULL } }, SOURCE_PEBS, 0, {}, 0, 0, {}, "only Intel" },
        { "hostile text", "vendor_id\t: Genuine\nmodel\t: -1\n:\n\t:\n", "x",
          { { "cpu", "", "event=,umask", ",,=", "config:99\n" } }, SOURCE_PEBS,
          0, {}, 0, 0, {}, "only Intel" },
};
/* clang-format on */

static void write_device(TempDir *t, const Device *d) {
        char path[128];

        if (!d->name)
                return;
        snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/type", d->name);
        tempdir_write(t, path, d->type);
        snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/events/mem-loads", d->name);
        if (d->mem_loads)
                tempdir_write(t, path, d->mem_loads);
        snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/events/mem-loads-aux",
                 d->name);
        if (d->aux)
                tempdir_write(t, path, d->aux);
        snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/format/l3missonly", d->name);
        if (d->l3_miss_only)
                tempdir_write(t, path, d->l3_miss_only);
        snprintf(path, sizeof(path), "sys/bus/event_source/devices/%s/format/cnt_ctl", d->name);
        if (strcmp(d->name, "ibs_op") == 0)
                tempdir_write(t, path, "config:19\n");
}

static void check_selection(const Row *row, const PmuSelection *s) {
        cr_expect_eq(s->n, row->n, "%s: %u events", row->name, s->n);
        cr_expect(strstr(s->name, row->says), "%s: %s", row->name, s->name);
        cr_expect_eq(s->amd, row->source == SOURCE_IBS, "%s", row->name);
        cr_expect_eq(s->event[0].config1, row->config1, "%s: latency", row->name);
        cr_expect_eq(s->event[0].leader_config, row->leader_config, "%s: leader", row->name);
        for (unsigned i = 0; i < s->n; i++) {
                cr_expect_eq(s->event[i].config, row->config[i], "%s: config %#llx", row->name,
                             (unsigned long long)s->event[i].config);
                cr_expect_eq(s->event[i].how, row->how[i], "%s: class", row->name);
                cr_expect_neq(s->event[i].type, 0, "%s: type", row->name);
                /* The driver of IBS refuses both. */
                cr_expect_eq(s->event[i].exclude_kernel, row->source == SOURCE_PEBS, "%s",
                             row->name);
                cr_expect_eq(s->event[i].precise_ip, row->source == SOURCE_PEBS ? 2u : 0u, "%s",
                             row->name);
        }
}

Test(pmu, selection_by_processor) {
        for (size_t i = 0; i < N(rows); i++) {
                char problem[PMU_PROBLEM_BYTES] = "";
                const Row *row = &rows[i];
                PmuSelection s = {};
                PmuMachine machine;
                SystemRoot root;
                TempDir t;
                int r;

                tempdir_new(&t);
                tempdir_write(&t, "proc/cpuinfo", row->cpuinfo);
                tempdir_write(&t, "proc/sys/kernel/osrelease", row->release);
                tempdir_write(&t, "sys/here", "");
                write_device(&t, &row->device[0]);
                write_device(&t, &row->device[1]);
                cr_assert_eq(system_root_open(&root, t.path), 0);
                cr_assert_eq(pmu_machine_read(&machine, &root), 0, "%s", row->name);
                r = pmu_select(&machine, row->source, &s, problem);
                cr_expect_eq(r, row->n ? 0 : -EOPNOTSUPP, "%s: %d %s", row->name, r, problem);
                if (r == 0)
                        check_selection(row, &s);
                else
                        cr_expect(strstr(problem, row->says), "%s: %s", row->name, problem);
                system_root_close(&root);
                tempdir_free(&t);
        }
}

Test(pmu, period_follows_the_samples) {
        const PmuSelection misses = { .period_min = 2003, .period_align = 1 };
        const PmuSelection ops = { .period_min = 0x4000, .period_align = 16 };

        cr_expect_eq(pmu_adapt_period(&misses, 20011, 100, 100), 20011);
        cr_expect_eq(pmu_adapt_period(&misses, 20011, 200, 100), 40023, "odd, about twice");
        cr_expect_eq(pmu_adapt_period(&misses, 20011, 1e9, 100), 80045, "at most four times");
        cr_expect_eq(pmu_adapt_period(&misses, 20011, 0, 100), 5003, "at least a quarter");
        cr_expect_eq(pmu_adapt_period(&misses, 2500, 0, 100), 2003, "never below the least");
        cr_expect_eq(pmu_adapt_period(&misses, 20011, 0, 0), 20011, "nothing wanted");
        cr_expect_eq(pmu_adapt_period(&ops, 0x40000, 150, 100) % 16, 0);
        cr_expect_leq(pmu_adapt_period(&ops, 0x3fffffff, 1e9, 1), 0x3ffffff0);
}
