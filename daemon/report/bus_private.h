/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "report/bus.h"
#include "report/history.h"

/* Shared by the files of the D-Bus face only. */

/* Callers whose authorisation is being checked at once; more get the error Busy. */
#define BUS_PENDING_MAX 64

/* Callers other than root for whom polkit is being asked, which takes as long as typing a password.
 * Counted apart, so that they cannot keep root out. */
#define BUS_POLKIT_MAX 16

/* Actions of conf/org.numabalancer1.policy. */
#define ACTION_PAUSE   "org.numabalancer1.pause"
#define ACTION_RELOAD  "org.numabalancer1.reload"
#define ACTION_MIGRATE "org.numabalancer1.migrate"

typedef struct Pending Pending;

struct ReportBus {
        sd_event *event;
        sd_event_source *retry;
        char *address;
        ReportBackend backend;
        sd_bus *bus;
        StatusView sent;          /* what subscribers know; its strings are owned */
        sd_event_source *sampler; /* ends an interval of the history */
        History history;
        Pending *pending; /* callers whose authorisation is being checked */
        unsigned n_pending;
        unsigned n_polkit;
        size_t rows_queued; /* rows of lists sent since the queue to the bus was empty */
        unsigned failures;  /* connections lost or refused in a row */
        BusState state;
};

/* org.numabalancer1.Manager and org.freedesktop.LogControl1; userdata is the ReportBus. */
extern const sd_bus_vtable manager_vtable[];
extern const sd_bus_vtable log_control_vtable[];

#define LOG_CONTROL_PATH      "/org/freedesktop/LogControl1"
#define LOG_CONTROL_INTERFACE "org.freedesktop.LogControl1"

/* Getter of all properties of the Manager. */
int property_get(sd_bus *bus, const char *path, const char *interface, const char *property,
                 sd_bus_message *reply, void *userdata, sd_bus_error *error);

/* The names, NULL-terminated, of properties that emit changes and differ between a and b, into
 * ret (of PROPERTY_EMITTING + 1 places). Returns their number. */
#define PROPERTY_EMITTING 9
unsigned property_differences(const StatusView *a, const StatusView *b, char **ret);

/* Replaces what subscribers know. -ENOMEM leaves it unchanged. */
int property_remember(StatusView *known, const StatusView *now);
void property_forget(StatusView *known);

/* Answers with lists can be long, and a caller who asks faster than the bus takes answers must not
 * make the daemon grow. Rows (some 500 bytes each) that may wait; beyond, lists are refused. */
#define BUS_ROWS_QUEUED_MAX 40000

/* 0 and the rows are accounted for, or -EBUSY with the error set. */
int bus_admit_rows(ReportBus *b, size_t rows, sd_bus_error *error);

/* Methods. */
int method_get_stats(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list_processes(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_process(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_explain(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_pause(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_resume(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_reload(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_record(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_migrate(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_cancel_job(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list_nodes(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list_jobs(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_list_migrations(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_advise(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_dump(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_diagnose(sd_bus_message *m, void *userdata, sd_bus_error *error);
int method_get_history(sd_bus_message *m, void *userdata, sd_bus_error *error);

/* Appends one element of the array that ListProcesses returns. */
int row_append_process(sd_bus_message *m, const ProcessRow *row, const Topology *t);

/* Appends the pairs of one process, into an open a{sv}: those of the list, then the numbers behind
 * the verdict. */
int row_append_keys(sd_bus_message *m, const ProcessRow *row, const Topology *t);
int row_append_numbers(sd_bus_message *m, const ProcessRow *row, const Topology *t);

int row_append_detail(sd_bus_message *m, const ProcessDetail *d, const Topology *t);

/* Appends one job to an open a{sv}; then one element each of the arrays that ListMigrations, ListJobs,
 * ListNodes and GetHistory return. */
int row_append_job(sd_bus_message *m, const Outcome *o, const Topology *t);
int row_append_ended(sd_bus_message *m, const HistoryJob *j, const Topology *t);
int row_append_unfinished(sd_bus_message *m, const Outcome *o, const Topology *t, uint64_t now_ns);
int row_append_node(sd_bus_message *m, const MachineView *v, uint32_t i, const Topology *t,
                    uint64_t now_ns);
int row_append_history(sd_bus_message *m, const HistoryRow *h);

/* Carries out an authorised call; m is rewound to its first argument. Returns like a method. */
typedef int (*AuthorizedCall)(ReportBus *b, sd_bus_message *m, sd_bus_error *error);

/* Finds out, without blocking, whether the sender of m may do what the polkit action (a string that
 * stays) stands for, and then runs `run` or answers AccessDenied. Arguments must have been checked
 * before. Returns 1, or -errno with error set. */
int authorize(ReportBus *b, sd_bus_message *m, const char *action, AuthorizedCall run,
              sd_bus_error *error);

/* Lets go of the calls that are being authorised, before the connection is closed: each keeps the
 * connection alive, which in turn keeps it. */
void authorize_abandon(ReportBus *b);
