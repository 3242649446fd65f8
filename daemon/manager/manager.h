/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

/* The daemon itself: one thread, one event loop, a tick that goes observe -> decide -> migrate ->
 * report. Worker threads exist only inside the migration engine. */

typedef struct ManagerOptions {
        const char *config_path; /* NULL: CONFIG_PATH, which may be missing */
        bool observe_only;       /* --observe: mode = "observe" whatever the file says */
} ManagerOptions;

/* Exit statuses of the daemon. */
enum {
        EXIT_STATUS_GOOD = 0,
        EXIT_STATUS_FAILED = 1,
        EXIT_STATUS_USAGE = 2,
        EXIT_STATUS_PRIVILEGE = 77,
        EXIT_STATUS_CONFIG = 78,
};

/* Runs until SIGTERM or SIGINT; returns the exit status. Says itself what went wrong. */
int manager_run(const ManagerOptions *options);

/* --doctor: prints what the daemon needs and whether it is there, as the running daemon sees it, else
 * as seen from this process. EXIT_STATUS_GOOD when it can act, else EXIT_STATUS_FAILED. */
int manager_doctor(void);
