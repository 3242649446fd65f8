/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/glob.h"

#include <stddef.h>

/* End of the set that begins at "[" (behind its "]"), or NULL. A "]" right at its begin belongs to
 * the set. */
static const char *set_end(const char *p) {
        p++;
        if (*p == '!' || *p == '^')
                p++;
        if (*p == ']')
                p++;
        while (*p && *p != ']')
                p++;
        return *p ? p + 1 : NULL;
}

/* Whether the set from "[" to `end` has the byte. */
static bool set_has(const char *p, const char *end, unsigned char c) {
        bool negated, found = false;

        p++;
        negated = *p == '!' || *p == '^';
        if (negated)
                p++;
        for (end--; p < end; p++) {
                unsigned char low = (unsigned char)*p, high = low;

                if (p[1] == '-' && p + 2 < end) {
                        high = (unsigned char)p[2];
                        p += 2;
                }
                if (low <= c && c <= high)
                        found = true;
        }
        return found != negated;
}

/* Takes one element of the pattern that is no "*" against one byte; moves *pattern behind it. */
static bool take_one(const char **pattern, unsigned char c) {
        const char *p = *pattern, *end;

        if (*p == '[' && (end = set_end(p))) {
                *pattern = end;
                return set_has(p, end, c);
        }
        *pattern = p + 1;
        return *p == '?' || (unsigned char)*p == c;
}

bool glob_match(const char *pattern, const char *text) {
        const char *star = NULL, *star_text = NULL;

        /* When something does not fit, only the last "*" can help by taking one byte more: what it
         * could give back to an earlier one, it can take itself. */
        for (;;) {
                if (*pattern == '*') {
                        star = ++pattern;
                        star_text = text;
                        continue;
                }
                if (!*text)
                        return !*pattern;
                if (*pattern && take_one(&pattern, (unsigned char)*text)) {
                        text++;
                        continue;
                }
                if (!star)
                        return false;
                pattern = star;
                text = ++star_text;
        }
}
