/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "report/append.h"
#include "report/explain.h"

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define cleanup_message cleanup(cleanup_sd_bus_message_unrefp)

/* ListProcesses: rows in one answer. A row takes some 500 bytes, so an answer stays below 5 MB. */
#define LIST_DEFAULT 1000
#define LIST_MAX     10000

static int append_counters(sd_bus_message *m, const StatusView *s) {
        int r = 0;

#define COUNTER_APPEND(member, name, meaning)                                                      \
        if (r >= 0)                                                                                \
                r = sd_bus_message_append(m, "{sv}", name, "t", s->counters.member);
        COUNTER_TABLE(COUNTER_APPEND)
#undef COUNTER_APPEND
        return r;
}

/* Values by class of failure. */
static int append_failures(sd_bus_message *m, const char *key, const uint64_t *values) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", key)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a{st}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{st}")) < 0)
                return r;
        for (int i = 0; i < FAILURE_MAX; i++)
                if ((r = sd_bus_message_append(m, "{st}", failure_to_string((Failure)i),
                                               values[i])) < 0)
                        return r;
        if ((r = sd_bus_message_close_container(m)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

/* One number of each cause. */
static int append_moves(sd_bus_message *m, const char *key, const MovedPages *moves,
                        size_t member_offset) {
        int r;

        if ((r = sd_bus_message_open_container(m, 'e', "sv")) < 0 ||
            (r = sd_bus_message_append(m, "s", key)) < 0 ||
            (r = sd_bus_message_open_container(m, 'v', "a{st}")) < 0 ||
            (r = sd_bus_message_open_container(m, 'a', "{st}")) < 0)
                return r;
        for (int i = 0; i < MOVE_CAUSE_MAX; i++) {
                const char *moved = (const char *)&moves[i] + member_offset;

                if ((r = sd_bus_message_append(m, "{st}", move_cause_to_string((MoveCause)i),
                                               *(const uint64_t *)moved)) < 0)
                        return r;
        }
        if ((r = sd_bus_message_close_container(m)) < 0 ||
            (r = sd_bus_message_close_container(m)) < 0)
                return r;
        return sd_bus_message_close_container(m);
}

static int append_kernel_moves(sd_bus_message *m, const StatusView *s) {
        const MovedPages *others = s->kernel_moves.others;
        int r;

        if (!s->kernel_moves_known)
                return 0;
        if ((r = append_moves(m, "KernelPagesMoved", others, offsetof(MovedPages, moved))) < 0 ||
            (r = append_moves(m, "KernelPagesFailed", others, offsetof(MovedPages, failed))) < 0)
                return r;
        return append_moves(m, "KernelHugePagesMoved", others, offsetof(MovedPages, huge_moved));
}

int method_get_stats(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        ReportBus *b = userdata;
        StatusView s = { 0 };
        int r;

        b->backend.status(b->backend.userdata, &s);
        if ((r = sd_bus_message_new_method_return(m, &reply)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'a', "{sv}")) < 0 ||
            (r = append_counters(reply, &s)) < 0 ||
            (r = append_failures(reply, "FailuresByErrno", s.failures)) < 0 ||
            (r = append_failures(reply, "FailedBytesByErrno", s.failed_bytes)) < 0 ||
            (r = append_kernel_moves(reply, &s)) < 0 ||
            (r = sd_bus_message_append(reply, "{sv}{sv}{sv}{sv}", "SamplerUSec", "t",
                                       s.sampler_usec, "CPUUsageUSec", "t", s.cpu_usage_usec,
                                       "ProcessesTracked", "u", s.processes_tracked, "JobsActive",
                                       "u", s.jobs_active)) < 0 ||
            (r = sd_bus_message_close_container(reply)) < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

static int append_process(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        const FieldWriter w = append_writer(m);

        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(fields_process(&w, row, t));
        return sd_bus_message_close_container(m);
}

int method_list_processes(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        cleanup_free ProcessRow *rows = NULL;
        ReportBus *b = userdata;
        const char *name;
        uint32_t max;
        size_t n = 0;
        int r, order;

        if ((r = sd_bus_message_read(m, "us", &max, &name)) < 0)
                return r;
        if (max > LIST_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "At most %d processes can be listed", LIST_MAX);
        order = *name ? process_order_from_string(name) : ORDER_SCORE;
        if (order < 0)
                return sd_bus_error_set(error, SD_BUS_ERROR_INVALID_ARGS,
                                        "The order must be score, remote or pid");
        if ((r = b->backend.processes(b->backend.userdata, max ?: LIST_DEFAULT, (ProcessOrder)order,
                                      &rows, &n)) < 0 ||
            (r = bus_admit_rows(b, n, error)) < 0 ||
            (r = sd_bus_message_new_method_return(m, &reply)) < 0 ||
            (r = sd_bus_message_open_container(reply, 'a', "a{sv}")) < 0)
                return r;
        for (size_t i = 0; i < n; i++)
                TRY(append_process(reply, &rows[i], b->backend.topology(b->backend.userdata)));
        if ((r = sd_bus_message_close_container(reply)) < 0)
                return r;
        return sd_bus_send(NULL, reply, NULL);
}

/* Reads the pid argument and asks for its process. */
static int read_process(ReportBus *b, sd_bus_message *m, ProcessRow *ret, sd_bus_error *error) {
        uint32_t pid;
        int r;

        if ((r = sd_bus_message_read(m, "u", &pid)) < 0)
                return r;
        if (pid == 0 || pid > INT_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS, "%u is no process id",
                                         pid);
        r = b->backend.process(b->backend.userdata, (pid_t)pid, ret);
        if (r == -ESRCH)
                return sd_bus_error_setf(error, BUS_ERROR_NO_SUCH_PROCESS, "There is no process %u",
                                         pid);
        return r;
}

/* A dictionary of all that is known of a process: its row, the numbers behind the verdict, and with
 * detail where its memory is, as far as it is watched. */
static int append_all(ReportBus *b, sd_bus_message *reply, const ProcessRow *row, bool detail) {
        const Topology *t = b->backend.topology(b->backend.userdata);
        const FieldWriter w = append_writer(reply);
        ProcessDetail d = { 0 };

        TRY(sd_bus_message_open_container(reply, 'a', "{sv}"));
        TRY(fields_process(&w, row, t));
        TRY(fields_verdict(&w, row, t));
        if (detail && b->backend.detail &&
            b->backend.detail(b->backend.userdata, row->info.id.pid, &d) >= 0)
                TRY(fields_detail(&w, &d, t));
        return sd_bus_message_close_container(reply);
}

int method_get_process(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        ReportBus *b = userdata;
        ProcessRow row = { 0 };

        TRY(read_process(b, m, &row, error));
        TRY(sd_bus_message_new_method_return(m, &reply));
        TRY(append_all(b, reply, &row, true));
        return sd_bus_send(NULL, reply, NULL);
}

int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        char text[EXPLAIN_BYTES];
        ReportBus *b = userdata;
        StatusView s = { 0 };
        ProcessRow row = { 0 };

        TRY(read_process(b, m, &row, error));
        b->backend.status(b->backend.userdata, &s);
        explain_process(text, sizeof text, &row, b->backend.topology(b->backend.userdata),
                        clock_monotonic_ns());
        explain_daemon(text, sizeof text, &s);
        TRY(sd_bus_message_new_method_return(m, &reply));
        TRY(sd_bus_message_append(reply, "ss", reason_to_string(row.verdict.reason), text));
        TRY(append_all(b, reply, &row, false));
        return sd_bus_send(NULL, reply, NULL);
}
