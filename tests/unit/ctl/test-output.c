/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "capture.h"
#include "ctl/json.h"
#include "ctl/output.h"

static const char properties[] =
        "{\"Version\":\"0.1.0\",\"Mode\":\"act\",\"State\":\"running\",\"StateReason\":\"running\","
        "\"Source\":\"clock\",\"SourceReason\":\"the first that "
        "works\",\"KernelBalancing\":\"off\","
        "\"PausedUntilUSec\":0,\"LastReloadError\":\"\",\"NodeCount\":2,"
        "\"StartTimestamp\":1700000000000000,\"SamplesTotal\":5000,\"SamplesRemote\":540,"
        "\"SamplesLost\":1,\"ProcessesTracked\":12,\"MigrationsStarted\":5,"
        "\"MigrationsFinished\":4,\"MigrationsFailed\":1,\"Retries\":2,\"PagesMoved\":524288,"
        "\"PagesFailed\":7,\"BytesMoved\":2147483648,\"CPUUsageUSec\":2500000}";

static void set_up(void) {
        setenv("TZ", "UTC", 1);
        tzset();
}

TestSuite(output, .init = set_up);

Test(output, status) {
        cleanup_json json_object *p = json_tokener_parse(properties);
        cleanup_json json_object *s =
                json_tokener_parse("{\"AccessesTotal\":1000,\"JobsActive\":1,"
                                   "\"KernelOwnPagesMoved\":524288,\"KernelPagesMoved\":"
                                   "{\"compaction\":5,\"syscall\":0,\"numa_misplaced\":7}}");

        output_status(capture_file(), p, s, NULL, 1700000250000000, false);
        cr_assert_str_eq(capture_end(),
                         "numabalancerd 0.1.0\n"
                         "         State: running (the daemon watches and acts)\n"
                         "          Mode: act\n"
                         "        Source: clock (the first that works)\n"
                         "         Nodes: 2, kernel balancing off\n"
                         "       Started: 2023-11-14 22:13:20 UTC (4 min 10 s ago)\n"
                         "       Samples: 5000 taken, 1 lost; 1000 accesses seen, 54 % remote\n"
                         "     Processes: 12 watched, 1 being moved\n"
                         "    Migrations: 5 started, 4 finished, 1 failed, 2 further passes\n"
                         "         Moved: 2.0 GiB (524288 pages), 7 pages failed\n"
                         "  Kernel moved: 524288 of the daemon's pages, 12 others: compaction 5, "
                         "numa_misplaced 7\n"
                         "  Own CPU time: 2.5 s, 1 % of one CPU\n");
}

Test(output, status_of_a_paused_daemon_in_colour) {
        cleanup_json json_object *p = json_tokener_parse(properties);
        const char *text;

        json_object_object_add(p, "State", json_object_new_string("paused"));
        json_object_object_add(p, "StateReason", json_object_new_string("paused"));
        json_object_object_add(p, "LastReloadError", json_object_new_string("a.conf:3: bad"));
        json_object_object_add(p, "PausedUntilUSec", json_object_new_uint64(1700000060000000));
        output_status(capture_file(), p, NULL, NULL, 1700000000000000, true);
        text = capture_end();
        cr_assert(strstr(text, "State: \033[1;33mpaused\033[0m (the daemon was paused)\n"), "%s",
                  text);
        cr_assert(strstr(text, "Paused until: 2023-11-14 22:14:20 UTC\n"), "%s", text);
        cr_assert(strstr(text, "Reload error: \033[1;31ma.conf:3: bad\033[0m\n"), "%s", text);
        cr_assert_null(strstr(text, "remote"), "no share of no accesses: %s", text);

        json_object_object_add(p, "PausedUntilUSec", json_object_new_uint64(UINT64_MAX));
        output_status(capture_file(), p, NULL, NULL, 0, false);
        text = capture_end();
        cr_assert(strstr(text, "Paused until: resumed\n"), "%s", text);
}

Test(output, processes) {
        cleanup_json json_object *rows = json_tokener_parse(
                "[{\"pid\":812,\"comm\":\"redis-server\",\"unit\":\"redis.service\",\"source\":"
                "\"clock\",\"score\":0.4,\"remote_share\":0.97,\"home_node\":1,\"target_node\":0,"
                "\"state\":\"moving\",\"reason\":\"move\"},"
                "{\"pid\":5,\"comm\":\"ev\\\\x1bil\",\"unit\":\"\",\"source\":\"hint\",\"score\":0,"
                "\"remote_share\":0.023,\"home_node\":-1,\"target_node\":-1,\"state\":\"watched\","
                "\"reason\":\"too-young\"}]");

        cr_assert_eq(output_processes(capture_file(), rows, false), 0);
        cr_assert_str_eq(
                capture_end(),
                "PID NAME         SCORE REMOTE HOME TARGET STATE   REASON    UNIT          SOURCE\n"
                "812 redis-server  40 %   97 %    1      0 moving  move      redis.service clock\n"
                "  5 ev\\x1bil       0 %  2.3 %    -      - watched too-young -             "
                "hint\n");
}

