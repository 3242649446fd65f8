/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "report/advise.h"
#include "report/append.h"

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define cleanup_message cleanup(cleanup_sd_bus_message_unrefp)

/* Methods about the machine, the jobs and what happened lately. Each answer is one aa{sv}. */

static int begin_rows(sd_bus_message *m, sd_bus_message **ret) {
        TRY(sd_bus_message_new_method_return(m, ret));
        return sd_bus_message_open_container(*ret, 'a', "a{sv}");
}

/* Appends one row: a dictionary that holds what the expression tells the writer w. */
#define APPEND_ROW(reply, fields)                                                                  \
        ({                                                                                         \
                TRY(sd_bus_message_open_container(reply, 'a', "{sv}"));                            \
                TRY(fields);                                                                       \
                TRY(sd_bus_message_close_container(reply));                                        \
        })

static int send_rows(sd_bus_message *reply) {
        TRY(sd_bus_message_close_container(reply));
        return sd_bus_send(NULL, reply, NULL);
}

static int not_supported(sd_bus_error *error) {
        return sd_bus_error_set(error, SD_BUS_ERROR_NOT_SUPPORTED,
                                "This daemon does not tell that");
}

int method_list_nodes(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        cleanup_free MachineView *v = NULL;
        ReportBus *b = userdata;
        const Topology *t = b->backend.topology(b->backend.userdata);

        if (!b->backend.machine)
                return not_supported(error);
        v = calloc(1, sizeof *v); /* too large for the stack of a loop */
        if (!v)
                return -ENOMEM;
        b->backend.machine(b->backend.userdata, v);
        TRY(begin_rows(m, &reply));
        const FieldWriter w = append_writer(reply);
        for (uint32_t i = 0; i < v->n_nodes && i < NODES_MAX; i++)
                APPEND_ROW(reply, fields_node(&w, v, i, t, clock_monotonic_ns()));
        return send_rows(reply);
}

int method_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        cleanup_free Outcome *jobs = NULL;
        ReportBus *b = userdata;
        const Topology *t = b->backend.topology(b->backend.userdata);
        size_t n;

        if (!b->backend.jobs)
                return not_supported(error);
        jobs = calloc(BUS_JOBS_MAX, sizeof *jobs);
        if (!jobs)
                return -ENOMEM;
        n = b->backend.jobs(b->backend.userdata, jobs, BUS_JOBS_MAX);
        TRY(bus_admit_rows(b, n, error));
        TRY(begin_rows(m, &reply));
        const FieldWriter w = append_writer(reply);
        for (size_t i = 0; i < n; i++)
                APPEND_ROW(reply, fields_unfinished(&w, &jobs[i], t, clock_monotonic_ns()));
        return send_rows(reply);
}

int method_list_migrations(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        ReportBus *b = userdata;
        const Topology *t = b->backend.topology(b->backend.userdata);
        const HistoryJob *j;
        uint32_t max;

        TRY(sd_bus_message_read(m, "u", &max));
        if (max > HISTORY_JOBS_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "At most %d migrations are remembered", HISTORY_JOBS_MAX);
        TRY(bus_admit_rows(b, max ?: HISTORY_JOBS_MAX, error));
        TRY(begin_rows(m, &reply));
        const FieldWriter w = append_writer(reply);
        for (size_t i = 0; (max == 0 || i < max) && (j = history_job(&b->history, i)); i++)
                APPEND_ROW(reply, fields_ended(&w, j, t));
        return send_rows(reply);
}

int method_get_history(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        ReportBus *b = userdata;
        const HistoryRow *row;
        uint64_t since;

        TRY(sd_bus_message_read(m, "t", &since));
        TRY(bus_admit_rows(b, HISTORY_ROWS_MAX, error));
        TRY(begin_rows(m, &reply));
        const FieldWriter w = append_writer(reply);
        for (size_t i = 0; (row = history_row(&b->history, i)); i++)
                if (row->end_usec > since)
                        APPEND_ROW(reply, fields_interval(&w, row));
        return send_rows(reply);
}

void bus_look_for_findings(ReportBus *b) {
        uint64_t now_ns = clock_monotonic_ns();

        if (b->findings_ns != 0 && now_ns - b->findings_ns < BUS_FINDINGS_NSEC)
                return;
        b->n_findings = b->backend.diagnose ? b->backend.diagnose(b->backend.userdata, b->findings,
                                                                  FINDINGS_MAX)
                                            : 0;
        b->findings_ns = now_ns;
}

int method_diagnose(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        ReportBus *b = userdata;

        if (!b->backend.diagnose)
                return not_supported(error);
        bus_look_for_findings(b);
        TRY(sd_bus_message_new_method_return(m, &reply));
        TRY(sd_bus_message_open_container(reply, 'a', "(sssss)"));
        for (size_t i = 0; i < b->n_findings; i++) {
                const Finding *x = &b->findings[i];
                char found[ESCAPE_BYTES(FINDING_TEXT_BYTES)];

                escape_string(found, sizeof found, x->found);
                TRY(sd_bus_message_append(reply, "(sssss)", x->id,
                                          finding_state_to_string(x->state), found, x->effect,
                                          x->fix));
        }
        TRY(sd_bus_message_close_container(reply));
        return sd_bus_send(NULL, reply, NULL);
}

int method_advise(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        cleanup_free MachineView *v = NULL;
        ReportBus *b = userdata;
        const Topology *t = b->backend.topology(b->backend.userdata);
        NodeMask nodes;
        uint64_t bytes;
        uint32_t cpus;

        if (!b->backend.machine)
                return not_supported(error);
        TRY(sd_bus_message_read(m, "ut", &cpus, &bytes));
        if (cpus > CPUS_MAX)
                return sd_bus_error_setf(error, SD_BUS_ERROR_INVALID_ARGS,
                                         "No machine here has more than %d CPUs", CPUS_MAX);
        v = calloc(1, sizeof *v);
        if (!v)
                return -ENOMEM;
        b->backend.machine(b->backend.userdata, v);
        nodes = advise_nodes(t, v, cpus, bytes);
        TRY(sd_bus_message_new_method_return(m, &reply));
        TRY(sd_bus_message_open_container(reply, 'a', "u"));
        for (uint32_t i = 0; i < t->n_nodes; i++)
                if (node_mask_has(nodes, (int)i))
                        TRY(sd_bus_message_append(reply, "u", (uint32_t)t->node_id[i]));
        TRY(sd_bus_message_close_container(reply));
        return sd_bus_send(NULL, reply, NULL);
}

/* The answer is a pipe into which a thread writes a copy of what there is now. */
int method_dump(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        DumpSnapshot *snapshot = NULL;
        cleanup_close int fd = -1;
        ReportBus *b = userdata;

        if (!dump_workers_have_room(b->dumps))
                return sd_bus_error_set(error, BUS_ERROR_BUSY,
                                        "Other dumps are being read; ask again later");
        bus_look_for_findings(b);
        TRY(dump_snapshot_new(&snapshot, &b->backend, &b->history, b->findings, b->n_findings,
                              clock_monotonic_ns()));
        TRY(dump_workers_start(b->dumps, snapshot, &fd));
        return sd_bus_reply_method_return(m, "h", fd);
}
