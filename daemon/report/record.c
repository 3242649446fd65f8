/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "base/mathx.h"
#include "report/describe.h"

void record_init_plain(Record *r, int priority) {
        *r = (Record) { .priority = priority };
        record_add(r, "PRIORITY", "%d", priority);
        record_add(r, "SYSLOG_IDENTIFIER", "numabalancerd");
        record_add(r, "SYSLOG_FACILITY", "3"); /* LOG_DAEMON >> 3 */
}

void record_init(Record *r, MessageKind kind) {
        const MessageInfo *info = message_info(kind);

        record_init_plain(r, info ? info->priority : LOG_INFO);
        if (info)
                record_add(r, "MESSAGE_ID", "%s", info->id);
}

void record_done(Record *r) {
        for (size_t i = 0; i < r->n_fields; i++)
                free(r->fields[i]);
        free(r->message);
        *r = (Record) { 0 };
}

static void record_take(Record *r, char *field) {
        if (!field) {
                r->error = r->error ?: -ENOMEM;
                return;
        }
        if (r->n_fields >= RECORD_FIELDS_MAX) {
                r->error = r->error ?: -ENOBUFS;
                free(field);
                return;
        }
        r->fields[r->n_fields++] = field;
}

void record_add(Record *r, const char *name, const char *format, ...) {
        cleanup_free char *value = NULL;
        char *field = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&value, format, ap);
        va_end(ap);
        if (n < 0)
                value = NULL;
        else if (asprintf(&field, "%s=%s", name, value) < 0)
                field = NULL;
        record_take(r, field);
}

void record_add_text(Record *r, const char *name, const char *raw) {
        char text[ESCAPE_BYTES(UNIT_BYTES)];

        if (!raw || !*raw)
                return;
        escape_string(text, sizeof text, raw);
        record_add(r, name, "%s", text);
}

void record_set_message(Record *r, const char *format, ...) {
        char *message = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&message, format, ap);
        va_end(ap);
        if (n < 0) {
                r->error = r->error ?: -ENOMEM;
                return;
        }
        free(r->message);
        r->message = message;
}

void record_add_errno(Record *r, int error) {
        const char *name = error > 0 ? strerrorname_np(error) : NULL;

        if (error <= 0)
                return;
        record_add(r, "ERRNO", "%d", error);
        if (name)
                record_add(r, "NUMABALANCER_ERRNO_NAME", "%s", name);
}

void record_add_move(Record *r, const Move *m, const Topology *t) {
        char nodes[DESCRIBE_NODES_BYTES];

        record_add(r, "NUMABALANCER_PID", "%d", (int)m->id.pid);
        record_add(r, "NUMABALANCER_STARTTIME", "%" PRIu64, m->id.starttime);
        record_add_text(r, "NUMABALANCER_COMM", m->comm);
        record_add_text(r, "NUMABALANCER_UNIT", m->unit);
        record_add(r, "NUMABALANCER_FROM_NODE", "%s",
                   describe_node_list(nodes, sizeof nodes, t, m->from));
        record_add(r, "NUMABALANCER_TO_NODE", "%d", describe_node_id(t, m->to));
        if (isfinite(m->score))
                record_add(r, "NUMABALANCER_SCORE", "%.6f", m->score);
        if (isfinite(m->remote_before))
                record_add(r, "NUMABALANCER_REMOTE_BEFORE", "%.6f", m->remote_before);
}

void record_add_outcome(Record *r, const Outcome *o) {
        record_add(r, "NUMABALANCER_JOB", "%" PRIu64, o->job);
        record_add(r, "NUMABALANCER_PAGES_MOVED", "%" PRIu64, o->pages_moved);
        record_add(r, "NUMABALANCER_PAGES_FAILED", "%" PRIu64, o->pages_failed);
        record_add(r, "NUMABALANCER_PAGES_RETRY", "%" PRIu64, o->pages_retry);
        record_add(r, "NUMABALANCER_BYTES_MOVED", "%" PRIu64, o->bytes_moved);
        record_add(r, "NUMABALANCER_PASSES", "%" PRIu32, o->passes);
        if (o->finished_ns)
                record_add(r, "NUMABALANCER_DURATION_USEC", "%" PRIu64,
                           sub_sat(o->finished_ns, o->started_ns) / 1000);
        if (isfinite(o->remote_after) && o->finished_ns)
                record_add(r, "NUMABALANCER_REMOTE_AFTER", "%.6f", o->remote_after);
        record_add(r, "NUMABALANCER_REASON", "%s", reason_to_string(o->reason));
        record_add_errno(r, outcome_errno(o));
}
