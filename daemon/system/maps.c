/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/maps.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "system/file.h"

typedef struct Reader {
        MapsTake take;
        void *userdata;
} Reader;

/* Lower-case hexadecimal digits at *s, ended by `end`; *s moves behind that. */
static int take_hex(const char **s, char end, uint64_t *ret) {
        const char *p = *s;
        uint64_t value = 0;

        for (; *p != end; p++) {
                int digit = *p >= '0' && *p <= '9'   ? *p - '0'
                            : *p >= 'a' && *p <= 'f' ? *p - 'a' + 10
                                                     : -1;

                if (digit < 0 || value >> 60)
                        return -EBADMSG;
                value = value << 4 | (uint64_t)digit;
        }
        if (p == *s)
                return -EBADMSG;
        *s = p + 1;
        *ret = value;
        return 0;
}

/* "55d0-55d1 rw-p 00000000 fe:01 1234     /path", proc(5). */
static int parse_line(const char *line, Mapping *ret) {
        Mapping m = {};
        uint64_t offset;

        if (take_hex(&line, '-', &m.start) < 0 || take_hex(&line, ' ', &m.end) < 0 ||
            m.end <= m.start || strnlen(line, 5) < 5 || line[4] != ' ')
                return -EBADMSG;
        m.readable = line[0] == 'r';
        m.writable = line[1] == 'w';
        m.shared = line[3] == 's';
        line += 5;
        if (take_hex(&line, ' ', &offset) < 0)
                return -EBADMSG;
        /* device */
        line += strcspn(line, " ");
        line += strspn(line, " ");
        /* inode: 0 for anonymous memory */
        if (*line < '0' || *line > '9')
                return -EBADMSG;
        m.file = *line != '0';
        line += strspn(line, "0123456789");
        line += strspn(line, " ");
        m.name = line;
        *ret = m;
        return 0;
}

static int take_line(char *line, void *userdata) {
        Reader *reader = userdata;
        Mapping mapping;

        if (parse_line(line, &mapping) < 0)
                return -EBADMSG;
        return reader->take(&mapping, reader->userdata);
}

int maps_read(const SystemRoot *root, pid_t pid, MapsTake take, void *userdata) {
        Reader reader = { take, userdata };
        char path[64];
        int r;

        snprintf(path, sizeof(path), "%d/maps", pid);
        r = file_read_lines(root->proc_fd, path, take_line, &reader);
        return r == -ENOENT ? -ESRCH : r;
}
