/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/human.h"
#include "base/mathx.h"
#include "ctl/columns.h"
#include "ctl/json.h"
#include "ctl/output.h"

static json_object *row_of(json_object *rows, size_t i) {
        return json_object_array_get_idx(rows, i);
}

static double element(json_object *matrix, size_t row, size_t column) {
        return json_object_get_double(json_object_array_get_idx(row_of(matrix, row), column));
}

/* The accesses of node i to each node, as shares of the sum of all. */
static void add_accesses(Columns *c, json_object *matrix, size_t i, double sum) {
        for (size_t k = 0; k < json_object_array_length(matrix); k++)
                columns_add(c, "%s", HUMAN_SHARE(ratio_or(element(matrix, i, k), sum, 0)));
}

static double matrix_sum(json_object *matrix) {
        size_t n = json_object_array_length(matrix);
        double sum = 0;

        for (size_t i = 0; i < n * n; i++)
                sum += element(matrix, i / n, i % n);
        return sum;
}

int output_matrix(FILE *f, json_object *ids, json_object *matrix, bool colour) {
        size_t n = json_object_array_length(ids);
        double sum = matrix_sum(matrix);
        Columns c;
        int r;

        fprintf(f, "Accesses from the CPUs of a node (row) to the memory of a node (column):\n");
        columns_init(&c, ">FROM");
        for (size_t k = 0; k < n; k++) {
                char title[32];

                snprintf(title, sizeof title, "node%d",
                         json_object_get_int(json_object_array_get_idx(ids, k)));
                columns_title(&c, title, true);
        }
        for (size_t i = 0; i < n; i++) {
                columns_add(&c, "node%d", json_object_get_int(json_object_array_get_idx(ids, i)));
                add_accesses(&c, matrix, i, sum);
        }
        r = columns_print(&c, f, colour);
        columns_done(&c);
        return r;
}

/* matrix NULL: without accesses. */
static void add_nodes(Columns *c, json_object *nodes, json_object *matrix) {
        double sum = matrix ? matrix_sum(matrix) : 0;

        for (size_t i = 0; i < json_object_array_length(nodes); i++) {
                json_object *node = row_of(nodes, i);
                uint64_t blocked = json_u64(node, "blocked_usec");

                columns_add(c, "%" PRIi64, json_i64(node, "node"));
                columns_add(c, "%" PRIu64, json_u64(node, "cpus"));
                columns_add(c, "%.1f", json_number(node, "cpu_share"));
                columns_add(c, "%s", HUMAN_SIZE(json_u64(node, "memory_bytes")));
                columns_add(c, "%s", HUMAN_SIZE(json_u64(node, "available_bytes")));
                columns_add(c, "%s", blocked ? HUMAN_TIME(mul_sat(blocked, 1000)) : "-");
                if (matrix)
                        add_accesses(c, matrix, i, sum);
        }
}

#define NODE_TITLES ">NODE >CPUS >BUSY >MEMORY >AVAILABLE >BLOCKED"

/* The rows "accesses" of all nodes; NULL without memory. */
static json_object *access_matrix(json_object *nodes) {
        cleanup_json json_object *matrix = json_object_new_array();

        for (size_t i = 0; matrix && i < json_object_array_length(nodes); i++) {
                json_object *accesses = NULL;

                json_object_object_get_ex(row_of(nodes, i), "accesses", &accesses);
                if (json_object_array_add(matrix, json_object_get(accesses)) < 0)
                        return NULL;
        }
        return TAKE_PTR(matrix);
}

int output_nodes_compact(FILE *f, json_object *nodes, bool colour) {
        cleanup_json json_object *matrix = access_matrix(nodes);
        Columns c;
        int r;

        if (!matrix)
                return -ENOMEM;
        columns_init(&c, NODE_TITLES);
        for (size_t i = 0; i < json_object_array_length(nodes); i++) {
                char title[32];

                snprintf(title, sizeof title, "TO-%" PRIi64, json_i64(row_of(nodes, i), "node"));
                columns_title(&c, title, true);
        }
        add_nodes(&c, nodes, matrix);
        r = columns_print(&c, f, colour);
        columns_done(&c);
        return r;
}

