/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/dump.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "model/limits.h"
#include "report/bus_private.h"
#include "report/json.h"

struct DumpSnapshot {
        StatusView status; /* its strings are owned */
        Topology topology;
        Finding findings[FINDINGS_MAX];
        size_t n_findings;
        MachineView machine;
        ProcessRow *processes;
        size_t n_processes;
        Outcome *jobs;
        size_t n_jobs;
        History history;
        uint64_t now_ns;
};

DumpSnapshot *dump_snapshot_free(DumpSnapshot *s) {
        if (!s)
                return NULL;
        property_forget(&s->status);
        free(s->processes);
        free(s->jobs);
        free(s);
        return NULL;
}
DEFINE_CLEANUP(DumpSnapshot, dump_snapshot_free)

static int copy_jobs(DumpSnapshot *s, const ReportBackend *b) {
        if (!b->jobs)
                return 0;
        s->jobs = calloc(BUS_JOBS_MAX, sizeof *s->jobs);
        if (!s->jobs)
                return -ENOMEM;
        s->n_jobs = b->jobs(b->userdata, s->jobs, BUS_JOBS_MAX);
        return 0;
}

int dump_snapshot_new(DumpSnapshot **ret, const ReportBackend *b, const History *history,
                      const Finding *findings, size_t n_findings, uint64_t now_ns) {
        cleanup(cleanup_dump_snapshot_freep) DumpSnapshot *s = calloc(1, sizeof *s);
        StatusView status = { 0 };

        if (!s)
                return -ENOMEM;
        b->status(b->userdata, &status);
        TRY(property_remember(&s->status, &status));
        s->topology = *b->topology(b->userdata);
        s->n_findings = n_findings < FINDINGS_MAX ? n_findings : FINDINGS_MAX;
        memcpy(s->findings, findings, s->n_findings * sizeof *findings);
        if (b->machine)
                b->machine(b->userdata, &s->machine);
        TRY(b->processes(b->userdata, PROCESSES_MAX, ORDER_PID, &s->processes, &s->n_processes));
        TRY(copy_jobs(s, b));
        s->history = *history;
        s->now_ns = now_ns;
        *ret = TAKE_PTR(s);
        return 0;
}

static void begin(FILE *f, const char *type) {
        fprintf(f, "{\"type\":\"%s\"", type);
}

/* Ends a line; what went wrong with its fields. */
static int end(FILE *f, int r) {
        fputs("}\n", f);
        return r;
}

static int status_fields(const FieldWriter *w, const StatusView *s) {
        const struct {
                const char *key;
                const char *text;
        } texts[] = {
                { "version", s->version },
                { "mode", mode_to_string(s->mode) },
                { "state", daemon_state_to_string(s->state) },
                { "state_reason", reason_to_string(s->state_reason) },
                { "source", evidence_source_to_string(s->source) },
                { "source_reason", s->source_reason },
                { "kernel_balancing", s->kernel_balancing },
                { "last_reload_error", s->last_reload_error },
        };

        for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
                TRY(w->text(w->to, texts[i].key, texts[i].text));
        TRY(w->u64(w->to, "paused_until_usec", s->paused_until_usec));
        TRY(w->u64(w->to, "start_usec", s->start_realtime_usec));
        TRY(w->u64(w->to, "cpu_usec", s->cpu_usage_usec));
        return w->u64(w->to, "sampler_usec", s->sampler_usec);
}

static int write_counter(FILE *f, const FieldWriter *w, const char *name, uint64_t value) {
        begin(f, "counter");
        TRY(w->text(w->to, "name", name));
        return end(f, w->u64(w->to, "value", value));
}

static int write_failure(FILE *f, const FieldWriter *w, const StatusView *s, Failure failure) {
        begin(f, "failure");
        TRY(w->text(w->to, "errno", failure_to_string(failure)));
        TRY(w->u64(w->to, "value", s->failures[failure]));
        return end(f, w->u64(w->to, "bytes", s->failed_bytes[failure]));
}

static int write_status(FILE *f, const FieldWriter *w, const StatusView *s) {
        begin(f, "status");
        TRY(end(f, status_fields(w, s)));
#define DUMP_COUNTER(member, name, meaning) TRY(write_counter(f, w, name, s->counters.member));
        COUNTER_TABLE(DUMP_COUNTER)
#undef DUMP_COUNTER
        for (int i = 0; i < FAILURE_MAX; i++)
                TRY(write_failure(f, w, s, (Failure)i));
        return 0;
}

static int write_finding(FILE *f, const FieldWriter *w, const Finding *finding) {
        begin(f, "finding");
        TRY(w->text(w->to, "id", finding->id));
        TRY(w->text(w->to, "state", finding_state_to_string(finding->state)));
        return end(f, w->text(w->to, "found", finding->found));
}

static int write_process(FILE *f, const FieldWriter *w, const ProcessRow *row, const Topology *t) {
        begin(f, "process");
        TRY(fields_process(w, row, t));
        return end(f, fields_verdict(w, row, t));
}

static int write_history(FILE *f, const FieldWriter *w, const History *h, const Topology *t) {
        const HistoryRow *row;
        const HistoryJob *j;

        for (size_t i = 0; (j = history_job(h, i)); i++) {
                begin(f, "migration");
                TRY(end(f, fields_ended(w, j, t)));
        }
        for (size_t i = 0; (row = history_row(h, i)); i++) {
                begin(f, "interval");
                TRY(end(f, fields_interval(w, row)));
        }
        return 0;
}

int dump_write(FILE *f, const DumpSnapshot *s) {
        const FieldWriter w = json_writer(f);
        const Topology *t = &s->topology;

        TRY(write_status(f, &w, &s->status));
        for (size_t i = 0; i < s->n_findings; i++)
                TRY(write_finding(f, &w, &s->findings[i]));
        for (uint32_t i = 0; i < s->machine.n_nodes && i < NODES_MAX; i++) {
                begin(f, "node");
                TRY(end(f, fields_node(&w, &s->machine, i, t, s->now_ns)));
        }
        for (size_t i = 0; i < s->n_processes; i++)
                TRY(write_process(f, &w, &s->processes[i], t));
        for (size_t i = 0; i < s->n_jobs; i++) {
                begin(f, "job");
                TRY(end(f, fields_unfinished(&w, &s->jobs[i], t, s->now_ns)));
        }
        TRY(write_history(f, &w, &s->history, t));
        return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}
