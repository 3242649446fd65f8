/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/bus_private.h"

#include <math.h>

#include "base/mathx.h"
#include "report/append.h"
#include "report/describe.h"

int row_append_keys(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        const Verdict *v = &row->verdict;

        TRY(append_u32(m, "pid", (uint32_t)row->info.id.pid));
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
        TRY(append_u32(m, "uid", (uint32_t)p->uid));
        return append_u32(m, "threads", p->n_threads);
}

int row_append_process(sd_bus_message *m, const ProcessRow *row, const Topology *t) {
        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(row_append_keys(m, row, t));
        return sd_bus_message_close_container(m);
}

int row_append_detail(sd_bus_message *m, const ProcessDetail *d, const Topology *t) {
        int32_t nodes[NODES_MAX];

        for (uint32_t i = 0; i < d->n_nodes && i < NODES_MAX; i++)
                nodes[i] = describe_node_id(t, (int)i);
        TRY(append_i32s(m, "nodes", nodes, d->n_nodes));
        if (d->access)
                TRY(append_doubles(m, "accesses", d->access, (size_t)d->n_nodes * d->n_nodes));
        if (d->resident_bytes)
                TRY(append_u64s(m, "resident_bytes", d->resident_bytes, d->n_nodes));
        return 0;
}

int row_append_job(sd_bus_message *m, const Outcome *o, const Topology *t) {
        char nodes[DESCRIBE_NODES_BYTES];

        TRY(append_u64(m, "job", o->job));
        TRY(append_u32(m, "pid", (uint32_t)o->move.id.pid));
        TRY(append_u64(m, "starttime", o->move.id.starttime));
        TRY(append_text(m, "comm", o->move.comm));
        TRY(append_text(m, "unit", o->move.unit));
        TRY(append_text(m, "from_nodes", describe_node_list(nodes, sizeof nodes, t, o->move.from)));
        TRY(append_node(m, "to_node", t, o->move.to));
        TRY(append_text(m, "state", job_state_to_string(o->state)));
        TRY(append_text(m, "reason", reason_to_string(o->reason)));
        TRY(append_u64(m, "bytes_planned", o->move.bytes));
        TRY(append_u64(m, "pages_planned", o->pages_planned));
        TRY(append_u64(m, "pages_moved", o->pages_moved));
        TRY(append_u64(m, "pages_failed", o->pages_failed));
        TRY(append_u64(m, "pages_retry", o->pages_retry));
        TRY(append_u64(m, "pages_gone", o->pages_gone));
        TRY(append_u64(m, "pages_shared", o->pages_shared));
        TRY(append_u64(m, "bytes_moved", o->bytes_moved));
        TRY(append_u32(m, "passes", o->passes));
        TRY(append_u64(m, "busy_usec", o->busy_ns / 1000));
        TRY(append_text(m, "limit", limit_to_string(o->limit)));
        TRY(append_double(m, "score", o->move.score));
        if (isfinite(o->move.remote_before))
                TRY(append_double(m, "remote_before", o->move.remote_before));
        return 0;
}

int row_append_ended(sd_bus_message *m, const HistoryJob *j, const Topology *t) {
        const Outcome *o = &j->outcome;

        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(row_append_job(m, o, t));
        if (isfinite(o->remote_after))
                TRY(append_double(m, "remote_after", o->remote_after));
        TRY(append_u64(m, "duration_usec", sub_sat(o->finished_ns, o->started_ns) / 1000));
        TRY(append_u64(m, "end_usec", j->end_usec));
        return sd_bus_message_close_container(m);
}

int row_append_unfinished(sd_bus_message *m, const Outcome *o, const Topology *t, uint64_t now_ns) {
        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(row_append_job(m, o, t));
        TRY(append_u64(m, "age_usec", sub_sat(now_ns, o->queued_ns) / 1000));
        if (o->state == JOB_WAITING)
                TRY(append_u64(m, "next_pass_in_usec", sub_sat(o->next_pass_ns, now_ns) / 1000));
        return sd_bus_message_close_container(m);
}

int row_append_node(sd_bus_message *m, const MachineView *v, uint32_t i, const Topology *t,
                    uint64_t now_ns) {
        uint64_t distances[NODES_MAX];
        uint32_t cpus = 0;

        for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
                cpus += t->cpu_node[cpu] == (int)i;
        for (uint32_t to = 0; to < v->n_nodes; to++)
                distances[to] = t->distance[i][to];
        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(append_node(m, "node", t, (int)i));
        TRY(append_u32(m, "cpus", cpus));
        TRY(append_u64(m, "memory_bytes", t->total_bytes[i]));
        TRY(append_u64(m, "available_bytes", v->nodes[i].available_bytes));
        TRY(append_u64(m, "blocked_usec", sub_sat(v->nodes[i].blocked_until_ns, now_ns) / 1000));
        TRY(append_double(m, "cpu_share", v->cpu_ns[i] / 1e9));
        TRY(append_u64s(m, "distances", distances, v->n_nodes));
        TRY(append_doubles(m, "accesses", v->access[i], v->n_nodes));
        return sd_bus_message_close_container(m);
}

int row_append_history(sd_bus_message *m, const HistoryRow *h) {
        TRY(sd_bus_message_open_container(m, 'a', "{sv}"));
        TRY(append_u64(m, "end_usec", h->end_usec));
        TRY(append_u64(m, "interval_usec", h->interval_usec));
        TRY(append_u64(m, "samples", h->samples));
        TRY(append_u64(m, "lost", h->lost));
        TRY(append_u64(m, "accesses", h->accesses));
        TRY(append_u64(m, "remote", h->remote));
        TRY(append_u64(m, "pages_moved", h->pages_moved));
        TRY(append_u64(m, "pages_failed", h->pages_failed));
        TRY(append_u64(m, "bytes_moved", h->bytes_moved));
        TRY(append_u64(m, "migrations_finished", h->migrations_finished));
        TRY(append_u64(m, "migrations_failed", h->migrations_failed));
        TRY(append_u64(m, "cpu_usec", h->cpu_usec));
        TRY(append_u32(m, "processes", h->processes));
        return sd_bus_message_close_container(m);
}
