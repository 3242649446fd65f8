/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/escape.h"

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

static const struct {
        const char *raw;
        size_t n;
        const char *shown;
} rows[] = {
#define ROW(raw, shown)                                                                            \
        { raw, sizeof(raw) - 1, shown }
        ROW("", ""),
        ROW("plain text (1)", "plain text (1)"),
        ROW("a\nb\tc\r", "a\\x0ab\\x09c\\x0d"),
        ROW("\033[31mred", "\\x1b[31mred"),
        ROW("nul\0inside", "nul\\x00inside"),
        ROW("\\x41", "\\x5cx41"),
        ROW("\x7f", "\\x7f"),
        ROW("gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f"),
        ROW("\xe2\x82\xac \xf0\x9f\x98\x80", "\xe2\x82\xac \xf0\x9f\x98\x80"),
        /* no UTF-8: lone continuation, cut short, overlong, surrogate, beyond U+10FFFF */
        ROW("\x80", "\\x80"),
        ROW("\xc3", "\\xc3"),
        ROW("\xe2\x82", "\\xe2\\x82"),
        ROW("\xc0\xaf", "\\xc0\\xaf"),
        ROW("\xe0\x80\xaf", "\\xe0\\x80\\xaf"),
        ROW("\xed\xa0\x80", "\\xed\\xa0\\x80"),
        ROW("\xf4\x90\x80\x80", "\\xf4\\x90\\x80\\x80"),
        ROW("\xff\xfe", "\\xff\\xfe"),
        /* C1 control, right-to-left override, line separator */
        ROW("\xc2\x9b", "\\xc2\\x9b"),
        ROW("\xe2\x80\xae", "\\xe2\\x80\\xae"),
        ROW("\xe2\x80\xa8", "\\xe2\\x80\\xa8"),
};

Test(escape, table) {
        for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
                char buffer[128];
                size_t n = escape_bytes(buffer, sizeof(buffer), rows[i].raw, rows[i].n);

                cr_expect_str_eq(buffer, rows[i].shown, "row %zu: %s", i, buffer);
                cr_expect_eq(n, strlen(rows[i].shown), "row %zu", i);
                cr_expect_lt(n, ESCAPE_BYTES(rows[i].n), "row %zu", i);
        }
}

Test(escape, cuts_at_boundaries) {
        static const char raw[] = "a\033\xe2\x82\xac";
        static const char whole[] = "a\\x1b\xe2\x82\xac";
        char buffer[16];

        for (size_t size = 1; size < sizeof(buffer); size++) {
                size_t n, expected = size <= 1 ? 0 : size <= 5 ? 1 : size <= 8 ? 5 : 8;

                memset(buffer, '#', sizeof(buffer));
                n = escape_string(buffer, size, raw);
                cr_expect_eq(n, expected, "size %zu: %zu", size, n);
                cr_expect_eq(buffer[n], 0, "size %zu", size);
                cr_expect_eq(memcmp(buffer, whole, n), 0, "size %zu", size);
                for (size_t i = size; i < sizeof(buffer); i++)
                        cr_expect_eq(buffer[i], '#', "size %zu writes behind its end", size);
        }
}

Test(escape, allocated) {
        char *text = escape_text("\x01\x02");

        cr_assert_str_eq(text, "\\x01\\x02");
        free(text);
}