Test(output, why_is_wrapped) {
        cleanup_json json_object *answer = json_tokener_parse("[\"cost\",\"aaa bbb ccc  ddd\",{}]");

        output_why(capture_file(), answer, 7);
        cr_assert_str_eq(capture_end(), "cost\naaa bbb\nccc ddd\n");
}

Test(output, long_words_stay_whole) {
        output_wrapped(capture_file(), "a verylongword b", 5);
        cr_assert_str_eq(capture_end(), "a\nverylongword\nb\n");
}

Test(output, report_escapes_what_it_shows) {
        /* A minute; nothing was seen in between. */
        static const char history[] =
                "[{\"end_usec\":20000000,\"interval_usec\":10000000,\"remote\":1,\"accesses\":2,"
                "\"bytes_moved\":5},"
                "{\"end_usec\":30000000,\"interval_usec\":10000000,\"remote\":7,\"accesses\":7},"
                "{\"end_usec\":50000000,\"interval_usec\":20000000,\"accesses\":0},"
                "{\"end_usec\":70000000,\"interval_usec\":20000000,\"remote\":1,\"accesses\":4}]";
        ReportData d = {
                .now = { .properties = json_tokener_parse(properties),
                         .nodes = json_tokener_parse("[{\"node\":0,\"accesses\":[1]}]"),
                         .processes = json_tokener_parse(
                                 "[{\"pid\":1,\"comm\":\"<b>&\\\"x\",\"reason\":\"move\"}]") },
                .history = json_tokener_parse(history),
                .migrations = json_tokener_parse("[{\"comm\":\"</td><script>\"}]"),
                .now_usec = 1700000000000000,
        };
        const char *text;

        output_report(capture_file(), &d);
        text = capture_end();
        cr_assert(strstr(text, "<td class=\"t\">&lt;b&gt;&amp;&quot;x</td>"), "%s", text);
        cr_assert(strstr(text, "&lt;/td&gt;&lt;script&gt;[0]"), "%s", text);
        cr_assert(strstr(text, "d=\"M213.3,90.0h0L360.7,10.0\"/>"), "two points: %s", text);
        cr_assert(strstr(text, "d=\"M950.0,130.0h0\"/>"), "one after a gap: %s", text);
        cr_assert(strstr(text, "1 of 2 accesses remote, 5 bytes moved"), "%s", text);
        cr_assert_null(strstr(text, "nan"), "%s", text);
        daemon_data_done(&d.now);
        json_object_put(d.history);
        json_object_put(d.migrations);
}

Test(output, lists) {
        static const char *const rows[][2] = {
                { "[]", "\n" },
                { "[3]", "3\n" },
                { "[0,1]", "0-1\n" },
                { "[0,1,2,4,7,8]", "0-2,4,7-8\n" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                cleanup_json json_object *numbers = json_tokener_parse(rows[i][0]);

                output_list(capture_file(), numbers);
                cr_assert_str_eq(capture_end(), rows[i][1], "%s", rows[i][0]);
        }
}

Test(output, status_shows_moves_under_way) {
        cleanup_json json_object *p = json_tokener_parse(properties);
        cleanup_json json_object *jobs =
                json_tokener_parse("[{\"comm\":\"redis\",\"pid\":812,\"from_nodes\":\"1\",\"to_"
                                   "node\":0,\"pages_planned\":"
                                   "200,\"pages_moved\":50,\"state\":\"running\",\"passes\":2}]");
        const char *text;

        output_status(capture_file(), p, NULL, jobs, 0, false);
        text = capture_end();
        cr_assert(strstr(text, "\n[#####...............] 25 %  redis[812] node1 to node0, running, "
                               "50 of 200 pages, pass 2\n"),
                  "%s", text);
        output_progress(capture_file(), jobs, 0);
        cr_assert_str_eq(capture_end(), "and 1 more moves\n");
}

Test(output, bars) {
        char buf[OUTPUT_BAR_BYTES];

        cr_assert_str_eq(output_bar(buf, 0), "[....................]");
        cr_assert_str_eq(output_bar(buf, 0.5), "[##########..........]");
        cr_assert_str_eq(output_bar(buf, 1), "[####################]");
        cr_assert_str_eq(output_bar(buf, 7), "[####################]");
        cr_assert_str_eq(output_bar(buf, __builtin_nan("")), "[....................]");
}
