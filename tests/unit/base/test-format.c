/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/format.h"

#include <criterion/criterion.h>
#include <float.h>

#include "base/parse.h"

#define N(array) (sizeof(array) / sizeof(array[0]))

Test(format, size) {
        static const struct {
                uint64_t value;
                const char *text;
        } rows[] = {
                { 0, "0" },
                { 1, "1B" },
                { 4095, "4095B" },
                { 4096, "4K" },
                { 64ull << 20, "64M" },
                { 1536ull << 10, "1536K" },
                { 1ull << 40, "1T" },
                { UINT64_MAX, "18446744073709551615B" },
        };

        for (size_t i = 0; i < N(rows); i++) {
                char buffer[FORMAT_BYTES];
                uint64_t back = 0;

                cr_expect_str_eq(format_size(buffer, rows[i].value), rows[i].text);
                cr_expect_eq(parse_size(buffer, &back), 0, "%s", buffer);
                cr_expect_eq(back, rows[i].value, "%s", buffer);
        }
}

Test(format, duration) {
        static const struct {
                uint64_t value;
                const char *text;
        } rows[] = {
                { 0, "0" },
                { 1, "1ns" },
                { 1500, "1500ns" },
                { 20000000, "20ms" },
                { 1500000000, "1500ms" },
                { 60000000000, "1min" },
                { 90000000000, "90s" },
                { 7200000000000, "2h" },
                { 86400000000000, "1d" },
                { UINT64_MAX, "18446744073709551615ns" },
        };

        for (size_t i = 0; i < N(rows); i++) {
                char buffer[FORMAT_BYTES];
                uint64_t back = 0;

                cr_expect_str_eq(format_duration(buffer, rows[i].value), rows[i].text);
                cr_expect_eq(parse_duration(buffer, &back), 0, "%s", buffer);
                cr_expect_eq(back, rows[i].value, "%s", buffer);
        }
}

Test(format, decimal) {
        static const struct {
                double value;
                const char *text;
        } rows[] = {
                { 0, "0.0" },       { 30, "30.0" }, { 0.1, "0.1" },        { 2.5, "2.5" },
                { 1000, "1000.0" }, { -1, "-1.0" }, { 1e300, "1.0e+300" },
        };
        static const double hard[] = { 1.0 / 3, 0.1 + 0.2, DBL_MAX, DBL_MIN, DBL_EPSILON, 1e15 };

        for (size_t i = 0; i < N(rows); i++) {
                char buffer[FORMAT_BYTES];

                cr_expect_str_eq(format_double(buffer, rows[i].value), rows[i].text, "%s", buffer);
        }
        for (size_t i = 0; i < N(hard); i++) {
                char buffer[FORMAT_BYTES];
                double back = 0;

                cr_expect_eq(parse_double(format_double(buffer, hard[i]), &back), 0);
                cr_expect_eq(back, hard[i], "%s", buffer);
        }
}
