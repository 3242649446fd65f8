/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/mathx.h"
#include "decide/gates.h"
#include "manager/internal.h"
#include "model/rules.h"
#include "base/clock.h"
#include "system/process_read.h"

/* Moves ordered by hand. They skip gates and cost, for the person who orders them knows better; what is
 * never touched stays so. */

/* Reads the process anew and finds what forbids to touch it. 0, -ESRCH, -EPERM with a reason. */
static int check_process(Manager *m, const MoveRequest *request, ProcessInfo *ret,
                         Reason *ret_reason) {
        NodeMask memory = topology_memory_mask(&m->topology);
        double observed, threshold;
        Reason reason;
        int r;

        r = process_read(&m->root, &m->topology, request->pid, clock_boottime_ns(), ret);
        if (r < 0)
                return r;
        if (request->starttime != 0 && request->starttime != ret->id.starttime)
                return -ESRCH;
        manager_match_rules(m, ret);
        if (request->override_rules)
                ret->rule_mode = RULE_DEFAULT;
        reason = gates_refuse(ret, NULL, getpid(), memory, &m->settings, &observed, &threshold);
        /* What is never touched is told before the mode, which could be changed. */
        if (reason == REASON_NONE && !request->override_rules &&
            rule_mode_effective(ret->rule_mode, m->settings.mode) == RULE_OBSERVE)
                reason = REASON_OBSERVE_MODE;
        if (reason == REASON_NONE) {
                if (observer_read_policy(m->observer, ret) < 0)
                        reason = REASON_ATTRIBUTES_UNKNOWN;
                else
                        reason = gates_refuse(ret, NULL, getpid(), memory, &m->settings, &observed,
                                              &threshold);
        }
        if (reason == REASON_NONE)
                return 0;
        *ret_reason = reason;
        return -EPERM;
}

/* The node where the process runs, as far as the last evaluation knows. */
static int choose_target(Manager *m, ProcessId id) {
        const Tracked *p = table_find(m->tracked, tracked_key(id));

        if (!p)
                return NODE_NONE;
        return p->verdict.target_node != NODE_NONE ? p->verdict.target_node : p->verdict.run_node;
}

/* Nodes from which and to which pages may be moved at all. */
static NodeMask usable_nodes(const Manager *m) {
        NodeMask mask = topology_memory_mask(&m->topology);

        return m->settings.never_cpuless ? mask & topology_cpu_mask(&m->topology) : mask;
}

/* Whether the nodes that are named may be used, whatever the process. */
static bool nodes_are_usable(const Manager *m, const MoveRequest *request) {
        const int ids[] = { request->from_id, request->to_id };

        for (size_t i = 0; i < 2; i++)
                if (ids[i] >= 0 &&
                    !node_mask_has(usable_nodes(m), topology_index_of_id(&m->topology, ids[i])))
                        return false;
        return true;
}

/* 0, or -EINVAL when the process may not use the target, it is not known, or nothing is left to move. */
static int find_nodes(Manager *m, const MoveRequest *request, const ProcessInfo *info, Move *move) {
        NodeMask usable = usable_nodes(m);

        move->to = request->to_id < 0 ? choose_target(m, info->id)
                                      : topology_index_of_id(&m->topology, request->to_id);
        if (!node_mask_has(usable & info->cpuset_mems, move->to))
                return -EINVAL;
        if (request->from_id < 0)
                move->from = usable & ~node_bit(move->to);
        else
                move->from = usable & ~node_bit(move->to) &
                             node_bit(topology_index_of_id(&m->topology, request->from_id));
        return move->from ? 0 : -EINVAL;
}

int manager_order(Manager *m, const MoveRequest *request, uint64_t *ret_job, Reason *ret_reason) {
        ProcessInfo info = {};
        Move move = {};
        int r;

        /* Who started the daemon with --observe has the last word. */
        if (m->options.observe_only) {
                *ret_reason = REASON_OBSERVE_MODE;
                return -EPERM;
        }
        if (!nodes_are_usable(m, request))
                return -EINVAL;
        if (m->paused)
                return -ECANCELED;
        r = check_process(m, request, &info, ret_reason);
        if (r < 0)
                return r;
        r = find_nodes(m, request, &info, &move);
        if (r < 0)
                return r;
        move.id = info.id;
        memcpy(move.comm, info.comm, sizeof(move.comm));
        memcpy(move.unit, info.unit, sizeof(move.unit));
        move.bytes = info.rss_bytes;
        move.bandwidth_bytes = request->override_rules ? 0 : info.bandwidth_bytes;
        move.remote_before = NAN;
        move.remote_expected = NAN;
        r = mover_submit(m->mover, &move, ret_job);
        if (r < 0)
                return r;
        m->counters.migrations_started++;
        manager_update_state(m);
        return 0;
}
