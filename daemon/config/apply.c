/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/apply.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/parse.h"
#include "config/distances.h"
#include "config/rules.h"

#define ALLOWED_BYTES 512

/* Appends ", word" or "word" and cuts what does not fit. */
static void append(char *list, const char *word) {
        size_t used = strlen(list);

        snprintf(list + used, ALLOWED_BYTES - used, "%s%s", used ? ", " : "", word);
}

/* What may stand there, in the words of the file. */
static const char *allowed_values(const SettingInfo *info, char *list) {
        char low[FORMAT_BYTES], high[FORMAT_BYTES];

        *list = 0;
        switch (info->type) {
        case SETTING_MODE:
                for (int mode = 0; mode < MODE_MAX; mode++)
                        append(list, mode_to_string((Mode)mode));
                break;
        case SETTING_METHOD:
                for (int method = 0; method < METHOD_MAX; method++)
                        append(list, method_to_string((MoveMethod)method));
                break;
        case SETTING_SOURCE:
                append(list, "auto");
                for (int source = 0; source < EVIDENCE_SOURCE_MAX; source++)
                        if (evidence_source_is_built((EvidenceSource)source))
                                append(list, evidence_source_to_string((EvidenceSource)source));
                break;
        case SETTING_BALANCING:
                for (int mode = 0; mode < BALANCING_MAX; mode++)
                        append(list, balancing_to_string((KernelBalancing)mode));
                break;
        case SETTING_BOOL:
                append(list, "true, false");
                break;
        case SETTING_UINT:
                snprintf(list, ALLOWED_BYTES, "integers from %.0f to %.0f", info->min, info->max);
                break;
        case SETTING_FLOAT:
                snprintf(list, ALLOWED_BYTES, "numbers from %g to %g", info->min, info->max);
                break;
        case SETTING_SIZE:
                snprintf(list, ALLOWED_BYTES,
                         "sizes with unit (B, K, M, G, T) from \"%s\" to \"%s\"",
                         format_size(low, (uint64_t)info->min),
                         format_size(high, (uint64_t)info->max));
                break;
        case SETTING_DURATION:
                snprintf(list, ALLOWED_BYTES,
                         "durations with unit (ns, us, ms, s, min, h, d) from \"%s\" to \"%s\"",
                         format_duration(low, (uint64_t)info->min),
                         format_duration(high, (uint64_t)info->max));
                break;
        }
        return list;
}

/* Values below are read from the tree; all return false when type or value do not fit. */

static bool take_integer(const config_setting_t *s, const SettingInfo *info, uint32_t *ret) {
        int type = config_setting_type(s);
        long long value = config_setting_get_int64(s);

        if ((type != CONFIG_TYPE_INT && type != CONFIG_TYPE_INT64) || value < 0 ||
            (double)value < info->min || (double)value > info->max)
                return false;
        *ret = (uint32_t)value;
        return true;
}

static bool take_float(const config_setting_t *s, const SettingInfo *info, double *ret) {
        int type = config_setting_type(s);
        double value;

        if (type == CONFIG_TYPE_FLOAT)
                value = config_setting_get_float(s);
        else if (type == CONFIG_TYPE_INT || type == CONFIG_TYPE_INT64)
                value = (double)config_setting_get_int64(s);
        else
                return false;
        /* False for infinity (1.0e999) too. */
        if (!(value >= info->min && value <= info->max))
                return false;
        *ret = value;
        return true;
}

static bool take_quantity(const char *text, const SettingInfo *info,
                          int (*parse)(const char *, uint64_t *), uint64_t *ret) {
        uint64_t value;

        if (!text || parse(text, &value) < 0 || value < (uint64_t)info->min ||
            value > (uint64_t)info->max)
                return false;
        *ret = value;
        return true;
}

static bool take_mode(const char *text, Mode *ret) {
        int mode = text ? mode_from_string(text) : -EINVAL;

        if (mode < 0)
                return false;
        *ret = (Mode)mode;
        return true;
}

static bool take_method(const char *text, MoveMethod *ret) {
        int method = text ? method_from_string(text) : -EINVAL;

        if (method < 0)
                return false;
        *ret = (MoveMethod)method;
        return true;
}

