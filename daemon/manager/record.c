/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <syslog.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "manager/internal.h"
#include "model/recording.h"
#include "report/journal.h"
#include "base/clock.h"

/* A recording of what the policy sees, which `replay` can ask it again. */

/* A recording that nobody ends must not fill the disk. */
#define RECORDING_BYTES_MAX (256ll << 20)

/* Pipes and sockets could hold up the loop. */
static int check_file(int fd) {
        struct stat st;
        int flags = fcntl(fd, F_GETFL);

        if (flags < 0 || fstat(fd, &st) < 0)
                return -errno;
        return S_ISREG(st.st_mode) && (flags & O_ACCMODE) != O_RDONLY ? 0 : -EBADF;
}

int manager_record(Manager *m, int fd, uint32_t seconds) {
        cleanup_close int copy = -1;
        int r;

        if (m->recording)
                return -EBUSY;
        if (!m->tick_source)
                return -ENODATA; /* without evaluations there is nothing to record */
        r = check_file(fd);
        if (r < 0)
                return r;
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0 || ftruncate(copy, 0) < 0 || lseek(copy, 0, SEEK_SET) < 0)
                return -errno;
        m->recording = fdopen(copy, "w");
        if (!m->recording)
                return -ENOMEM;
        copy = -1;
        m->recording_until_ns = clock_monotonic_ns() + seconds * NSEC_PER_SEC;
        r = recording_write_header(m->recording, &m->topology, &m->settings);
        if (r < 0)
                manager_record_stop(m);
        return r;
}

void manager_record_stop(Manager *m) {
        if (!m->recording)
                return;
        fclose(m->recording);
        m->recording = NULL;
}

/* After something was written: ends the recording when its time or the room is over, or it failed. */
static void written(Manager *m, int r, uint64_t now_ns) {
        if (r >= 0 && fflush(m->recording) != 0)
                r = -errno;
        if (r < 0)
                journal_log(LOG_WARNING, "The recording ends, it cannot be written: %s",
                            strerror(-r));
        if (r < 0 || now_ns >= m->recording_until_ns || ftello(m->recording) >= RECORDING_BYTES_MAX)
                manager_record_stop(m);
}

void manager_record_snapshot(Manager *m, const Snapshot *snapshot, uint64_t now_ns) {
        if (m->recording)
                written(m, recording_write_snapshot(m->recording, snapshot, now_ns), now_ns);
}

void manager_record_outcome(Manager *m, const Outcome *o, uint64_t now_ns) {
        if (m->recording)
                written(m, recording_write_outcome(m->recording, o, now_ns), now_ns);
}

void manager_record_review(Manager *m, const Outcome *o, const Evidence *after, uint64_t now_ns) {
        if (m->recording)
                written(m, recording_write_review(m->recording, o, after, now_ns), now_ns);
}
