/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/mathx.h"
#include "decide/regions.h"
#include "decide/tuning.h"

uint64_t regions_rest_ns(const Settings *settings) {
        return settings->cooldown_ns > RETURN_NS ? settings->cooldown_ns : RETURN_NS;
}

static TableKey memory_key(ProcessId id, uint64_t number) {
        /* A pid has 22 bits; start times of 40 bits in clock ticks last 300 years. */
        return (TableKey) { (uint64_t)id.pid << 40 | (id.starttime & ((1ull << 40) - 1)), number };
}

uint64_t regions_moved_at(const DecideState *state, ProcessId id, uint64_t address) {
        const RegionMemory *memory =
                table_find(state->region_memory, memory_key(id, address / REGION_BYTES));

        return memory ? memory->moved_ns : 0;
}

static void forget_rested(DecideState *state, uint64_t rest_ns, uint64_t now_ns) {
        uint32_t cursor = 0;
        RegionMemory *memory;
        TableKey key;

        while ((memory = table_next(state->region_memory, &cursor, &key)))
                if (sub_sat(now_ns, memory->moved_ns) >= rest_ns)
                        table_remove(state->region_memory, key);
}

static bool remember(DecideState *state, ProcessId id, uint64_t number, uint64_t rest_ns,
                     uint64_t now_ns) {
        void *value;
        int r = table_insert(state->region_memory, memory_key(id, number), &value);

        if (r < 0) {
                forget_rested(state, rest_ns, now_ns);
                r = table_insert(state->region_memory, memory_key(id, number), &value);
        }
        if (r < 0)
                return false;
        ((RegionMemory *)value)->moved_ns = now_ns;
        return true;
}

bool regions_learn(DecideState *state, const Outcome *outcome, const Settings *settings,
                   uint64_t now_ns) {
        const Move *m = &outcome->move;
        uint64_t rest_ns = regions_rest_ns(settings);
        size_t left = REGIONS_PER_PROCESS_MAX;

        if (!m->ranges || m->n_ranges == 0)
                return false;
        for (uint32_t i = 0; i < m->n_ranges; i++) {
                uint64_t first = m->ranges[i].start / REGION_BYTES;
                uint64_t last = sub_sat(m->ranges[i].end, 1) / REGION_BYTES;

                for (uint64_t number = first; number <= last; number++)
                        if (left-- == 0 || !remember(state, m->id, number, rest_ns, now_ns))
                                return false;
        }
        return true;
}
