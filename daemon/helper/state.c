/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "helper/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"

#define STATE_FILE "state"
#define STATE_NEW  "state.new"

int state_open(int root_fd, bool create) {
        cleanup_close int fd = -1;
        struct stat st;

        if (create && mkdirat(root_fd, STATE_DIRECTORY, 0700) < 0 && errno != EEXIST)
                return -errno;
        fd = openat(root_fd, STATE_DIRECTORY, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return errno == ELOOP || errno == ENOTDIR ? -EPERM : -errno;
        if (fstat(fd, &st) < 0)
                return -errno;
        if (st.st_uid != geteuid() || (st.st_mode & 022) != 0)
                return -EPERM;
        if (flock(fd, LOCK_EX) < 0)
                return -errno;
        return TAKE_FD(fd);
}

/* Reads the whole file into text, terminated. -ENOENT: there is none; -EBADMSG: not our file. */
static int read_file(int dir_fd, char text[static STATE_BYTES_MAX]) {
        cleanup_close int fd =
                openat(dir_fd, STATE_FILE, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        struct stat st;
        ssize_t n;

        if (fd < 0)
                return errno == ENOENT ? -ENOENT : -EBADMSG;
        if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
            (st.st_mode & 022) != 0 || st.st_nlink != 1 || st.st_size >= STATE_BYTES_MAX)
                return -EBADMSG;
        n = read(fd, text, STATE_BYTES_MAX - 1);
        if (n < 0 || memchr(text, '\0', (size_t)n))
                return -EBADMSG;
        text[n] = '\0';
        return 0;
}

void state_read(int dir_fd, Saved ret[static TUNABLE_MAX], unsigned *ret_bad) {
        char text[STATE_BYTES_MAX] = "";
        int r = read_file(dir_fd, text);

        *ret_bad = saved_parse(r < 0 ? "" : text, ret);
        if (r == -EBADMSG)
                *ret_bad = 1;
}

static int write_all(int fd, const char *text, size_t size) {
        while (size > 0) {
                ssize_t n = write(fd, text, size);

                if (n < 0 && errno != EINTR)
                        return -errno;
                if (n > 0) {
                        text += n;
                        size -= (size_t)n;
                }
        }
        return 0;
}

int state_write(int dir_fd, const Saved saved[static TUNABLE_MAX]) {
        cleanup_close int fd = -1;
        char text[STATE_BYTES_MAX];
        size_t size = saved_format(saved, text);
        int r;

        if (size == 0)
                return unlinkat(dir_fd, STATE_FILE, 0) < 0 && errno != ENOENT ? -errno : 0;
        if (unlinkat(dir_fd, STATE_NEW, 0) < 0 && errno != ENOENT)
                return -errno;
        fd = openat(dir_fd, STATE_NEW, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0)
                return -errno;
        r = write_all(fd, text, size);
        if (r < 0)
                return r;
        return renameat(dir_fd, STATE_NEW, dir_fd, STATE_FILE) < 0 ? -errno : 0;
}

void state_remove(int root_fd) {
        (void)unlinkat(root_fd, STATE_DIRECTORY, AT_REMOVEDIR);
}
