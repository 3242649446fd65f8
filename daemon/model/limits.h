/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Sizes of every table that outside data could grow. Each bound has its reason; whoever fills a
 * table counts what did not fit. */

/* Nodes are numbered densely 0..n_nodes-1 inside the daemon; the kernel's ids may be sparse.
 * A NodeMask is one 64-bit word; machines of 2 to 16 nodes are the target. */
#define NODES_MAX 64

/* Debian builds its amd64 kernels with NR_CPUS = 8192. */
#define CPUS_MAX 8192

/* TASK_COMM_LEN of the kernel, including the terminating NUL. */
#define COMM_BYTES 16

/* UNIT_NAME_MAX of systemd, including the terminating NUL. */
#define UNIT_BYTES 256

/* Processes that are tracked at once; the least recently active ones are dropped (and counted). */
#define PROCESSES_MAX 16384

/* Regions remembered per process (2 MB each, or larger ones), */
#define REGIONS_PER_PROCESS_MAX 4096
/* and of all processes together: some 7 MB when all are in use. */
#define REGIONS_MAX 32768

/* Address ranges of one order. As many of REGIONS_PER_PROCESS_MAX as are worth an order of their own
 * in one job; what is left over is for a later one. */
#define MOVE_RANGES_MAX 1024

/* Finished jobs that are remembered for the control interface. */
#define HISTORY_JOBS_MAX 1024
