/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/rules.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/glob.h"

static const char *const key_names[RULE_KEY_MAX] = {
#define RULE_KEY_NAME(name, key, meaning) [RULE_KEY_##name] = key,
        RULE_KEY_TABLE(RULE_KEY_NAME)
#undef RULE_KEY_NAME
};

static const char *const mode_names[RULE_MODE_MAX] = {
        [RULE_DEFAULT] = "default",
        [RULE_ACT] = "act",
        [RULE_OBSERVE] = "observe",
        [RULE_OFF] = "off",
};

const char *rule_key_to_string(RuleKey key) {
        return (unsigned)key < RULE_KEY_MAX ? key_names[key] : NULL;
}

const char *rule_mode_to_string(RuleMode mode) {
        return mode_names[(unsigned)mode < RULE_MODE_MAX ? mode : RULE_DEFAULT];
}

int rule_mode_from_string(const char *s) {
        for (int i = RULE_DEFAULT + 1; i < RULE_MODE_MAX; i++)
                if (strcmp(s, mode_names[i]) == 0)
                        return i;
        return -EINVAL;
}

Rules *rules_new(void) {
        return calloc(1, sizeof(Rules));
}

void rule_done(Rule *rule) {
        for (int key = 0; key < RULE_KEY_MAX; key++)
                free(rule->pattern[key]);
        free(rule->path);
        *rule = (Rule) {};
}

Rules *rules_free(Rules *rules) {
        if (!rules)
                return NULL;
        for (size_t i = 0; i < rules->n; i++)
                rule_done(&rules->rule[i]);
        free(rules);
        return NULL;
}

unsigned rules_keys(const Rules *rules) {
        unsigned keys = 0;

        for (size_t i = 0; i < rules->n; i++)
                for (int key = 0; key < RULE_KEY_MAX; key++)
                        if (rules->rule[i].pattern[key])
                                keys |= 1u << key;
        return keys;
}

static int hex_value(char c) {
        return c >= '0' && c <= '9'   ? c - '0'
               : c >= 'a' && c <= 'f' ? c - 'a' + 10
               : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                      : -1;
}

/* Undoes the \xNN escapes that systemd puts into unit names; false when there are none. */
static bool unescape_unit(const char *unit, char *ret, size_t size) {
        bool any = false;
        size_t n = 0;

        for (; *unit && n + 1 < size; n++) {
                int high = -1, low = -1;

                if (unit[0] == '\\' && unit[1] == 'x') {
                        high = hex_value(unit[2]);
                        low = high >= 0 ? hex_value(unit[3]) : -1;
                }
                /* An escaped NUL would end the text. */
                if (low >= 0 && (high | low) != 0) {
                        ret[n] = (char)(high << 4 | low);
                        unit += 4;
                        any = true;
                } else
                        ret[n] = *unit++;
        }
        ret[n] = 0;
        return any;
}

static bool fits(RuleKey key, const char *pattern, const char *value) {
        char plain[UNIT_BYTES];

        if (!value)
                return false;
        if (glob_match(pattern, value))
                return true;
        return key == RULE_KEY_UNIT && unescape_unit(value, plain, sizeof(plain)) &&
               glob_match(pattern, plain);
}

static bool rule_matches(const Rule *rule, const char *const *value) {
        for (int key = 0; key < RULE_KEY_MAX; key++)
                if (rule->pattern[key] && !fits((RuleKey)key, rule->pattern[key], value[key]))
                        return false;
        return true;
}

uint16_t rules_match(const Rules *rules, const char *const value[static RULE_KEY_MAX]) {
        for (size_t i = 0; i < rules->n; i++)
                if (rule_matches(&rules->rule[i], value))
                        return (uint16_t)(i + 1);
        return 0;
}

RuleMode rule_mode_effective(RuleMode rule, Mode mode) {
        if (rule != RULE_DEFAULT)
                return rule;
        return mode == MODE_ACT ? RULE_ACT : RULE_OBSERVE;
}
