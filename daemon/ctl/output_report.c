/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/human.h"
#include "base/mathx.h"
#include "ctl/json.h"
#include "ctl/output.h"

/* The drawing area of the charts. */
#define CHART_WIDTH  900
#define CHART_HEIGHT 160

static const char page_style[] =
        "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:960px;padding:0 1em;"
        "color:#222;background:#fff}"
        "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}"
        "table{border-collapse:collapse}td,th{padding:.15em .7em;text-align:right;"
        "border-bottom:1px solid #ddd}td.t,th.t{text-align:left}"
        "svg{width:100%;height:auto;background:#f7f7f7}"
        "@media(prefers-color-scheme:dark){body{color:#ddd;background:#181818}"
        "td,th{border-color:#444}svg{background:#242424}}";

/* Text between tags or in an attribute. */
static void put_text(FILE *f, const char *s) {
        for (; *s; s++)
                switch (*s) {
                case '&':
                        fputs("&amp;", f);
                        break;
                case '<':
                        fputs("&lt;", f);
                        break;
                case '>':
                        fputs("&gt;", f);
                        break;
                case '"':
                        fputs("&quot;", f);
                        break;
                default:
                        fputc(*s, f);
                }
}

/* A cell; left-aligned with class t. */
__attribute__((format(printf, 3, 4))) static void cell(FILE *f, bool text, const char *format,
                                                       ...) {
        cleanup_free char *value = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&value, format, ap);
        va_end(ap);
        fputs(text ? "<td class=\"t\">" : "<td>", f);
        put_text(f, n < 0 ? "" : value);
        fputs("</td>", f);
        if (n < 0)
                value = NULL;
}

/* Titles are separated by '|'; '<' before a title aligns its column to the left. */
static void table_head(FILE *f, const char *titles) {
        fputs("<table><tr>", f);
        while (*titles) {
                size_t n;

                fputs(*titles == '<' ? "<th class=\"t\">" : "<th>", f);
                titles += *titles == '<';
                n = strcspn(titles, "|");
                fprintf(f, "%.*s</th>", (int)n, titles);
                titles += n + (titles[n] == '|');
        }
        fputs("</tr>\n", f);
}

static double row_share(json_object *row) {
        return ratio_or((double)json_u64(row, "remote"), (double)json_u64(row, "accesses"), 0);
}

/* The remote share as a line, what was moved as bars behind it. */
static void put_chart(FILE *f, json_object *history) {
        size_t n = json_object_array_length(history);
        double most = 1, step = n > 1 ? (double)CHART_WIDTH / (double)(n - 1) : 0;

        for (size_t i = 0; i < n; i++)
                most = fmax(most,
                            (double)json_u64(json_object_array_get_idx(history, i), "bytes_moved"));
        fprintf(f, "<svg viewBox=\"0 0 %d %d\" role=\"img\" aria-label=\"remote share\">\n",
                CHART_WIDTH, CHART_HEIGHT);
        for (size_t i = 0; i < n; i++) {
                double moved =
                        (double)json_u64(json_object_array_get_idx(history, i), "bytes_moved");

                if (moved > 0)
                        fprintf(f,
                                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                                "fill=\"#8ab\" opacity=\"0.6\"/>\n",
                                (double)i * step - step / 2, CHART_HEIGHT * (1 - moved / most),
                                fmax(step, 2), CHART_HEIGHT * moved / most);
        }
        fputs("<polyline fill=\"none\" stroke=\"#d33\" stroke-width=\"2\" points=\"", f);
        for (size_t i = 0; i < n; i++)
                fprintf(f, "%.1f,%.1f ", (double)i * step,
                        (CHART_HEIGHT - 2) *
                                        (1 - row_share(json_object_array_get_idx(history, i))) +
                                1);
        fprintf(f,
                "\"/>\n</svg>\n<p>Line: share of accesses that were remote, 0 to 100 %%. Bars: "
                "memory "
                "moved, at most %s in ten seconds.</p>\n",
                most > 1 ? HUMAN_SIZE(double_to_u64(most)) : "nothing");
}

static void put_state(FILE *f, const ReportData *d) {
        json_object *p = d->now.properties;
        char when[64];

        fprintf(f, "<h1>NUMA balancing, %s</h1>\n<table>\n",
                output_time(when, sizeof when, d->now_usec));
        fputs("<tr><td class=\"t\">State</td>", f);
        cell(f, true, "%s: the daemon %s", json_text(p, "State"),
             output_reason(json_text(p, "StateReason")));
        fputs("</tr>\n<tr><td class=\"t\">Mode, source</td>", f);
        cell(f, true, "%s, %s", json_text(p, "Mode"), json_text(p, "Source"));
        fputs("</tr>\n<tr><td class=\"t\">Since the start</td>", f);
        cell(f, true, "%" PRIu64 " moves finished, %" PRIu64 " failed, %s moved",
             json_u64(p, "MigrationsFinished"), json_u64(p, "MigrationsFailed"),
             HUMAN_SIZE(json_u64(p, "BytesMoved")));
        fputs("</tr>\n</table>\n", f);
}

