/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "observe/guest.h"

#include <stdio.h>

#include "system/file.h"
#include "system/process_stat.h"

#define STAT_BYTES 1024

bool guest_time_is_most(TrackedProcess *p, const SystemRoot *root, uint64_t now_ns) {
        char path[32], text[STAT_BYTES];
        uint64_t guest, all;
        ProcessStat stat;

        if (p->guest_read_ns != 0 && now_ns - p->guest_read_ns < GUEST_READ_NS)
                return p->guest;
        snprintf(path, sizeof(path), "%d/stat", (int)p->observed.id.pid);
        if (file_read(root->proc_fd, path, text, sizeof(text)) < 0 ||
            process_stat_parse(text, &stat) < 0 || stat.starttime != p->observed.id.starttime)
                return false;
        guest = stat.guest_time;
        all = stat.utime + stat.stime;
        p->guest = guest >= p->guest_ticks && all > p->guest_of_ticks &&
                   2 * (guest - p->guest_ticks) > all - p->guest_of_ticks;
        p->guest_read_ns = now_ns ? now_ns : 1;
        p->guest_ticks = guest;
        p->guest_of_ticks = all;
        return p->guest;
}
