/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <json-c/json.h>

#include "ctl/client.h"

/* What the daemon tells at one moment: its properties, and the answers of GetStats, ListNodes,
 * ListJobs and ListProcesses. */
typedef struct DaemonData {
        json_object *properties;
        json_object *stats;
        json_object *nodes;
        json_object *jobs;
        json_object *processes;
} DaemonData;

/* At most max processes (0: the daemon's default) in an order as ListProcesses takes it. *ret is
 * written only on success. */
ExitCode daemon_data_fetch(DaemonData *ret, Client *c, uint32_t max, const char *order);

/* Accepts a zeroed struct; leaves it zeroed. */
void daemon_data_done(DaemonData *d);
