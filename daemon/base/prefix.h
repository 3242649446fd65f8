/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <string.h>

/* What follows `prefix` at the beginning of s, NULL where s does not begin with it. */
static inline const char *after_prefix(const char *s, const char *prefix) {
        size_t n = strlen(prefix);

        return strncmp(s, prefix, n) == 0 ? s + n : NULL;
}
