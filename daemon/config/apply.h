/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <libconfig.h>

#include "config/error.h"
#include "model/rules.h"
#include "model/settings.h"

/* Where a setting was given last, for what can only be checked at the end. */
typedef struct SettingOrigin {
        const char *path; /* NULL: the default; borrowed */
        unsigned line;
} SettingOrigin;

/* Sets everything that stands in the parsed file and appends its rules. origins has an element for
 * each of settings_infos. -EBADMSG, -ENOMEM. */
int apply_tree(const char *path, const config_setting_t *root, Settings *settings,
               SettingOrigin *origins, Rules *rules, ConfigError *error);

/* Checks settings against each other. -EBADMSG. */
int apply_check(const Settings *settings, const SettingOrigin *origins, ConfigError *error);
