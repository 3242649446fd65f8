/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"

/* Non-blocking, so that a FIFO in a wrong place cannot stop the daemon. */
static int open_for_reading(int dir_fd, const char *path) {
        int fd = openat(dir_fd, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);

        return fd < 0 ? -errno : fd;
}

static ssize_t read_some(int fd, char *buffer, size_t size) {
        ssize_t n;

        do
                n = read(fd, buffer, size);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : n;
}

int file_read(int dir_fd, const char *path, char *buffer, size_t size) {
        cleanup_close int fd = open_for_reading(dir_fd, path);
        size_t used = 0;

        if (fd < 0)
                return fd;
        for (;;) {
                ssize_t n = read_some(fd, buffer + used, size - used);

                if (n < 0)
                        return (int)n;
                used += (size_t)n;
                if (n == 0)
                        break;
                if (used == size)
                        return -EFBIG;
        }
        buffer[used] = 0;
        return (int)used;
}

typedef struct Lines {
        char buffer[FILE_LINE_BYTES];
        size_t used;
        bool skipping; /* inside the rest of a line that was cut */
        FileLine take;
        void *userdata;
} Lines;

/* Hands over every complete line of the buffer and keeps the rest. */
static int lines_take(Lines *l) {
        size_t start = 0;
        char *newline;

        while ((newline = memchr(l->buffer + start, '\n', l->used - start))) {
                char *line = l->buffer + start;
                int r;

                *newline = 0;
                start = (size_t)(newline - l->buffer) + 1;
                if (l->skipping) {
                        l->skipping = false;
                        continue;
                }
                r = l->take(line, l->userdata);
                if (r != 0)
                        return r;
        }
        memmove(l->buffer, l->buffer + start, l->used - start);
        l->used -= start;
        if (l->used == sizeof(l->buffer) - 1) {
                int r = 0;

                l->buffer[l->used] = 0;
                if (!l->skipping)
                        r = l->take(l->buffer, l->userdata);
                l->skipping = true;
                l->used = 0;
                return r;
        }
        return 0;
}

int file_read_lines(int dir_fd, const char *path, FileLine take, void *userdata) {
        cleanup_close int fd = open_for_reading(dir_fd, path);
        Lines l; /* the buffer is large and need not be cleared */
        int r;

        if (fd < 0)
                return fd;
        l.used = 0;
        l.skipping = false;
        l.take = take;
        l.userdata = userdata;
        for (;;) {
                ssize_t n = read_some(fd, l.buffer + l.used, sizeof(l.buffer) - 1 - l.used);

                if (n < 0)
                        return (int)n;
                if (n == 0)
                        break;
                l.used += (size_t)n;
                r = lines_take(&l);
                if (r != 0)
                        return r;
        }
        if (l.used == 0 && !l.skipping)
                return 0;
        l.buffer[l.used] = 0;
        r = l.skipping ? 0 : take(l.buffer, userdata);
        return r != 0 ? r : 1;
}
