/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/describe.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/human.h"
#include "base/mathx.h"
#include "report/record.h"

/* Appends to a text that is cut at size; snprintf's return beyond the end is absorbed. */
#define APPEND(buf, size, ...)                                                                     \
        ({                                                                                         \
                size_t used_ = strlen(buf);                                                        \
                snprintf((buf) + used_, (size)-used_, __VA_ARGS__);                                \
        })

int describe_node_id(const Topology *t, int index) {
        if (!t || index < 0 || (uint32_t)index >= t->n_nodes)
                return -1;
        return t->node_id[index];
}

char *describe_node_list(char *buf, size_t size, const Topology *t, NodeMask mask) {
        uint32_t n = t ? t->n_nodes : 0;

        *buf = 0;
        for (uint32_t i = 0; i < n && i < NODES_MAX; i++) {
                uint32_t last = i;

                if (!node_mask_has(mask, (int)i))
                        continue;
                while (last + 1 < n && node_mask_has(mask, (int)last + 1) &&
                       t->node_id[last + 1] == t->node_id[last] + 1)
                        last++;
                APPEND(buf, size, "%s%d", *buf ? "," : "", t->node_id[i]);
                if (last > i)
                        APPEND(buf, size, "-%d", t->node_id[last]);
                i = last;
        }
        return buf;
}

char *describe_process(char *buf, size_t size, const char *comm, pid_t pid) {
        char name[ESCAPE_BYTES(COMM_BYTES)];

        escape_string(name, sizeof name, comm);
        snprintf(buf, size, "%s[%d]", *name ? name : "?", (int)pid);
        return buf;
}

/* "node1 to node0", "nodes 1,3 to node0". */
static void append_route(char *buf, size_t size, const Move *m, const Topology *t) {
        char nodes[DESCRIBE_NODES_BYTES];

        describe_node_list(nodes, sizeof nodes, t, m->from);
        APPEND(buf, size, " %s%s to node%d", node_mask_count(m->from) > 1 ? "nodes " : "node",
               *nodes ? nodes : "?", describe_node_id(t, m->to));
}

static void begin(char *buf, size_t size, const char *verb, const Move *m, const Topology *t) {
        char process[DESCRIBE_PROCESS_BYTES];

        snprintf(buf, size, "%s %s", verb,
                 describe_process(process, sizeof process, m->comm, m->id.pid));
        append_route(buf, size, m, t);
}

MessageKind describe_outcome_kind(const Outcome *o) {
        switch (o->reason) {
        case REASON_DONE:
        case REASON_NOTHING_TO_DO:
                return MESSAGE_MIGRATION_FINISHED;
        case REASON_PROCESS_GONE:
        case REASON_CANCELLED:
                return MESSAGE_MIGRATION_DROPPED;
        default:
                return o->pages_moved > 0 ? MESSAGE_MIGRATION_PARTLY : MESSAGE_MIGRATION_FAILED;
        }
}

char *describe_outcome(char *buf, size_t size, const Outcome *o, const Topology *t) {
        static const char *const verbs[MESSAGE_MAX] = {
                [MESSAGE_MIGRATION_FINISHED] = "moved",
                [MESSAGE_MIGRATION_PARTLY] = "moved part of",
                [MESSAGE_MIGRATION_FAILED] = "could not move",
                [MESSAGE_MIGRATION_DROPPED] = "stopped moving",
        };
        int error = outcome_errno(o);
        const char *name = error ? strerrorname_np(error) : NULL;

        if (o->reason == REASON_NOTHING_TO_DO) {
                begin(buf, size, "found nothing to move of", &o->move, t);
                return buf;
        }
        begin(buf, size, verbs[describe_outcome_kind(o)], &o->move, t);
        APPEND(buf, size, ": %" PRIu64 " pages in %s, %" PRIu64 " failed", o->pages_moved,
               HUMAN_TIME(sub_sat(o->finished_ns, o->started_ns)), o->pages_failed);
        if (o->pages_retry)
                APPEND(buf, size, ", %" PRIu64 " still busy", o->pages_retry);
        if (name)
                APPEND(buf, size, " (%s)", name);
        if (o->passes > 1)
                APPEND(buf, size, ", %" PRIu32 " passes", o->passes);
        if (o->pages_shared)
                APPEND(buf, size, "; %" PRIu64 " shared pages stay", o->pages_shared);
        if (isfinite(o->move.remote_before)) {
                APPEND(buf, size, "; remote share %s", HUMAN_SHARE(o->move.remote_before));
                if (isfinite(o->remote_after))
                        APPEND(buf, size, " to %s", HUMAN_SHARE(o->remote_after));
                else
                        APPEND(buf, size, " before");
        }
        if (o->reason != REASON_DONE)
                APPEND(buf, size, "; it %s", reason_sentence(o->reason));
        return buf;
}

