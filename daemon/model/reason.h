/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* Why a process was moved, skipped or refused, and why the daemon is in its state: one table for
 * journal, D-Bus, numabalancerctl and the manual pages. REASON(NAME, "code", "sentence").
 * The sentence completes "This process ..." or "The daemon ..." and ends without a full stop. */
#define REASON_TABLE(REASON)                                                                       \
        /* nothing to say against it */                                                            \
        REASON(NONE, "none", "has not been judged yet")                                            \
        REASON(MOVE, "move", "is being moved: the gain outweighs the cost")                        \
        REASON(SPREAD, "spread",                                                                   \
               "has memory that several nodes use alike, and one node serves too much, "           \
               "so part of it is being spread over the others")                                    \
        REASON(OBSERVED, "observed", "would be moved, but mode or a rule says observe")            \
        REASON(BALANCED, "balanced", "has its memory where it runs")                               \
        /* gates */                                                                                \
        REASON(QUIET, "quiet", "uses too little CPU time to lose any")                             \
        REASON(TOO_YOUNG, "too-young", "is younger than gates.min_age")                            \
        REASON(TOO_SMALL, "too-small", "has less resident memory than gates.min_rss")              \
        REASON(LOW_SCORE, "low-score",                                                             \
               "loses a smaller share of its CPU time to remote memory "                           \
               "than gates.min_score_percent")                                                     \
        REASON(LOW_STALL, "low-stall", "loses less time to remote memory than gates.min_stall")    \
        REASON(LOW_REMOTE, "low-remote",                                                           \
               "makes fewer remote accesses than "                                                 \
               "gates.min_remote_percent")                                                         \
        REASON(TOO_FEW_SAMPLES, "too-few-samples", "has not been sampled often enough to judge")   \
        REASON(NO_EVIDENCE, "no-evidence", "cannot be seen by any source")                         \
        REASON(MULTI_NODE, "multi-node",                                                           \
               "runs on several nodes, and no part of its memory is known "                        \
               "to belong to another one than where it is")                                        \
        REASON(UNSETTLED, "unsettled", "has not stayed on one node long enough")                   \
        REASON(COST, "cost", "would not gain enough to pay for the move")                          \
        REASON(COOLDOWN, "cooldown", "was moved a short while ago")                                \
        REASON(GAVE_UP, "gave-up", "was moved without the promised effect and is left alone")      \
        /* never touched */                                                                        \
        REASON(KERNEL_THREAD, "kernel-thread", "is a kernel thread")                               \
        REASON(SELF, "self", "is this daemon")                                                     \
        REASON(INIT, "init", "is the first process of the system (pid 1)")                         \
        REASON(TASK_POLICY, "task-policy",                                                         \
               "set an explicit memory policy (numactl, "                                          \
               "set_mempolicy)")                                                                   \
        REASON(VMA_POLICY, "vma-policy",                                                           \
               "bound mappings to nodes with an explicit memory policy "                           \
               "(mbind)")                                                                          \
        REASON(CPUSET, "cpuset", "is confined by its cpuset to one memory node")                   \
        REASON(PINNED, "pinned",                                                                   \
               "has pinned a quarter or more of its memory for direct access "                     \
               "by devices")                                                                       \
        REASON(DEVICE_MEMORY, "device-memory",                                                     \
               "lets devices work on its memory by themselves (VFIO, RDMA, DPDK)")                 \
        REASON(HUGETLB, "hugetlb", "uses hugetlb pages (never.hugetlb)")                           \
        REASON(REALTIME, "realtime", "has a real-time scheduling class (never.realtime)")          \
        REASON(LOCKED, "locked", "has locked memory (never.locked)")                               \
        REASON(ATTRIBUTES_UNKNOWN, "attributes-unknown",                                           \
               "has memory policies that could not be "                                            \
               "read, so it is not moved")                                                         \
        REASON(RULE, "rule", "is excluded by a rule of the configuration")                         \
        REASON(FORBIDDEN, "forbidden", "refuses access (EPERM); it is left alone until it execs")  \
        /* targets */                                                                              \
        REASON(NODE_FULL, "node-full", "would need more memory than its target node can give")     \
        REASON(NODE_BLOCKED, "node-blocked", "has a target node that ran out of memory lately")    \
        REASON(NO_TARGET, "no-target", "has no node that it may use and that is better")           \
        REASON(BUDGET, "budget", "waits until the migration budget allows its move")               \
        REASON(PING_PONG, "ping-pong",                                                             \
               "waits because moved memory kept returning to where it "                            \
               "came from; moves are stopped for a while")                                         \
        REASON(OTHER_MOVER, "other-mover",                                                         \
               "waits, because another program moves memory between nodes")                        \
        REASON(BUSY, "busy", "has a move under way")                                               \
        /* outcome of a job */                                                                     \
        REASON(DONE, "done", "was moved")                                                          \
        REASON(NOTHING_TO_DO, "nothing-to-do", "had nothing to move on those nodes any more")      \
        REASON(PARTLY, "partly", "was moved in part; some pages could not be moved")               \
        REASON(NO_MEMORY, "no-memory", "was not moved further: the target node ran out of memory") \
        REASON(PASSES_EXHAUSTED, "passes-exhausted", "has pages that stayed busy over all passes") \
        REASON(UNMOVABLE, "unmovable", "has pages that the kernel refuses to move")                \
        REASON(SHARED, "shared",                                                                   \
               "has memory that several nodes or other processes use as well, "                    \
               "so it stays")                                                                      \
        REASON(PROCESS_GONE, "process-gone", "ended or changed its program during the move")       \
        REASON(CANCELLED, "cancelled", "had its move cancelled")                                   \
        REASON(ERROR, "error", "could not be moved because of an unexpected error")                \
        /* state of the daemon */                                                                  \
        REASON(RUNNING, "running", "watches and acts")                                             \
        REASON(OBSERVE_MODE, "observe-mode", "only observes (mode = \"observe\")")                 \
        REASON(ONE_NODE, "one-node", "has nothing to do on a machine with one memory node")        \
        REASON(PAUSED, "paused", "was paused")                                                     \
        REASON(NO_SOURCE, "no-source", "has no source of evidence that works here")                \
        REASON(STOPPING, "stopping", "is stopping")

typedef enum Reason {
#define REASON_ENUM(name, code, sentence) REASON_##name,
        REASON_TABLE(REASON_ENUM)
#undef REASON_ENUM
                REASON_MAX,
} Reason;

/* Stable code ("too-young") and sentence of a reason; "none"'s for values out of range. */
const char *reason_to_string(Reason reason);
const char *reason_sentence(Reason reason);

/* Reason with this code, or -EINVAL. */
int reason_from_string(const char *code);
