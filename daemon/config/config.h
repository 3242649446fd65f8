/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stdio.h>

#include "model/rules.h"
#include "model/settings.h"

#define CONFIG_PATH "/etc/numabalancer.conf"

/* Reads the file and then PATH.d/ *.conf in byte order of their names, on top of the defaults; what
 * is read later wins, and a drop-in that is a link to /dev/null is passed over. Rules are not replaced
 * but gathered: those of the drop-ins come before those of the file. *ret and *ret_rules (may be NULL;
 * to be freed with rules_free) are written only on success. *ret_missing (may be NULL) tells that the file itself does not exist and the defaults
 * (with the drop-ins) apply.
 * On error a negative errno, and *ret_message is a malloc'ed sentence with file:line, what is wrong
 * and what is allowed (NULL when there is no memory for it):
 * -EBADMSG syntax, unknown key, wrong type, out of range; -ENOENT missing (only when required);
 * -EACCES unreadable; -EFBIG larger than 1 MiB; -ENOTSUP no regular file; -E2BIG too many drop-ins;
 * -ENOMEM. */
int config_load(const char *path, bool required, Settings *ret, Rules **ret_rules,
                bool *ret_missing, char **ret_message);

/* Writes the effective configuration in libconfig syntax; what it prints loads again to the same
 * settings and rules. -EIO: the stream is broken. */
int config_print(FILE *f, const Settings *settings, const Rules *rules);
