/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include "config/error.h"

#define CONFIG_BYTES_MAX (1024u * 1024u)

/* Opens and reads one file: regular, at most CONFIG_BYTES_MAX, no NUL bytes; never blocks. *ret_text
 * is malloc'ed and NUL-terminated. -ENOENT sets no message; all other errors of config_load do. */
int text_read(const char *path, char **ret_text, ConfigError *error);

/* Checks and rewrites the text so that libconfig can be trusted with it, on the same lines:
 * refuses @include (libconfig ends the process on some), comments and strings without end, NUL
 * escapes and deep nesting; appends "L" to integers beyond 32 bits, which libconfig 1.5 would wrap,
 * and saturates those beyond 64. *ret_text is malloc'ed. -EBADMSG, -ENOMEM. */
int text_prepare(const char *path, const char *text, char **ret_text, ConfigError *error);
