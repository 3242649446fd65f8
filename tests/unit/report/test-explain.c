/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <math.h>
#include <string.h>

#include "report/explain.h"

#define SEC UINT64_C(1000000000)

static const Topology topology = { .n_nodes = 2, .node_id = { 0, 4 } };

static ProcessRow row_with(Reason reason) {
        return (ProcessRow) {
                .info = { .id = { 812, 1 },
                          .comm = "redis-server",
                          .age_ns = 3 * SEC,
                          .rss_bytes = 12 << 20,
                          .pinned_bytes = 6 << 20,
                          .locked_bytes = 4 << 10,
                          .hugetlb_bytes = 2 << 20 },
                .verdict = { .reason = reason,
                             .samples = 240,
                             .remote_share = 0.12,
                             .remote_lower = 0.083,
                             .remote_upper = 0.17,
                             .cpu_ns = 1e9,
                             .stall_ns = 20e6,
                             .score = 0.02,
                             .home_node = 1,
                             .run_node = 0,
                             .run_share = 0.6,
                             .target_node = 0,
                             .move_bytes = 512 << 20,
                             .benefit_ns = 3.2e9,
                             .cost_ns = 2e9,
                             .horizon_ns = 90 * SEC,
                             .wait_until_ns = 142 * SEC },
                .source = SOURCE_CLOCK,
        };
}

Test(explain, says_what_was_seen_decided_and_needed) {
        char buf[EXPLAIN_BYTES];
        ProcessRow row = row_with(REASON_LOW_REMOTE);

        row.verdict.observed = 0.083;
        row.verdict.threshold = 0.30;
        cr_assert_str_eq(
                explain_process(buf, sizeof buf, &row, &topology, 0),
                "redis-server[812] makes fewer remote accesses than gates.min_remote_percent. Of "
                "about 240 sampled accesses (source clock) 12 % were remote (between 8.3 % and "
                "17 % with 95 % confidence). 60 % of its CPU time is on node0; most of the memory "
                "it uses is on node4. It loses an estimated 20 ms per second to remote memory, 2 % "
                "of its CPU time. The lower bound, 8.3 %, would have to reach 30 % "
                "(gates.min_remote_percent).");
}

Test(explain, says_why_a_better_source_is_passed_over) {
        char buf[EXPLAIN_BYTES];
        ProcessRow row = row_with(REASON_LOW_REMOTE);

        row.source = SOURCE_RESIDENCY;
        row.passed_over = SOURCE_CLOCK;
        row.source_why = SOURCE_WHY_COMPAT;
        cr_expect(strstr(explain_process(buf, sizeof buf, &row, &topology, 0),
                         "The clock source would be better, but the process runs 32-bit code."),
                  "%s", buf);
}

