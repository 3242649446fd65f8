/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/human.h"
#include "base/mathx.h"
#include "ctl/charts.h"
#include "ctl/json.h"
#include "ctl/output.h"

static const char page_style[] =
        ":root{--ink:#222;--soft:#777;--line:#ddd;--paper:#fff;--red:#d33;--blue:#38a}"
        "@media(prefers-color-scheme:dark){:root{--ink:#ddd;--soft:#999;--line:#444;"
        "--paper:#181818;--red:#e55;--blue:#4ac}}"
        "body{font:15px/1.5 sans-serif;margin:2em auto;max-width:1000px;padding:0 1em;"
        "color:var(--ink);background:var(--paper)}"
        "h1{font-size:1.5em}h2{font-size:1.15em;margin-top:2em}p{color:var(--soft)}"
        ".wide{overflow-x:auto}table{border-collapse:collapse}"
        "td,th{padding:.2em .7em;text-align:right;white-space:nowrap;"
        "border-bottom:1px solid var(--line)}td.t,th.t{text-align:left}"
        "td.t{white-space:normal;max-width:20em;overflow-wrap:break-word}th{color:var(--soft)}"
        "svg{display:block;width:100%;height:auto}"
        "svg text{font-size:12px;fill:var(--ink)}.grid{stroke:var(--line)}"
        ".share{fill:none;stroke:var(--red);stroke-width:2;stroke-linecap:round}"
        ".moved{fill:var(--blue);opacity:.6}.tip{fill:transparent}"
        ".local{fill:var(--blue)}.remote{fill:var(--red)}"
        "span.red{color:var(--red)}span.blue{color:var(--blue)}";

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
        fputs("<div class=\"wide\"><table><tr>", f);
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

static void put_nodes(FILE *f, json_object *nodes) {
        table_head(f, "<Node|CPUs|Busy|Memory|Available");
        for (size_t i = 0; i < json_object_array_length(nodes); i++) {
                json_object *node = json_object_array_get_idx(nodes, i);

                fputs("<tr>", f);
                cell(f, true, "node%" PRIi64, json_i64(node, "node"));
                cell(f, false, "%" PRIu64, json_u64(node, "cpus"));
                cell(f, false, "%.1f", json_number(node, "cpu_share"));
                cell(f, false, "%s", HUMAN_SIZE(json_u64(node, "memory_bytes")));
                cell(f, false, "%s", HUMAN_SIZE(json_u64(node, "available_bytes")));
                fputs("</tr>\n", f);
        }
        fputs("</table></div>\n", f);
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
        fputs("</table></div>\n", f);
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
        fputs("</table></div>\n", f);
}

void output_report(FILE *f, const ReportData *d) {
        fprintf(f,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<title>NUMA balancing</title>\n<style>%s</style></head><body>\n",
                page_style);
        put_state(f, d);
        fputs("<h2>The last hour</h2>\n", f);
        chart_history(f, d->history);
        fputs("<h2>Who accesses whose memory</h2>\n", f);
        chart_matrix(f, d->now.nodes);
        put_nodes(f, d->now.nodes);
        fputs("<h2>Moves</h2>\n", f);
        put_migrations(f, d->migrations);
        fputs("<h2>Processes</h2>\n", f);
        put_processes(f, d->now.processes);
        fprintf(f, "<p>numabalancerd %s</p>\n</body></html>\n",
                json_text(d->now.properties, "Version"));
}
