/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/dump.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/mathx.h"
#include "model/limits.h"
#include "report/describe.h"

/* Unfinished jobs that are shown, as for ListJobs. */
#define DUMP_JOBS_MAX 1024

static void begin(FILE *f, const char *type) {
        fprintf(f, "{\"type\":\"%s\"", type);
}

static void end(FILE *f) {
        fputs("}\n", f);
}

/* What escape_string() made of control characters are backslashes to JSON. */
static void put_text(FILE *f, const char *key, const char *raw) {
        char text[ESCAPE_BYTES(1024)];

        escape_string(text, sizeof text, raw ?: "");
        fprintf(f, ",\"%s\":\"", key);
        for (const char *p = text; *p; p++) {
                if (*p == '"' || *p == '\\')
                        fputc('\\', f);
                fputc(*p, f);
        }
        fputc('"', f);
}

static void put_u64(FILE *f, const char *key, uint64_t value) {
        fprintf(f, ",\"%s\":%" PRIu64, key, value);
}

static void put_int(FILE *f, const char *key, int value) {
        fprintf(f, ",\"%s\":%d", key, value);
}

/* JSON has no infinity; what is not known is left out. */
static void put_double(FILE *f, const char *key, double value) {
        if (isfinite(value))
                fprintf(f, ",\"%s\":%.9g", key, value);
}

static void dump_status(FILE *f, const StatusView *s) {
        begin(f, "status");
        put_text(f, "version", s->version);
        put_text(f, "mode", mode_to_string(s->mode));
        put_text(f, "state", daemon_state_to_string(s->state));
        put_text(f, "state_reason", reason_to_string(s->state_reason));
        put_text(f, "source", evidence_source_to_string(s->source));
        put_text(f, "source_reason", s->source_reason);
        put_text(f, "kernel_balancing", s->kernel_balancing);
        put_text(f, "last_reload_error", s->last_reload_error);
        put_u64(f, "paused_until_usec", s->paused_until_usec);
        put_u64(f, "start_usec", s->start_realtime_usec);
        put_u64(f, "cpu_usec", s->cpu_usage_usec);
        put_u64(f, "sampler_usec", s->sampler_usec);
        end(f);
#define DUMP_COUNTER(member, name, meaning)                                                        \
        begin(f, "counter");                                                                       \
        put_text(f, "name", name);                                                                 \
        put_u64(f, "value", s->counters.member);                                                   \
        end(f);
        COUNTER_TABLE(DUMP_COUNTER)
#undef DUMP_COUNTER
        for (int i = 0; i < FAILURE_MAX; i++) {
                begin(f, "failure");
                put_text(f, "errno", failure_to_string((Failure)i));
                put_u64(f, "value", s->failures[i]);
                end(f);
        }
}

static void dump_process(FILE *f, const ProcessRow *row, const Topology *t) {
        const Verdict *v = &row->verdict;

        begin(f, "process");
        put_u64(f, "pid", (uint64_t)row->info.id.pid);
        put_u64(f, "starttime", row->info.id.starttime);
        put_text(f, "comm", row->info.comm);
        put_text(f, "unit", row->info.unit);
        put_text(f, "source", evidence_source_to_string(row->source));
        put_text(f, "state", row->state);
        put_text(f, "reason", reason_to_string(v->reason));
        put_double(f, "observed", v->observed);
        put_double(f, "threshold", v->threshold);
        put_double(f, "samples", v->samples);
        put_double(f, "score", v->score);
        put_double(f, "remote_share", v->remote_share);
        put_double(f, "remote_lower", v->remote_lower);
        put_double(f, "remote_upper", v->remote_upper);
        put_double(f, "cpu_share", v->cpu_ns / 1e9);
        put_int(f, "home_node", describe_node_id(t, v->home_node));
        put_int(f, "run_node", describe_node_id(t, v->run_node));
        put_int(f, "target_node", describe_node_id(t, v->target_node));
        put_u64(f, "rss_bytes", row->info.rss_bytes);
        end(f);
}

static int dump_processes(FILE *f, const ReportBackend *b, const Topology *t) {
        cleanup_free ProcessRow *rows = NULL;
        size_t n = 0;
        int r = b->processes(b->userdata, PROCESSES_MAX, ORDER_PID, &rows, &n);

        for (size_t i = 0; r >= 0 && i < n; i++)
                dump_process(f, &rows[i], t);
        return r;
}

