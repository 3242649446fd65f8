/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Every path that the daemon reads lies below these directory descriptors, so tests can hand in a
 * recorded machine. */
typedef struct SystemRoot {
        int proc_fd; /* /proc */
        int sys_fd;  /* /sys */
} SystemRoot;

/* Initialiser of a root that is not open. */
#define SYSTEM_ROOT_NONE                                                                           \
        { .proc_fd = -1, .sys_fd = -1 }

/* Opens PREFIX/proc and PREFIX/sys ("" for the running machine). Negative errno. */
int system_root_open(SystemRoot *ret, const char *prefix);

/* Closes what is open; may be called again. */
void system_root_close(SystemRoot *root);
