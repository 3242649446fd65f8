/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <errno.h>
#include <math.h>
#include <string.h>

#include "report/describe.h"
#include "report/record.h"

static const Topology topology = { .n_nodes = 5, .node_id = { 0, 1, 2, 3, 8 } };

static Outcome redis(void) {
        return (Outcome) {
                .job = 3,
                .move = { .id = { 812, 4711 },
                          .comm = "redis-server",
                          .from = node_bit(1),
                          .to = 0,
                          .score = 0.4,
                          .remote_before = 0.97 },
                .state = JOB_FINISHED,
                .reason = REASON_DONE,
                .pages_moved = 131072,
                .bytes_moved = 131072 * 4096ull,
                .passes = 1,
                .started_ns = 5000000000,
                .finished_ns = 6900000000,
                .remote_after = 0.01,
        };
}

Test(describe, node_lists) {
        static const struct {
                NodeMask mask;
                const char *text;
        } rows[] = {
                { 0, "" },
                { 1, "0" },
                { 1 | 4, "0,2" },
                { 2 | 4 | 8, "1-3" },
                { 1 | 8 | 16, "0,3,8" },
                { 31, "0-3,8" },
                { (NodeMask)1 << 40, "" },
        };
        char buf[DESCRIBE_NODES_BYTES];

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                cr_assert_str_eq(describe_node_list(buf, sizeof buf, &topology, rows[i].mask),
                                 rows[i].text);
}

Test(describe, a_job_that_found_nothing_is_no_success) {
        Outcome o = redis();
        char buf[DESCRIBE_BYTES];

        o.reason = REASON_NOTHING_TO_DO;
        o.pages_moved = o.bytes_moved = 0;
        cr_assert_str_eq(describe_outcome(buf, sizeof buf, &o, &topology),
                         "found nothing to move of redis-server[812] node1 to node0");
        o.reason = REASON_UNMOVABLE;
        o.pages_failed = 1;
        describe_outcome(buf, sizeof buf, &o, &topology);
        cr_assert(strstr(buf, "1 failed"), "%s", buf);
}

Test(describe, node_lists_of_the_largest_machine_fit) {
        Topology t = { .n_nodes = NODES_MAX };
        char buf[DESCRIBE_NODES_BYTES];

        for (int i = 0; i < NODES_MAX; i++)
                t.node_id[i] = 2 * i + 800;
        describe_node_list(buf, sizeof buf, &t, ~(NodeMask)0);
        cr_assert(strstr(buf, ",926"), "%s", buf);
}

Test(describe, node_ids_out_of_range) {
        cr_assert_eq(describe_node_id(&topology, 4), 8);
        cr_assert_eq(describe_node_id(&topology, 5), -1);
        cr_assert_eq(describe_node_id(&topology, NODE_NONE), -1);
}

Test(describe, finished) {
        char buf[DESCRIBE_BYTES];
        Outcome o = redis();

        cr_assert_str_eq(describe_outcome(buf, sizeof buf, &o, &topology),
                         "moved redis-server[812] node1 to node0: 131072 pages in 1.9 s, 0 failed; "
                         "remote share 97 % to 1 %");
        o.remote_after = NAN;
        cr_assert_str_eq(describe_outcome(buf, sizeof buf, &o, &topology),
                         "moved redis-server[812] node1 to node0: 131072 pages in 1.9 s, 0 failed; "
                         "remote share 97 % before");
        o.move.remote_before = NAN;
        cr_assert_str_eq(describe_outcome(buf, sizeof buf, &o, &topology),
                         "moved redis-server[812] node1 to node0: 131072 pages in 1.9 s, 0 failed");
}

Test(describe, partly_with_the_most_frequent_error) {
        char buf[DESCRIBE_BYTES];
        Outcome o = redis();

        o.reason = REASON_PARTLY;
        o.move.from = node_bit(1) | node_bit(4);
        o.move.remote_before = NAN;
        o.pages_failed = 12;
        o.pages_retry = 3;
        o.passes = 10;
        o.failures[FAILURE_BUSY] = 3;
        o.failures[FAILURE_ACCES] = 12;
        cr_assert_str_eq(describe_outcome(buf, sizeof buf, &o, &topology),
                         "moved part of redis-server[812] nodes 1,8 to node0: 131072 pages in "
                         "1.9 s, 12 failed, 3 still busy (EACCES), 10 passes; it was moved in "
                         "part; some pages could not be moved");
}

Test(describe, kinds) {
        static const struct {
                Reason reason;
                uint64_t moved;
                MessageKind kind;
        } rows[] = {
                { REASON_DONE, 1, MESSAGE_MIGRATION_FINISHED },
                { REASON_NOTHING_TO_DO, 0, MESSAGE_MIGRATION_FINISHED },
                { REASON_PARTLY, 1, MESSAGE_MIGRATION_PARTLY },
                { REASON_PARTLY, 0, MESSAGE_MIGRATION_FAILED },
                { REASON_NO_MEMORY, 1, MESSAGE_MIGRATION_PARTLY },
                { REASON_ERROR, 0, MESSAGE_MIGRATION_FAILED },
                { REASON_PASSES_EXHAUSTED, 0, MESSAGE_MIGRATION_FAILED },
                { REASON_PROCESS_GONE, 1, MESSAGE_MIGRATION_DROPPED },
                { REASON_CANCELLED, 0, MESSAGE_MIGRATION_DROPPED },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                Outcome o = { .reason = rows[i].reason, .pages_moved = rows[i].moved };

                cr_assert_eq(describe_outcome_kind(&o), rows[i].kind, "%s, %d moved",
                             reason_to_string(o.reason), (int)o.pages_moved);
        }
}

