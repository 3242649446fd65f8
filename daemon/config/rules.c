/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/rules.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/escape.h"
#include "base/format.h"
#include "base/parse.h"

/* The keys that a rule may have, as a person reads them. */
static const char known_keys[] =
#define RULE_KEY_WORD(name, key, meaning) key ", "
        RULE_KEY_TABLE(RULE_KEY_WORD)
#undef RULE_KEY_WORD
                "mode, bandwidth";

static int key_from_string(const char *s) {
        for (int key = 0; key < RULE_KEY_MAX; key++)
                if (strcmp(s, rule_key_to_string((RuleKey)key)) == 0)
                        return key;
        return -EINVAL;
}

static int apply_mode(const char *path, const config_setting_t *s, Rule *rule, ConfigError *error) {
        const char *text = config_setting_get_string(s);
        int mode = text ? rule_mode_from_string(text) : -EINVAL;

        if (mode < 0)
                return config_error(error, -EBADMSG, path, config_setting_source_line(s),
                                    "rules.mode: it must be \"act\", \"observe\" or \"off\"");
        rule->mode = (RuleMode)mode;
        return 0;
}

/* The same limits as migration.bandwidth. */
static const SettingInfo *bandwidth_info(void) {
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++)
                if (infos[i].offset == offsetof(Settings, bandwidth_bytes))
                        return &infos[i];
        return NULL;
}

static int apply_bandwidth(const char *path, const config_setting_t *s, Rule *rule,
                           ConfigError *error) {
        const SettingInfo *info = bandwidth_info();
        const char *text = config_setting_get_string(s);
        char least[FORMAT_BYTES], most[FORMAT_BYTES];
        uint64_t bytes;

        if (!info || !text || parse_size(text, &bytes) < 0 || bytes < (uint64_t)info->min ||
            bytes > (uint64_t)info->max)
                return config_error(
                        error, -EBADMSG, path, config_setting_source_line(s),
                        "rules.bandwidth: it must be a size with unit (B, K, M, G, T) from "
                        "\"%s\" to \"%s\"",
                        format_size(least, info ? (uint64_t)info->min : 1),
                        format_size(most, info ? (uint64_t)info->max : UINT64_MAX));
        rule->bandwidth_bytes = bytes;
        return 0;
}

static int apply_key(const char *path, const config_setting_t *s, Rule *rule, ConfigError *error) {
        const char *name = config_setting_name(s), *text;
        unsigned line = config_setting_source_line(s);
        int key;

        if (strcmp(name, "mode") == 0)
                return apply_mode(path, s, rule, error);
        if (strcmp(name, "bandwidth") == 0)
                return apply_bandwidth(path, s, rule, error);
        key = key_from_string(name);
        if (key < 0)
                return config_error(error, -EBADMSG, path, line,
                                    "rules.%s: unknown key; known are %s", name, known_keys);
        text = config_setting_get_string(s);
        if (!text || !*text || strlen(text) >= RULE_PATTERN_BYTES)
                return config_error(error, -EBADMSG, path, line,
                                    "rules.%s: it must be a shell pattern in quotes, 1 to %d bytes",
                                    name, RULE_PATTERN_BYTES - 1);
        rule->pattern[key] = strdup(text);
        return rule->pattern[key] ? 0 : -ENOMEM;
}

static int check_rule(const char *path, const Rule *rule, ConfigError *error) {
        bool any = false;

        for (int key = 0; key < RULE_KEY_MAX; key++)
                any = any || rule->pattern[key];
        if (!any)
                return config_error(error, -EBADMSG, path, rule->line,
                                    "rules: a rule without a pattern fits everything; give one or "
                                    "more of %s",
                                    known_keys);
        if (rule->mode == RULE_DEFAULT)
                return config_error(error, -EBADMSG, path, rule->line,
                                    "rules: a rule without mode; give mode = \"act\", \"observe\" "
                                    "or \"off\"");
        if (rule->mode == RULE_OFF && rule->bandwidth_bytes > 0)
                return config_error(error, -EBADMSG, path, rule->line,
                                    "rules: bandwidth has no meaning with mode = \"off\"");
        return 0;
}

static int apply_rule(const char *path, const config_setting_t *group, Rule *rule,
                      ConfigError *error) {
        rule->line = config_setting_source_line(group);
        rule->path = strdup(path);
        if (!rule->path)
                return -ENOMEM;
        if (!config_setting_is_group(group))
                return config_error(error, -EBADMSG, path, rule->line,
                                    "rules: each rule must be a group { ... }");
        for (int i = 0; i < config_setting_length(group); i++) {
                int r = apply_key(path, config_setting_get_elem(group, (unsigned)i), rule, error);

                if (r < 0)
                        return r;
        }
        return check_rule(path, rule, error);
}

int rules_apply(const char *path, const config_setting_t *list, Rules *rules, ConfigError *error) {
        if (!config_setting_is_list(list))
                return config_error(error, -EBADMSG, path, config_setting_source_line(list),
                                    "rules: it must be a list ( { ... }, { ... } )");
        for (int i = 0; i < config_setting_length(list); i++) {
                const config_setting_t *group = config_setting_get_elem(list, (unsigned)i);
                int r;

                if (rules->n == RULES_MAX)
                        return config_error(error, -EBADMSG, path,
                                            config_setting_source_line(group),
                                            "rules: more than %d rules", RULES_MAX);
                r = apply_rule(path, group, &rules->rule[rules->n++], error);
                if (r < 0)
                        return r;
        }
        return 0;
}

/* A string of libconfig: it knows \\, \" and \xNN. */
static void print_string(FILE *f, const char *s) {
        fputc('"', f);
        for (; *s; s++) {
                unsigned char c = (unsigned char)*s;

                if (c == '"' || c == '\\')
                        fprintf(f, "\\%c", c);
                else if (c < 0x20 || c >= 0x7f)
                        fprintf(f, "\\x%02x", c);
                else
                        fputc(c, f);
        }
        fputc('"', f);
}

void rules_print(FILE *f, const Rules *rules) {
        if (rules->n == 0)
                return;
        fputs("rules = (\n", f);
        for (size_t i = 0; i < rules->n; i++) {
                const Rule *rule = &rules->rule[i];
                char size[FORMAT_BYTES];
                char place[ESCAPE_BYTES(PATH_MAX)];

                fputs("        { ", f);
                for (int key = 0; key < RULE_KEY_MAX; key++) {
                        if (!rule->pattern[key])
                                continue;
                        fprintf(f, "%s = ", rule_key_to_string((RuleKey)key));
                        print_string(f, rule->pattern[key]);
                        fputs("; ", f);
                }
                escape_string(place, sizeof(place), rule->path);
                fprintf(f, "mode = \"%s\"; ", rule_mode_to_string(rule->mode));
                if (rule->bandwidth_bytes > 0)
                        fprintf(f, "bandwidth = \"%s\"; ",
                                format_size(size, rule->bandwidth_bytes));
                fprintf(f, "}%s // %s:%u\n", i + 1 < rules->n ? "," : "", place, rule->line);
        }
        fputs(");\n", f);
}
