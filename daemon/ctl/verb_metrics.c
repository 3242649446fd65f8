/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/verb_metrics.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "ctl/client.h"
#include "ctl/data.h"
#include "ctl/metrics.h"

/* Units of these many processes are summed up. */
#define METRICS_PROCESSES 10000

static int write_metrics(FILE *f, MetricsFormat format, const DaemonData *data) {
        Metrics m;
        int r;

        r = metrics_begin(&m, f, format);
        if (r < 0)
                return r;
        metrics_add_all(&m, data);
        return metrics_end(&m);
}

/* Writes a file next to it and puts that in its place, so nobody ever reads half of it. */
static int replace_file(const char *path, MetricsFormat format, const DaemonData *data) {
        cleanup_free char *temporary = NULL;
        cleanup_fclose FILE *f = NULL;
        int fd, r;

        /* Collectors read *.prom; the name of the unfinished file must not end so. */
        if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
                temporary = NULL;
                return -ENOMEM;
        }
        fd = mkostemp(temporary, O_CLOEXEC);
        if (fd < 0)
                return -errno;
        f = fdopen(fd, "w");
        if (!f) {
                close(fd);
                (void)unlink(temporary);
                return -ENOMEM;
        }
        r = write_metrics(f, format, data);
        if (r >= 0 && (fchmod(fd, 0644) < 0 || rename(temporary, path) < 0))
                r = -errno;
        if (r < 0)
                (void)unlink(temporary);
        return r;
}

ExitCode verb_metrics(const Options *o) {
        MetricsFormat format = o->json          ? METRICS_JSON
                               : o->openmetrics ? METRICS_OPENMETRICS
                                                : METRICS_PROMETHEUS;
        cleanup(client_close) Client c = { 0 };
        cleanup(daemon_data_done) DaemonData data = { 0 };
        ExitCode code;
        int r;

        code = client_open_quietly(&c);
        if (code == EXIT_DONE)
                code = daemon_data_fetch(&data, &c, METRICS_PROCESSES, "score");
        if (code != EXIT_DONE && code != EXIT_NOT_RUNNING)
                fputs(c.message, stderr);
        if (o->output)
                r = replace_file(o->output, format, code == EXIT_DONE ? &data : NULL);
        else
                r = write_metrics(stdout, format, code == EXIT_DONE ? &data : NULL);
        if (r < 0) {
                fprintf(stderr, "The metrics cannot be written%s%s: %s\n", o->output ? " to " : "",
                        o->output ?: "", strerror(-r));
                return EXIT_FAILED;
        }
        return code == EXIT_NOT_RUNNING ? EXIT_DONE : code;
}