static json_object *accesses_of(json_object *nodes, size_t i) {
        return json_object_object_get(json_object_array_get_idx(nodes, i), "accesses");
}

static void put_matrix(FILE *f, json_object *nodes) {
        size_t n = json_object_array_length(nodes);
        double sum = 0;

        for (size_t i = 0; i < n * n; i++)
                sum += json_object_get_double(
                        json_object_array_get_idx(accesses_of(nodes, i / n), i % n));
        fputs("<table><tr><th class=\"t\">CPUs of</th>", f);
        for (size_t k = 0; k < n; k++)
                fprintf(f, "<th>node%" PRIi64 "</th>",
                        json_i64(json_object_array_get_idx(nodes, k), "node"));
        fputs("<th>CPUs</th><th>busy</th><th>memory</th><th>available</th></tr>\n", f);
        for (size_t i = 0; i < n; i++) {
                json_object *node = json_object_array_get_idx(nodes, i);

                fputs("<tr>", f);
                cell(f, true, "node%" PRIi64, json_i64(node, "node"));
                for (size_t k = 0; k < n; k++)
                        cell(f, false, "%s",
                             HUMAN_SHARE(ratio_or(json_object_get_double(json_object_array_get_idx(
                                                          accesses_of(nodes, i), k)),
                                                  sum, 0)));
                cell(f, false, "%" PRIu64, json_u64(node, "cpus"));
                cell(f, false, "%.1f", json_number(node, "cpu_share"));
                cell(f, false, "%s", HUMAN_SIZE(json_u64(node, "memory_bytes")));
                cell(f, false, "%s", HUMAN_SIZE(json_u64(node, "available_bytes")));
                fputs("</tr>\n", f);
        }
        fputs("</table>\n", f);
}

static void put_migrations(FILE *f, json_object *rows) {
        table_head(f, "<Ended|<Process|From|To|<Result|Moved|Failed|Busy|Took|Remote before|after");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i), *share;
                char when[64];

                fputs("<tr>", f);
                cell(f, true, "%s", output_time(when, sizeof when, json_u64(row, "end_usec")));
                cell(f, true, "%s[%" PRIu64 "]", json_text(row, "comm"), json_u64(row, "pid"));
                cell(f, false, "%s", json_text(row, "from_nodes"));
                cell(f, false, "%" PRIi64, json_i64(row, "to_node"));
                cell(f, true, "%s", json_text(row, "reason"));
                cell(f, false, "%s", HUMAN_SIZE(json_u64(row, "bytes_moved")));
                cell(f, false, "%" PRIu64, json_u64(row, "pages_failed"));
                cell(f, false, "%" PRIu64, json_u64(row, "pages_retry"));
                cell(f, false, "%s", HUMAN_TIME(mul_sat(json_u64(row, "duration_usec"), 1000)));
                share = json_object_object_get(row, "remote_before");
                cell(f, false, "%s", share ? HUMAN_SHARE(json_object_get_double(share)) : "-");
                share = json_object_object_get(row, "remote_after");
                cell(f, false, "%s", share ? HUMAN_SHARE(json_object_get_double(share)) : "-");
                fputs("</tr>\n", f);
        }
        fputs("</table>\n", f);
}

static void put_processes(FILE *f, json_object *rows) {
        table_head(f, "PID|<Name|<Unit|Loss|Remote|Home|Target|<State|<Reason");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                fputs("<tr>", f);
                cell(f, false, "%" PRIu64, json_u64(row, "pid"));
                cell(f, true, "%s", json_text(row, "comm"));
                cell(f, true, "%s", json_text(row, "unit"));
                cell(f, false, "%s", HUMAN_SHARE(json_number(row, "score")));
                cell(f, false, "%s", HUMAN_SHARE(json_number(row, "remote_share")));
                cell(f, false, "%" PRIi64, json_i64(row, "home_node"));
                cell(f, false, "%" PRIi64, json_i64(row, "target_node"));
                cell(f, true, "%s", json_text(row, "state"));
                cell(f, true, "it %s", output_reason(json_text(row, "reason")));
                fputs("</tr>\n", f);
        }
        fputs("</table>\n", f);
}

void output_report(FILE *f, const ReportData *d) {
        fprintf(f,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<title>NUMA balancing</title>\n<style>%s</style></head><body>\n",
                page_style);
        put_state(f, d);
        fputs("<h2>The last hour</h2>\n", f);
        put_chart(f, d->history);
        fputs("<h2>Accesses to the memory of the nodes</h2>\n", f);
        put_matrix(f, d->now.nodes);
        fputs("<h2>Moves</h2>\n", f);
        put_migrations(f, d->migrations);
        fputs("<h2>Processes</h2>\n", f);
        put_processes(f, d->now.processes);
        fprintf(f, "<p>numabalancerd %s</p>\n</body></html>\n",
                json_text(d->now.properties, "Version"));
}
