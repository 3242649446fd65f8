/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "observe/pmu_events.h"
#include "system/file.h"

#define DEVICES "bus/event_source/devices"

static const char *const device_names[PMU_DEVICE_MAX] = { "cpu", "cpu_core", "cpu_atom", "ibs_op" };

static bool read_text(const SystemRoot *root, const char *device, const char *file, char *text,
                      size_t bytes) {
        char path[128];

        snprintf(path, sizeof(path), DEVICES "/%s/%s", device, file);
        if (file_read(root->sys_fd, path, text, bytes) < 0)
                return false;
        text[strcspn(text, "\n")] = 0;
        return true;
}

/* The number behind NAME= in "event=0xcd,umask=0x1,ldlat=3", or 0. */
static uint64_t term(const char *terms, const char *name) {
        size_t n = strlen(name);

        for (const char *t = terms; t; t = strchr(t, ',')) {
                t += *t == ',';
                if (strncmp(t, name, n) == 0 && t[n] == '=')
                        return strtoull(t + n + 1, NULL, 0);
        }
        return 0;
}

/* Where the x86 PMUs have event and umask since they exist. */
static uint64_t read_event(const SystemRoot *root, const char *device, const char *file) {
        char text[128];

        if (!read_text(root, device, file, text, sizeof(text)))
                return 0;
        return (term(text, "event") & 0xff) | (term(text, "umask") & 0xff) << 8;
}

/* "config:16" as a bit, or 0. */
static uint64_t read_bit(const SystemRoot *root, const char *device, const char *file) {
        char text[64], end;
        unsigned bit;

        if (!read_text(root, device, file, text, sizeof(text)) ||
            sscanf(text, "config:%u%c", &bit, &end) != 1 || bit > 63)
                return 0;
        return 1ull << bit;
}

static void read_device(const SystemRoot *root, const char *name, PmuDevice *ret) {
        char text[32];

        *ret = (PmuDevice) { .name = name };
        if (!read_text(root, name, "type", text, sizeof(text)))
                return;
        ret->exists = true;
        ret->type = (uint32_t)strtoul(text, NULL, 10);
        ret->mem_loads = read_event(root, name, "events/mem-loads");
        ret->mem_loads_aux = read_event(root, name, "events/mem-loads-aux");
        ret->l3_miss_only = read_bit(root, name, "format/l3missonly");
        ret->count_ops = read_bit(root, name, "format/cnt_ctl");
}

/* The first processor stands for all. 1: what follows is of others. */
static int take_cpuinfo_line(char *line, void *userdata) {
        PmuMachine *m = userdata;
        char *value = strchr(line, ':');

        if (!value)
                return line[0] ? 0 : 1;
        *value++ = 0;
        line[strcspn(line, "\t")] = 0;
        value += strspn(value, " ");
        if (strcmp(line, "vendor_id") == 0) {
                if (strcmp(value, "GenuineIntel") == 0)
                        m->vendor = CPU_VENDOR_INTEL;
                else if (strcmp(value, "AuthenticAMD") == 0 || strcmp(value, "HygonGenuine") == 0)
                        m->vendor = CPU_VENDOR_AMD;
        } else if (strcmp(line, "cpu family") == 0) {
                m->family = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(line, "model") == 0) {
                m->model = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(line, "flags") == 0) {
                m->hypervisor = strstr(value, " hypervisor") != NULL;
        }
        return 0;
}

int pmu_machine_read(PmuMachine *ret, const SystemRoot *root) {
        unsigned major, minor;
        PmuMachine m = {};
        char release[64];
        int r;

        r = file_read_lines(root->proc_fd, "cpuinfo", take_cpuinfo_line, &m);
        if (r < 0)
                return r;
        if (file_read(root->proc_fd, "sys/kernel/osrelease", release, sizeof(release)) >= 0 &&
            sscanf(release, "%u.%u", &major, &minor) == 2)
                m.kernel_version = major * 100 + (minor < 99 ? minor : 99);
        for (int i = 0; i < PMU_DEVICE_MAX; i++)
                read_device(root, device_names[i], &m.device[i]);
        *ret = m;
        return 0;
}
