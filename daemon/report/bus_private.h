/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "report/bus.h"
#include "report/dump_worker.h"
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
        DumpWorkers *dumps;
        Finding findings[FINDINGS_MAX]; /* of the doctor, as of findings_ns */
        size_t n_findings;
        uint64_t findings_ns;
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

/* Unfinished jobs that are shown; the engine's queue is shorter. */
#define BUS_JOBS_MAX 1024

/* What the doctor finds, b->findings, looked for anew when it is older than this: it means a walk over
 * all processes, which many callers at once must not make the loop repeat. */
#define BUS_FINDINGS_NSEC UINT64_C(2000000000)
void bus_look_for_findings(ReportBus *b);

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

/* Carries out an authorised call; m is rewound to its first argument. Returns like a method. */
typedef int (*AuthorizedCall)(ReportBus *b, sd_bus_message *m, sd_bus_error *error);

/* Finds out, without blocking, whether the sender of m may do what the polkit action (a string that
 * stays) stands for, and then runs `run` or answers AccessDenied. Arguments must have been checked
 * before. pid: the process that the call is about, told to polkit together with its unit; 0: none.
 * Returns 1, or -errno with error set. */
int authorize(ReportBus *b, sd_bus_message *m, const char *action, pid_t pid, AuthorizedCall run,
              sd_bus_error *error);

/* Lets go of the calls that are being authorised, before the connection is closed: each keeps the
 * connection alive, which in turn keeps it. */
void authorize_abandon(ReportBus *b);
