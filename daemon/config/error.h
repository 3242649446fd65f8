/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

/* The first thing found wrong, as a sentence. */
typedef struct ConfigError {
        char *message; /* malloc'ed, NULL when there is none or no memory for it */
} ConfigError;

/* Sets the message "FILE:LINE: ..." (line 0: "FILE: ...") and returns r; keeps an earlier message.
 * Bytes that cannot be shown are escaped. */
int config_error(ConfigError *error, int r, const char *path, unsigned line, const char *format,
                 ...) __attribute__((format(printf, 5, 6)));
