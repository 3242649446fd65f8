/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/recording_fields.h"

#define FIELD(struct_, member, type)                                                               \
        { #member, FIELD_##type, offsetof(struct_, member), 0 }
#define FIELD_AS(struct_, key, member, type)                                                       \
        { key, FIELD_##type, offsetof(struct_, member), 0 }
#define FIELD_CHARS(struct_, key, member)                                                          \
        { key, FIELD_TEXT, offsetof(struct_, member), sizeof(((struct_ *)0)->member) }

const Field recording_process_fields[] = {
        FIELD_AS(RecordedProcess, "pid", info.id.pid, INT),
        FIELD_AS(RecordedProcess, "starttime", info.id.starttime, U64),
        FIELD_CHARS(RecordedProcess, "comm", info.comm),
        FIELD_CHARS(RecordedProcess, "unit", info.unit),
        FIELD_AS(RecordedProcess, "uid", info.uid, U32),
        FIELD_AS(RecordedProcess, "age_ns", info.age_ns, U64),
        FIELD_AS(RecordedProcess, "rss_bytes", info.rss_bytes, U64),
        FIELD_AS(RecordedProcess, "locked_bytes", info.locked_bytes, U64),
        FIELD_AS(RecordedProcess, "pinned_bytes", info.pinned_bytes, U64),
        FIELD_AS(RecordedProcess, "hugetlb_bytes", info.hugetlb_bytes, U64),
        FIELD_AS(RecordedProcess, "n_threads", info.n_threads, U32),
        FIELD_AS(RecordedProcess, "kernel_thread", info.kernel_thread, BOOL),
        FIELD_AS(RecordedProcess, "realtime", info.realtime, BOOL),
        FIELD_AS(RecordedProcess, "cpuset_mems", info.cpuset_mems, U64),
        FIELD_AS(RecordedProcess, "affinity_nodes", info.affinity_nodes, U64),
        FIELD_AS(RecordedProcess, "attributes", info.attributes, INT),
        FIELD_AS(RecordedProcess, "task_policy", info.task_policy, BOOL),
        FIELD_AS(RecordedProcess, "vma_policy", info.vma_policy, BOOL),
        FIELD_AS(RecordedProcess, "device_memory", info.device_memory, BOOL),
        FIELD_AS(RecordedProcess, "rule_mode", info.rule_mode, INT),
        FIELD_AS(RecordedProcess, "bandwidth_bytes", info.bandwidth_bytes, U64),
        FIELD(RecordedProcess, exec_id, U64),
        FIELD(RecordedProcess, busy, BOOL),
        {},
};

const Field recording_evidence_fields[] = {
        FIELD(Evidence, source, SOURCE),
        FIELD(Evidence, samples, DOUBLE),
        FIELD(Evidence, unresolved, DOUBLE),
        FIELD(Evidence, evaluations, U32),
        FIELD(Evidence, skid, BOOL),
        FIELD(Evidence, updated_ns, U64),
        {},
};

const Field recording_outcome_fields[] = {
        FIELD(Outcome, job, U64),
        FIELD_AS(Outcome, "pid", move.id.pid, INT),
        FIELD_AS(Outcome, "starttime", move.id.starttime, U64),
        FIELD_CHARS(Outcome, "comm", move.comm),
        FIELD_CHARS(Outcome, "unit", move.unit),
        FIELD_AS(Outcome, "from", move.from, U64),
        FIELD_AS(Outcome, "to", move.to, INT),
        FIELD_AS(Outcome, "bytes", move.bytes, U64),
        FIELD_AS(Outcome, "score", move.score, DOUBLE),
        FIELD_AS(Outcome, "remote_before", move.remote_before, DOUBLE),
        FIELD_AS(Outcome, "remote_expected", move.remote_expected, DOUBLE),
        FIELD_AS(Outcome, "benefit_ns", move.benefit_ns, DOUBLE),
        FIELD_AS(Outcome, "cost_ns", move.cost_ns, DOUBLE),
        FIELD_AS(Outcome, "ranges_only", move.ranges_only, BOOL),
        FIELD(Outcome, reason, REASON),
        FIELD(Outcome, error, INT),
        FIELD(Outcome, pages_planned, U64),
        FIELD(Outcome, pages_moved, U64),
        FIELD(Outcome, pages_failed, U64),
        FIELD(Outcome, pages_retry, U64),
        FIELD(Outcome, pages_gone, U64),
        FIELD(Outcome, bytes_moved, U64),
        FIELD(Outcome, busy_ns, U64),
        FIELD(Outcome, remote_after, DOUBLE),
        {},
};
