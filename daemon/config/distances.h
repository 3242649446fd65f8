/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <libconfig.h>
#include <stdio.h>

#include "config/error.h"
#include "model/settings.h"

/* Takes the setting "distances", a list of rows, into settings; it replaces an earlier one, and an
 * empty list takes that back. -EBADMSG. */
int distances_apply(const char *path, const config_setting_t *list, Settings *settings,
                    ConfigError *error);

/* Writes them so that they load again; nothing when there are none. */
void distances_print(FILE *f, const Settings *settings);
