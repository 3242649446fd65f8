/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/output.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "base/human.h"
#include "base/mathx.h"
#include "ctl/columns.h"
#include "ctl/json.h"
#include "model/reason.h"

#define LABEL "%14s: "

const char *output_time(char *buf, size_t size, uint64_t usec) {
        time_t t = (time_t)(usec / 1000000);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, size, "%Y-%m-%d %H:%M:%S %Z", &tm) == 0)
                snprintf(buf, size, "@%" PRIu64, usec / 1000000);
        return buf;
}

/* Green while it works, yellow while it waits for somebody, else plain. */
static const char *state_colour(const char *state) {
        if (strcmp(state, "running") == 0)
                return "\033[1;32m";
        if (strcmp(state, "paused") == 0 || strcmp(state, "stopped-ping-pong") == 0)
                return "\033[1;33m";
        return "\033[1m";
}

const char *output_reason(const char *code) {
        int reason = reason_from_string(code);

        return reason < 0 ? code : reason_sentence((Reason)reason);
}

static void output_state(FILE *f, json_object *p, uint64_t now_usec, bool colour) {
        const char *state = json_text(p, "State");
        uint64_t until = json_u64(p, "PausedUntilUSec");
        uint64_t start = json_u64(p, "StartTimestamp");
        char when[64];

        fprintf(f, "numabalancerd %s\n", json_text(p, "Version"));
        fprintf(f, LABEL "%s%s%s (the daemon %s)\n", "State", colour ? state_colour(state) : "",
                state, colour ? "\033[0m" : "", output_reason(json_text(p, "StateReason")));
        if (until == UINT64_MAX)
                fprintf(f, LABEL "resumed\n", "Paused until");
        else if (until)
                fprintf(f, LABEL "%s\n", "Paused until", output_time(when, sizeof when, until));
        fprintf(f, LABEL "%s\n", "Mode", json_text(p, "Mode"));
        fprintf(f, LABEL "%s", "Source", json_text(p, "Source"));
        if (*json_text(p, "SourceReason"))
                fprintf(f, " (%s)", json_text(p, "SourceReason"));
        fputc('\n', f);
        fprintf(f, LABEL "%" PRIu64 ", kernel balancing %s\n", "Nodes", json_u64(p, "NodeCount"),
                json_text(p, "KernelBalancing"));
        fprintf(f, LABEL "%s (%s ago)\n", "Started", output_time(when, sizeof when, start),
                HUMAN_TIME(mul_sat(sub_sat(now_usec, start), 1000)));
}

char *output_bar(char buf[static OUTPUT_BAR_BYTES], double share) {
        size_t width = OUTPUT_BAR_BYTES - 3;
        size_t done = (size_t)(clamp_double(share, 0, 1) * (double)width);

        buf[0] = '[';
        memset(buf + 1, '#', done);
        memset(buf + 1 + done, '.', width - done);
        strcpy(buf + 1 + width, "]");
        return buf;
}

void output_progress(FILE *f, json_object *jobs, size_t max) {
        size_t n = jobs ? json_object_array_length(jobs) : 0;

        for (size_t i = 0; i < n && i < max; i++) {
                json_object *job = json_object_array_get_idx(jobs, i);
                uint64_t planned = json_u64(job, "pages_planned"),
                         moved = json_u64(job, "pages_moved");
                double share = ratio_or((double)moved, (double)planned, 0);

                fprintf(f,
                        "%s %4s  %s[%" PRIu64 "] node%s to node%" PRIi64 ", %s, %" PRIu64
                        " of %" PRIu64 " pages, pass %" PRIu64 "\n",
                        output_bar((char[OUTPUT_BAR_BYTES]) { 0 }, share), HUMAN_SHARE(share),
                        json_text(job, "comm"), json_u64(job, "pid"), json_text(job, "from_nodes"),
                        json_i64(job, "to_node"), json_text(job, "state"), moved, planned,
                        json_u64(job, "passes"));
        }
        if (n > max)
                fprintf(f, "and %zu more moves\n", n - max);
}

/* What others had moved, the most frequent reasons by name; nothing where the kernel cannot be asked. */
static void output_kernel_moves(FILE *f, json_object *stats) {
        json_object *moves = json_object_object_get(stats, "KernelPagesMoved");
        const char *separator = ": ";
        uint64_t sum = 0;

        if (!moves)
                return;
        json_object_object_foreach(moves, unused, pages) {
                (void)unused;
                sum = add_sat(sum, json_object_get_uint64(pages));
        }
        fprintf(f, LABEL "%" PRIu64 " of the daemon's pages, %" PRIu64 " others", "Kernel moved",
                json_u64(stats, "KernelOwnPagesMoved"), sum);
        json_object_object_foreach(moves, name, value) {
                if (json_object_get_uint64(value) == 0)
                        continue;
                fprintf(f, "%s%s %" PRIu64, separator, name, json_object_get_uint64(value));
                separator = ", ";
        }
        fputc('\n', f);
}

