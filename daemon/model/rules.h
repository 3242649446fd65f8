/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "model/process.h"
#include "model/settings.h"

/* Rules of the configuration: which processes are treated otherwise than `mode` says. */

/* More would be slow to match and hard to understand. */
#define RULES_MAX 256

/* What a rule looks at. RULE_KEY(NAME, "key", "meaning"). */
#define RULE_KEY_TABLE(RULE_KEY)                                                                   \
        RULE_KEY(UNIT, "unit", "systemd unit, with or without \\x2d escapes undone")               \
        RULE_KEY(CGROUP, "cgroup", "path of the control group")                                    \
        RULE_KEY(USER, "user", "name of the real user, or the number of one without a name")       \
        RULE_KEY(EXE, "exe", "path of the program")                                                \
        RULE_KEY(COMM, "comm", "command name, which a process can choose itself")

typedef enum RuleKey {
#define RULE_KEY_ENUM(name, key, meaning) RULE_KEY_##name,
        RULE_KEY_TABLE(RULE_KEY_ENUM)
#undef RULE_KEY_ENUM
                RULE_KEY_MAX,
} RuleKey;

/* "unit" ...; NULL for values out of range. */
const char *rule_key_to_string(RuleKey key);

/* "default", "act", "observe", "off"; from_string knows the last three, else -EINVAL. */
const char *rule_mode_to_string(RuleMode mode);
int rule_mode_from_string(const char *s);

typedef struct Rule {
        char *pattern[RULE_KEY_MAX]; /* shell patterns (base/glob.h), NULL: not asked for */
        RuleMode mode;
        uint64_t bandwidth_bytes; /* per second, instead of migration.bandwidth; 0: not given */
        unsigned line;
        char *path; /* of the file that has it, for messages */
} Rule;

/* In order of precedence. */
typedef struct Rules {
        Rule rule[RULES_MAX];
        size_t n;
} Rules;

/* Zeroed; NULL: no memory. */
Rules *rules_new(void);
Rules *rules_free(Rules *rules); /* NULL-safe, returns NULL */

/* Frees what a rule holds and zeroes it. */
void rule_done(Rule *rule);

/* Which keys some rule asks for: bit 1 << RuleKey. Reading the others can be saved. */
unsigned rules_keys(const Rules *rules);

/* Number (from 1) of the first rule whose patterns all fit, or 0. value[key] NULL: unknown, which
 * fits no pattern. Values are raw bytes. */
uint16_t rules_match(const Rules *rules, const char *const value[static RULE_KEY_MAX]);

/* What counts for a process: its rule if it has one, else the mode of all. RULE_OFF: nothing is done
 * (REASON_RULE), RULE_OBSERVE: it is judged but not moved. Never RULE_DEFAULT. */
RuleMode rule_mode_effective(RuleMode rule, Mode mode);
