/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <math.h>

#include "base/escape.h"
#include "base/mathx.h"
#include "report/describe.h"

/* D-Bus could carry NaN, but JSON could not. */
static double finite_or_zero(double value) {
        return isfinite(value) ? value : 0;
}

static int append_text(sd_bus_message *m, const char *key, const char *raw) {
        char text[ESCAPE_BYTES(UNIT_BYTES)];

        escape_string(text, sizeof text, raw ?: "");
        return sd_bus_message_append(m, "{sv}", key, "s", text);
}

static int append_u64(sd_bus_message *m, const char *key, uint64_t value) {
        return sd_bus_message_append(m, "{sv}", key, "t", value);
}

static int append_double(sd_bus_message *m, const char *key, double value) {
        return sd_bus_message_append(m, "{sv}", key, "d", finite_or_zero(value));
}

static int append_node(sd_bus_message *m, const char *key, const Topology *t, int index) {
        return sd_bus_message_append(m, "{sv}", key, "i", (int32_t)describe_node_id(t, index));
}

/* Stops at the first failure, as one full message buffer makes the rest pointless. */
#define TRY(expression)                                                                            \
        ({                                                                                         \
                int r_ = (expression);                                                             \
                if (r_ < 0)                                                                        \
                        return r_;                                                                 \
        })

int row_append_keys(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        const Verdict *v = &row->verdict;

        TRY(sd_bus_message_append(m, "{sv}", "pid", "u", (uint32_t)row->info.id.pid));
        TRY(append_u64(m, "starttime", row->info.id.starttime));
        TRY(append_text(m, "comm", row->info.comm));
        TRY(append_text(m, "unit", row->info.unit));
        TRY(append_text(m, "source", evidence_source_to_string(row->source)));
        TRY(append_double(m, "score", v->score));
        TRY(append_double(m, "remote_share", v->remote_share));
        TRY(append_double(m, "remote_lower", v->remote_lower));
        TRY(append_double(m, "remote_upper", v->remote_upper));
        TRY(append_node(m, "home_node", t, v->home_node));
        TRY(append_node(m, "target_node", t, v->target_node));
        TRY(append_text(m, "state", row->state));
        return append_text(m, "reason", reason_to_string(v->reason));
}

int row_append_numbers(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        const ProcessInfo *p = &row->info;
        const Verdict *v = &row->verdict;

        TRY(append_double(m, "samples", v->samples));
        TRY(append_node(m, "run_node", t, v->run_node));
        TRY(append_double(m, "run_share", v->run_share));
        TRY(append_double(m, "cpu_share", v->cpu_ns / 1e9));
        TRY(append_double(m, "stall_share", v->stall_ns / 1e9));
        TRY(append_double(m, "observed", v->observed));
        TRY(append_double(m, "threshold", v->threshold));
        TRY(append_u64(m, "age_usec", p->age_ns / 1000));
        TRY(append_u64(m, "rss_bytes", p->rss_bytes));
        TRY(append_u64(m, "locked_bytes", p->locked_bytes));
        TRY(append_u64(m, "pinned_bytes", p->pinned_bytes));
        TRY(append_u64(m, "hugetlb_bytes", p->hugetlb_bytes));
        TRY(append_u64(m, "move_bytes", v->move_bytes));
        TRY(append_u64(m, "gain_usec", double_to_u64(v->benefit_ns / 1000)));
        TRY(append_u64(m, "cost_usec", double_to_u64(v->cost_ns / 1000)));
        TRY(append_u64(m, "horizon_usec", v->horizon_ns / 1000));
        TRY(sd_bus_message_append(m, "{sv}", "uid", "u", (uint32_t)p->uid));
        return sd_bus_message_append(m, "{sv}", "threads", "u", p->n_threads);
}

int row_append_process(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(row_append_keys(m, row, t));
        return sd_bus_message_close_container(m);
}
