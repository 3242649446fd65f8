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

/* Colours that keep their contrast on light and on dark paper; a table that is too wide scrolls. */
static const char page_style[] =
        ":root{color-scheme:light dark;--ink:#1d232b;--soft:#5b6673;--line:#dde2e8;--paper:#fff;"
        "--card:#f5f7f9;--red:#c92a2a;--blue:#1971a8;--green:#207a3c}"
        "@media(prefers-color-scheme:dark){:root{--ink:#e2e6ea;--soft:#9aa5b1;--line:#38414b;"
        "--paper:#15191e;--card:#1e242b;--red:#f06a6a;--blue:#5cb3e6;--green:#6fce8c}}"
        "body{font:15px/1.5 system-ui,sans-serif;margin:2em auto;max-width:1080px;padding:0 1.2em;"
        "color:var(--ink);background:var(--paper)}"
        "h1{font-size:1.6em;margin:0}h2{font-size:1.15em;margin:2.2em 0 .6em}"
        "p{color:var(--soft);margin:.5em 0}"
        ".cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(11em,1fr));gap:.8em;"
        "margin-top:1.4em}.cards div{background:var(--card);border:1px solid var(--line);"
        "border-radius:8px;padding:.7em 1em}"
        ".cards strong{display:block;font-size:1.25em;line-height:1.3}"
        ".cards span{display:block;color:var(--soft);font-size:.87em;overflow-wrap:anywhere}"
        ".both{display:flex;flex-wrap:wrap;gap:1em 3em;align-items:flex-start}"
        ".both>:first-child{max-width:30em}.wide{overflow-x:auto}"
        "table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
        ".wide.full table{width:100%}"
        "td,th{padding:.35em .6em;text-align:right;white-space:nowrap;vertical-align:top;"
        "border-bottom:1px solid var(--line)}td.t,th.t{text-align:left}"
        "td:first-child,th:first-child{padding-left:0}"
        "td.w{text-align:left;white-space:normal;min-width:8em;max-width:22em;"
        "overflow-wrap:anywhere}th{color:var(--soft);font-weight:600;font-size:.87em}"
        "svg{display:block;width:100%;height:auto}"
        "svg text{font-size:12px;fill:var(--soft)}.grid{stroke:var(--line)}"
        "#matrix text{fill:var(--ink)}#matrix text.on{fill:var(--paper);font-weight:600}"
        ".share{fill:none;stroke:var(--red);stroke-width:2;stroke-linecap:round;"
        "stroke-linejoin:round}.moved{fill:var(--blue)}"
        ".tip{fill:transparent}.tip:hover{fill:var(--soft);fill-opacity:.15}"
        ".local{fill:var(--blue)}.remote{fill:var(--red)}"
        "span.red{color:var(--red)}span.blue{color:var(--blue)}strong.green{color:var(--green)}";

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

/* How a cell shows what it holds. */
typedef enum CellKind {
        CELL_NUMBER, /* aligned to the right */
        CELL_TEXT,
        CELL_LONG, /* text that may be broken into lines */
} CellKind;

__attribute__((format(printf, 3, 4))) static void cell(FILE *f, CellKind kind, const char *format,
                                                       ...) {
        static const char *const tags[] = { "<td>", "<td class=\"t\">", "<td class=\"w\">" };
        cleanup_free char *value = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&value, format, ap);
        va_end(ap);
        fputs(tags[kind], f);
        put_text(f, n < 0 ? "" : value);
        fputs("</td>", f);
        if (n < 0)
                value = NULL;
}