static int dump_nodes(FILE *f, const ReportBackend *b, const Topology *t, uint64_t now_ns) {
        cleanup_free MachineView *v = NULL;

        if (!b->machine)
                return 0;
        v = calloc(1, sizeof *v);
        if (!v)
                return -ENOMEM;
        b->machine(b->userdata, v);
        for (uint32_t i = 0; i < v->n_nodes && i < NODES_MAX; i++) {
                begin(f, "node");
                put_int(f, "node", describe_node_id(t, (int)i));
                put_u64(f, "memory_bytes", t->total_bytes[i]);
                put_u64(f, "available_bytes", v->nodes[i].available_bytes);
                put_u64(f, "blocked_usec", sub_sat(v->nodes[i].blocked_until_ns, now_ns) / 1000);
                put_double(f, "cpu_share", v->cpu_ns[i] / 1e9);
                fputs(",\"accesses\":[", f);
                for (uint32_t k = 0; k < v->n_nodes; k++)
                        fprintf(f, "%s%.9g", k ? "," : "", v->access[i][k]);
                fputc(']', f);
                end(f);
        }
        return 0;
}

static void dump_job(FILE *f, const char *type, const Outcome *o, const Topology *t,
                     uint64_t end_usec) {
        char nodes[DESCRIBE_NODES_BYTES];

        begin(f, type);
        put_u64(f, "job", o->job);
        put_u64(f, "pid", (uint64_t)o->move.id.pid);
        put_text(f, "comm", o->move.comm);
        put_text(f, "from_nodes", describe_node_list(nodes, sizeof nodes, t, o->move.from));
        put_int(f, "to_node", describe_node_id(t, o->move.to));
        put_text(f, "state", job_state_to_string(o->state));
        put_text(f, "reason", reason_to_string(o->reason));
        put_text(f, "limit", limit_to_string(o->limit));
        put_u64(f, "pages_planned", o->pages_planned);
        put_u64(f, "pages_moved", o->pages_moved);
        put_u64(f, "pages_failed", o->pages_failed);
        put_u64(f, "pages_retry", o->pages_retry);
        put_u64(f, "bytes_moved", o->bytes_moved);
        put_u64(f, "passes", o->passes);
        put_double(f, "remote_before", o->move.remote_before);
        if (end_usec) {
                put_double(f, "remote_after", o->remote_after);
                put_u64(f, "end_usec", end_usec);
        }
        end(f);
}

static int dump_jobs(FILE *f, const ReportBackend *b, const History *history, const Topology *t) {
        cleanup_free Outcome *jobs = calloc(DUMP_JOBS_MAX, sizeof *jobs);
        const HistoryJob *j;
        size_t n;

        if (!jobs)
                return -ENOMEM;
        n = b->jobs ? b->jobs(b->userdata, jobs, DUMP_JOBS_MAX) : 0;
        for (size_t i = 0; i < n; i++)
                dump_job(f, "job", &jobs[i], t, 0);
        for (size_t i = 0; (j = history_job(history, i)); i++)
                dump_job(f, "migration", &j->outcome, t, j->end_usec);
        return 0;
}

static void dump_intervals(FILE *f, const History *history) {
        const HistoryRow *row;

        for (size_t i = 0; (row = history_row(history, i)); i++) {
                begin(f, "interval");
                put_u64(f, "end_usec", row->end_usec);
                put_u64(f, "interval_usec", row->interval_usec);
                put_u64(f, "accesses", row->accesses);
                put_u64(f, "remote", row->remote);
                put_u64(f, "bytes_moved", row->bytes_moved);
                put_u64(f, "pages_failed", row->pages_failed);
                put_u64(f, "cpu_usec", row->cpu_usec);
                end(f);
        }
}

static void dump_findings(FILE *f, const ReportBackend *b) {
        Finding findings[FINDINGS_MAX];
        size_t n = b->diagnose ? b->diagnose(b->userdata, findings, FINDINGS_MAX) : 0;

        for (size_t i = 0; i < n; i++) {
                begin(f, "finding");
                put_text(f, "id", findings[i].id);
                put_text(f, "state", finding_state_to_string(findings[i].state));
                put_text(f, "found", findings[i].found);
                end(f);
        }
}

int dump_write(FILE *f, const ReportBackend *b, const History *history, uint64_t now_ns) {
        const Topology *t = b->topology(b->userdata);
        StatusView s = { 0 };
        int r;

        b->status(b->userdata, &s);
        dump_status(f, &s);
        dump_findings(f, b);
        if ((r = dump_nodes(f, b, t, now_ns)) < 0 || (r = dump_processes(f, b, t)) < 0 ||
            (r = dump_jobs(f, b, history, t)) < 0)
                return r;
        dump_intervals(f, history);
        return fflush(f) != 0 || ferror(f) ? -EIO : 0;
}
