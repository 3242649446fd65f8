/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/capability.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/parse.h"
#include "manager/internal.h"

/* systemd makes the directory (RuntimeDirectory=); a daemon started by hand makes it itself. */
#define LOCK_DIRECTORY "/run/numabalancerd"
#define LOCK_PATH      LOCK_DIRECTORY "/lock"

static pid_t read_holder(int fd) {
        char buf[32] = {};
        uint64_t pid;
        ssize_t n;

        n = pread(fd, buf, sizeof(buf) - 1, 0);
        if (n <= 0)
                return 0;
        if (buf[n - 1] == '\n')
                buf[n - 1] = '\0';
        return parse_u64(buf, INT32_MAX, &pid) < 0 ? 0 : (pid_t)pid;
}

int manager_take_lock(int *ret_fd, pid_t *ret_other) {
        cleanup_close int fd = -1;

        (void)mkdir(LOCK_DIRECTORY, 0755);
        fd = open(LOCK_PATH, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
        if (fd < 0)
                return -errno;
        if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
                int r = -errno;

                *ret_other = read_holder(fd);
                return r == -EWOULDBLOCK ? -EBUSY : r;
        }
        (void)fchmod(fd, 0644);
        if (ftruncate(fd, 0) < 0 || dprintf(fd, "%d\n", (int)getpid()) < 0)
                return -errno;
        *ret_fd = TAKE_FD(fd);
        return 0;
}

DEFINE_CLEANUP(struct _cap_struct, cap_free)

int manager_drop_privileges(void) {
        static const cap_value_t drop[] = { CAP_SYS_ADMIN };
        cleanup(cleanup_cap_freep) cap_t caps = cap_get_proc();

        if (!caps)
                return -errno;
        (void)cap_drop_bound(CAP_SYS_ADMIN); /* needs CAP_SETPCAP; the unit bounds it anyway */
        if (cap_set_flag(caps, CAP_INHERITABLE, 1, drop, CAP_CLEAR) < 0 ||
            cap_set_flag(caps, CAP_EFFECTIVE, 1, drop, CAP_CLEAR) < 0 ||
            cap_set_flag(caps, CAP_PERMITTED, 1, drop, CAP_CLEAR) < 0 || cap_set_proc(caps) < 0)
                return -errno;
        return 0;
}
