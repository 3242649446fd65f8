/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <libconfig.h>
#include <stdio.h>

#include "config/error.h"
#include "model/rules.h"

/* Bytes of a pattern; no name that it is matched against is longer. */
#define RULE_PATTERN_BYTES 4096

/* Appends the rules of the setting "rules" (a list of groups) to `rules`. -EBADMSG, -ENOMEM. */
int rules_apply(const char *path, const config_setting_t *list, Rules *rules, ConfigError *error);

/* Writes them so that they load again; nothing when there are none. */
void rules_print(FILE *f, const Rules *rules);