Test(describe, errors) {
        Outcome o = { .error = -ENOMEM, .failures = { [FAILURE_BUSY] = 5 } };

        cr_assert_eq(outcome_errno(&o), ENOMEM, "of the call");
        o.error = 0;
        cr_assert_eq(outcome_errno(&o), 0, "pages that went away are no failure");
        o.pages_retry = 5;
        cr_assert_eq(outcome_errno(&o), EBUSY);
        o.failures[FAILURE_BUSY] = 0;
        o.failures[FAILURE_OTHER] = 7;
        cr_assert_eq(outcome_errno(&o), 0, "a class without a number");
}

Test(describe, hostile_names_stay_on_one_line) {
        char buf[DESCRIBE_BYTES];
        Outcome o = redis();

        memcpy(o.move.comm, "a\nb\033[2J\"\xff\xfe\x80\x81\x82\x83\x84", 15);
        describe_outcome(buf, sizeof buf, &o, &topology);
        cr_assert(strstr(buf, "a\\x0ab\\x1b[2J\"\\xff\\xfe\\x80\\x81\\x82\\x83\\x84[812]"), "%s",
                  buf);
        cr_assert_null(strchr(buf, '\n'));
}

Test(describe, would_migrate) {
        char buf[DESCRIBE_BYTES];
        Outcome o = redis();

        o.move.bytes = 512 << 20;
        o.move.benefit_ns = 3.2e9;
        o.move.cost_ns = 660e6;
        cr_assert_str_eq(
                describe_would_migrate(buf, sizeof buf, &o.move, &topology),
                "would move redis-server[812] node1 to node0: 512.0 MiB; remote share 97 %; "
                "expected gain 3.2 s of CPU time for a cost of 660 ms");
}

Test(describe, no_help) {
        char buf[DESCRIBE_BYTES];
        Outcome o = redis();

        o.remote_after = 0.95;
        o.move.remote_expected = 0.02;
        cr_assert_str_eq(describe_no_help(buf, sizeof buf, &o, &topology),
                         "the move of redis-server[812] to node0 did not help: remote share 97 % "
                         "before and 95 % after, 2 % were expected");
}

Test(describe, left_alone) {
        ProcessInfo info = { .id = { 812, 1 }, .comm = "redis-server" };
        Verdict v = { .reason = REASON_GAVE_UP, .wait_until_ns = 700000000000 };
        char buf[DESCRIBE_BYTES];

        cr_assert_str_eq(describe_left_alone(buf, sizeof buf, &info, &v, 100000000000),
                         "leaving redis-server[812] alone for 10 min: it was moved without the "
                         "promised effect and is left alone");
}

Test(describe, states) {
        char buf[DESCRIBE_BYTES];
        StatusView s = {
                .version = "1.0",
                .state = STATE_PAUSED,
                .state_reason = REASON_PAUSED,
                .source = SOURCE_HINT,
                .source_reason = "clock\nfailed",
                .node_count = 2,
        };

        cr_assert_str_eq(describe_state(buf, sizeof buf, &s), "now paused: the daemon was paused");
        cr_assert_str_eq(describe_source(buf, sizeof buf, &s),
                         "source of evidence is now hint: clock\\x0afailed");
        cr_assert_str_eq(
                describe_started(buf, sizeof buf, &s),
                "started version 1.0: mode act, 2 nodes, source hint, kernel balancing unknown");
        s.state = STATE_IDLE;
        s.state_reason = REASON_ONE_NODE;
        cr_assert_str_eq(describe_started(buf, sizeof buf, &s),
                         "started version 1.0: mode act, 2 nodes, source hint, kernel balancing "
                         "unknown; it is idle: it has nothing to do on a machine with one memory "
                         "node");
        s.source_reason = NULL;
        cr_assert_str_eq(describe_source(buf, sizeof buf, &s), "source of evidence is now hint");
}

Test(describe, short_buffers_are_respected) {
        Outcome o = redis();

        for (size_t size = 1; size < 120; size++) {
                char buf[DESCRIBE_BYTES];

                memset(buf, 'Z', sizeof buf);
                describe_outcome(buf, size, &o, &topology);
                cr_assert_lt(strlen(buf), size);
                cr_assert_eq(buf[size], 'Z', "size %zu", size);
        }
}

Test(describe, other_movers) {
        char buf[DESCRIBE_BYTES];

        cr_assert_str_eq(
                describe_other_mover(buf, sizeof buf, "nu\tmad", 7, true),
                "nu\\x09mad[7] moves memory between nodes as well: two programs that do so "
                "work against each other; stop one of them");
        cr_assert_str_eq(describe_other_mover(buf, sizeof buf, NULL, 0, false),
                         "another program no longer moves memory between nodes");
}
