/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/journal.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/escape.h"
#include "base/mathx.h"
#include "report/describe.h"
#include "report/limiter.h"
#include "report/record.h"
#include "report/sink.h"

static Limiter limiter;

/* A process as a subject of the limiter; 0 stands for the daemon itself. */
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
                         clock_monotonic_ns(), &dropped)) {
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

/* Sentences about the daemon, and about a job; see report/describe.h. */
typedef char *(*DescribeStatus)(char *buf, size_t size, const StatusView *s);
typedef char *(*DescribeOutcome)(char *buf, size_t size, const Outcome *o, const Topology *t);

static void tell_status(MessageKind kind, const StatusView *s, DescribeStatus describe) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, kind);
        record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(s->source));
        record_add(&r, "NUMABALANCER_REASON", "%s", reason_to_string(s->state_reason));
        record_set_message(&r, "%s", describe(text, sizeof text, s));
        submit(&r, kind, 0);
}

/* source NULL: the record has none. */
static void tell_outcome(MessageKind kind, const Outcome *o, const Topology *t,
                         const EvidenceSource *source, uint64_t subject, DescribeOutcome describe) {
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, kind);
        record_add_move(&r, &o->move, t);
        record_add_outcome(&r, o);
        if (source)
                record_add(&r, "NUMABALANCER_SOURCE", "%s", evidence_source_to_string(*source));
        record_set_message(&r, "%s", describe(text, sizeof text, o, t));
        submit(&r, kind, subject);
}

void journal_started(const StatusView *status) {
        tell_status(MESSAGE_STARTED, status, describe_started);
}

void journal_stopping(const StatusView *status) {
        tell_status(MESSAGE_STOPPING, status, describe_stopping);
}

void journal_state_changed(const StatusView *status) {
        tell_status(status->state == STATE_STOPPED ? MESSAGE_PING_PONG_STOP : MESSAGE_STATE_CHANGED,
                    status, describe_state);
}

void journal_source_changed(const StatusView *status) {
        tell_status(MESSAGE_SOURCE_CHANGED, status, describe_source);
}

void journal_migration(const Outcome *outcome, const Topology *t, EvidenceSource source) {
        tell_outcome(describe_outcome_kind(outcome), outcome, t, &source,
                     process_key(outcome->move.id), describe_outcome);
}

void journal_job_retried(const Outcome *outcome, const Topology *t) {
        tell_outcome(MESSAGE_JOB_RETRIED, outcome, t, NULL, process_key(outcome->move.id),
                     describe_retry);
}

void journal_no_help(const Outcome *outcome, const Topology *t, EvidenceSource source) {
        tell_outcome(MESSAGE_NO_HELP, outcome, t, &source, process_key(outcome->move.id),
                     describe_no_help);
}

void journal_node_full(const Outcome *outcome, const Topology *t) {
        tell_outcome(MESSAGE_NODE_FULL, outcome, t, NULL, (uint64_t)outcome->move.to,
                     describe_node_full);
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

/* The id of the doctor's line about them, as in system/diagnose.c. */
#define FINDING_OTHER_MOVERS "other-movers"

void journal_other_mover(const char *comm, pid_t pid, bool present) {
        MessageKind kind = present ? MESSAGE_OTHER_MOVER : MESSAGE_OTHER_MOVER_GONE;
        char text[DESCRIBE_BYTES];
        Record r;

        record_init(&r, kind);
        if (pid > 0)
                record_add(&r, "NUMABALANCER_PID", "%d", (int)pid);
        record_add_text(&r, "NUMABALANCER_COMM", comm);
        record_add(&r, "NUMABALANCER_FINDING", "%s", FINDING_OTHER_MOVERS);
        record_set_message(&r, "%s", describe_other_mover(text, sizeof text, comm, pid, present));
        submit(&r, kind, (uint64_t)pid);
}

void journal_finding(const Finding *finding) {
        bool mover = strcmp(finding->id, FINDING_OTHER_MOVERS) == 0;
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
