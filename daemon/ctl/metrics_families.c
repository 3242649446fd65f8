/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/mathx.h"
#include "ctl/json.h"
#include "model/stats.h"
#include "model/view.h"

/* Counters whose public name does not give a good name with "_total" after it. */
static const struct {
        const char *name;
        const char *metric;
        double factor;
} renamed[] = {
        { "SamplesTotal", "samples", 1 },          { "AccessesTotal", "accesses", 1 },
        { "SamplesRemote", "accesses_remote", 1 }, { "BytesMoved", "moved_bytes", 1 },
        { "MoveUSec", "move_seconds", 1e-6 },
};

/* "SamplesNoCode" to "samples_no_code", "CPUTimeLost" to "cpu_time_lost". */
static void snake_case(char *ret, size_t size, const char *name) {
        size_t n = 0;

        for (size_t i = 0; name[i] && n + 2 < size; i++) {
                bool upper = name[i] >= 'A' && name[i] <= 'Z';
                bool starts = upper && i > 0 &&
                              (name[i - 1] >= 'a' || (name[i + 1] >= 'a' && name[i + 1] <= 'z'));

                if (starts)
                        ret[n++] = '_';
                ret[n++] = upper ? (char)(name[i] - 'A' + 'a') : name[i];
        }
        ret[n] = 0;
}

static void add_counter(Metrics *m, json_object *stats, const char *name, const char *meaning) {
        char metric[64];
        double factor = 1;

        snake_case(metric, sizeof metric, name);
        for (size_t i = 0; i < sizeof renamed / sizeof *renamed; i++)
                if (strcmp(renamed[i].name, name) == 0) {
                        strcpy(metric, renamed[i].metric);
                        factor = renamed[i].factor;
                }
        metrics_family(m, metric, METRIC_COUNTER, meaning);
        metrics_sample(m, (double)json_u64(stats, name) * factor, NULL);
}

/* A family with a sample for each class of failure. */
static void add_by_errno(Metrics *m, json_object *values, const char *name, const char *help) {
        metrics_family(m, name, METRIC_COUNTER, help);
        if (!json_object_is_type(values, json_type_object))
                return;
        json_object_object_foreach(values, error, value) {
                metrics_sample(m, json_object_get_double(value), "errno", error, NULL);
        }
}

static void add_counters(Metrics *m, json_object *stats) {
#define ADD_COUNTER(member, name, meaning) add_counter(m, stats, name, meaning);
        COUNTER_TABLE(ADD_COUNTER)
#undef ADD_COUNTER
        add_by_errno(m, json_object_object_get(stats, "FailuresByErrno"), "failures",
                     "failed attempts to move a page and failed calls, by errno");
        add_by_errno(m, json_object_object_get(stats, "FailedBytesByErrno"), "failed_bytes",
                     "size of the pages that could not be moved, by errno");
}

/* One family with a sample for each cause; absent where the kernel cannot be asked. */
static void add_by_cause(Metrics *m, json_object *stats, const char *key, const char *metric,
                         const char *help) {
        json_object *moves = json_object_object_get(stats, key);

        if (!moves)
                return;
        metrics_family(m, metric, METRIC_COUNTER, help);
        json_object_object_foreach(moves, name, value) {
                metrics_sample(m, json_object_get_double(value), "reason", name, NULL);
        }
}

static void add_kernel_moves(Metrics *m, json_object *stats) {
        add_by_cause(m, stats, "KernelPagesMoved", "kernel_migrated_pages",
                     "base pages that the kernel moved, but for the daemon, by its reason");
        add_by_cause(m, stats, "KernelPagesFailed", "kernel_failed_pages",
                     "base pages that the kernel could not move, but for the daemon");
        add_by_cause(m, stats, "KernelHugePagesMoved", "kernel_migrated_huge_pages",
                     "huge pages that the kernel moved, but for the daemon");
}

static void add_gauge(Metrics *m, const char *name, const char *help, double value) {
        metrics_family(m, name, METRIC_GAUGE, help);
        metrics_sample(m, value, NULL);
}

