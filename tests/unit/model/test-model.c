/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "model/outcome.h"
#include "model/plan.h"
#include "model/reason.h"
#include "model/settings.h"
#include "model/topology.h"
#include "model/view.h"

/* Codes stand in journals and scripts: lower-case words joined by "-". */
static void check_code(const char *code) {
        size_t n = strlen(code);

        cr_expect(n > 0 && code[0] != '-' && code[n - 1] != '-', "\"%s\"", code);
        for (size_t i = 0; i < n; i++)
                cr_expect(islower((unsigned char)code[i]) || code[i] == '-', "\"%s\"", code);
}

Test(reason, table) {
        for (int i = 0; i < REASON_MAX; i++) {
                const char *code = reason_to_string((Reason)i);
                const char *sentence = reason_sentence((Reason)i);

                check_code(code);
                cr_expect_eq(reason_from_string(code), i, "\"%s\" is not unique", code);
                cr_expect(strlen(sentence) > 0 && sentence[strlen(sentence) - 1] != '.',
                          "\"%s\": full stop", sentence);
                cr_expect(islower((unsigned char)sentence[0]), "\"%s\": completes a sentence",
                          sentence);
                cr_expect_null(strstr(sentence, "  "), "\"%s\"", sentence);
        }
        cr_assert_str_eq(reason_to_string(REASON_TOO_YOUNG), "too-young");
        cr_assert_str_eq(reason_to_string((Reason)-1), "none");
        cr_assert_str_eq(reason_sentence(REASON_MAX), reason_sentence(REASON_NONE));
        cr_assert_eq(reason_from_string("no-such-reason"), -EINVAL);
        cr_assert_eq(reason_from_string(""), -EINVAL);
}

Test(names, modes_and_sources) {
        for (int i = 0; i < MODE_MAX; i++)
                cr_expect_eq(mode_from_string(mode_to_string((Mode)i)), i);
        cr_assert_eq(mode_from_string("off"), -EINVAL);
        cr_assert_str_eq(mode_to_string((Mode)99), "unknown");
        for (int i = 0; i < EVIDENCE_SOURCE_MAX; i++) {
                cr_expect_eq(
                        evidence_source_from_string(evidence_source_to_string((EvidenceSource)i)),
                        i);
                cr_expect_eq(source_setting_from_string(source_setting_to_string(i)), i);
        }
        cr_assert_eq(source_setting_from_string("auto"), SOURCE_AUTO);
        cr_assert_str_eq(source_setting_to_string(SOURCE_AUTO), "auto");
        cr_assert_eq(evidence_source_from_string("auto"), -EINVAL);
        cr_assert_str_eq(evidence_source_to_string((EvidenceSource)-1), "none");
        cr_assert(!evidence_source_is_built(SOURCE_NONE));
        cr_assert(!evidence_source_is_built(EVIDENCE_SOURCE_MAX));
        cr_assert(evidence_source_is_built(SOURCE_CLOCK));
        cr_assert(evidence_source_is_built(SOURCE_HINT));
        for (int i = 0; i < SOURCE_WHY_MAX; i++)
                check_code(source_why_to_string((SourceWhy)i));
        cr_assert_str_eq(source_why_sentence(SOURCE_WHY_MAX), source_why_sentence(SOURCE_WHY_NONE));
}

Test(names, sources_have_their_quality) {
        cr_assert_eq(evidence_source_quality(SOURCE_PEBS), 1.0);
        cr_assert_eq(evidence_source_quality(SOURCE_IBS), 1.0);
        cr_assert_eq(evidence_source_quality(SOURCE_CLOCK), 0.8);
        cr_assert_eq(evidence_source_quality(SOURCE_HINT), 0.5);
        cr_assert_eq(evidence_source_quality(SOURCE_RESIDENCY), 0.25);
        cr_assert_eq(evidence_source_quality(SOURCE_NONE), 0.0);
        cr_assert_eq(evidence_source_quality(EVIDENCE_SOURCE_MAX), 0.0);
}

Test(names, states) {
        for (int i = 0; i < DAEMON_STATE_MAX; i++)
                check_code(daemon_state_to_string((DaemonState)i));
        for (int i = 0; i < JOB_STATE_MAX; i++)
                check_code(job_state_to_string((JobState)i));
        for (int i = 0; i < PROCESS_ORDER_MAX; i++)
                cr_expect_eq(process_order_from_string(process_order_to_string((ProcessOrder)i)),
                             i);
        cr_assert_eq(process_order_from_string("size"), -EINVAL);
        cr_assert_str_eq(daemon_state_to_string(DAEMON_STATE_MAX), "unknown");
        cr_assert_str_eq(job_state_to_string(JOB_STATE_MAX), "unknown");
}

