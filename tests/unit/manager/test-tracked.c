/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "manager/tracked.h"

static Tracked *add(Table *t, pid_t pid, uint64_t starttime, uint64_t seen_ns) {
        ProcessId id = { pid, starttime };
        Tracked *p = NULL;

        cr_assert_eq(table_insert(t, tracked_key(id), (void **)&p), 1);
        p->id = id;
        p->seen_ns = seen_ns;
        p->resident_bytes = calloc(2, sizeof(uint64_t));
        cr_assert_not_null(p->resident_bytes);
        return p;
}

Test(tracked, a_reused_pid_is_another_process) {
        Table *t = NULL;
        Tracked *old, *new;

        cr_assert_eq(table_new(&t, 16, sizeof(Tracked)), 0);
        old = add(t, 10, 100, 5);
        new = add(t, 10, 200, 9);
        cr_assert_neq(old, new);
        cr_assert_eq(tracked_find_pid(t, 10), new, "the one seen last stands for the pid");
        cr_assert_null(tracked_find_pid(t, 11));
        tracked_free(t);
}

Test(tracked, expire_drops_only_what_was_not_seen) {
        Table *t = NULL;

        cr_assert_eq(table_new(&t, 64, sizeof(Tracked)), 0);
        for (int i = 1; i <= 40; i++)
                add(t, i, 1, (uint64_t)i);
        tracked_expire(t, 31);
        cr_assert_eq(table_count(t), 10);
        for (int i = 1; i <= 40; i++)
                cr_assert_eq(tracked_find_pid(t, i) != NULL, i >= 31, "pid %d", i);
        tracked_expire(t, UINT64_MAX);
        cr_assert_eq(table_count(t), 0);
        tracked_free(t);
}

Test(tracked, a_candidate_is_asked_again_before_its_policies_turn_unknown) {
        static const struct {
                uint64_t asked_s, now_s;
                bool candidate;
                PolicyAnswer answer;
        } rows[] = {
                { 0, 1000, true, POLICY_UNKNOWN },     { 1000, 1000, false, POLICY_HOLDS },
                { 1000, 1059, true, POLICY_HOLDS },    { 1000, 1060, true, POLICY_ASK },
                { 1000, 1060, false, POLICY_UNKNOWN },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                Tracked p = { .policy_ns = rows[i].asked_s * NSEC_PER_SEC,
                              .verdict = { .candidate = rows[i].candidate } };

                cr_expect_eq(tracked_policy(&p, rows[i].now_s * NSEC_PER_SEC), rows[i].answer,
                             "row %zu", i);
        }
}

Test(tracked, free_accepts_null) {
        cr_assert_null(tracked_free(NULL));
}