int output_nodes(FILE *f, json_object *nodes, bool colour) {
        cleanup_json json_object *ids = json_object_new_array();
        cleanup_json json_object *matrix = access_matrix(nodes);
        Columns c;
        int r;

        if (!ids || !matrix)
                return -ENOMEM;
        columns_init(&c, NODE_TITLES);
        add_nodes(&c, nodes, NULL);
        r = columns_print(&c, f, colour);
        columns_done(&c);
        if (r < 0)
                return r;
        for (size_t i = 0; i < json_object_array_length(nodes); i++)
                if (json_object_array_add(
                            ids, json_object_new_int64(json_i64(row_of(nodes, i), "node"))) < 0)
                        return -ENOMEM;
        fputc('\n', f);
        return output_matrix(f, ids, matrix, colour);
}

int output_history(FILE *f, json_object *rows, bool colour) {
        Columns c;
        int r;

        columns_init(&c, "TIME >REMOTE >ACCESSES >LOST >MOVED >FAILED >JOBS >PROCESSES >CPU");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = row_of(rows, i);
                uint64_t accesses = json_u64(row, "accesses");
                time_t t = (time_t)(json_u64(row, "end_usec") / 1000000);
                char when[32] = "";
                struct tm tm;

                if (localtime_r(&t, &tm))
                        strftime(when, sizeof when, "%H:%M:%S", &tm);
                columns_add(&c, "%s", when);
                if (accesses)
                        columns_add(
                                &c, "%s",
                                HUMAN_SHARE((double)json_u64(row, "remote") / (double)accesses));
                else
                        columns_add(&c, "-");
                columns_add(&c, "%" PRIu64, accesses);
                columns_add(&c, "%" PRIu64, json_u64(row, "lost"));
                columns_add(&c, "%s", HUMAN_SIZE(json_u64(row, "bytes_moved")));
                columns_add(&c, "%" PRIu64, json_u64(row, "pages_failed"));
                columns_add(&c, "%" PRIu64,
                            json_u64(row, "migrations_finished") +
                                    json_u64(row, "migrations_failed"));
                columns_add(&c, "%" PRIu64, json_u64(row, "processes"));
                columns_add(&c, "%s",
                            HUMAN_SHARE(ratio_or((double)json_u64(row, "cpu_usec"),
                                                 (double)json_u64(row, "interval_usec"), 0)));
        }
        r = columns_print(&c, f, colour);
        columns_done(&c);
        return r;
}

/* "97 % to 1 %", as far as it is known. */
static void add_shares(Columns *c, json_object *row) {
        json_object *before = NULL, *after = NULL;

        json_object_object_get_ex(row, "remote_before", &before);
        json_object_object_get_ex(row, "remote_after", &after);
        columns_add(c, "%s%s%s", before ? HUMAN_SHARE(json_object_get_double(before)) : "-",
                    after ? " to " : "", after ? HUMAN_SHARE(json_object_get_double(after)) : "");
}

static void add_job(Columns *c, json_object *row) {
        bool finished = strcmp(json_text(row, "state"), "finished") == 0;

        columns_add(c, "%" PRIu64, json_u64(row, "job"));
        columns_add(c, "%" PRIu64, json_u64(row, "pid"));
        columns_add(c, "%s", json_text(row, "comm"));
        columns_add(c, "%s", json_text(row, "from_nodes"));
        columns_add(c, "%" PRIi64, json_i64(row, "to_node"));
        columns_add(c, "%s", finished ? json_text(row, "reason") : json_text(row, "state"));
        columns_add(c, "%s", HUMAN_SIZE(json_u64(row, "bytes_moved")));
        columns_add(c, "%" PRIu64, json_u64(row, "pages_failed"));
        columns_add(c, "%" PRIu64, json_u64(row, "pages_retry"));
        columns_add(c, "%" PRIu64, json_u64(row, "passes"));
        columns_add(
                c, "%s",
                HUMAN_TIME(mul_sat(json_u64(row, finished ? "duration_usec" : "age_usec"), 1000)));
        add_shares(c, row);
}

int output_jobs(FILE *f, json_object *jobs, json_object *migrations, bool colour) {
        Columns c;
        int r;

        columns_init(&c,
                     ">JOB >PID NAME >FROM >TO STATE >MOVED >FAILED >BUSY >PASSES >TIME REMOTE");
        for (size_t i = 0; i < json_object_array_length(jobs); i++)
                add_job(&c, row_of(jobs, i));
        for (size_t i = 0; i < json_object_array_length(migrations); i++)
                add_job(&c, row_of(migrations, i));
        r = columns_print(&c, f, colour);
        columns_done(&c);
        return r;
}
