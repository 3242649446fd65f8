/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "report/fields.h"

#include <math.h>

#include "base/mathx.h"
#include "report/describe.h"

#define TEXT(key, value)   TRY(w->text(w->to, key, value))
#define U32(key, value)    TRY(w->u32(w->to, key, value))
#define U64(key, value)    TRY(w->u64(w->to, key, value))
#define NUMBER(key, value) TRY(w->number(w->to, key, value))
#define NODE(key, index)   TRY(w->i32(w->to, key, describe_node_id(t, index)))

int fields_process(const FieldWriter *w, const ProcessRow *row, const Topology *t) {
        const Verdict *v = &row->verdict;

        U32("pid", (uint32_t)row->info.id.pid);
        U64("starttime", row->info.id.starttime);
        TEXT("comm", row->info.comm);
        TEXT("unit", row->info.unit);
        TEXT("source", evidence_source_to_string(row->source));
        NUMBER("score", v->score);
        NUMBER("remote_share", v->remote_share);
        NUMBER("remote_lower", v->remote_lower);
        NUMBER("remote_upper", v->remote_upper);
        NODE("home_node", v->home_node);
        NODE("target_node", v->target_node);
        TEXT("state", row->state);
        TEXT("reason", reason_to_string(v->reason));
        return 0;
}

int fields_verdict(const FieldWriter *w, const ProcessRow *row, const Topology *t) {
        const ProcessInfo *p = &row->info;
        const Verdict *v = &row->verdict;

        NUMBER("samples", v->samples);
        TEXT("source_passed_over", evidence_source_to_string(row->passed_over));
        TEXT("source_reason", source_why_to_string(row->source_why));
        NODE("run_node", v->run_node);
        NUMBER("run_share", v->run_share);
        NUMBER("cpu_share", v->cpu_ns / 1e9);
        NUMBER("stall_share", v->stall_ns / 1e9);
        NUMBER("observed", v->observed);
        NUMBER("threshold", v->threshold);
        U64("age_usec", p->age_ns / 1000);
        U64("rss_bytes", p->rss_bytes);
        U64("locked_bytes", p->locked_bytes);
        U64("pinned_bytes", p->pinned_bytes);
        U64("hugetlb_bytes", p->hugetlb_bytes);
        U64("move_bytes", v->move_bytes);
        U64("gain_usec", double_to_u64(v->benefit_ns / 1000));
        U64("cost_usec", double_to_u64(v->cost_ns / 1000));
        U64("horizon_usec", v->horizon_ns / 1000);
        U32("regions", v->regions);
        U32("regions_away", v->regions_away);
        U32("regions_home", v->regions_home);
        U32("regions_shared", v->regions_shared);
        U32("uid", (uint32_t)p->uid);
        U32("threads", p->n_threads);
        return 0;
}

int fields_detail(const FieldWriter *w, const ProcessDetail *d, const Topology *t) {
        int32_t nodes[NODES_MAX];

        for (uint32_t i = 0; i < d->n_nodes && i < NODES_MAX; i++)
                nodes[i] = describe_node_id(t, (int)i);
        TRY(w->i32s(w->to, "nodes", nodes, d->n_nodes));
        if (d->access)
                TRY(w->numbers(w->to, "accesses", d->access, (size_t)d->n_nodes * d->n_nodes));
        if (d->resident_bytes)
                TRY(w->u64s(w->to, "resident_bytes", d->resident_bytes, d->n_nodes));
        return 0;
}

/* What both jobs that ended and jobs under way have. */
static int fields_job(const FieldWriter *w, const Outcome *o, const Topology *t) {
        char nodes[DESCRIBE_NODES_BYTES];

        U64("job", o->job);
        U32("pid", (uint32_t)o->move.id.pid);
        U64("starttime", o->move.id.starttime);
        TEXT("comm", o->move.comm);
        TEXT("unit", o->move.unit);
        TEXT("from_nodes", describe_node_list(nodes, sizeof nodes, t, o->move.from));
        NODE("to_node", o->move.to);
        TEXT("state", job_state_to_string(o->state));
        TEXT("reason", reason_to_string(o->reason));
        U32("ranges", o->move.ranges_only ? o->move.n_ranges : 0);
        U64("bytes_planned", o->move.bytes);
        U64("pages_planned", o->pages_planned);
        U64("pages_moved", o->pages_moved);
        U64("pages_failed", o->pages_failed);
        U64("pages_retry", o->pages_retry);
        U64("pages_gone", o->pages_gone);
        U64("pages_shared", o->pages_shared);
        U64("bytes_moved", o->bytes_moved);
        U32("passes", o->passes);
        U64("busy_usec", o->busy_ns / 1000);
        TEXT("limit", limit_to_string(o->limit));
        NUMBER("score", o->move.score);
        if (isfinite(o->move.remote_before))
                NUMBER("remote_before", o->move.remote_before);
        return 0;
}

int fields_ended(const FieldWriter *w, const HistoryJob *j, const Topology *t) {
        const Outcome *o = &j->outcome;

        TRY(fields_job(w, o, t));
        if (isfinite(o->remote_after))
                NUMBER("remote_after", o->remote_after);
        U64("duration_usec", sub_sat(o->finished_ns, o->started_ns) / 1000);
        U64("end_usec", j->end_usec);
        return 0;
}

int fields_unfinished(const FieldWriter *w, const Outcome *o, const Topology *t, uint64_t now_ns) {
        TRY(fields_job(w, o, t));
        U64("age_usec", sub_sat(now_ns, o->queued_ns) / 1000);
        if (o->state == JOB_WAITING)
                U64("next_pass_in_usec", sub_sat(o->next_pass_ns, now_ns) / 1000);
        return 0;
}

int fields_node(const FieldWriter *w, const MachineView *v, uint32_t i, const Topology *t,
                uint64_t now_ns) {
        uint64_t distances[NODES_MAX];
        uint32_t cpus = 0;

        for (uint32_t cpu = 0; cpu < t->n_cpus; cpu++)
                cpus += t->cpu_node[cpu] == (int)i;
        for (uint32_t to = 0; to < v->n_nodes; to++)
                distances[to] = t->distance[i][to];
        NODE("node", (int)i);
        U32("cpus", cpus);
        U64("memory_bytes", t->total_bytes[i]);
        U64("available_bytes", v->nodes[i].available_bytes);
        U64("blocked_usec", sub_sat(v->nodes[i].blocked_until_ns, now_ns) / 1000);
        NUMBER("cpu_share", v->cpu_ns[i] / 1e9);
        TRY(w->u64s(w->to, "distances", distances, v->n_nodes));
        return w->numbers(w->to, "accesses", v->access[i], v->n_nodes);
}

int fields_interval(const FieldWriter *w, const HistoryRow *h) {
        U64("end_usec", h->end_usec);
        U64("interval_usec", h->interval_usec);
        U64("samples", h->samples);
        U64("lost", h->lost);
        U64("accesses", h->accesses);
        U64("remote", h->remote);
        U64("pages_moved", h->pages_moved);
        U64("pages_failed", h->pages_failed);
        U64("bytes_moved", h->bytes_moved);
        U64("migrations_finished", h->migrations_finished);
        U64("migrations_failed", h->migrations_failed);
        U64("cpu_usec", h->cpu_usec);
        U32("processes", h->processes);
        return 0;
}
