/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/latency.h"

#include "base/mathx.h"
#include "decide/tuning.h"

static double latency_of_pair(const Topology *t, const Settings *settings, uint32_t cpu,
                              uint32_t memory) {
        double own = t->hmat_latency_ns[cpu][cpu];
        double pair = t->hmat_latency_ns[cpu][memory];

        if (cpu == memory)
                return 1;
        if (settings && settings->n_distances == t->n_nodes)
                return clamp_double(settings->distances[cpu][memory] / 10.0, 1, LATENCY_RATIO_MAX);
        if (own > 0 && pair > 0)
                return clamp_double(pair / own, 1, LATENCY_RATIO_MAX);
        return clamp_double(1 + SLIT_COMPRESSION * ((double)t->distance[cpu][memory] - 10) / 10, 1,
                            LATENCY_RATIO_MAX);
}

void latency_init(Latency *l, const Topology *t, const Settings *settings) {
        l->n_nodes = t->n_nodes;
        for (uint32_t cpu = 0; cpu < t->n_nodes; cpu++)
                for (uint32_t memory = 0; memory < t->n_nodes; memory++)
                        l->ratio[cpu][memory] = latency_of_pair(t, settings, cpu, memory);
}
