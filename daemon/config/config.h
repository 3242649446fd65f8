/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "model/settings.h"

#define CONFIG_PATH "/etc/numabalancer.conf"

/* Reads the file (and, when it is the default path or `dropins` is true, PATH.d/ *.conf) on top of
 * the defaults. *ret is written only on success. On error a negative errno and *ret_message, a
 * malloc'ed sentence with file:line, what is wrong and what is allowed:
 * -EBADMSG syntax, unknown key, wrong type, out of range; -ENOENT missing (only when required);
 * -EACCES unreadable; -EFBIG larger than 1 MiB; -ENOTSUP no regular file.
 * *ret_missing tells that the file does not exist and the defaults apply. */
int config_load(const char *path, bool required, Settings *ret, bool *ret_missing,
                char **ret_message);

/* Writes the effective configuration in libconfig syntax; what it prints loads again to the same
 * settings. */
int config_print(FILE *f, const Settings *settings);
