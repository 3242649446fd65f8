/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/dump_worker.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"

/* As much as a line of JSON and a page of them need. */
#define STACK_BYTES (256 * 1024)

typedef struct Dump {
        DumpWorkers *workers;
        pthread_t thread;
        bool used;        /* the thread has to be joined */
        atomic_bool done; /* and that will not take long */
        DumpSnapshot *snapshot;
        int fd; /* writing end of the pipe, non-blocking */
        uint64_t deadline_ns;
        bool failed; /* the reader has left, or takes too long */
} Dump;

struct DumpWorkers {
        sd_event_source *source;
        int done_fd; /* readable when a thread is done */
        int stop_fd; /* readable when all are to end */
        Dump dumps[DUMPS_MAX];
};

/* Waits until the pipe takes more; false when nothing more is to be written. */
static bool wait_for_reader(Dump *d) {
        struct pollfd fds[] = {
                { .fd = d->fd, .events = POLLOUT },
                { .fd = d->workers->stop_fd, .events = POLLIN },
        };
        uint64_t now_ns = clock_monotonic_ns();
        int r;

        if (now_ns >= d->deadline_ns)
                return false;
        r = poll(fds, 2, (int)((d->deadline_ns - now_ns) / 1000000) + 1);
        return (r > 0 && fds[1].revents == 0) || (r < 0 && errno == EINTR);
}

/* For fopencookie(3): bytes written, 0 for an error. */
static ssize_t write_pipe(void *cookie, const char *buf, size_t size) {
        Dump *d = cookie;
        size_t written = 0;

        while (!d->failed && written < size) {
                ssize_t n = write(d->fd, buf + written, size - written);

                if (n >= 0)
                        written += (size_t)n;
                else if (errno != EINTR && (errno != EAGAIN || !wait_for_reader(d)))
                        d->failed = true;
        }
        return d->failed ? 0 : (ssize_t)written;
}

static void *run(void *userdata) {
        Dump *d = userdata;
        sigset_t all;
        FILE *f;

        /* A reader that leaves is told by EPIPE; all other signals are the loop's. */
        sigfillset(&all);
        pthread_sigmask(SIG_SETMASK, &all, NULL);
        f = fopencookie(d, "w", (cookie_io_functions_t) { .write = write_pipe });
        if (f) {
                (void)dump_write(f, d->snapshot);
                fclose(f);
        }
        d->snapshot = dump_snapshot_free(d->snapshot);
        close(d->fd);
        atomic_store(&d->done, true);
        (void)eventfd_write(d->workers->done_fd, 1);
        return NULL;
}

/* Lets go of threads that are done. */
static int on_done(sd_event_source *source, int fd, uint32_t revents, void *userdata) {
        DumpWorkers *w = userdata;
        eventfd_t unused;

        (void)eventfd_read(fd, &unused);
        for (size_t i = 0; i < DUMPS_MAX; i++)
                if (w->dumps[i].used && atomic_load(&w->dumps[i].done)) {
                        pthread_join(w->dumps[i].thread, NULL);
                        w->dumps[i].used = false;
                }
        return 0;
}

static Dump *free_place(const DumpWorkers *w) {
        for (size_t i = 0; i < DUMPS_MAX; i++)
                if (!w->dumps[i].used)
                        return (Dump *)&w->dumps[i];
        return NULL;
}

bool dump_workers_have_room(const DumpWorkers *w) {
        return free_place(w) != NULL;
}

static int start_thread(Dump *d) {
        pthread_attr_t attributes;
        int r = pthread_attr_init(&attributes);

        if (r == 0) {
                (void)pthread_attr_setstacksize(&attributes, STACK_BYTES);
                r = pthread_create(&d->thread, &attributes, run, d);
                pthread_attr_destroy(&attributes);
        }
        return -r;
}

/* A pipe of which only the writing end does not block: the other is the caller's business. */
static int make_pipe(int *ret_read, int *ret_write) {
        int ends[2];

        if (pipe2(ends, O_CLOEXEC) < 0)
                return -errno;
        if (fcntl(ends[1], F_SETFL, O_WRONLY | O_NONBLOCK) < 0) {
                int r = -errno;

                close(ends[0]);
                close(ends[1]);
                return r;
        }
        *ret_read = ends[0];
        *ret_write = ends[1];
        return 0;
}

int dump_workers_start(DumpWorkers *w, DumpSnapshot *snapshot, int *ret_fd) {
        cleanup_close int read_fd = -1, write_fd = -1;
        Dump *d = free_place(w);
        int r = d ? make_pipe(&read_fd, &write_fd) : -EBUSY;

        if (r < 0) {
                dump_snapshot_free(snapshot);
                return r;
        }
        d->workers = w;
        d->snapshot = snapshot;
        d->fd = write_fd;
        d->deadline_ns = clock_monotonic_ns() + DUMP_READING_MSEC * UINT64_C(1000000);
        d->failed = false;
        atomic_store(&d->done, false);
        r = start_thread(d);
        if (r < 0) {
                d->snapshot = dump_snapshot_free(d->snapshot);
                return r;
        }
        d->used = true;
        (void)TAKE_FD(write_fd);
        *ret_fd = TAKE_FD(read_fd);
        return 0;
}

int dump_workers_new(DumpWorkers **ret, sd_event *event, int64_t priority) {
        DumpWorkers *w = calloc(1, sizeof *w);
        int r;

        if (!w)
                return -ENOMEM;
        w->done_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        w->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        r = w->done_fd < 0 || w->stop_fd < 0
                    ? -errno
                    : sd_event_add_io(event, &w->source, w->done_fd, EPOLLIN, on_done, w);
        if (r >= 0)
                r = sd_event_source_set_priority(w->source, priority);
        if (r < 0) {
                dump_workers_free(w);
                return r;
        }
        (void)sd_event_source_set_description(w->source, "dumps");
        *ret = w;
        return 0;
}

DumpWorkers *dump_workers_free(DumpWorkers *w) {
        if (!w)
                return NULL;
        (void)eventfd_write(w->stop_fd, 1);
        for (size_t i = 0; i < DUMPS_MAX; i++)
                if (w->dumps[i].used)
                        pthread_join(w->dumps[i].thread, NULL);
        sd_event_source_disable_unref(w->source);
        if (w->done_fd >= 0)
                close(w->done_fd);
        if (w->stop_fd >= 0)
                close(w->stop_fd);
        free(w);
        return NULL;
}
