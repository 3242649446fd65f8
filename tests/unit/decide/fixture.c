/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fixture.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

Fixture *fixture_new(uint32_t n_nodes) {
        Fixture *f = calloc(1, sizeof(*f));

        if (!f)
                abort();
        f->topology.n_nodes = n_nodes;
        for (uint32_t i = 0; i < n_nodes; i++) {
                f->topology.node_id[i] = (int32_t)i;
                f->topology.has_cpu[i] = f->topology.has_memory[i] = true;
                f->topology.total_bytes[i] = 64 * GIB;
                f->nodes[i].available_bytes = 32 * GIB;
                f->nodes[i].high_watermark_bytes = 64 * MIB;
                for (uint32_t j = 0; j < n_nodes; j++)
                        f->topology.distance[i][j] = i == j ? 10 : 21;
        }
        settings_init(&f->settings);
        f->now_ns = 1000 * NSEC_PER_SEC;
        if (decide_state_new(&f->state, &f->topology) < 0)
                abort();
        return f;
}

Fixture *fixture_free(Fixture *f) {
        if (f) {
                decide_state_free(f->state);
                plan_done(&f->plan);
                free(f);
        }
        return NULL;
}

void fixture_access(FixtureProcess *p, int accessor, int home, double samples) {
        size_t cell = (size_t)accessor * p->evidence.n_nodes + (size_t)home;

        p->evidence.samples += samples - p->access[cell];
        p->access[cell] = p->waited[cell] = samples;
}

FixtureProcess *fixture_add(Fixture *f, int run, int home) {
        FixtureProcess *p = &f->processes[f->n_processes];

        *p = (FixtureProcess) {
                .info = {
                        .id = { .pid = 100 + (pid_t)f->n_processes,
                                .starttime = 1000 + f->n_processes },
                        .comm = "job",
                        .unit = "job.service",
                        .age_ns = 600 * NSEC_PER_SEC,
                        .rss_bytes = GIB,
                        .n_threads = 1,
                        .cpuset_mems = UINT64_MAX,
                        .affinity_nodes = UINT64_MAX,
                        .attributes = ATTRIBUTES_BPF,
                },
                .evidence = {
                        .source = SOURCE_CLOCK,
                        .n_nodes = f->topology.n_nodes,
                        .evaluations = 5,
                },
                .use_resident = true,
        };
        p->evidence.access = p->access;
        p->evidence.waited = p->waited;
        p->evidence.cpu_ns = p->cpu_ns;
        p->cpu_ns[run] = (double)NSEC_PER_SEC;
        p->resident[home] = GIB;
        fixture_access(p, run, home, 100);
        f->n_processes++;
        return p;
}

static void decide_in_order(Fixture *f, bool reversed) {
        ProcessView views[FIXTURE_PROCESSES];
        Snapshot snapshot = {
                .topology = &f->topology,
                .nodes = f->nodes,
                .processes = views,
                .n_processes = f->n_processes,
                .self = 77,
                .other_mover = f->other_mover,
        };

        for (size_t i = 0; i < f->n_processes; i++) {
                FixtureProcess *p = &f->processes[i];

                views[reversed ? f->n_processes - 1 - i : i] = (ProcessView) {
                        .info = &p->info,
                        .evidence = p->unseen ? NULL : &p->evidence,
                        .resident_bytes = p->use_resident ? p->resident : NULL,
                        .exec_id = p->exec_id,
                        .busy = p->busy,
                        .regions = p->regions,
                        .n_regions = p->n_regions,
                };
        }
        if (decide(&snapshot, f->state, &f->settings, f->now_ns, &f->plan) < 0)
                abort();
}

void fixture_decide(Fixture *f) {
        decide_in_order(f, false);
}

void fixture_decide_reversed(Fixture *f) {
        decide_in_order(f, true);
}

void fixture_run(Fixture *f, unsigned n) {
        f->now_ns -= (n - 1) * NSEC_PER_SEC;
        for (unsigned i = 0; i < n; i++) {
                fixture_decide(f);
                if (i + 1 < n)
                        f->now_ns += NSEC_PER_SEC;
        }
}

const Verdict *fixture_verdict(const Fixture *f, size_t i) {
        for (size_t k = 0; k < f->plan.n_verdicts; k++)
                if (process_id_equal(f->plan.verdicts[k].id, f->processes[i].info.id))
                        return &f->plan.verdicts[k];
        abort();
}

const Move *fixture_move(const Fixture *f, size_t i) {
        for (size_t k = 0; k < f->plan.n_moves; k++)
                if (process_id_equal(f->plan.moves[k].id, f->processes[i].info.id))
                        return &f->plan.moves[k];
        return NULL;
}

Outcome fixture_outcome(const Fixture *f, size_t i, Reason reason, uint64_t pages_moved) {
        const Move *move = fixture_move(f, i);
        Outcome o = {
                .job = 1,
                .state = JOB_FINISHED,
                .reason = reason,
                .pages_planned = pages_moved,
                .pages_moved = pages_moved,
                .bytes_moved = pages_moved * 4096,
                .busy_ns = pages_moved * 5000,
                .remote_after = NAN,
        };

        if (move)
                o.move = *move;
        else
                o.move = (Move) { .id = f->processes[i].info.id };
        if (!move)
                snprintf(o.move.comm, sizeof(o.move.comm), "%s", f->processes[i].info.comm);
        return o;
}