static bool take_source(const char *text, int *ret) {
        int source = text ? source_setting_from_string(text) : -EINVAL;

        if (source < 0 ||
            (source != SOURCE_AUTO && !evidence_source_is_built((EvidenceSource)source)))
                return false;
        *ret = source;
        return true;
}

static bool take_balancing(const char *text, KernelBalancing *ret) {
        int balancing = text ? balancing_from_string(text) : -EINVAL;

        if (balancing < 0)
                return false;
        *ret = (KernelBalancing)balancing;
        return true;
}

static bool take_bool(const config_setting_t *s, bool *ret) {
        if (config_setting_type(s) != CONFIG_TYPE_BOOL)
                return false;
        *ret = config_setting_get_bool(s) == CONFIG_TRUE;
        return true;
}

static bool take_value(const config_setting_t *s, const SettingInfo *info, void *member) {
        const char *text =
                config_setting_type(s) == CONFIG_TYPE_STRING ? config_setting_get_string(s) : NULL;

        switch (info->type) {
        case SETTING_MODE:
                return take_mode(text, member);
        case SETTING_METHOD:
                return take_method(text, member);
        case SETTING_SOURCE:
                return take_source(text, member);
        case SETTING_BALANCING:
                return take_balancing(text, member);
        case SETTING_BOOL:
                return take_bool(s, member);
        case SETTING_UINT:
                return take_integer(s, info, member);
        case SETTING_FLOAT:
                return take_float(s, info, member);
        case SETTING_SIZE:
                return take_quantity(text, info, parse_size, member);
        case SETTING_DURATION:
                return take_quantity(text, info, parse_duration, member);
        }
        return false;
}

/* The value as it stands in the file, for the message. */
static const char *describe(const config_setting_t *s, char *buffer, size_t size) {
        switch (config_setting_type(s)) {
        case CONFIG_TYPE_INT:
        case CONFIG_TYPE_INT64:
                snprintf(buffer, size, "%lld", config_setting_get_int64(s));
                break;
        case CONFIG_TYPE_FLOAT:
                snprintf(buffer, size, "%g", config_setting_get_float(s));
                break;
        case CONFIG_TYPE_BOOL:
                return config_setting_get_bool(s) ? "true" : "false";
        case CONFIG_TYPE_STRING:
                snprintf(buffer, size, "\"%s\"", config_setting_get_string(s));
                break;
        case CONFIG_TYPE_GROUP:
                return "a group";
        case CONFIG_TYPE_LIST:
                return "a list";
        default:
                return "an array";
        }
        return buffer;
}

typedef struct Tree {
        const char *path;
        Settings *settings;
        SettingOrigin *origins;
        ConfigError *error;
} Tree;

/* Whether the table has such a group; collects the names of all. */
static bool is_group(const char *name, char *names) {
        const char *last = "";
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++) {
                if (*infos[i].group && strcmp(infos[i].group, name) == 0)
                        return true;
                if (strcmp(infos[i].group, last) != 0) {
                        last = infos[i].group;
                        append(names, last);
                }
        }
        return false;
}

static int apply_setting(const Tree *tree, const config_setting_t *s, const char *group) {
        char allowed[ALLOWED_BYTES] = "", value[128];
        const char *dot = *group ? "." : "", *key = config_setting_name(s);
        unsigned line = config_setting_source_line(s);
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++) {
                if (strcmp(infos[i].group, group) != 0)
                        continue;
                if (strcmp(infos[i].key, key) != 0) {
                        append(allowed, infos[i].key);
                        continue;
                }
                if (!take_value(s, &infos[i], (char *)tree->settings + infos[i].offset))
                        return config_error(tree->error, -EBADMSG, tree->path, line,
                                            "%s%s%s: %s is not allowed; allowed are %s", group, dot,
                                            key, describe(s, value, sizeof(value)),
                                            allowed_values(&infos[i], allowed));
                tree->origins[i] = (SettingOrigin) { .path = tree->path, .line = line };
                return 0;
        }
        if (!*group) {
                is_group("", allowed);
                append(allowed, "distances");
                append(allowed, "rules");
        }
        return config_error(tree->error, -EBADMSG, tree->path, line,
                            "%s%s%s: unknown key; known are %s", group, dot, key, allowed);
}

