/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/data.h"

void daemon_data_done(DaemonData *d) {
        json_object_put(d->properties);
        json_object_put(d->stats);
        json_object_put(d->nodes);
        json_object_put(d->jobs);
        json_object_put(d->processes);
        *d = (DaemonData) { 0 };
}

ExitCode daemon_data_fetch(DaemonData *ret, Client *c, uint32_t max, const char *order) {
        DaemonData d = { 0 };
        ExitCode code;

        if ((code = client_properties(c, &d.properties)) != EXIT_DONE ||
            (code = client_call(c, &d.stats, "GetStats", NULL)) != EXIT_DONE ||
            (code = client_call(c, &d.nodes, "ListNodes", NULL)) != EXIT_DONE ||
            (code = client_call(c, &d.jobs, "ListJobs", NULL)) != EXIT_DONE ||
            (code = client_call(c, &d.processes, "ListProcesses", "us", max, order)) != EXIT_DONE) {
                daemon_data_done(&d);
                return code;
        }
        *ret = d;
        return EXIT_DONE;
}
