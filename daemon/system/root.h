/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Every path that the daemon reads lies below these directory descriptors, so tests can hand in a
 * recorded machine. */
typedef struct SystemRoot {
        int proc_fd; /* /proc */
        int sys_fd;  /* /sys */
} SystemRoot;

/* Opens PREFIX/proc and PREFIX/sys ("" for the running machine). Negative errno. */
int system_root_open(SystemRoot *ret, const char *prefix);
void system_root_close(SystemRoot *root);