Test(explain, each_reason_names_its_numbers) {
        static const struct {
                Reason reason;
                double observed;
                double threshold;
                const char *end;
        } rows[] = {
                { REASON_TOO_YOUNG, 3e9, 10e9,
                  "It is 3 s old and will be judged at an age of 10 s (gates.min_age)." },
                { REASON_TOO_SMALL, 12 << 20, 64 << 20,
                  "It has 12.0 MiB resident; at least 64.0 MiB are needed (gates.min_rss)." },
                { REASON_LOW_SCORE, 0.02, 0.05,
                  "It would have to lose at least 5 % (gates.min_score_percent)." },
                { REASON_LOW_STALL, 20e6, 30e6,
                  "It would have to lose at least 30 ms per second (gates.min_stall)." },
                { REASON_TOO_FEW_SAMPLES, 1, 2,
                  "1 of 2 evaluations brought samples; it has to use CPU time for longer." },
                { REASON_MOVE, 1.6, 1.5,
                  "A move of 512.0 MiB would gain about 3.2 s of CPU time over the next 1 min 30 s "
                  "and cost 2 s; its memory goes to node0." },
                { REASON_COST, 1.6, 2,
                  "and cost 2 s: 1.6 times the cost, 2.0 times are needed "
                  "(migration.benefit_ratio). That is reached in 42 s if it stays on its node." },
                { REASON_OBSERVED, 1.6, 1.5,
                  "A move of 512.0 MiB would gain about 3.2 s of CPU time over the next 1 min 30 s "
                  "and cost 2 s; its memory would go to node0." },
                { REASON_OTHER_MOVER, 1.6, 1.5,
                  "A move of 512.0 MiB would gain about 3.2 s of CPU time over the next 1 min 30 s "
                  "and cost 2 s; its memory would go to node0." },
                { REASON_MULTI_NODE, 0.6, 0.9,
                  "node0 has 60 % of its CPU time, 90 % on one node are needed; if its CPUs were "
                  "limited to one node, its memory could follow." },
                { REASON_SHARED, 0.55, 0.6,
                  "The node that uses the shared ones most makes 55 % of the accesses to them, "
                  "60 % are needed." },
                { REASON_UNSETTLED, 1, 3,
                  "It must run on one node for 3 evaluations and has for 1." },
                { REASON_COOLDOWN, 42e9, 0, "It is considered again in 42 s." },
                { REASON_GAVE_UP, 42e9, 0, "It is considered again in 42 s." },
                { REASON_NODE_BLOCKED, 42e9, 0, "It is considered again in 42 s." },
                { REASON_NODE_FULL, 2e9, 1e9,
                  "node0 would have to have 1.9 GiB available and has 953.7 MiB." },
                { REASON_NO_TARGET, 0.05, 0.1,
                  "The best node would save 5 % of its latency, 10 % are wanted." },
                { REASON_BUDGET, 4, 4, "4 of at most 4 moves are planned or under way." },
                { REASON_PINNED, 0, 0, "6.0 MiB of its 12.0 MiB resident memory are pinned." },
                { REASON_HUGETLB, 0, 0,
                  "It has 2.0 MiB in hugetlb pages; never.hugetlb = false would allow a move." },
                { REASON_LOCKED, 0, 0,
                  "It has locked 4.0 KiB; never.locked = false would allow a move." },
                { REASON_BALANCED, 0.1, 0.3,
                  "At most 10 % of its accesses are remote, from 30 % on it would be looked at "
                  "(gates.min_remote_percent)." },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
                ProcessRow row = row_with(rows[i].reason);
                char buf[EXPLAIN_BYTES];
                size_t n, m = strlen(rows[i].end);

                row.verdict.observed = rows[i].observed;
                row.verdict.threshold = rows[i].threshold;
                explain_process(buf, sizeof buf, &row, &topology, 100 * SEC);
                n = strlen(buf);
                cr_assert(n >= m && strcmp(buf + n - m, rows[i].end) == 0, "%s: %s",
                          reason_to_string(rows[i].reason), buf);
        }
}

Test(explain, regions) {
        ProcessRow row = row_with(REASON_MOVE);
        char buf[EXPLAIN_BYTES];

        row.verdict.regions = 100;
        row.verdict.regions_away = 70;
        row.verdict.regions_home = 20;
        row.verdict.regions_shared = 6;
        explain_process(buf, sizeof buf, &row, &topology, 100 * SEC);
        cr_expect(strstr(buf, "Of 100 regions (2 MiB or more) of its memory that were sampled, 70 "
                              "are used "
                              "mostly by one node and lie on another, 20 lie where they are used, "
                              "6 are used by several nodes alike"),
                  "%s", buf);
        cr_expect(strstr(buf, "each region goes to the node that uses it."), "%s", buf);
}

Test(explain, every_reason_gives_whole_sentences_that_fit) {
        for (int reason = 0; reason < REASON_MAX; reason++) {
                ProcessRow row = row_with((Reason)reason);
                char buf[EXPLAIN_BYTES];

                memset(row.info.comm, 1, COMM_BYTES - 1);
                explain_process(buf, sizeof buf, &row, &topology, 0);
                cr_assert_lt(strlen(buf), EXPLAIN_BYTES - 200);
                cr_assert_eq(buf[strlen(buf) - 1], '.', "%s", buf);
                cr_assert_null(strstr(buf, "nan"), "%s", buf);
                cr_assert_null(strstr(buf, "inf"), "%s", buf);
        }
}

Test(explain, a_daemon_that_does_not_act) {
        StatusView s = { .state = STATE_RUNNING, .state_reason = REASON_RUNNING };
        char buf[EXPLAIN_BYTES] = "It is so.";

        cr_assert_str_eq(explain_daemon(buf, sizeof buf, &s), "It is so.");
        s.state_reason = REASON_ONE_NODE;
        cr_assert_str_eq(explain_daemon(buf, sizeof buf, &s),
                         "It is so. At present the daemon has nothing to do on a machine with one "
                         "memory node.");
}

Test(explain, without_evidence_no_numbers_are_claimed) {
        ProcessRow row = { .info = { .id = { 5, 1 }, .comm = "a\tb" },
                           .verdict = { .reason = REASON_NO_EVIDENCE,
                                        .home_node = NODE_NONE,
                                        .run_node = NODE_NONE,
                                        .target_node = NODE_NONE } };
        char buf[EXPLAIN_BYTES];

        cr_assert_str_eq(explain_process(buf, sizeof buf, &row, &topology, 0),
                         "a\\x09b[5] cannot be seen by any source.");
}