static void add_daemon(Metrics *m, json_object *p, json_object *stats) {
        const char *state = json_text(p, "State");

        metrics_family(m, "info", METRIC_GAUGE, "version and settings of the daemon, always 1");
        metrics_sample(m, 1, "version", json_text(p, "Version"), "mode", json_text(p, "Mode"),
                       "source", json_text(p, "Source"), "kernel_balancing",
                       json_text(p, "KernelBalancing"), NULL);
        metrics_family(m, "state", METRIC_GAUGE, "1 for the state that the daemon is in");
        for (int i = 0; i < DAEMON_STATE_MAX; i++) {
                const char *name = daemon_state_to_string((DaemonState)i);

                metrics_sample(m, strcmp(state, name) == 0, "state", name, NULL);
        }
        add_gauge(m, "start_time_seconds", "when the daemon started, since 1970",
                  (double)json_u64(p, "StartTimestamp") / 1e6);
        add_gauge(m, "processes", "processes that are watched",
                  (double)json_u64(p, "ProcessesTracked"));
        add_gauge(m, "jobs", "moves under way or waiting", (double)json_u64(stats, "JobsActive"));
        metrics_family(m, "cpu_seconds", METRIC_COUNTER,
                       "CPU time of the daemon and its BPF programs");
        metrics_sample(m, (double)json_u64(p, "CPUUsageUSec") / 1e6, NULL);
        metrics_family(m, "sampler_cpu_seconds", METRIC_COUNTER,
                       "CPU time of the BPF programs of the sampler");
        metrics_sample(m, (double)json_u64(stats, "SamplerUSec") / 1e6, NULL);
}

/* One family with a sample for each node. */
static void add_by_node(Metrics *m, json_object *nodes, const char *name, const char *help,
                        double (*value)(json_object *node)) {
        metrics_family(m, name, METRIC_GAUGE, help);
        for (size_t i = 0; i < json_object_array_length(nodes); i++) {
                json_object *node = json_object_array_get_idx(nodes, i);
                char id[24];

                snprintf(id, sizeof id, "%" PRIi64, json_i64(node, "node"));
                metrics_sample(m, value(node), "node", id, NULL);
        }
}

static double node_memory(json_object *node) {
        return (double)json_u64(node, "memory_bytes");
}

static double node_available(json_object *node) {
        return (double)json_u64(node, "available_bytes");
}

static double node_busy(json_object *node) {
        return ratio_or(json_number(node, "cpu_share"), (double)json_u64(node, "cpus"), 0);
}

static double access_at(json_object *nodes, size_t from, size_t to) {
        json_object *row =
                json_object_object_get(json_object_array_get_idx(nodes, from), "accesses");

        return json_object_get_double(json_object_array_get_idx(row, to));
}

static void add_accesses(Metrics *m, json_object *nodes) {
        size_t n = json_object_array_length(nodes);
        double sum = 0;

        for (size_t i = 0; i < n * n; i++)
                sum += access_at(nodes, i / n, i % n);
        metrics_family(m, "access_ratio", METRIC_GAUGE,
                       "share of recent accesses from the CPUs of a node to the memory of a node");
        for (size_t i = 0; i < n * n; i++) {
                char from[24], to[24];

                snprintf(from, sizeof from, "%" PRIi64,
                         json_i64(json_object_array_get_idx(nodes, i / n), "node"));
                snprintf(to, sizeof to, "%" PRIi64,
                         json_i64(json_object_array_get_idx(nodes, i % n), "node"));
                metrics_sample(m, ratio_or(access_at(nodes, i / n, i % n), sum, 0), "from", from,
                               "to", to, NULL);
        }
}

