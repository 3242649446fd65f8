/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/mathx.h"
#include "report/describe.h"
#include "report/limiter.h"
#include "report/record.h"
#include "report/sink.h"

static Limiter limiter;

static uint64_t clock_ns(void) {
        struct timespec ts;

        if (clock_gettime(CLOCK_MONOTONIC, &ts) < 0)
                return 0;
        return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* A process as a subject of the limiter; pid 0 stands for the daemon itself. */
static uint64_t process_key(ProcessId id) {
        return (uint64_t)id.pid << 32 ^ id.starttime;
}

/* Sends the record unless its kind was told too often about this subject; frees it. */
static void submit(Record *r, MessageKind kind, uint64_t subject) {
        const MessageInfo *info = message_info(kind);
        /* Multiplying spreads the subjects so that kinds do not meet in one key. */
        uint64_t key = subject * UINT64_C(0x9e3779b97f4a7c15) + (uint64_t)kind;
        unsigned dropped = 0;

        if (limiter_pass(&limiter, key, info->burst, (uint64_t)info->interval_sec * 1000000000u,
                         clock_ns(), &dropped)) {
                if (dropped) {
                        cleanup_free char *text = TAKE_PTR(r->message);

                        record_set_message(r, "%s (%u more like this not shown)", text ?: "",
                                           dropped);
                        record_add(r, "NUMABALANCER_SUPPRESSED", "%u", dropped);
                }
                sink_send(r);
        }
        record_done(r);
}

static void add_status(Record *r, const StatusView *s) {
        record_add(r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(s->source));
        record_add(r, "NUMABALANCER_REASON", "%s", reason_to_string(s->state_reason));
}

void journal_started(const StatusView *status) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_STARTED);
        add_status(&r, status);
        record_set_message(&r, "%s", describe_started(text, sizeof text, status));
        submit(&r, MESSAGE_STARTED, 0);
}

void journal_stopping(const StatusView *status) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_STOPPING);
        add_status(&r, status);
        record_set_message(&r, "%s", describe_stopping(text, sizeof text, status));
        submit(&r, MESSAGE_STOPPING, 0);
}

void journal_state_changed(const StatusView *status) {
        MessageKind kind =
                status->state == STATE_STOPPED ? MESSAGE_PING_PONG_STOP : MESSAGE_STATE_CHANGED;
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, kind);
        add_status(&r, status);
        record_set_message(&r, "%s", describe_state(text, sizeof text, status));
        submit(&r, kind, 0);
}

void journal_source_changed(const StatusView *status) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_SOURCE_CHANGED);
        add_status(&r, status);
        record_set_message(&r, "%s", describe_source(text, sizeof text, status));
        submit(&r, MESSAGE_SOURCE_CHANGED, 0);
}

void journal_migration(const Outcome *outcome, const Topology *t, EvidenceSource source) {
        MessageKind kind = describe_outcome_kind(outcome);
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, kind);
        record_add_move(&r, &outcome->move, t);
        record_add_outcome(&r, outcome);
        record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(source));
        record_set_message(&r, "%s", describe_outcome(text, sizeof text, outcome, t));
        submit(&r, kind, process_key(outcome->move.id));
}

void journal_would_migrate(const Move *move, const Topology *t, EvidenceSource source) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_WOULD_MIGRATE);
        record_add_move(&r, move, t);
        record_add(&r, "NUMABALANCER_BYTES_PLANNED", "%" PRIu64, move->bytes);
        record_add(&r, "NUMABALANCER_GAIN_USEC", "%" PRIu64,
                   double_to_u64(move->benefit_ns / 1000));
        record_add(&r, "NUMABALANCER_COST_USEC", "%" PRIu64, double_to_u64(move->cost_ns / 1000));
        record_add(&r, "NUMABALANCER_REASON", "%s", reason_to_string(REASON_OBSERVE_MODE));
        record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(source));
        record_set_message(&r, "%s", describe_would_migrate(text, sizeof text, move, t));
        submit(&r, MESSAGE_WOULD_MIGRATE, process_key(move->id));
}

