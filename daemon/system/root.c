/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/root.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>

#include "base/cleanup.h"

static int open_directory(const char *prefix, const char *name) {
        char path[PATH_MAX];
        int fd, n = snprintf(path, sizeof(path), "%s/%s", prefix, name);

        if (n < 0 || (size_t)n >= sizeof(path))
                return -ENAMETOOLONG;
        fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
        return fd < 0 ? -errno : fd;
}

int system_root_open(SystemRoot *ret, const char *prefix) {
        cleanup_close int proc_fd = open_directory(prefix, "proc");
        cleanup_close int sys_fd = open_directory(prefix, "sys");

        if (proc_fd < 0)
                return proc_fd;
        if (sys_fd < 0)
                return sys_fd;
        *ret = (SystemRoot) { .proc_fd = TAKE_FD(proc_fd), .sys_fd = TAKE_FD(sys_fd) };
        return 0;
}

void system_root_close(SystemRoot *root) {
        if (root->proc_fd >= 0)
                close(root->proc_fd);
        if (root->sys_fd >= 0)
                close(root->sys_fd);
        *root = (SystemRoot)SYSTEM_ROOT_NONE;
}
