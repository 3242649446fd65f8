/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "report/advise.h"
#include "report/append.h"
#include "report/dump.h"

DEFINE_CLEANUP(sd_bus_message, sd_bus_message_unref)
#define cleanup_message cleanup(cleanup_sd_bus_message_unrefp)

/* Methods about the machine, the jobs and what happened lately. Each answer is one aa{sv}. */

/* Unfinished jobs that are shown; the engine's queue is shorter. */
#define JOBS_MAX 1024

static int begin_rows(sd_bus_message *m, sd_bus_message **ret) {
        TRY(sd_bus_message_new_method_return(m, ret));
        return sd_bus_message_open_container(*ret, 'a', "a{sv}");
}

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
        for (uint32_t i = 0; i < v->n_nodes && i < NODES_MAX; i++)
                TRY(row_append_node(reply, v, i, t, clock_monotonic_ns()));
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
        jobs = calloc(JOBS_MAX, sizeof *jobs);
        if (!jobs)
                return -ENOMEM;
        n = b->backend.jobs(b->backend.userdata, jobs, JOBS_MAX);
        TRY(bus_admit_rows(b, n, error));
        TRY(begin_rows(m, &reply));
        for (size_t i = 0; i < n; i++)
                TRY(row_append_unfinished(reply, &jobs[i], t, clock_monotonic_ns()));
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
        for (size_t i = 0; (max == 0 || i < max) && (j = history_job(&b->history, i)); i++)
                TRY(row_append_ended(reply, j, t));
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
        for (size_t i = 0; (row = history_row(&b->history, i)); i++)
                if (row->end_usec > since)
                        TRY(row_append_history(reply, row));
        return send_rows(reply);
}

int method_diagnose(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_message sd_bus_message *reply = NULL;
        Finding findings[FINDINGS_MAX];
        ReportBus *b = userdata;
        size_t n;

        if (!b->backend.diagnose)
                return not_supported(error);
        n = b->backend.diagnose(b->backend.userdata, findings, FINDINGS_MAX);
        TRY(sd_bus_message_new_method_return(m, &reply));
        TRY(sd_bus_message_open_container(reply, 'a', "(sssss)"));
        for (size_t i = 0; i < n; i++) {
                char found[ESCAPE_BYTES(FINDING_TEXT_BYTES)];

                escape_string(found, sizeof found, findings[i].found);
                TRY(sd_bus_message_append(reply, "(sssss)", findings[i].id,
                                          finding_state_to_string(findings[i].state), found,
                                          findings[i].effect, findings[i].fix));
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

/* The answer is a file in memory, for it has no limit and nobody has to wait until it is read. */
int method_dump(sd_bus_message *m, void *userdata, sd_bus_error *error) {
        cleanup_close int fd = memfd_create("numabalancer-dump", MFD_CLOEXEC | MFD_ALLOW_SEALING);
        cleanup_fclose FILE *f = NULL;
        ReportBus *b = userdata;
        int copy;

        if (fd < 0)
                return -errno;
        /* As expensive as a list of all processes. */
        TRY(bus_admit_rows(b, BUS_ROWS_QUEUED_MAX / 8, error));
        copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        if (copy < 0)
                return -errno;
        f = fdopen(copy, "w");
        if (!f) {
                close(copy);
                return -ENOMEM;
        }
        TRY(dump_write(f, &b->backend, &b->history, clock_monotonic_ns()));
        if (lseek(fd, 0, SEEK_SET) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
                return -errno;
        return sd_bus_reply_method_return(m, "h", fd);
}