/* Share of the accesses from the CPUs of each node that go to other nodes. */
static void add_node_shares(Metrics *m, json_object *nodes) {
        size_t n = json_object_array_length(nodes);

        metrics_family(m, "node_remote_ratio", METRIC_GAUGE,
                       "share of recent accesses from the CPUs of the node that go to other nodes");
        for (size_t i = 0; i < n; i++) {
                double sum = 0;
                char id[24];

                for (size_t k = 0; k < n; k++)
                        sum += access_at(nodes, i, k);
                snprintf(id, sizeof id, "%" PRIi64,
                         json_i64(json_object_array_get_idx(nodes, i), "node"));
                metrics_sample(m, ratio_or(sum - access_at(nodes, i, i), sum, 0), "node", id, NULL);
        }
}

/* How the processes were judged; each reason always, so that a series has no gaps. */
static void add_reasons(Metrics *m, json_object *processes) {
        double count[REASON_MAX] = { 0 };

        for (size_t i = 0; i < json_object_array_length(processes); i++) {
                int reason = reason_from_string(
                        json_text(json_object_array_get_idx(processes, i), "reason"));

                if (reason >= 0)
                        count[reason]++;
        }
        metrics_family(m, "decisions", METRIC_GAUGE,
                       "watched processes by the reason of the last decision about them");
        for (int i = 0; i < REASON_MAX; i++)
                metrics_sample(m, count[i], "reason", reason_to_string((Reason)i), NULL);
}

typedef struct Unit {
        const char *name;
        double processes;
        double score; /* the highest of its processes */
        double remote;
} Unit;

/* Sums up the processes by unit; they come highest score first, so the first units matter most. */
static size_t sum_units(json_object *processes, Unit units[static METRICS_UNITS_MAX + 1]) {
        size_t n = 0;

        units[METRICS_UNITS_MAX] = (Unit) { .name = "other" };
        for (size_t i = 0; i < json_object_array_length(processes); i++) {
                json_object *row = json_object_array_get_idx(processes, i);
                const char *name = json_text(row, "unit");
                size_t k = 0;

                name = *name ? name : "none";
                while (k < n && strcmp(units[k].name, name) != 0)
                        k++;
                if (k == n && n < METRICS_UNITS_MAX)
                        units[n++] = (Unit) { .name = name };
                units[k].processes++;
                units[k].score = fmax(units[k].score, json_number(row, "score"));
                units[k].remote = fmax(units[k].remote, json_number(row, "remote_share"));
        }
        return n;
}

static void add_units(Metrics *m, json_object *processes) {
        Unit units[METRICS_UNITS_MAX + 1];
        size_t n = sum_units(processes, units);

        if (units[METRICS_UNITS_MAX].processes > 0)
                n = METRICS_UNITS_MAX + 1;
        metrics_family(m, "unit_processes", METRIC_GAUGE, "watched processes by systemd unit");
        for (size_t i = 0; i < n; i++)
                metrics_sample(m, units[i].processes, "unit", units[i].name, NULL);
        metrics_family(m, "unit_lost_cpu_ratio", METRIC_GAUGE,
                       "highest share of its CPU time that a process of the unit loses to remote "
                       "memory");
        for (size_t i = 0; i < n; i++)
                metrics_sample(m, units[i].score, "unit", units[i].name, NULL);
        metrics_family(m, "unit_remote_ratio", METRIC_GAUGE,
                       "highest remote share of the accesses of a process of the unit");
        for (size_t i = 0; i < n; i++)
                metrics_sample(m, units[i].remote, "unit", units[i].name, NULL);
}

void metrics_add_all(Metrics *m, const DaemonData *data) {
        add_gauge(m, "up", "1 when the daemon answers", data != NULL);
        if (!data)
                return;
        add_daemon(m, data->properties, data->stats);
        add_counters(m, data->stats);
        add_kernel_moves(m, data->stats);
        add_by_node(m, data->nodes, "node_memory_bytes", "memory of the node", node_memory);
        add_by_node(m, data->nodes, "node_available_bytes",
                    "memory of the node that is free or could be freed easily", node_available);
        add_by_node(m, data->nodes, "node_cpu_busy_ratio",
                    "share of the CPU time of the node that watched processes use", node_busy);
        add_accesses(m, data->nodes);
        add_node_shares(m, data->nodes);
        add_reasons(m, data->processes);
        add_units(m, data->processes);
}
