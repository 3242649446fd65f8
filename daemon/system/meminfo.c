/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/meminfo.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/mathx.h"
#include "base/parse.h"
#include "system/file.h"

typedef struct Reading {
        Meminfo meminfo;
        unsigned found; /* bit per member */
} Reading;

/* "Node 0 MemTotal:   1234 kB" or, in proc/meminfo, without "Node 0 ". */
static int take_line(char *line, void *userdata) {
        Reading *reading = userdata;
        struct {
                const char *name;
                uint64_t *value;
        } members[] = {
                { "MemTotal", &reading->meminfo.total_bytes },
                { "MemFree", &reading->meminfo.free_bytes },
                { "Inactive(file)", &reading->meminfo.inactive_file_bytes },
        };
        char *colon = strchr(line, ':'), *name, *number;
        uint64_t kib;

        if (!colon)
                return 0;
        *colon = 0;
        name = strrchr(line, ' ');
        name = name ? name + 1 : line;
        number = colon + 1 + strspn(colon + 1, " ");
        number[strcspn(number, " ")] = 0;
        for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++) {
                if (strcmp(name, members[i].name) != 0)
                        continue;
                if (parse_u64(number, UINT64_MAX / 1024, &kib) < 0)
                        return -EBADMSG;
                *members[i].value = kib * 1024;
                reading->found |= 1u << i;
        }
        return 0;
}

static int read_meminfo(Meminfo *ret, int dir_fd, const char *path) {
        Reading reading = {};
        int r = file_read_lines(dir_fd, path, take_line, &reading);

        if (r < 0)
                return r;
        if (reading.found != 7)
                return -EBADMSG;
        *ret = reading.meminfo;
        return 0;
}

int meminfo_read(Meminfo *ret, const SystemRoot *root) {
        return read_meminfo(ret, root->proc_fd, "meminfo");
}

int meminfo_read_node(Meminfo *ret, const SystemRoot *root, int node_id) {
        char path[64];

        snprintf(path, sizeof(path), "devices/system/node/node%d/meminfo", node_id);
        return read_meminfo(ret, root->sys_fd, path);
}
