/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <systemd/sd-bus.h>
#include <systemd/sd-event.h>

#include "report/backend.h"

#define BUS_NAME      "org.numabalancer1"
#define BUS_PATH      "/org/numabalancer1"
#define BUS_INTERFACE "org.numabalancer1.Manager"

/* The D-Bus face. Runs without a bus and connects when one appears (watch-bind); a lost bus is
 * reconnected. */
typedef struct ReportBus ReportBus;

/* address NULL: the system bus. The event loop is referenced, the backend copied. */
int report_bus_new(ReportBus **ret, sd_event *event, const ReportBackend *backend,
                   const char *address);
ReportBus *report_bus_free(ReportBus *b);

/* Tells subscribers that properties which emit changes have new values; call after any change of
 * the fields of StatusView that the interface marks so. Compares with what was last sent. */
void report_bus_changed(ReportBus *b);

/* Emits JobFinished. */
void report_bus_job_finished(ReportBus *b, const Outcome *outcome);
