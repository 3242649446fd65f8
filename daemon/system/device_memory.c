/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/device_memory.h"

#include <string.h>

#include "base/prefix.h"
#include "system/maps.h"

bool device_memory_is_sign(const char *mapping_name) {
        static const char *const devices[] = {
                "/dev/vfio/",
                "anon_inode:[vfio-device]",
                "/dev/infiniband/",
                "/dev/uio",
        };

        for (size_t i = 0; i < sizeof(devices) / sizeof(devices[0]); i++)
                if (after_prefix(mapping_name, devices[i]))
                        return true;
        if (after_prefix(mapping_name, "/sys/"))
                return strstr(mapping_name, "/resource");
        return strstr(mapping_name, "/rtemap_");
}

static int take_mapping(const Mapping *m, void *userdata) {
        return device_memory_is_sign(m->name);
}

int device_memory_find(const SystemRoot *root, pid_t pid, bool *ret) {
        int r = maps_read(root, pid, take_mapping, NULL);

        if (r < 0)
                return r;
        *ret = r > 0;
        return 0;
}