char *describe_would_migrate(char *buf, size_t size, const Move *m, const Topology *t) {
        begin(buf, size, "would move", m, t);
        APPEND(buf, size, ": %s", HUMAN_SIZE(m->bytes));
        if (isfinite(m->remote_before))
                APPEND(buf, size, "; remote share %s", HUMAN_SHARE(m->remote_before));
        APPEND(buf, size, "; expected gain %s of CPU time for a cost of %s",
               HUMAN_TIME(double_to_u64(m->benefit_ns)), HUMAN_TIME(double_to_u64(m->cost_ns)));
        return buf;
}

char *describe_retry(char *buf, size_t size, const Outcome *o, const Topology *t) {
        int error = outcome_errno(o);
        const char *name = error ? strerrorname_np(error) : NULL;

        begin(buf, size, "will try again to move", &o->move, t);
        APPEND(buf, size,
               ": %" PRIu64 " pages moved, %" PRIu64 " still busy%s%s%s after pass %" PRIu32,
               o->pages_moved, o->pages_retry, name ? " (" : "", name ?: "", name ? ")" : "",
               o->passes);
        return buf;
}

char *describe_left_alone(char *buf, size_t size, const ProcessInfo *info, const Verdict *v,
                          uint64_t now_ns) {
        char process[DESCRIBE_PROCESS_BYTES];

        snprintf(buf, size, "leaving %s alone for %s: it %s",
                 describe_process(process, sizeof process, info->comm, info->id.pid),
                 HUMAN_TIME(sub_sat(v->wait_until_ns, now_ns)), reason_sentence(v->reason));
        return buf;
}

char *describe_no_help(char *buf, size_t size, const Outcome *o, const Topology *t) {
        char process[DESCRIBE_PROCESS_BYTES];

        snprintf(buf, size,
                 "the move of %s to node%d did not help: remote share %s before and %s after, %s "
                 "were "
                 "expected",
                 describe_process(process, sizeof process, o->move.comm, o->move.id.pid),
                 describe_node_id(t, o->move.to), HUMAN_SHARE(o->move.remote_before),
                 HUMAN_SHARE(o->remote_after), HUMAN_SHARE(o->move.remote_expected));
        return buf;
}

char *describe_node_full(char *buf, size_t size, const Outcome *o, const Topology *t) {
        char process[DESCRIBE_PROCESS_BYTES];

        snprintf(buf, size,
                 "node%d has no memory left for %s: move ended after %" PRIu64
                 " pages; nothing is moved there for a while",
                 describe_node_id(t, o->move.to),
                 describe_process(process, sizeof process, o->move.comm, o->move.id.pid),
                 o->pages_moved);
        return buf;
}

char *describe_started(char *buf, size_t size, const StatusView *s) {
        bool idle = s->state == STATE_IDLE;

        snprintf(buf, size,
                 "started version %s: mode %s, %" PRIu32
                 " node%s, source %s, kernel balancing %s%s%s",
                 s->version ?: "?", mode_to_string(s->mode), s->node_count,
                 s->node_count == 1 ? "" : "s", evidence_source_to_string(s->source),
                 s->kernel_balancing ?: "unknown", idle ? "; it is idle: it " : "",
                 idle ? reason_sentence(s->state_reason) : "");
        return buf;
}

char *describe_stopping(char *buf, size_t size, const StatusView *s) {
        snprintf(buf, size,
                 "stopping: %" PRIu64 " migrations finished, %" PRIu64 " failed, %s moved",
                 s->counters.migrations_finished, s->counters.migrations_failed,
                 HUMAN_SIZE(s->counters.bytes_moved));
        return buf;
}

char *describe_state(char *buf, size_t size, const StatusView *s) {
        snprintf(buf, size, "now %s: the daemon %s", daemon_state_to_string(s->state),
                 reason_sentence(s->state_reason));
        return buf;
}

char *describe_source(char *buf, size_t size, const StatusView *s) {
        char reason[512];

        escape_string(reason, sizeof reason, s->source_reason ?: "");
        snprintf(buf, size, "source of evidence is now %s%s%s",
                 evidence_source_to_string(s->source), *reason ? ": " : "", reason);
        return buf;
}

char *describe_other_mover(char *buf, size_t size, const char *comm, pid_t pid, bool present) {
        char process[DESCRIBE_PROCESS_BYTES] = "another program";

        if (comm && *comm)
                describe_process(process, sizeof process, comm, pid);
        if (present)
                snprintf(buf, size,
                         "%s moves memory between nodes as well: two programs that do so work "
                         "against each other; stop one of them",
                         process);
        else
                snprintf(buf, size, "%s no longer moves memory between nodes", process);
        return buf;
}
