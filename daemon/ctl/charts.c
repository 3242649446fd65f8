/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "ctl/charts.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <time.h>

#include "base/human.h"
#include "base/mathx.h"
#include "ctl/json.h"

/* The drawing, and in it the areas between the axes: above the share, below what was moved. */
#define CHART_WIDTH  960
#define CHART_HEIGHT 272
#define PLOT_LEFT    66
#define PLOT_TOP     10
#define PLOT_WIDTH   884
#define PLOT_HEIGHT  160
#define MOVED_TOP    190
#define MOVED_HEIGHT 50

/* Marks of the time axis. */
#define TIME_MARKS 4

/* Margin of the heat map for the names of nodes; cells get smaller when there are many. */
#define MATRIX_MARGIN     60
#define MATRIX_WIDTH      640
#define MATRIX_CELL_MAX   72
#define MATRIX_NAMES_MAX  32 /* more names would overlap */
#define MATRIX_SHARES_MAX 14 /* more numbers would not fit into the cells */

typedef struct TimeAxis {
        uint64_t begin_usec, end_usec;
} TimeAxis;

static double axis_x(const TimeAxis *a, uint64_t usec) {
        double part = ratio_or((double)sub_sat(usec, a->begin_usec),
                               (double)(a->end_usec - a->begin_usec), 0);

        return PLOT_LEFT + PLOT_WIDTH * fmin(part, 1);
}

static const char *clock_time(char *buf, size_t size, uint64_t usec) {
        time_t t = (time_t)(usec / 1000000);
        struct tm tm;

        if (!localtime_r(&t, &tm) || strftime(buf, size, "%H:%M:%S", &tm) == 0)
                snprintf(buf, size, "@%" PRIu64, usec / 1000000);
        return buf;
}

static void draw_line(FILE *f, int y) {
        fprintf(f, "<line x1=\"%d\" y1=\"%d\" x2=\"%d\" y2=\"%d\" class=\"grid\"/>\n", PLOT_LEFT, y,
                PLOT_LEFT + PLOT_WIDTH, y);
}

static void draw_axes(FILE *f, const TimeAxis *a) {
        char when[32];

        for (int i = 0; i <= 4; i++) {
                int y = PLOT_TOP + PLOT_HEIGHT * i / 4;

                draw_line(f, y);
                fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%d %%</text>\n",
                        PLOT_LEFT - 6, y + 4, 100 - 25 * i);
        }
        draw_line(f, MOVED_TOP + MOVED_HEIGHT);
        for (unsigned i = 0; i <= TIME_MARKS; i++) {
                uint64_t usec = a->begin_usec + (a->end_usec - a->begin_usec) / TIME_MARKS * i;
                const char *anchor = i == 0 ? "start" : i == TIME_MARKS ? "end" : "middle";

                fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"%s\">%s</text>\n",
                        PLOT_LEFT + PLOT_WIDTH * (int)i / TIME_MARKS, MOVED_TOP + MOVED_HEIGHT + 20,
                        anchor, clock_time(when, sizeof when, usec));
        }
}

/* Below the share, with a scale of its own. Returns the most that was moved in one interval. */
static uint64_t draw_moved(FILE *f, json_object *rows, const TimeAxis *a) {
        uint64_t most = 0;

        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                uint64_t moved = json_u64(json_object_array_get_idx(rows, i), "bytes_moved");

                most = moved > most ? moved : most;
        }
        if (most > 0)
                fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">%s</text>\n", PLOT_LEFT - 6,
                        MOVED_TOP + 8, HUMAN_SIZE(most));
        fprintf(f, "<text x=\"%d\" y=\"%d\" text-anchor=\"end\">0</text>\n", PLOT_LEFT - 6,
                MOVED_TOP + MOVED_HEIGHT + 4);
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                uint64_t end = json_u64(row, "end_usec");
                double moved = ratio_or((double)json_u64(row, "bytes_moved"), (double)most, 0);
                double x = axis_x(a, sub_sat(end, json_u64(row, "interval_usec")));

                if (moved > 0)
                        fprintf(f,
                                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                                "class=\"moved\"/>\n",
                                x, MOVED_TOP + MOVED_HEIGHT * (1 - moved),
                                fmax(axis_x(a, end) - x, 2), MOVED_HEIGHT * moved);
        }
        return most;
}

/* Each stretch without a gap is a line of its own; round ends show one that has a single point. */
static void draw_share(FILE *f, json_object *rows, const TimeAxis *a) {
        bool drawing = false;

        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                uint64_t accesses = json_u64(row, "accesses");

                if (drawing && !accesses)
                        fputs("\"/>\n", f);
                if (!drawing && accesses)
                        fputs("<path class=\"share\" d=\"", f);
                if (accesses) {
                        double share = (double)json_u64(row, "remote") / (double)accesses;
                        double x = axis_x(a, json_u64(row, "end_usec"));

                        fprintf(f, "%c%.1f,%.1f", drawing ? 'L' : 'M', x,
                                PLOT_TOP + PLOT_HEIGHT * (1 - fmin(share, 1)));
                        if (!drawing)
                                fputs("h0", f);
                }
                drawing = accesses > 0;
        }
        if (drawing)
                fputs("\"/>\n", f);
}

