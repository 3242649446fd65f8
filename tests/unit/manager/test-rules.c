/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <string.h>
#include <unistd.h>

#include "manager/internal.h"
#include "system/process_read.h"

static Manager manager;
static ProcessInfo info;

static void begin(void) {
        cr_assert_eq(system_root_open(&manager.root, ""), 0);
        info = (ProcessInfo) {
                .id.pid = getpid(), .uid = 0, .comm = "worker", .unit = "a.service"
        };
}

static void end(void) {
        rules_free(manager.rules);
        users_free(manager.users);
        system_root_close(&manager.root);
}

TestSuite(manager_rules, .init = begin, .fini = end);

/* The mode that one rule gives to this process. */
static RuleMode match(RuleKey key, const char *pattern, RuleMode mode) {
        Rules *rules = rules_new();

        cr_assert_not_null(rules);
        rules->rule[0].pattern[key] = strdup(pattern);
        rules->rule[0].mode = mode;
        rules->rule[0].bandwidth_bytes = 12345;
        rules->n = 1;
        manager_set_rules(&manager, rules);
        manager_match_rules(&manager, &info);
        cr_assert_eq(info.rule, info.rule_mode != RULE_DEFAULT);
        cr_assert_eq(info.bandwidth_bytes, info.rule ? 12345 : 0);
        return info.rule_mode;
}

Test(manager_rules, every_key_is_read) {
        char exe[4096];

        cr_assert_eq(process_read_exe(&manager.root, getpid(), exe, sizeof(exe)), 0);
        cr_assert_eq(match(RULE_KEY_UNIT, "a.*", RULE_OFF), RULE_OFF);
        cr_assert_eq(match(RULE_KEY_UNIT, "b.*", RULE_OFF), RULE_DEFAULT);
        cr_assert_eq(match(RULE_KEY_COMM, "work*", RULE_ACT), RULE_ACT);
        cr_assert_eq(match(RULE_KEY_USER, "root", RULE_OFF), RULE_OFF);
        cr_assert_eq(match(RULE_KEY_USER, "r", RULE_OFF), RULE_DEFAULT);
        cr_assert_eq(match(RULE_KEY_EXE, exe, RULE_OBSERVE), RULE_OBSERVE);
        cr_assert_eq(match(RULE_KEY_EXE, "/nonexistent", RULE_OBSERVE), RULE_DEFAULT);
        cr_assert_eq(match(RULE_KEY_CGROUP, "/*", RULE_OFF), RULE_OFF);
        cr_assert_eq(match(RULE_KEY_CGROUP, "/nonexistent", RULE_OFF), RULE_DEFAULT);
}

Test(manager_rules, observe_option_is_stronger) {
        manager.options.observe_only = true;
        cr_assert_eq(match(RULE_KEY_COMM, "*", RULE_ACT), RULE_OBSERVE);
        cr_assert_eq(match(RULE_KEY_COMM, "*", RULE_OFF), RULE_OFF);
}

Test(manager_rules, kernel_threads_have_none) {
        info.kernel_thread = true;
        cr_assert_eq(match(RULE_KEY_COMM, "*", RULE_OFF), RULE_DEFAULT);
}
