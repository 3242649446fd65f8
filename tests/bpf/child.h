/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <criterion/criterion.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

/* A process that runs this and nothing after it; it dies with the test. */
static inline pid_t child_start(void (*run)(void *argument), void *argument) {
        pid_t pid = fork();

        cr_assert_geq(pid, 0);
        if (pid != 0)
                return pid;
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(argument);
        _exit(1);
}

static inline void child_kill(pid_t pid) {
        kill(pid, SIGKILL);
        waitpid(pid, NULL, 0);
}
