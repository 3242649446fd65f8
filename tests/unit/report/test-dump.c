/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "report/dump_worker.h"

/* More than a pipe holds. */
#define PROCESSES 2000

static Topology topology = { .n_nodes = 2,
                             .node_id = { 0, 4 },
                             .total_bytes = { 1 << 30, 1 << 30 } };
static size_t n_processes;

static void backend_status(void *userdata, StatusView *ret) {
        *ret = (StatusView) { .version = "1", .source_reason = "\"\n" };
}

static const Topology *backend_topology(void *userdata) {
        return &topology;
}

static int backend_processes(void *userdata, size_t max, ProcessOrder order, ProcessRow **ret,
                             size_t *ret_n) {
        ProcessRow *rows = calloc(n_processes + 1, sizeof *rows);

        cr_assert(rows);
        for (size_t i = 0; i < n_processes; i++)
                rows[i] = (ProcessRow) {
                        .info = { .id.pid = (pid_t)i + 1, .comm = "a\033\"\\\xff" },
                        .verdict = { .score = NAN, .remote_share = 0.5, .target_node = 1 },
                        .state = "watched",
                };
        *ret = rows;
        *ret_n = n_processes;
        return 0;
}

static const ReportBackend backend = {
        .status = backend_status,
        .topology = backend_topology,
        .processes = backend_processes,
};

static sd_event *event;
static DumpWorkers *workers;

static void set_up(void) {
        n_processes = PROCESSES;
        cr_assert_geq(sd_event_new(&event), 0);
        cr_assert_eq(dump_workers_new(&workers, event, 10), 0);
}

static void tear_down(void) {
        dump_workers_free(workers);
        sd_event_unref(event);
}

TestSuite(dump, .init = set_up, .fini = tear_down, .timeout = 30);

static DumpSnapshot *snapshot(void) {
        static const Finding finding = { "btf", FINDING_GOOD, "there", "", "" };
        static History history;
        DumpSnapshot *s = NULL;

        cr_assert_eq(dump_snapshot_new(&s, &backend, &history, &finding, 1, 5), 0);
        return s;
}

static int start(void) {
        int fd = -1;

        cr_assert_eq(dump_workers_start(workers, snapshot(), &fd), 0);
        return fd;
}

/* Lets the loop go on until a place is free again. */
static void wait_for_room(void) {
        for (int i = 0; i < 1000 && !dump_workers_have_room(workers); i++)
                (void)sd_event_run(event, 10000);
        cr_assert(dump_workers_have_room(workers));
}

Test(dump, lines) {
        cleanup_free char *text = NULL;
        size_t size = 0, lines = 0;
        FILE *f = open_memstream(&text, &size);
        DumpSnapshot *s;

        n_processes = 1;
        s = snapshot();
        cr_assert_eq(dump_write(f, s), 0);
        fclose(f);
        dump_snapshot_free(s);
        for (const char *p = text; (p = strchr(p, '\n')); p++)
                lines += p[-1] == '}';
        cr_assert_gt(lines, 40);
        cr_assert(strstr(text, "{\"type\":\"process\",\"pid\":1,\"starttime\":0,"
                               "\"comm\":\"a\\\\x1b\\\"\\\\x5c\\\\xff\",\"unit\":\"\""),
                  "%s", text);
        cr_assert(strstr(text, "\"source_reason\":\"\\\"\\\\x0a\""), "%s", text);
        cr_assert(strstr(text, "\"home_node\":0,\"target_node\":4"), "ids of the kernel: %s", text);
        cr_assert_null(strstr(text, "\"score\""), "what is not known is left out");
        cr_assert(strstr(text, "{\"type\":\"finding\",\"id\":\"btf\",\"state\":\"good\""), "%s",
                  text);
}

Test(dump, full_disk) {
        DumpSnapshot *s = snapshot();
        FILE *f = fopen("/dev/full", "we");

        cr_assert_eq(dump_write(f, s), -EIO);
        fclose(f);
        dump_snapshot_free(s);
}

Test(dump, reader_gets_everything) {
        cleanup_fclose FILE *f = fdopen(start(), "r");
        cleanup_free char *line = NULL;
        size_t size = 0, n = 0;

        while (getline(&line, &size, f) > 0)
                n += strncmp(line, "{\"type\":\"process\"", 17) == 0;
        cr_assert_eq(n, PROCESSES);
        wait_for_room();
}

Test(dump, places_are_bounded) {
        int fds[DUMPS_MAX], fd = -1;

        for (size_t i = 0; i < DUMPS_MAX; i++)
                fds[i] = start(); /* nobody reads: the threads wait */
        (void)sd_event_run(event, 0);
        cr_assert_not(dump_workers_have_room(workers));
        cr_assert_eq(dump_workers_start(workers, snapshot(), &fd), -EBUSY);
        cr_assert_eq(fd, -1);
        for (size_t i = 0; i < DUMPS_MAX; i++)
                close(fds[i]);
        wait_for_room();
}

Test(dump, reader_leaves_in_the_middle) {
        for (int i = 0; i < 10; i++) {
                char half[4096];
                int fd = start();

                cr_assert_gt(read(fd, half, sizeof half), 0);
                close(fd);
                wait_for_room();
        }
}

Test(dump, end_does_not_wait_for_a_reader) {
        struct pollfd p = { .fd = start(), .events = POLLIN };
        time_t begin = time(NULL);
        char buf[65536];
        ssize_t n;

        cr_assert_eq(poll(&p, 1, 10000), 1, "it has begun");
        workers = dump_workers_free(workers);
        cr_assert_leq(time(NULL) - begin, 10);
        while ((n = read(p.fd, buf, sizeof buf)) > 0)
                ;
        cr_assert_eq(n, 0, "end of file");
        close(p.fd);
}
