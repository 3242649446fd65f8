/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "system/vmstat.h"

#include <errno.h>
#include <string.h>

#include "base/parse.h"
#include "system/file.h"

static bool take(char *line, const char *name, uint64_t *ret) {
        size_t length = strlen(name);

        return strncmp(line, name, length) == 0 && line[length] == ' ' &&
               parse_u64(line + length + 1, UINT64_MAX, ret) == 0;
}

int vmstat_read(const SystemRoot *root, Vmstat *ret) {
        char text[32768], *line, *next = text;
        Vmstat found;
        int lines = 0, r;

        r = file_read(root->proc_fd, "vmstat", text, sizeof(text));
        if (r < 0)
                return r;
        while ((line = strsep(&next, "\n")))
                if (take(line, "pgmigrate_success", &found.migrate_success) ||
                    take(line, "pgmigrate_fail", &found.migrate_fail))
                        lines++;
        if (lines != 2)
                return -EBADMSG;
        *ret = found;
        return 0;
}
