/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <string.h>

#include "base/human.h"
#include "base/mathx.h"
#include "ctl/json.h"
#include "ctl/output.h"

#define LABEL "%14s: "

static void show_memory(FILE *f, json_object *p) {
        json_object *ids = json_object_object_get(p, "nodes");
        json_object *resident = json_object_object_get(p, "resident_bytes");

        fprintf(f, LABEL "%s resident", "Memory", HUMAN_SIZE(json_u64(p, "rss_bytes")));
        for (size_t i = 0; resident && i < json_object_array_length(resident); i++)
                fprintf(f, ", about %s on node%d",
                        HUMAN_SIZE(json_object_get_uint64(json_object_array_get_idx(resident, i))),
                        json_object_get_int(json_object_array_get_idx(ids, i)));
        if (json_u64(p, "locked_bytes"))
                fprintf(f, ", %s locked", HUMAN_SIZE(json_u64(p, "locked_bytes")));
        if (json_u64(p, "pinned_bytes"))
                fprintf(f, ", %s pinned", HUMAN_SIZE(json_u64(p, "pinned_bytes")));
        if (json_u64(p, "hugetlb_bytes"))
                fprintf(f, ", %s hugetlb", HUMAN_SIZE(json_u64(p, "hugetlb_bytes")));
        fputc('\n', f);
}

static void show_accesses(FILE *f, json_object *p) {
        if (json_number(p, "samples") < 0.5) {
                fprintf(f, LABEL "none seen\n", "Accesses");
                return;
        }
        fprintf(f, LABEL "about %.0f sampled (source %s), %s remote (%s to %s)\n", "Accesses",
                json_number(p, "samples"), json_text(p, "source"),
                HUMAN_SHARE(json_number(p, "remote_share")),
                HUMAN_SHARE(json_number(p, "remote_lower")),
                HUMAN_SHARE(json_number(p, "remote_upper")));
        fprintf(f, LABEL "%s of its CPU time, %s per second\n", "Loss",
                HUMAN_SHARE(json_number(p, "score")),
                HUMAN_TIME(double_to_u64(json_number(p, "stall_share") * 1e9)));
}

/* The flat matrix of GetProcess as rows. */
static json_object *matrix_rows(json_object *flat, size_t n) {
        json_object *rows = json_object_new_array();

        for (size_t i = 0; rows && i < n; i++) {
                json_object *row = json_object_new_array();

                for (size_t k = 0; row && k < n; k++)
                        (void)json_object_array_add(
                                row, json_object_get(json_object_array_get_idx(flat, i * n + k)));
                (void)json_object_array_add(rows, row);
        }
        return rows;
}

void output_show(FILE *f, json_object *p, bool colour) {
        json_object *ids = json_object_object_get(p, "nodes");
        json_object *flat = json_object_object_get(p, "accesses");
        const char *unit = json_text(p, "unit");

        const char *comm = json_text(p, "comm");
        bool watched = json_u64(p, "threads") > 0; /* else only its pid is known */

        fprintf(f, "%s[%" PRIu64 "]\n", *comm ? comm : "?", json_u64(p, "pid"));
        if (*unit)
                fprintf(f, LABEL "%s\n", "Unit", unit);
        fprintf(f, LABEL "%s: it %s (%s)\n", "State", json_text(p, "state"),
                output_reason(json_text(p, "reason")), json_text(p, "reason"));
        if (!watched)
                return;
        fprintf(f, LABEL "%s, %" PRIu64 " threads, user %" PRIu64 "\n", "Age",
                HUMAN_TIME(mul_sat(json_u64(p, "age_usec"), 1000)), json_u64(p, "threads"),
                json_u64(p, "uid"));
        show_memory(f, p);
        fprintf(f, LABEL "%s of one CPU", "CPU time", HUMAN_SHARE(json_number(p, "cpu_share")));
        if (json_i64(p, "run_node") >= 0)
                fprintf(f, ", %s of it on node%" PRIi64, HUMAN_SHARE(json_number(p, "run_share")),
                        json_i64(p, "run_node"));
        fputc('\n', f);
        show_accesses(f, p);
        if (json_i64(p, "target_node") >= 0)
                fprintf(f, LABEL "node%" PRIi64 ", a move of %s would gain %s in %s and cost %s\n",
                        "Target", json_i64(p, "target_node"), HUMAN_SIZE(json_u64(p, "move_bytes")),
                        HUMAN_TIME(mul_sat(json_u64(p, "gain_usec"), 1000)),
                        HUMAN_TIME(mul_sat(json_u64(p, "horizon_usec"), 1000)),
                        HUMAN_TIME(mul_sat(json_u64(p, "cost_usec"), 1000)));
        if (flat && ids) {
                cleanup_json json_object *rows = matrix_rows(flat, json_object_array_length(ids));

                fputc('\n', f);
                (void)output_matrix(f, ids, rows, colour);
        }
}

static const char *field(json_object *finding, size_t i) {
        return json_object_get_string(json_object_array_get_idx(finding, i)) ?: "";
}

static size_t count_findings(json_object *findings, const char *state) {
        size_t n = 0;

        for (size_t i = 0; i < json_object_array_length(findings); i++)
                n += strcmp(field(json_object_array_get_idx(findings, i), 1), state) == 0;
        return n;
}

bool findings_allow_acting(json_object *findings) {
        return count_findings(findings, "missing") == 0;
}

void output_doctor(FILE *f, json_object *findings, bool colour) {
        size_t missing = count_findings(findings, "missing"),
               limited = count_findings(findings, "limited");

        for (size_t i = 0; i < json_object_array_length(findings); i++) {
                json_object *x = json_object_array_get_idx(findings, i);
                const char *state = field(x, 1), *start = "", *end = "";

                if (colour && strcmp(state, "good") != 0) {
                        start = strcmp(state, "missing") == 0 ? "\033[1;31m" : "\033[1;33m";
                        end = "\033[0m";
                }
                fprintf(f, "%s%-8s%s %s\n", start, state, end, field(x, 2));
                if (*field(x, 3))
                        fprintf(f, "         effect: %s\n", field(x, 3));
                if (*field(x, 4))
                        fprintf(f, "         help:   %s\n", field(x, 4));
        }
        if (missing > 0)
                fprintf(f, "The daemon cannot act: %zu missing.\n", missing);
        else if (limited > 0)
                fprintf(f, "The daemon can act, within limits: %zu.\n", limited);
        else
                fprintf(f, "The daemon can act.\n");
}

void output_list(FILE *f, json_object *numbers) {
        size_t n = json_object_array_length(numbers);

        for (size_t i = 0; i < n; i++) {
                int64_t first = json_object_get_int64(json_object_array_get_idx(numbers, i));
                int64_t last = first;

                while (i + 1 < n && json_object_get_int64(json_object_array_get_idx(
                                            numbers, i + 1)) == last + 1) {
                        last++;
                        i++;
                }
                fprintf(f, "%" PRIi64, first);
                if (last > first)
                        fprintf(f, "-%" PRIi64, last);
                fputs(i + 1 < n ? "," : "", f);
        }
        fputc('\n', f);
}