/* An invisible stripe for each interval, which tells its numbers. */
static void draw_tips(FILE *f, json_object *rows, const TimeAxis *a) {
        for (size_t i = 0; i < json_object_array_length(rows); i++) {
                json_object *row = json_object_array_get_idx(rows, i);
                uint64_t end = json_u64(row, "end_usec");
                double x = axis_x(a, sub_sat(end, json_u64(row, "interval_usec")));
                char when[32];

                fprintf(f,
                        "<rect x=\"%.1f\" y=\"%d\" width=\"%.1f\" height=\"%d\" class=\"tip\">"
                        "<title>%s: %" PRIu64 " of %" PRIu64 " accesses remote, %" PRIu64
                        " bytes moved</title></rect>\n",
                        x, PLOT_TOP, fmax(axis_x(a, end) - x, 1),
                        MOVED_TOP + MOVED_HEIGHT - PLOT_TOP, clock_time(when, sizeof when, end),
                        json_u64(row, "remote"), json_u64(row, "accesses"),
                        json_u64(row, "bytes_moved"));
        }
}

void chart_history(FILE *f, json_object *rows) {
        size_t n = json_object_array_length(rows);
        json_object *first, *last;
        uint64_t most;
        TimeAxis a;

        if (n == 0) {
                fputs("<p>Nothing has been measured yet; a point is added every ten seconds.</p>\n",
                      f);
                return;
        }
        first = json_object_array_get_idx(rows, 0);
        last = json_object_array_get_idx(rows, n - 1);
        a.begin_usec = sub_sat(json_u64(first, "end_usec"), json_u64(first, "interval_usec"));
        a.end_usec = add_sat(a.begin_usec, sub_sat(json_u64(last, "end_usec"), a.begin_usec));
        fprintf(f,
                "<svg id=\"history\" viewBox=\"0 0 %d %d\" role=\"img\" "
                "aria-label=\"remote share over time\">\n",
                CHART_WIDTH, CHART_HEIGHT);
        draw_axes(f, &a);
        most = draw_moved(f, rows, &a);
        draw_share(f, rows, &a);
        draw_tips(f, rows, &a);
        fputs("</svg>\n<p><span class=\"red\">Line</span>: share of accesses that were remote. ",
              f);
        if (most > 0)
                fprintf(f,
                        "<span class=\"blue\">Bars</span>: memory moved, at most %s in ten "
                        "seconds.</p>\n",
                        HUMAN_SIZE(most));
        else
                fputs("No memory was moved.</p>\n", f);
}

static double access_share(json_object *nodes, size_t from, size_t to) {
        json_object *row =
                json_object_object_get(json_object_array_get_idx(nodes, from), "accesses");

        return json_object_get_double(json_object_array_get_idx(row, to));
}

static int64_t node_id(json_object *nodes, size_t i) {
        return json_i64(json_object_array_get_idx(nodes, i), "node");
}

/* share: of all accesses; weight: how strong the colour is, 0 to 1. */
static void draw_cell(FILE *f, json_object *nodes, size_t from, size_t to, double size,
                      double share, double weight) {
        size_t n = json_object_array_length(nodes);
        double x = MATRIX_MARGIN + size * (double)to, y = MATRIX_MARGIN / 2.0 + size * (double)from;

        fprintf(f,
                "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\" "
                "fill-opacity=\"%.2f\"><title>CPUs of node%" PRIi64 ", memory of node%" PRIi64
                ": %s of all accesses</title></rect>\n",
                x, y, size - 2, size - 2, from == to ? "local" : "remote", 0.06 + 0.94 * weight,
                node_id(nodes, from), node_id(nodes, to), HUMAN_SHARE(share));
        if (n <= MATRIX_SHARES_MAX)
                fprintf(f, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\"%s>%s</text>\n",
                        x + size / 2 - 1, y + size / 2 + 4, weight > 0.5 ? " class=\"on\"" : "",
                        HUMAN_SHARE(share));
}

static void draw_names(FILE *f, json_object *nodes, double size) {
        size_t n = json_object_array_length(nodes), step = 1 + (n - 1) / MATRIX_NAMES_MAX;

        for (size_t i = 0; i < n; i += step) {
                double at = size * ((double)i + 0.5);

                fprintf(f,
                        "<text x=\"%.1f\" y=\"%d\" text-anchor=\"middle\">%s%" PRIi64 "</text>"
                        "<text x=\"%d\" y=\"%.1f\" text-anchor=\"end\">node%" PRIi64 "</text>\n",
                        MATRIX_MARGIN + at, MATRIX_MARGIN / 2 - 8, size >= 44 ? "node" : "",
                        node_id(nodes, i), MATRIX_MARGIN - 8, MATRIX_MARGIN / 2.0 + at + 3,
                        node_id(nodes, i));
        }
}

void chart_matrix(FILE *f, json_object *nodes) {
        size_t n = json_object_array_length(nodes);
        double sum = 0, most = 0, size, width;

        if (n == 0)
                return;
        for (size_t i = 0; i < n * n; i++) {
                sum += access_share(nodes, i / n, i % n);
                most = fmax(most, access_share(nodes, i / n, i % n));
        }
        size = fmin(MATRIX_CELL_MAX, (double)MATRIX_WIDTH / (double)n);
        width = MATRIX_MARGIN + size * (double)n;
        fprintf(f,
                "<svg id=\"matrix\" viewBox=\"0 0 %.0f %.0f\" "
                "style=\"width:%.0fpx;max-width:100%%\" "
                "role=\"img\" aria-label=\"accesses between nodes\">\n",
                width, width - MATRIX_MARGIN / 2.0, width);
        draw_names(f, nodes, size);
        for (size_t i = 0; i < n * n; i++) {
                double accesses = access_share(nodes, i / n, i % n);

                draw_cell(f, nodes, i / n, i % n, size, ratio_or(accesses, sum, 0),
                          ratio_or(accesses, most, 0));
        }
        fputs("</svg>\n<p>Rows: the CPUs of a node. Columns: the memory of a node. "
              "<span class=\"blue\">Blue</span>: local accesses, <span class=\"red\">red</span>: "
              "remote ones.</p>\n",
              f);
}
