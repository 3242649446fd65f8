/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/verb_metrics.h"

#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/data.h"
#include "ctl/metrics.h"
#include "ctl/replace.h"

/* Units of these many processes are summed up. */
#define METRICS_PROCESSES 10000

typedef struct MetricsJob {
        MetricsFormat format;
        const DaemonData *data; /* NULL: the daemon is not there */
} MetricsJob;

static int write_metrics(FILE *f, const void *userdata) {
        const MetricsJob *job = userdata;
        Metrics m;
        int r;

        r = metrics_begin(&m, f, job->format);
        if (r < 0)
                return r;
        metrics_add_all(&m, job->data);
        return metrics_end(&m);
}

ExitCode verb_metrics(const Options *o) {
        MetricsJob job = { .format = o->json          ? METRICS_JSON
                                     : o->openmetrics ? METRICS_OPENMETRICS
                                                      : METRICS_PROMETHEUS };
        cleanup(client_close) Client c = { 0 };
        cleanup(daemon_data_done) DaemonData data = { 0 };
        ExitCode code;
        int r;

        code = client_open_quietly(&c);
        if (code == EXIT_DONE)
                code = daemon_data_fetch(&data, &c, METRICS_PROCESSES, "score");
        if (code != EXIT_DONE && code != EXIT_NOT_RUNNING)
                fputs(c.message, stderr);
        job.data = code == EXIT_DONE ? &data : NULL;
        r = o->output ? replace_file(o->output, write_metrics, &job) : write_metrics(stdout, &job);
        if (r < 0) {
                fprintf(stderr, "The metrics cannot be written%s%s: %s\n", o->output ? " to " : "",
                        o->output ?: "", strerror(-r));
                return EXIT_FAILED;
        }
        return code == EXIT_NOT_RUNNING ? EXIT_DONE : code;
}
