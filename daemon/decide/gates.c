/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "decide/gates.h"

#include "base/mathx.h"
#include "decide/tuning.h"

static Reason against(Reason reason, double value, double limit, double *observed,
                      double *threshold) {
        *observed = value;
        *threshold = limit;
        return reason;
}

Reason gates_refuse(const ProcessInfo *info, const Track *track, pid_t self, NodeMask memory_nodes,
                    const Settings *settings, double *observed, double *threshold) {
        int nodes = node_mask_count(info->cpuset_mems & memory_nodes);
        double pinned_limit = PINNED_SHARE_MAX * (double)info->rss_bytes;

        if (info->id.pid == self)
                return against(REASON_SELF, 0, 0, observed, threshold);
        if (info->id.pid == 1)
                return against(REASON_INIT, 0, 0, observed, threshold);
        if (info->kernel_thread)
                return against(REASON_KERNEL_THREAD, 0, 0, observed, threshold);
        if (info->rule_mode == RULE_OFF)
                return against(REASON_RULE, 0, 0, observed, threshold);
        if (track && track->forbidden)
                return against(REASON_FORBIDDEN, 0, 0, observed, threshold);
        if (nodes < 2 && node_mask_count(memory_nodes) >= 2)
                return against(REASON_CPUSET, nodes, 2, observed, threshold);
        if (info->task_policy)
                return against(REASON_TASK_POLICY, 0, 0, observed, threshold);
        if (info->vma_policy)
                return against(REASON_VMA_POLICY, 0, 0, observed, threshold);
        if (info->pinned_bytes > 0 && (double)info->pinned_bytes >= pinned_limit)
                return against(REASON_PINNED, (double)info->pinned_bytes, pinned_limit, observed,
                               threshold);
        if (info->device_memory)
                return against(REASON_DEVICE_MEMORY, 0, 0, observed, threshold);
        if (settings->never_hugetlb && info->hugetlb_bytes > 0)
                return against(REASON_HUGETLB, (double)info->hugetlb_bytes, 0, observed, threshold);
        if (settings->never_realtime && info->realtime)
                return against(REASON_REALTIME, 0, 0, observed, threshold);
        if (settings->never_locked && info->locked_bytes > 0)
                return against(REASON_LOCKED, (double)info->locked_bytes, 0, observed, threshold);
        return REASON_NONE;
}

/* Whether its regions were moved a short while ago. What was left out of the first orders, because too
 * little was known of it, is in most cases less than it takes to begin. */
static bool is_finishing(const Track *track, uint64_t now_ns) {
        return track && track->pieces_until_ns > now_ns;
}

Reason gates_enter(const ProcessInfo *info, const Evidence *evidence, const Score *score,
                   const Track *track, const Settings *settings, uint64_t now_ns, double *observed,
                   double *threshold) {
        bool finishing = is_finishing(track, now_ns);
        double part = finishing || (track && track->active) ? GATE_HYSTERESIS : 1;
        double min_age = part * (double)settings->min_age_ns;
        double min_rss = part * (double)settings->min_rss_bytes;
        double min_remote =
                (finishing ? GATE_FINISHING : part) * settings->min_remote_percent / 100;
        double min_score = part * settings->min_score_percent / 100;
        double min_stall = part * (double)settings->min_stall_ns;

        if ((double)info->age_ns < min_age)
                return against(REASON_TOO_YOUNG, (double)info->age_ns, min_age, observed,
                               threshold);
        if ((double)info->rss_bytes < min_rss)
                return against(REASON_TOO_SMALL, (double)info->rss_bytes, min_rss, observed,
                               threshold);
        if (!evidence || !score)
                return against(REASON_NO_EVIDENCE, 0, 0, observed, threshold);
        if (evidence->evaluations < EVALUATIONS_MIN || !(score->samples > 0))
                return against(REASON_TOO_FEW_SAMPLES, evidence->evaluations, EVALUATIONS_MIN,
                               observed, threshold);
        if (score->remote_upper < min_remote)
                return against(REASON_BALANCED, score->remote_upper, min_remote, observed,
                               threshold);
        if (score->remote_lower < min_remote)
                return against(REASON_LOW_REMOTE, score->remote_lower, min_remote, observed,
                               threshold);
        if (score->score < min_score)
                return against(REASON_LOW_SCORE, score->score, min_score, observed, threshold);
        if (score->stall_ns < min_stall)
                return against(REASON_LOW_STALL, score->stall_ns, min_stall, observed, threshold);
        return REASON_NONE;
}

Reason gates_single_node(const ProcessInfo *info, const Track *track, const Score *score,
                         double *observed, double *threshold) {
        unsigned settled = track ? track->settled : 0;

        if (score->run_share < SINGLE_NODE_SHARE)
                return against(REASON_MULTI_NODE, score->run_share, SINGLE_NODE_SHARE, observed,
                               threshold);
        /* What may run on this node only needs no proof by waiting. The affinity alone is not
         * enough: it is that of the first thread, others may run elsewhere. */
        if (info->affinity_nodes == node_bit(score->run_node))
                return REASON_NONE;
        if (settled < SETTLED_EVALUATIONS)
                return against(REASON_UNSETTLED, settled, SETTLED_EVALUATIONS, observed, threshold);
        return REASON_NONE;
}
