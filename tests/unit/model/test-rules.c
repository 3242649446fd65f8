/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

static Rules *rules;

static void begin(void) {
        rules = rules_new();
        cr_assert_not_null(rules);
}

static void end(void) {
        rules = rules_free(rules);
}

TestSuite(rules, .init = begin, .fini = end);

/* Adds a rule; NULL keys are not asked for. */
static void add(RuleMode mode, const char *unit, const char *user, const char *comm) {
        Rule *r = &rules->rule[rules->n++];

        r->mode = mode;
        r->pattern[RULE_KEY_UNIT] = unit ? strdup(unit) : NULL;
        r->pattern[RULE_KEY_USER] = user ? strdup(user) : NULL;
        r->pattern[RULE_KEY_COMM] = comm ? strdup(comm) : NULL;
}

static unsigned match(const char *unit, const char *user, const char *comm) {
        const char *values[RULE_KEY_MAX] = {
                [RULE_KEY_UNIT] = unit,
                [RULE_KEY_USER] = user,
                [RULE_KEY_COMM] = comm,
        };

        return rules_match(rules, values);
}

Test(rules, first_match_wins) {
        add(RULE_OBSERVE, "postgresql@*.service", NULL, NULL);
        add(RULE_OFF, "postgresql@15-*", NULL, NULL);
        add(RULE_ACT, "*", NULL, NULL);
        cr_assert_eq(match("postgresql@15-main.service", "x", "y"), 1);
        cr_assert_eq(match("postgresql@15-main.scope", "x", "y"), 2);
        cr_assert_eq(match("ssh.service", "x", "y"), 3);
        cr_assert_eq(match("", "x", "y"), 3, "no unit is an empty name");
        cr_assert_eq(match(NULL, "x", "y"), 0, "what is unknown fits nothing");
}

Test(rules, all_keys_must_fit) {
        add(RULE_OFF, "a.service", "bob", "worker*");
        cr_assert_eq(match("a.service", "bob", "worker1"), 1);
        cr_assert_eq(match("b.service", "bob", "worker1"), 0);
        cr_assert_eq(match("a.service", "eve", "worker1"), 0);
        cr_assert_eq(match("a.service", "bob", "x"), 0);
        cr_assert_eq(match("a.service", "bob", NULL), 0);
}

Test(rules, none) {
        cr_assert_eq(match("a.service", "bob", "x"), 0);
        cr_assert_eq(rules_keys(rules), 0);
}

Test(rules, keys) {
        add(RULE_OFF, NULL, "bob", NULL);
        add(RULE_OFF, NULL, NULL, "x");
        cr_assert_eq(rules_keys(rules), 1u << RULE_KEY_USER | 1u << RULE_KEY_COMM);
}

/* systemd writes "dev-sda\x2d1.swap"; a person writes either. Other keys are raw only. */
Test(rules, unit_escapes) {
        add(RULE_OFF, "dev-sda-1.swap", NULL, NULL);
        add(RULE_OFF, "dev-sdb\\x2d1.swap", NULL, NULL);
        add(RULE_OFF, NULL, NULL, "a-b");
        cr_assert_eq(match("dev-sda\\x2d1.swap", NULL, NULL), 1);
        cr_assert_eq(match("dev-sda\\x2D1.swap", NULL, NULL), 1);
        cr_assert_eq(match("dev-sdb\\x2d1.swap", NULL, NULL), 2);
        cr_assert_eq(match("dev-sda\\x2", NULL, NULL), 0);
        cr_assert_eq(match("dev-sda\\x00-1.swap", NULL, NULL), 0);
        cr_assert_eq(match(NULL, NULL, "a\\x2db"), 0);
}

Test(rules, names) {
        for (int i = RULE_DEFAULT + 1; i < RULE_MODE_MAX; i++)
                cr_expect_eq(rule_mode_from_string(rule_mode_to_string((RuleMode)i)), i);
        cr_assert_eq(rule_mode_from_string("default"), -EINVAL);
        cr_assert_str_eq(rule_mode_to_string(RULE_MODE_MAX), "default");
        cr_assert_str_eq(rule_key_to_string(RULE_KEY_EXE), "exe");
        cr_assert_null(rule_key_to_string(RULE_KEY_MAX));
}

Test(rules, effective_mode) {
        cr_assert_eq(rule_mode_effective(RULE_DEFAULT, MODE_ACT), RULE_ACT);
        cr_assert_eq(rule_mode_effective(RULE_DEFAULT, MODE_OBSERVE), RULE_OBSERVE);
        cr_assert_eq(rule_mode_effective(RULE_ACT, MODE_OBSERVE), RULE_ACT);
        cr_assert_eq(rule_mode_effective(RULE_OBSERVE, MODE_ACT), RULE_OBSERVE);
        cr_assert_eq(rule_mode_effective(RULE_OFF, MODE_ACT), RULE_OFF);
}

Test(rules, free_is_null_safe) {
        cr_assert_null(rules_free(NULL));
}
