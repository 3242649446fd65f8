/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "model/settings.h"

#include <errno.h>
#include <string.h>

static const char *const mode_names[MODE_MAX] = {
        [MODE_ACT] = "act",
        [MODE_OBSERVE] = "observe",
};

const char *mode_to_string(Mode mode) {
        return (unsigned)mode < MODE_MAX ? mode_names[mode] : "unknown";
}

int mode_from_string(const char *s) {
        for (int i = 0; i < MODE_MAX; i++)
                if (strcmp(s, mode_names[i]) == 0)
                        return i;
        return -EINVAL;
}

static const char *const method_names[METHOD_MAX] = {
        [METHOD_AUTO] = "auto",
        [METHOD_MOVE_PAGES] = "move_pages",
        [METHOD_MIGRATE_PAGES] = "migrate_pages",
};

const char *method_to_string(MoveMethod method) {
        return (unsigned)method < METHOD_MAX ? method_names[method] : "unknown";
}

int method_from_string(const char *s) {
        for (int i = 0; i < METHOD_MAX; i++)
                if (strcmp(s, method_names[i]) == 0)
                        return i;
        return -EINVAL;
}

static const char *const balancing_names[BALANCING_MAX] = {
        [BALANCING_LEAVE] = "leave",
        [BALANCING_OFF] = "off",
        [BALANCING_SAMPLE] = "sample",
};

const char *balancing_to_string(KernelBalancing balancing) {
        return (unsigned)balancing < BALANCING_MAX ? balancing_names[balancing] : "unknown";
}

int balancing_from_string(const char *s) {
        for (int i = 0; i < BALANCING_MAX; i++)
                if (strcmp(s, balancing_names[i]) == 0)
                        return i;
        return -EINVAL;
}

const char *source_setting_to_string(int source) {
        return source == SOURCE_AUTO ? "auto" : evidence_source_to_string((EvidenceSource)source);
}

int source_setting_from_string(const char *s) {
        return strcmp(s, "auto") == 0 ? SOURCE_AUTO : evidence_source_from_string(s);
}

void settings_init(Settings *s) {
        *s = (Settings) {
#define SETTING_DEFAULT(group, key, type, member, def, min, max, meaning) .member = def,
                SETTINGS_TABLE(SETTING_DEFAULT)
#undef SETTING_DEFAULT
        };
}

static const SettingInfo infos[] = {
#define SETTING_INFO(group_, key_, type_, member, def, min_, max_, meaning_)                       \
        {                                                                                          \
                .group = group_,                                                                   \
                .key = key_,                                                                       \
                .type = SETTING_##type_,                                                           \
                .offset = offsetof(Settings, member),                                              \
                .min = (double)(min_),                                                             \
                .max = (double)(max_),                                                             \
                .meaning = meaning_,                                                               \
        },
        SETTINGS_TABLE(SETTING_INFO)
#undef SETTING_INFO
};

const SettingInfo *settings_infos(size_t *ret_n) {
        *ret_n = sizeof(infos) / sizeof(infos[0]);
        return infos;
}