/* Titles are separated by '|'; '<' before a title aligns its column to the left. full: as wide as the page. */
static void table_head(FILE *f, bool full, const char *titles) {
        fprintf(f, "<div class=\"wide%s\"><table><tr>", full ? " full" : "");
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

/* The number of a node; a dash where there is none. */
static void node_cell(FILE *f, json_object *row, const char *key) {
        int64_t node = json_i64(row, key);

        if (node < 0)
                cell(f, CELL_NUMBER, "-");
        else
                cell(f, CELL_NUMBER, "%" PRIi64, node);
}

/* A share that may not be known. */
static void share_cell(FILE *f, json_object *row, const char *key) {
        json_object *share = json_object_object_get(row, key);

        cell(f, CELL_NUMBER, "%s", share ? HUMAN_SHARE(json_object_get_double(share)) : "-");
}

/* A figure with what it is about. */
__attribute__((format(printf, 4, 5))) static void card(FILE *f, const char *value,
                                                       const char *class, const char *format, ...) {
        cleanup_free char *text = NULL;
        va_list ap;
        int n;

        va_start(ap, format);
        n = vasprintf(&text, format, ap);
        va_end(ap);
        if (n < 0)
                text = NULL;
        fprintf(f, "<div><strong class=\"%s\">", class);
        put_text(f, value);
        fputs("</strong><span>", f);
        put_text(f, text ?: "");
        fputs("</span></div>\n", f);
}

/* Remote share of the last minute in which something was seen. */
static bool recent_share(json_object *rows, double *ret) {
        size_t n = json_object_array_length(rows);
        uint64_t accesses = 0, remote = 0;

        for (size_t i = n > 6 ? n - 6 : 0; i < n; i++) {
                accesses += json_u64(json_object_array_get_idx(rows, i), "accesses");
                remote += json_u64(json_object_array_get_idx(rows, i), "remote");
        }
        *ret = ratio_or((double)remote, (double)accesses, 0);
        return accesses > 0;
}

static void put_state(FILE *f, const ReportData *d) {
        json_object *p = d->now.properties;
        const char *state = json_text(p, "State");
        char when[64];
        double share;

        fprintf(f, "<h1>NUMA balancing</h1>\n<p>%s</p>\n<div class=\"cards\">\n",
                output_time(when, sizeof when, d->now_usec));
        card(f, state, strcmp(state, "running") == 0 ? "green" : "", "the daemon %s",
             output_reason(json_text(p, "StateReason")));
        if (recent_share(d->history, &share))
                card(f, HUMAN_SHARE(share), "", "of accesses remote in the last minute");
        card(f, HUMAN_SIZE(json_u64(p, "BytesMoved")), "",
             "moved: %" PRIu64 " moves finished, %" PRIu64 " failed",
             json_u64(p, "MigrationsFinished"), json_u64(p, "MigrationsFailed"));
        card(f, json_text(p, "Mode"), "", "mode; source %s, kernel balancing %s",
             json_text(p, "Source"), json_text(p, "KernelBalancing"));
        fputs("</div>\n", f);
}

static void put_nodes(FILE *f, json_object *nodes) {
        table_head(f, false, "<Node|CPUs|Busy|Memory|Available");
        for (size_t i = 0; i < json_object_array_length(nodes); i++) {
                json_object *node = json_object_array_get_idx(nodes, i);

                fputs("<tr>", f);
                cell(f, CELL_TEXT, "node%" PRIi64, json_i64(node, "node"));
                cell(f, CELL_NUMBER, "%" PRIu64, json_u64(node, "cpus"));
                cell(f, CELL_NUMBER, "%.1f", json_number(node, "cpu_share"));
                cell(f, CELL_NUMBER, "%s", HUMAN_SIZE(json_u64(node, "memory_bytes")));
                cell(f, CELL_NUMBER, "%s", HUMAN_SIZE(json_u64(node, "available_bytes")));
                fputs("</tr>\n", f);
        }
        fputs("</table></div>\n", f);
}

static void put_migrations(FILE *f, json_object *rows) {
        if (json_object_array_length(rows) == 0) {
                fputs("<p>Nothing was moved yet.</p>\n", f);
                return;
        }
        table_head(f, true, "<Ended|<Process|From|To|<Result|Moved|Failed|Busy|Took|Before|After");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                char when[64];

                fputs("<tr>", f);
                cell(f, CELL_TEXT, "%s", output_time(when, sizeof when, json_u64(row, "end_usec")));
                cell(f, CELL_TEXT, "%s[%" PRIu64 "]", json_text(row, "comm"), json_u64(row, "pid"));
                cell(f, CELL_NUMBER, "%s", json_text(row, "from_nodes"));
                node_cell(f, row, "to_node");
                cell(f, CELL_TEXT, "%s", json_text(row, "reason"));
                cell(f, CELL_NUMBER, "%s", HUMAN_SIZE(json_u64(row, "bytes_moved")));
                cell(f, CELL_NUMBER, "%" PRIu64, json_u64(row, "pages_failed"));
                cell(f, CELL_NUMBER, "%" PRIu64, json_u64(row, "pages_retry"));
                cell(f, CELL_NUMBER, "%s",
                     HUMAN_TIME(mul_sat(json_u64(row, "duration_usec"), 1000)));
                share_cell(f, row, "remote_before");
                share_cell(f, row, "remote_after");
                fputs("</tr>\n", f);
        }
        fputs("</table></div>\n<p>Failed, busy: pages that could not be moved, or not then. "
              "Before, "
              "after: remote share of the accesses.</p>\n",
              f);
}

static void put_processes(FILE *f, json_object *rows) {
        table_head(f, true, "PID|<Name|<Unit|Loss|Remote|Home|Target|<State|<Reason");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);

                fputs("<tr>", f);
                cell(f, CELL_NUMBER, "%" PRIu64, json_u64(row, "pid"));
                cell(f, CELL_TEXT, "%s", json_text(row, "comm"));
                cell(f, CELL_LONG, "%s", json_text(row, "unit"));
                cell(f, CELL_NUMBER, "%s", HUMAN_SHARE(json_number(row, "score")));
                cell(f, CELL_NUMBER, "%s", HUMAN_SHARE(json_number(row, "remote_share")));
                node_cell(f, row, "home_node");
                node_cell(f, row, "target_node");
                cell(f, CELL_TEXT, "%s", json_text(row, "state"));
                cell(f, CELL_LONG, "%s", output_reason(json_text(row, "reason")));
                fputs("</tr>\n", f);
        }
        fputs("</table></div>\n", f);
}

void output_report(FILE *f, const ReportData *d) {
        fprintf(f,
                "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
                "<meta name=\"viewport\" content=\"width=device-width\">\n"
                "<title>NUMA balancing</title>\n<style>%s</style></head><body>\n",
                page_style);
        put_state(f, d);
        fputs("<h2>The last hour</h2>\n", f);
        chart_history(f, d->history);
        fputs("<h2>Who accesses whose memory</h2>\n", f);
        fputs("<div class=\"both\"><div>", f);
        chart_matrix(f, d->now.nodes);
        fputs("</div>", f);
        put_nodes(f, d->now.nodes);
        fputs("</div>\n", f);
        fputs("<h2>Moves</h2>\n", f);
        put_migrations(f, d->migrations);
        fputs("<h2>Processes</h2>\n", f);
        put_processes(f, d->now.processes);
        fprintf(f, "<p>numabalancerd %s</p>\n</body></html>\n",
                json_text(d->now.properties, "Version"));
}