static int apply_group(const Tree *tree, const config_setting_t *group) {
        const char *name = config_setting_name(group);

        if (!config_setting_is_group(group)) {
                char value[128];

                return config_error(tree->error, -EBADMSG, tree->path,
                                    config_setting_source_line(group),
                                    "%s: %s is not allowed; it must be a group { ... }", name,
                                    describe(group, value, sizeof(value)));
        }
        for (int i = 0; i < config_setting_length(group); i++) {
                int r = apply_setting(tree, config_setting_get_elem(group, (unsigned)i), name);

                if (r < 0)
                        return r;
        }
        return 0;
}

static bool is_top_key(const char *name) {
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++)
                if (!*infos[i].group && strcmp(infos[i].key, name) == 0)
                        return true;
        return false;
}

int apply_tree(const char *path, const config_setting_t *root, Settings *settings,
               SettingOrigin *origins, Rules *rules, ConfigError *error) {
        Tree tree = { path, settings, origins, error };

        for (int i = 0; i < config_setting_length(root); i++) {
                const config_setting_t *s = config_setting_get_elem(root, (unsigned)i);
                char groups[ALLOWED_BYTES] = "";
                int r;

                if (strcmp(config_setting_name(s), "rules") == 0)
                        r = rules_apply(path, s, rules, error);
                else if (strcmp(config_setting_name(s), "distances") == 0)
                        r = distances_apply(path, s, settings, error);
                else if (is_group(config_setting_name(s), groups))
                        r = apply_group(&tree, s);
                else if (config_setting_is_group(s) && !is_top_key(config_setting_name(s)))
                        r = config_error(error, -EBADMSG, path, config_setting_source_line(s),
                                         "%s: unknown group; known are %s", config_setting_name(s),
                                         groups);
                else
                        r = apply_setting(&tree, s, "");
                if (r < 0)
                        return r;
        }
        return 0;
}

/* The later of two origins that were given, so that the message points at a line of a file. */
static const SettingOrigin *origin_of(const SettingOrigin *origins, size_t member_offset,
                                      size_t other_offset) {
        const SettingOrigin *found = NULL;
        size_t n;
        const SettingInfo *infos = settings_infos(&n);

        for (size_t i = 0; i < n; i++)
                if (origins[i].path && (infos[i].offset == member_offset ||
                                        (infos[i].offset == other_offset && !found)))
                        found = &origins[i];
        return found;
}

/* What one setting must not be less than. */
typedef struct Order {
        const char *name, *least_name;
        size_t offset, least_offset;
        const char *(*format)(char *, uint64_t);
} Order;

static int check_order(const Order *o, const Settings *settings, const SettingOrigin *origins,
                       ConfigError *error) {
        uint64_t value = *(const uint64_t *)((const char *)settings + o->offset);
        uint64_t least = *(const uint64_t *)((const char *)settings + o->least_offset);
        const SettingOrigin *origin = origin_of(origins, o->offset, o->least_offset);
        char text[FORMAT_BYTES], least_text[FORMAT_BYTES];

        if (value >= least)
                return 0;
        return config_error(error, -EBADMSG, origin ? origin->path : "defaults",
                            origin ? origin->line : 0, "%s: \"%s\" is less than %s, \"%s\"",
                            o->name, o->format(text, value), o->least_name,
                            o->format(least_text, least));
}

int apply_check(const Settings *settings, const SettingOrigin *origins, ConfigError *error) {
        static const Order orders[] = {
                { "migration.backoff_max", "migration.backoff", offsetof(Settings, backoff_max_ns),
                  offsetof(Settings, backoff_ns), format_duration },
                { "migration.bandwidth_max", "migration.bandwidth",
                  offsetof(Settings, bandwidth_max_bytes), offsetof(Settings, bandwidth_bytes),
                  format_size },
        };

        for (size_t i = 0; i < sizeof(orders) / sizeof(orders[0]); i++) {
                int r = check_order(&orders[i], settings, origins, error);

                if (r < 0)
                        return r;
        }
        return 0;
}