Test(failure, classes) {
        static const struct {
                int error;
                Failure failure;
                const char *name;
        } rows[] = {
                { EBUSY, FAILURE_BUSY, "EBUSY" },    { EAGAIN, FAILURE_AGAIN, "EAGAIN" },
                { ENOMEM, FAILURE_NOMEM, "ENOMEM" }, { EACCES, FAILURE_ACCES, "EACCES" },
                { ENOENT, FAILURE_NOENT, "ENOENT" }, { EFAULT, FAILURE_FAULT, "EFAULT" },
                { EIO, FAILURE_IO, "EIO" },          { EINVAL, FAILURE_INVAL, "EINVAL" },
                { ENODEV, FAILURE_NODEV, "ENODEV" }, { ESRCH, FAILURE_SRCH, "ESRCH" },
                { EPERM, FAILURE_PERM, "EPERM" },    { ENOSYS, FAILURE_OTHER, "other" },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                cr_expect_eq(failure_from_errno(rows[i].error), rows[i].failure, "%s",
                             rows[i].name);
                cr_expect_str_eq(failure_to_string(rows[i].failure), rows[i].name);
        }
        cr_assert_str_eq(failure_to_string(FAILURE_MAX), "other");
}

Test(topology, lookups) {
        Topology t = {
                .n_nodes = 3,
                .node_id = { 0, 2, 7 },
                .has_cpu = { true, true, false },
                .has_memory = { true, false, true },
        };

        cr_assert_eq(topology_index_of_id(&t, 2), 1);
        cr_assert_eq(topology_index_of_id(&t, 7), 2);
        cr_assert_eq(topology_index_of_id(&t, 1), NODE_NONE);
        cr_assert_eq(topology_index_of_id(&t, -1), NODE_NONE);
        cr_assert_eq(topology_cpu_mask(&t), 3);
        cr_assert_eq(topology_memory_mask(&t), 5);
        cr_assert(!topology_is_flat(&t));
        t.has_memory[2] = false;
        cr_assert(topology_is_flat(&t));
}

Test(topology, masks) {
        cr_assert_eq(node_bit(0), 1);
        cr_assert_eq(node_bit(63), 1ull << 63);
        cr_assert_eq(node_bit(NODE_NONE), 0);
        cr_assert_eq(node_bit(64), 0);
        cr_assert(node_mask_has(6, 2));
        cr_assert(!node_mask_has(6, 0));
        cr_assert(!node_mask_has(UINT64_MAX, NODE_NONE));
        cr_assert_eq(node_mask_count(7), 3);
        cr_assert_eq(node_mask_first(12), 2);
        cr_assert_eq(node_mask_first(0), NODE_NONE);
}

Test(settings, defaults_and_table) {
        Settings s;
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        memset(&s, 0xff, sizeof(s));
        settings_init(&s);
        cr_assert_eq(s.mode, MODE_ACT);
        cr_assert_eq(s.source, SOURCE_AUTO);
        cr_assert_eq(s.min_age_ns, 10000000000);
        cr_assert_eq(s.min_rss_bytes, 64 * 1024 * 1024);
        cr_assert_eq(s.benefit_ratio, 2.0);
        cr_assert(s.never_locked);
        for (size_t i = 0; i < n; i++) {
                cr_expect_leq(infos[i].min, infos[i].max, "%s", infos[i].key);
                cr_expect_lt(infos[i].max, 9007199254740992.0, "%s: not exact as double",
                             infos[i].key);
                /* groups stand together: the printer relies on it */
                for (size_t j = i + 1; j < n; j++) {
                        bool same = strcmp(infos[i].group, infos[j].group) == 0;

                        cr_expect(!same || strcmp(infos[i].key, infos[j].key) != 0, "%s twice",
                                  infos[i].key);
                        cr_expect(!same || strcmp(infos[j - 1].group, infos[j].group) == 0,
                                  "group %s is torn", infos[j].group);
                }
        }
}

/* Every default lies in its own range. */
Test(settings, defaults_in_range) {
        Settings s;

        settings_init(&s);
#define SETTING_RANGE(group, key, type, member, def, min, max, meaning)                            \
        cr_expect((double)s.member >= (double)(min) && (double)s.member <= (double)(max), "%s.%s", \
                  group, key);
        SETTINGS_TABLE(SETTING_RANGE)
#undef SETTING_RANGE
}

Test(plan, done_accepts_empty_and_clears) {
        Plan plan = {};

        plan_done(&plan);
        plan.verdicts = calloc(4, sizeof(*plan.verdicts));
        plan.moves = calloc(4, sizeof(*plan.moves));
        plan.n_moves = plan.moves_allocated = 4;
        plan_done(&plan);
        cr_assert_null(plan.moves);
        cr_assert_eq(plan.n_moves + plan.moves_allocated, 0);
}