void output_status(FILE *f, json_object *p, json_object *stats, json_object *jobs,
                   uint64_t now_usec, bool colour) {
        uint64_t accesses = json_u64(stats, "AccessesTotal");
        uint64_t remote = json_u64(p, "SamplesRemote");
        uint64_t cpu = json_u64(p, "CPUUsageUSec");

        output_state(f, p, now_usec, colour);
        fprintf(f, LABEL "%" PRIu64 " taken, %" PRIu64 " lost; %" PRIu64 " accesses seen",
                "Samples", json_u64(p, "SamplesTotal"), json_u64(p, "SamplesLost"), accesses);
        if (accesses)
                fprintf(f, ", %s remote", HUMAN_SHARE((double)remote / (double)accesses));
        fputc('\n', f);
        fprintf(f, LABEL "%" PRIu64 " watched, %" PRIu64 " being moved\n", "Processes",
                json_u64(p, "ProcessesTracked"), json_u64(stats, "JobsActive"));
        fprintf(f,
                LABEL "%" PRIu64 " started, %" PRIu64 " finished, %" PRIu64 " failed, %" PRIu64
                      " further passes\n",
                "Migrations", json_u64(p, "MigrationsStarted"), json_u64(p, "MigrationsFinished"),
                json_u64(p, "MigrationsFailed"), json_u64(p, "Retries"));
        fprintf(f, LABEL "%s (%" PRIu64 " pages), %" PRIu64 " pages failed\n", "Moved",
                HUMAN_SIZE(json_u64(p, "BytesMoved")), json_u64(p, "PagesMoved"),
                json_u64(p, "PagesFailed"));
        output_kernel_moves(f, stats);
        fprintf(f, LABEL "%s, %s of one CPU\n", "Own CPU time", HUMAN_TIME(mul_sat(cpu, 1000)),
                HUMAN_SHARE(ratio_or((double)cpu,
                                     (double)sub_sat(now_usec, json_u64(p, "StartTimestamp")), 0)));
        if (*json_text(p, "LastReloadError"))
                fprintf(f, LABEL "%s%s%s\n", "Reload error", colour ? "\033[1;31m" : "",
                        json_text(p, "LastReloadError"), colour ? "\033[0m" : "");
        output_progress(f, jobs, SIZE_MAX);
}

static void add_node(Columns *c, json_object *row, const char *key) {
        int64_t node = json_i64(row, key);

        if (node < 0)
                columns_add(c, "-");
        else
                columns_add(c, "%" PRIi64, node);
}

int output_processes(FILE *f, json_object *rows, bool colour) {
        Columns c;
        int r;

        columns_init(&c, ">PID NAME >SCORE >REMOTE >HOME >TARGET STATE REASON UNIT SOURCE");
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                const char *unit = json_text(row, "unit");

                columns_add(&c, "%" PRIu64, json_u64(row, "pid"));
                columns_add(&c, "%s", json_text(row, "comm"));
                columns_add(&c, "%s", HUMAN_SHARE(json_number(row, "score")));
                columns_add(&c, "%s", HUMAN_SHARE(json_number(row, "remote_share")));
                add_node(&c, row, "home_node");
                add_node(&c, row, "target_node");
                columns_add(&c, "%s", json_text(row, "state"));
                columns_add(&c, "%s", json_text(row, "reason"));
                columns_add(&c, "%s", *unit ? unit : "-");
                columns_add(&c, "%s", json_text(row, "source"));
        }
        r = columns_print(&c, f, colour);
        columns_done(&c);
        return r;
}

void output_wrapped(FILE *f, const char *text, size_t width) {
        size_t column = 0;

        while (*text) {
                size_t n = strcspn(text, " ");

                if (column && column + 1 + n > width) {
                        fputc('\n', f);
                        column = 0;
                } else if (column) {
                        fputc(' ', f);
                        column++;
                }
                fwrite(text, 1, n, f);
                column += n;
                text += n + strspn(text + n, " ");
        }
        fputc('\n', f);
}

void output_why(FILE *f, json_object *answer, size_t width) {
        const char *reason = json_object_get_string(json_object_array_get_idx(answer, 0));
        const char *text = json_object_get_string(json_object_array_get_idx(answer, 1));

        fprintf(f, "%s\n", reason ?: "");
        output_wrapped(f, text ?: "", width);
}