void journal_job_retried(const Outcome *outcome, const Topology *t) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_JOB_RETRIED);
        record_add_move(&r, &outcome->move, t);
        record_add_outcome(&r, outcome);
        record_set_message(&r, "%s", describe_retry(text, sizeof text, outcome, t));
        submit(&r, MESSAGE_JOB_RETRIED, process_key(outcome->move.id));
}

void journal_left_alone(const ProcessInfo *info, const Verdict *v, EvidenceSource source,
                        uint64_t now_ns) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_LEFT_ALONE);
        record_add(&r, "NUMABALANCER_PID", "%d", (int)info->id.pid);
        record_add(&r, "NUMABALANCER_STARTTIME", "%" PRIu64, info->id.starttime);
        record_add_text(&r, "NUMABALANCER_COMM", info->comm);
        record_add_text(&r, "NUMABALANCER_UNIT", info->unit);
        record_add(&r, "NUMABALANCER_REASON", "%s", reason_to_string(v->reason));
        record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(source));
        record_set_message(&r, "%s", describe_left_alone(text, sizeof text, info, v, now_ns));
        submit(&r, MESSAGE_LEFT_ALONE, process_key(info->id));
}

void journal_no_help(const Outcome *outcome, const Topology *t, EvidenceSource source) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_NO_HELP);
        record_add_move(&r, &outcome->move, t);
        record_add_outcome(&r, outcome);
        record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(source));
        record_set_message(&r, "%s", describe_no_help(text, sizeof text, outcome, t));
        submit(&r, MESSAGE_NO_HELP, process_key(outcome->move.id));
}

void journal_finding(const Finding *finding) {
        bool mover = strcmp(finding->id, "other-movers") == 0;
        MessageKind kind = mover ? MESSAGE_OTHER_MOVER : MESSAGE_REQUIREMENT;
        char found[ESCAPE_BYTES(FINDING_TEXT_BYTES)];
        uint64_t subject = 0;
        Record r;

        if (finding->state == FINDING_GOOD)
                return;
        for (const char *p = finding->id; *p; p++)
                subject = subject * 31 + (unsigned char)*p;
        escape_string(found, sizeof found, finding->found);
        record_init(&r, kind);
        record_add(&r, "NUMABALANCER_FINDING", "%s", finding->id);
        record_set_message(&r, "%s: %s; %s", found, finding->effect, finding->fix);
        submit(&r, kind, subject);
}

void journal_node_full(const Outcome *outcome, const Topology *t) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, MESSAGE_NODE_FULL);
        record_add_move(&r, &outcome->move, t);
        record_add_outcome(&r, outcome);
        record_set_message(&r, "%s", describe_node_full(text, sizeof text, outcome, t));
        submit(&r, MESSAGE_NODE_FULL, (uint64_t)outcome->move.to);
}

void journal_reloaded(void) {
        Record r;

        record_init(&r, MESSAGE_RELOADED);
        record_set_message(&r, "configuration reloaded");
        submit(&r, MESSAGE_RELOADED, 0);
}

void journal_reload_refused(const char *message) {
        char text[DESCRIBE_BYTES];
        Record r;

        escape_string(text, sizeof text, message ?: "");
        record_init(&r, MESSAGE_RELOAD_REFUSED);
        record_set_message(&r, "configuration refused, the running one stays: %s", text);
        submit(&r, MESSAGE_RELOAD_REFUSED, 0);
}

void journal_log(int priority, const char *format, ...) {
        cleanup_free char *raw = NULL;
        char text[2 * DESCRIBE_BYTES];
        va_list ap;
        Record r;
        int n;

        va_start(ap, format);
        n = vasprintf(&raw, format, ap);
        va_end(ap);
        if (n < 0)
                return;
        escape_string(text, sizeof text, raw);
        record_init_plain(&r, priority);
        record_set_message(&r, "%s", text);
        sink_send(&r);
        record_done(&r);
}
