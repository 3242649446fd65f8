/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdint.h>
#include <sys/types.h>

/* The real daemon on a machine that need not have several nodes: in a mount namespace of its own it
 * sees two, each with half of the CPUs. It only observes. It has the capabilities of its unit. */

/* Starts `program` and waits until it samples. Negative errno; *problem tells what failed. */
int daemon_start(pid_t *ret, const char *program, const char **problem);

/* Ends it and waits for it. */
void daemon_stop(pid_t pid);

typedef struct DaemonUse {
        uint64_t cpu_ns; /* CPU time of the process */
        uint64_t bpf_ns; /* of its BPF programs, as the kernel counts while somebody asks for it */
        uint64_t bpf_runs;
        uint64_t rss_bytes; /* at present */
        uint64_t rss_peak_bytes;
        uint64_t bpf_bytes; /* memory of its BPF maps and programs, as the kernel accounts it */
        unsigned n_maps;
} DaemonUse;

/* Reads all of it from outside. Negative errno, -ESRCH when the daemon has ended. */
int daemon_use(pid_t pid, DaemonUse *ret);
