/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "report/backend.h"

#define BUS_NAME      "org.numabalancer1"
#define BUS_PATH      "/org/numabalancer1"
#define BUS_INTERFACE "org.numabalancer1.Manager"

/* Event priority of everything on the bus (a larger number waits for a smaller one). The manager's
 * tick must use SD_EVENT_PRIORITY_NORMAL or less: then at most one message is handled between two
 * looks at the tick, so a flood of calls cannot delay it. */
#define BUS_EVENT_PRIORITY (SD_EVENT_PRIORITY_NORMAL + 10)

/* Errors of the interface besides org.freedesktop.DBus.Error.AccessDenied and .InvalidArgs. */
#define BUS_ERROR_NO_SUCH_PROCESS "org.numabalancer1.Error.NoSuchProcess"
#define BUS_ERROR_NOT_ALLOWED     "org.numabalancer1.Error.NotAllowed"
#define BUS_ERROR_BUSY            "org.numabalancer1.Error.Busy"
#define BUS_ERROR_NO_SUCH_JOB     "org.numabalancer1.Error.NoSuchJob"
#define BUS_ERROR_INVALID_NODE    "org.numabalancer1.Error.InvalidNode"
#define BUS_ERROR_PAUSED          "org.numabalancer1.Error.Paused"
#define BUS_ERROR_CONFIG_INVALID  "org.numabalancer1.Error.ConfigInvalid"

/* The D-Bus face. Runs without a bus and connects when one appears (watch-bind); a lost bus is
 * reconnected. */
typedef struct ReportBus ReportBus;

/* address NULL: the system bus. The event loop is referenced, the backend copied. Succeeds without
 * a bus; fails only for lack of memory or when the address cannot be parsed. */
int report_bus_new(ReportBus **ret, sd_event *event, const ReportBackend *backend,
                   const char *address);
ReportBus *report_bus_free(ReportBus *b);

/* Tells subscribers that properties which emit changes have new values; call after any change of
 * the fields of StatusView that the interface marks so. Compares with what was last sent. */
void report_bus_changed(ReportBus *b);

/* Emits JobFinished and remembers the job for ListMigrations. */
void report_bus_job_finished(ReportBus *b, const Outcome *outcome);

/* The effect of a job that had ended is known: outcome->remote_after is filled in. */
void report_bus_job_verified(ReportBus *b, const Outcome *outcome);

typedef enum BusState {
        BUS_STATE_UNREACHABLE,
        BUS_STATE_REACHED,  /* connected, or about to be; the name has been asked for */
        BUS_STATE_NAMELESS, /* connected, but the name was refused or is another's */
        BUS_STATE_SERVING,
        BUS_STATE_MAX,
} BusState;

BusState report_bus_state(const ReportBus *b);
