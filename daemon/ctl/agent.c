/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/agent.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* An agent that does not get ready must not hold up what could go on without. */
#define AGENT_WAIT_MSEC 5000

/* Closed by the agent when it is registered, or by its end. */
static void wait_ready(int fd) {
        struct pollfd p = { .fd = fd };

        (void)poll(&p, 1, AGENT_WAIT_MSEC);
}

pid_t agent_start(void) {
        static char program[] = "pkttyagent", process[] = "--process", notify[] = "--notify-fd",
                    fallback[] = "--fallback";
        char own_pid[16], descriptor[16];
        char *argv[] = { program, process, own_pid, notify, descriptor, fallback, NULL };
        int fds[2], r;
        pid_t pid;

        if (geteuid() == 0 || !isatty(STDIN_FILENO) || pipe2(fds, O_CLOEXEC) < 0)
                return 0;
        snprintf(own_pid, sizeof own_pid, "%d", (int)getpid());
        snprintf(descriptor, sizeof descriptor, "%d", fds[1]);
        /* Only the end that it closes goes to the agent. */
        (void)fcntl(fds[1], F_SETFD, 0);
        r = posix_spawnp(&pid, program, NULL, NULL, argv, environ);
        close(fds[1]);
        if (r == 0)
                wait_ready(fds[0]);
        close(fds[0]);
        return r == 0 ? pid : 0;
}

void agent_stop(const pid_t *pid) {
        if (*pid <= 0)
                return;
        (void)kill(*pid, SIGTERM);
        /* It restores the terminal before it ends; a stopped one has to go on for that. */
        (void)kill(*pid, SIGCONT);
        while (waitpid(*pid, NULL, 0) < 0 && errno == EINTR)
                ;
}
