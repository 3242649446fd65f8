/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/process_stat.h"

#include <errno.h>
#include <sched.h>
#include <string.h>

#include "base/parse.h"

/* Numbers of the fields in proc(5). */
enum {
        FIELD_STATE = 3,
        FIELD_FLAGS = 9,
        FIELD_MINFLT = 10,
        FIELD_UTIME = 14,
        FIELD_STIME = 15,
        FIELD_STARTTIME = 22,
        FIELD_PROCESSOR = 39,
        FIELD_POLICY = 41,
        FIELD_GUEST_TIME = 43,
};

/* Takes the word at *p (up to a blank or the end) as an unsigned number. */
static int take_number(const char *word, size_t length, uint64_t *ret) {
        char copy[24];

        if (length == 0 || length >= sizeof(copy))
                return -EBADMSG;
        memcpy(copy, word, length);
        copy[length] = 0;
        return parse_u64(copy, UINT64_MAX, ret) < 0 ? -EBADMSG : 0;
}

int process_stat_parse(const char *text, ProcessStat *ret) {
        /* A command name may hold anything, also ") R 1"; only the last parenthesis ends it. */
        const char *open = strchr(text, '('), *close = strrchr(text, ')'), *p;
        ProcessStat stat = {};
        size_t length;

        if (!open || !close || close < open || close[1] != ' ')
                return -EBADMSG;
        length = (size_t)(close - open) - 1;
        memcpy(stat.comm, open + 1, length < COMM_BYTES ? length : COMM_BYTES - 1);
        p = close + 2;
        for (int field = FIELD_STATE; field <= FIELD_GUEST_TIME; field++) {
                uint64_t *number = field == FIELD_FLAGS        ? &stat.flags
                                   : field == FIELD_MINFLT     ? &stat.minflt
                                   : field == FIELD_UTIME      ? &stat.utime
                                   : field == FIELD_STIME      ? &stat.stime
                                   : field == FIELD_STARTTIME  ? &stat.starttime
                                   : field == FIELD_PROCESSOR  ? &stat.processor
                                   : field == FIELD_POLICY     ? &stat.policy
                                   : field == FIELD_GUEST_TIME ? &stat.guest_time
                                                               : NULL;

                length = strcspn(p, " \n");
                if (field > FIELD_POLICY && (length == 0 || !p[length]))
                        break;
                if (length == 0 || !p[length])
                        return -EBADMSG;
                if (number && take_number(p, length, number) < 0)
                        return -EBADMSG;
                p += length + 1;
        }
        *ret = stat;
        return 0;
}

bool process_stat_is_realtime(const ProcessStat *stat) {
        return stat->policy == SCHED_FIFO || stat->policy == SCHED_RR ||
               stat->policy == 6 /* SCHED_DEADLINE, which <sched.h> of glibc 2.36 lacks */;
}

static bool ends_with(const char *s, size_t length, const char *suffix) {
        size_t n = strlen(suffix);

        return length > n && memcmp(s + length - n, suffix, n) == 0;
}

static bool is_unit(const char *name, size_t length) {
        static const char *const suffixes[] = { ".service", ".scope", ".mount", ".socket",
                                                ".swap" };

        for (size_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
                if (ends_with(name, length, suffixes[i]))
                        return true;
        return false;
}

/* Last unit in the path of `length` bytes; false when there is none. */
static bool unit_of_path(const char *path, size_t length, char *ret_unit) {
        static const char deleted[] = " (deleted)";

        if (ends_with(path, length, deleted))
                length -= strlen(deleted);
        while (length > 0) {
                const char *slash = memrchr(path, '/', length);
                const char *name = slash ? slash + 1 : path;
                size_t n = (size_t)(path + length - name);

                if (is_unit(name, n)) {
                        /* systemd puts "_" before names that the cgroup file system reserves. */
                        if (name[0] == '_')
                                name++, n--;
                        if (n >= UNIT_BYTES)
                                return false;
                        memcpy(ret_unit, name, n);
                        ret_unit[n] = 0;
                        return true;
                }
                length = slash ? (size_t)(slash - path) : 0;
        }
        return false;
}

void process_unit_parse(const char *cgroup, char ret_unit[static UNIT_BYTES]) {
        ret_unit[0] = 0;
        while (*cgroup) {
                size_t length = strcspn(cgroup, "\n");
                const char *end = cgroup + length;
                const char *controllers = memchr(cgroup, ':', length);
                const char *path = NULL;

                if (controllers)
                        path = memchr(controllers + 1, ':', (size_t)(end - controllers - 1));
                if (path) {
                        size_t n = (size_t)(path - controllers);

                        if ((n == 1 ||
                             (n == 13 && memcmp(controllers, ":name=systemd", 13) == 0)) &&
                            unit_of_path(path + 1, (size_t)(end - path - 1), ret_unit))
                                return;
                }
                cgroup = *end ? end + 1 : end;
        }
}
