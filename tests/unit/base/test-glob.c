/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/glob.h"

#include <criterion/criterion.h>
#include <fnmatch.h>
#include <stdint.h>
#include <string.h>

Test(glob, table) {
        static const struct {
                const char *pattern, *text;
                bool fits;
        } rows[] = {
                { "", "", true },
                { "", "a", false },
                { "a", "", false },
                { "*", "", true },
                { "*", "anything/at all", true },
                { "?", "", false },
                { "?", "a", true },
                { "a?c", "abc", true },
                { "a*", "abc", true },
                { "*c", "abc", true },
                { "*b", "abc", false },
                { "a*b*c", "a--b--b--c", true },
                { "a*b*c", "a--c--c", false },
                { "postgresql@*.service", "postgresql@15-main.service", true },
                { "postgresql@*.service", "postgresql@15-main.scope", false },
                { "/usr/*", "/usr/lib/x/y", true },
                { "[abc]", "b", true },
                { "[a-c]x", "bx", true },
                { "[!a-c]", "b", false },
                { "[^a-c]", "d", true },
                { "[]]", "]", true },
                { "[!]]", "]", false },
                { "[a-]", "-", true },
                { "[-a]", "-", true },
                { "[*]", "*", true },
                { "[*]", "x", false },
                { "[", "[", true },
                { "a[b", "a[b", true },
                { "[]", "[]", true },
                { "\\*", "\\anything", true },
                { "\\*", "*", false },
                { "\xff?", "\xff\xfe", true },
                { "[\x80-\xff]", "\xa0", true },
        };

        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
                cr_expect_eq(glob_match(rows[i].pattern, rows[i].text), rows[i].fits,
                             "\"%s\" \"%s\"", rows[i].pattern, rows[i].text);
}

/* The C library agrees on patterns of a small alphabet. */
Test(glob, agrees_with_fnmatch) {
        static const char alphabet[] = "ab*?[]-!";
        uint64_t random = 88172645463325252ull;
        unsigned fit = 0;

        for (int i = 0; i < 300000; i++) {
                char pattern[9] = "", text[7] = "";
                int expected;

                random ^= random << 13, random ^= random >> 7, random ^= random << 17;
                for (unsigned j = 0, n = random % 9; j < n; j++)
                        pattern[j] = alphabet[(random >> (8 + 3 * j)) % 8];
                for (unsigned j = 0, n = (random >> 36) % 7; j < n; j++)
                        text[j] = "ab]-"[(random >> (40 + 2 * j)) % 4];
                /* What a range that runs backwards or is torn means is left to each. */
                if (strchr(pattern, '[') && strchr(pattern, '-'))
                        continue;
                expected = fnmatch(pattern, text, FNM_NOESCAPE) == 0;
                fit += (unsigned)expected;
                cr_assert_eq(glob_match(pattern, text), expected, "\"%s\" \"%s\"", pattern, text);
        }
        cr_assert_gt(fit, 10000);
}

/* A pattern and a text on which fnmatch(3) would not come back. */
Test(glob, hostile_text, .timeout = 10) {
        static char text[4096];

        memset(text, 'a', sizeof(text) - 1);
        cr_assert(!glob_match("*a*a*a*a*a*a*a*a*a*a*b", text));
        text[sizeof(text) - 2] = 'b';
        cr_assert(glob_match("*a*a*a*a*a*a*a*a*a*a*b", text));
}
