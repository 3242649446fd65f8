/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "manager/internal.h"
#include "model/recording.h"
#include "base/clock.h"

static Manager manager;
static NodeState nodes[2];
static Snapshot snapshot;
static char path[] = "/tmp/numabalancer-record-XXXXXX";
static int fd;

static int never(sd_event_source *source, uint64_t usec, void *userdata) {
        return 0;
}

static void begin(void) {
        manager.topology = (Topology) { .n_nodes = 2,
                                        .node_id = { 0, 1 },
                                        .has_cpu = { true, true },
                                        .has_memory = { true, true },
                                        .total_bytes = { MIB, MIB },
                                        .distance = { { 10, 20 }, { 20, 10 } } };
        settings_init(&manager.settings);
        cr_assert_geq(sd_event_new(&manager.event), 0);
        cr_assert_geq(sd_event_add_time(manager.event, &manager.tick_source, CLOCK_MONOTONIC,
                                        UINT64_MAX, 0, never, NULL),
                      0);
        snapshot = (Snapshot) { .topology = &manager.topology, .nodes = nodes, .self = 1 };
        fd = mkstemp(path);
        cr_assert_geq(fd, 0);
}

static void end(void) {
        manager_record_stop(&manager);
        sd_event_source_unref(manager.tick_source);
        sd_event_unref(manager.event);
        close(fd);
        unlink(path);
}

TestSuite(manager_record, .init = begin, .fini = end);

/* Events that the file has; it must be a whole recording. */
static size_t count_events(void) {
        FILE *f = fopen(path, "re");
        Recording *r = NULL;
        RecordingEvent e;
        size_t n = 0;
        int k;

        cr_assert_eq(recording_open(&r, f), 0, "line %u", r ? recording_line(r) : 0);
        cr_assert_eq(recording_topology(r)->n_nodes, 2);
        while ((k = recording_next(r, &e)) > 0)
                n++;
        cr_assert_eq(k, 0, "line %u", recording_line(r));
        recording_free(r);
        fclose(f);
        return n;
}

Test(manager_record, ends_when_its_time_is_over) {
        uint64_t now_ns = clock_monotonic_ns();

        manager_record_snapshot(&manager, &snapshot, now_ns); /* nobody wants one: no harm */
        cr_assert_eq(write(fd, "old", 3), 3);
        cr_assert_eq(manager_record(&manager, fd, 5), 0);
        cr_assert_eq(manager_record(&manager, fd, 5), -EBUSY);
        manager_record_snapshot(&manager, &snapshot, now_ns + NSEC_PER_SEC);
        cr_assert_eq(count_events(), 1, "what was written is in the file at once");
        manager_record_snapshot(&manager, &snapshot, now_ns + 60 * NSEC_PER_SEC);
        cr_assert_null(manager.recording);
        manager_record_snapshot(&manager, &snapshot, now_ns + 61 * NSEC_PER_SEC);
        cr_assert_eq(count_events(), 2, "nothing after its end");
        cr_assert_eq(manager_record(&manager, fd, 5), 0, "and then another");
}

Test(manager_record, takes_regular_files_open_for_writing) {
        int pipes[2], reading = open(path, O_RDONLY | O_CLOEXEC);

        cr_assert_eq(pipe2(pipes, O_CLOEXEC), 0);
        cr_assert_eq(manager_record(&manager, pipes[1], 5), -EBADF,
                     "a reader could hold up the loop");
        cr_assert_eq(manager_record(&manager, reading, 5), -EBADF);
        cr_assert_null(manager.recording);
        close(pipes[0]);
        close(pipes[1]);
        close(reading);
}

Test(manager_record, needs_evaluations) {
        sd_event_source *tick = manager.tick_source;

        manager.tick_source = NULL;
        cr_assert_eq(manager_record(&manager, fd, 5), -ENODATA);
        manager.tick_source = tick;
}
