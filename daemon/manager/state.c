/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <systemd/sd-daemon.h>

#include "base/cleanup.h"
#include "base/escape.h"
#include "manager/internal.h"
#include "report/journal.h"
#include "base/clock.h"

static void find_state(const Manager *m, DaemonState *ret_state, Reason *ret_reason) {
        if (topology_is_flat(&m->topology)) {
                *ret_state = STATE_IDLE;
                *ret_reason = REASON_ONE_NODE;
        } else if (m->paused) {
                *ret_state = STATE_PAUSED;
                *ret_reason = REASON_PAUSED;
        } else if (observer_source(m->observer) == SOURCE_NONE) {
                *ret_state = STATE_IDLE;
                *ret_reason = REASON_NO_SOURCE;
        } else if (decide_stopped_until(m->decide_state, clock_monotonic_ns()) > 0) {
                *ret_state = STATE_STOPPED;
                *ret_reason = REASON_PING_PONG;
        } else if (m->settings.mode == MODE_ACT && manager_yields(m)) {
                *ret_state = STATE_RUNNING;
                *ret_reason = REASON_OTHER_MOVER;
        } else {
                *ret_state = STATE_RUNNING;
                *ret_reason =
                        m->settings.mode == MODE_OBSERVE ? REASON_OBSERVE_MODE : REASON_RUNNING;
        }
}

/* systemd takes a backslash in STATUS= for an escape of its own and drops it; two of them are one. */
static void escape_for_systemd(char *ret, const char *name) {
        for (; *name; name++) {
                if (*name == '\\')
                        *ret++ = '\\';
                *ret++ = *name;
        }
        *ret = '\0';
}

static int describe_job(const Manager *m, const Outcome *job, char **ret) {
        char name[ESCAPE_BYTES(COMM_BYTES)], text[2 * ESCAPE_BYTES(COMM_BYTES)], others[48] = "";
        size_t n = mover_count(m->mover);

        escape_string(name, sizeof(name), job->move.comm);
        escape_for_systemd(text, name);
        if (n > 1)
                snprintf(others, sizeof(others), "; %zu more moves", n - 1);
        return asprintf(ret,
                        "Moving %s[%d] to node%d: %" PRIu64 " of %" PRIu64 " pages, pass %" PRIu32
                        "%s.",
                        text, (int)job->move.id.pid, (int)m->topology.node_id[job->move.to],
                        job->pages_moved, job->pages_planned, job->passes, others);
}

/* STATUS= of systemctl status: state, source and what was done so far; sent only when it changes. */
static void tell_systemd(Manager *m) {
        cleanup_free char *text = NULL;
        Outcome job;

        if (mover_list(m->mover, &job, 1) > 0) {
                if (describe_job(m, &job, &text) < 0)
                        return;
        } else if (asprintf(&text,
                            "State %s: %s. Source %s. %" PRIu64 " jobs done, %" PRIu64
                            " MiB moved.",
                            daemon_state_to_string(m->state), reason_sentence(m->state_reason),
                            evidence_source_to_string(observer_source(m->observer)),
                            m->counters.migrations_finished, m->counters.bytes_moved / MIB) < 0)
                return;
        if (m->status_sent && strcmp(m->status_sent, text) == 0)
                return;
        (void)sd_notifyf(false, "STATUS=%s", text);
        free(m->status_sent);
        m->status_sent = TAKE_PTR(text);
}

void manager_update_state(Manager *m) {
        DaemonState state;
        Reason reason;

        find_state(m, &state, &reason);
        if (state != m->state || reason != m->state_reason) {
                bool first = m->state == STATE_STARTING;
                StatusView view;

                m->state = state;
                m->state_reason = reason;
                if (!first) {
                        manager_status(m, &view);
                        journal_state_changed(&view);
                }
        }
        tell_systemd(m);
        report_bus_changed(m->bus);
}
