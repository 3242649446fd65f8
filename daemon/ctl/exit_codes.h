/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Exit codes of numabalancerctl, as its manual page promises. */
typedef enum ExitCode {
        EXIT_DONE = 0,
        EXIT_FAILED = 1,
        EXIT_USAGE = 2,
        EXIT_NOT_RUNNING = 3,
        EXIT_NOT_PERMITTED = 4,
        EXIT_REFUSED = 5,
} ExitCode;

/* The code for a D-Bus error name. */
ExitCode exit_code_from_error(const char *name);
