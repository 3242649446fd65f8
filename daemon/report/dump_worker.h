/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>

#include <systemd/sd-event.h>

#include "report/dump.h"

/* Threads that write snapshots into pipes, each as fast as its reader takes them: the loop waits for
 * none. */
typedef struct DumpWorkers DumpWorkers;

/* Dumps under way at once, which bounds the memory that their snapshots take; and how long a reader may
 * take, so that those who never read do not keep the others out. */
#define DUMPS_MAX         2
#define DUMP_READING_MSEC 60000

/* The event loop is referenced; priority is that of the source that clears up after a thread. */
int dump_workers_new(DumpWorkers **ret, sd_event *event, int64_t priority);

/* Whether another dump may begin. */
bool dump_workers_have_room(const DumpWorkers *w);

/* Begins to write; the snapshot is taken over in any case. *ret_fd is the reading end of the pipe, which
 * the caller closes. -EBUSY: no room; -EMFILE, -EAGAIN, -ENOMEM. */
int dump_workers_start(DumpWorkers *w, DumpSnapshot *snapshot, int *ret_fd);

/* Ends what is under way; readers see an end of file. NULL-safe. */
DumpWorkers *dump_workers_free(DumpWorkers *w);
