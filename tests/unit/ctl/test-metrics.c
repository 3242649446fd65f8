/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "capture.h"
#include "ctl/json.h"
#include "ctl/metrics.h"

Test(metrics, absent_daemon) {
        Metrics m;

        cr_assert_eq(metrics_begin(&m, capture_file(), METRICS_OPENMETRICS), 0);
        metrics_add_all(&m, NULL);
        cr_assert_eq(metrics_end(&m), 0);
        cr_assert_str_eq(capture_end(), "# HELP numabalancer_up 1 when the daemon answers\n"
                                        "# TYPE numabalancer_up gauge\n"
                                        "numabalancer_up 0\n"
                                        "# EOF\n");
}

static void add_example(Metrics *m) {
        metrics_family(m, "moved_bytes", METRIC_COUNTER, "bytes moved");
        metrics_sample(m, 1e15 + 1, "a", "x\"y\\z\n", "b", "", NULL);
        metrics_family(m, "remote_ratio", METRIC_GAUGE, "share");
        metrics_sample(m, 0.1, NULL);
        metrics_sample(m, NAN, NULL);
        metrics_sample(m, -2, NULL);
}

Test(metrics, prometheus_text) {
        Metrics m;

        cr_assert_eq(metrics_begin(&m, capture_file(), METRICS_PROMETHEUS), 0);
        add_example(&m);
        cr_assert_eq(metrics_end(&m), 0);
        cr_assert_str_eq(
                capture_end(),
                "# HELP numabalancer_moved_bytes_total bytes moved\n"
                "# TYPE numabalancer_moved_bytes_total counter\n"
                "numabalancer_moved_bytes_total{a=\"x\\\"y\\\\z\\n\",b=\"\"} 1000000000000001\n"
                "# HELP numabalancer_remote_ratio share\n"
                "# TYPE numabalancer_remote_ratio gauge\n"
                "numabalancer_remote_ratio 0.1\n"
                "numabalancer_remote_ratio 0\n"
                "numabalancer_remote_ratio -2.0\n");
}

Test(metrics, openmetrics_names_counter_families_without_suffix) {
        const char *text;
        Metrics m;

        cr_assert_eq(metrics_begin(&m, capture_file(), METRICS_OPENMETRICS), 0);
        add_example(&m);
        cr_assert_eq(metrics_end(&m), 0);
        text = capture_end();
        cr_assert(strstr(text, "# TYPE numabalancer_moved_bytes counter\n"), "%s", text);
        cr_assert(strstr(text, "\nnumabalancer_moved_bytes_total{"), "%s", text);
}

Test(metrics, json) {
        cleanup_json json_object *rows = NULL;
        json_object *row;
        Metrics m;

        cr_assert_eq(metrics_begin(&m, capture_file(), METRICS_JSON), 0);
        add_example(&m);
        cr_assert_eq(metrics_end(&m), 0);
        rows = json_tokener_parse(capture_end());
        cr_assert_eq(json_object_array_length(rows), 4);
        row = json_object_array_get_idx(rows, 0);
        cr_assert_str_eq(json_text(row, "name"), "numabalancer_moved_bytes_total");
        cr_assert_str_eq(json_text(json_object_object_get(row, "labels"), "a"), "x\"y\\z\n");
        cr_assert_eq(json_number(row, "value"), 1e15 + 1);
}

Test(metrics, units_are_bounded) {
        DaemonData d = {
                .properties = json_tokener_parse("{}"),
                .stats = json_tokener_parse("{}"),
                .nodes = json_tokener_parse("[]"),
                .processes = json_object_new_array(),
        };
        const char *text;
        Metrics m;

        for (int i = 0; i < 60; i++) {
                json_object *row = json_object_new_object();
                char unit[32];

                snprintf(unit, sizeof unit, "u%d.service", i);
                json_object_object_add(row, "unit", json_object_new_string(i == 3 ? "" : unit));
                json_object_object_add(row, "score", json_object_new_double(1.0 / (i + 1)));
                json_object_array_add(d.processes, row);
        }
        cr_assert_eq(metrics_begin(&m, capture_file(), METRICS_PROMETHEUS), 0);
        metrics_add_all(&m, &d);
        cr_assert_eq(metrics_end(&m), 0);
        text = capture_end();
        cr_assert(strstr(text, "numabalancer_unit_processes{unit=\"none\"} 1\n"));
        cr_assert(strstr(text, "numabalancer_unit_processes{unit=\"u49.service\"} 1\n"));
        cr_assert_null(strstr(text, "u50.service"));
        cr_assert(strstr(text, "numabalancer_unit_processes{unit=\"other\"} 10\n"));
        cr_assert_null(strstr(text, "nan"));
        daemon_data_done(&d);
}
