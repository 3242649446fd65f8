/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <string.h>

#include "base/clock.h"
#include "manager/internal.h"

static const char *kernel_mode_to_string(int mode) {
        if (mode < 0)
                return "none";
        if (mode & 2)
                return "tiering";
        return mode & 1 ? "on" : "off";
}

void manager_status(Manager *m, StatusView *ret) {
        uint64_t sampler_ns = observer_run_time_ns(m->observer);

        *ret = (StatusView) {
                .version = NUMABALANCER_VERSION,
                .mode = m->settings.mode,
                .state = m->state,
                .state_reason = m->state_reason,
                .source = observer_source(m->observer),
                .source_reason = observer_describe(m->observer),
                .kernel_balancing = kernel_mode_to_string(m->balancing),
                .paused_until_usec = m->paused_until_usec,
                .last_reload_error = m->last_reload_error ?: "",
                .node_count = m->topology.n_nodes,
                .start_realtime_usec = m->start_realtime_usec,
                .start_monotonic_usec = m->start_monotonic_usec,
                .processes_tracked = table_count(m->tracked),
                .jobs_active = m->mover ? (uint32_t)mover_count(m->mover) : 0,
                .cpu_usage_usec = (clock_self_cpu_ns() + sampler_ns) / NSEC_PER_USEC,
                .sampler_usec = sampler_ns / NSEC_PER_USEC,
                .counters = m->counters,
                .kernel_moves_known = m->migrations != NULL,
                .kernel_moves = m->kernel_moves,
        };
        observer_count(m->observer, &ret->counters);
        decide_count(m->decide_state, &ret->counters);
        memcpy(ret->failures, m->failures, sizeof(ret->failures));
        memcpy(ret->failed_bytes, m->failed_bytes, sizeof(ret->failed_bytes));
}
