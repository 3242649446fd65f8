/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "config/error.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/escape.h"

int config_error(ConfigError *error, int r, const char *path, unsigned line, const char *format,
                 ...) {
        cleanup_free char *words = NULL, *whole = NULL;
        va_list arguments;
        int n;

        if (error->message)
                return r;
        va_start(arguments, format);
        n = vasprintf(&words, format, arguments);
        va_end(arguments);
        if (n < 0) {
                words = NULL;
                return r;
        }
        if (line > 0)
                n = asprintf(&whole, "%s:%u: %s", path, line, words);
        else
                n = asprintf(&whole, "%s: %s", path, words);
        if (n < 0) {
                whole = NULL;
                return r;
        }
        error->message = escape_text(whole);
        return r;
}
