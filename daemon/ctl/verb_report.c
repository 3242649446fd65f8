/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/verb_report.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "ctl/client.h"
#include "ctl/json.h"
#include "ctl/output.h"
#include "ctl/replace.h"

/* As many as a person reads. */
#define REPORT_PROCESSES  100
#define REPORT_MIGRATIONS 200

static void report_data_done(ReportData *d) {
        daemon_data_done(&d->now);
        json_object_put(d->history);
        json_object_put(d->migrations);
}

static int write_page(FILE *f, const void *userdata) {
        output_report(f, userdata);
        return 0;
}

static int write_data(FILE *f, const void *userdata) {
        cleanup_json json_object *o = json_object_new_object();
        const ReportData *d = userdata;

        if (!o || json_object_object_add(o, "status", json_object_get(d->now.properties)) < 0 ||
            json_object_object_add(o, "stats", json_object_get(d->now.stats)) < 0 ||
            json_object_object_add(o, "nodes", json_object_get(d->now.nodes)) < 0 ||
            json_object_object_add(o, "jobs", json_object_get(d->now.jobs)) < 0 ||
            json_object_object_add(o, "processes", json_object_get(d->now.processes)) < 0 ||
            json_object_object_add(o, "history", json_object_get(d->history)) < 0 ||
            json_object_object_add(o, "migrations", json_object_get(d->migrations)) < 0)
                return -ENOMEM;
        fprintf(f, "%s\n",
                json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY |
                                                          JSON_C_TO_STRING_NOSLASHESCAPE));
        return 0;
}

ExitCode verb_report(const Options *o) {
        cleanup(report_data_done) ReportData d = { 0 };
        cleanup(client_close) Client c = { 0 };
        ExitCode code;
        int r;

        if ((code = client_open(&c)) != EXIT_DONE ||
            (code = daemon_data_fetch(&d.now, &c, o->max ?: REPORT_PROCESSES, o->order)) !=
                    EXIT_DONE ||
            (code = client_call(&c, &d.history, "GetHistory", "t", UINT64_C(0))) != EXIT_DONE ||
            (code = client_call(&c, &d.migrations, "ListMigrations", "u",
                                (uint32_t)REPORT_MIGRATIONS)) != EXIT_DONE)
                return code;
        d.now_usec = clock_realtime_usec();
        r = replace_file(o->args[0], o->json ? write_data : write_page, &d);
        if (r < 0) {
                fprintf(stderr, "The report cannot be written to %s: %s\n", o->args[0],
                        strerror(-r));
                return EXIT_FAILED;
        }
        return EXIT_DONE;
}
