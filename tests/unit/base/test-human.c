/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>

#include <math.h>

#include "base/human.h"

Test(human, sizes) {
        static const struct {
                uint64_t bytes;
                const char *text;
        } rows[] = {
                { 0, "0 B" },
                { 1023, "1023 B" },
                { 1024, "1.0 KiB" },
                { 1536, "1.5 KiB" },
                { 1048575, "1.0 MiB" },
                { 512ull << 20, "512.0 MiB" },
                { UINT64_MAX, "16.0 EiB" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                cr_assert_str_eq(HUMAN_SIZE(rows[i].bytes), rows[i].text);
}

Test(human, durations) {
        static const struct {
                uint64_t ns;
                const char *text;
        } rows[] = {
                { 0, "0 ns" },
                { 999, "999 ns" },
                { 1500, "1.5 us" },
                { 20000000, "20 ms" },
                { 999400000, "999 ms" },
                { 999600000, "1.0 s" },
                { 1900000000, "1.9 s" },
                { 9960000000, "10 s" },
                { 59999999999, "60 s" },
                { 60000000000, "1 min" },
                { 185000000000, "3 min 5 s" },
                { 7800000000000, "2 h 10 min" },
                { 356400000000000, "4 d 3 h" },
                { UINT64_MAX, "213503 d 23 h" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                cr_assert_str_eq(HUMAN_TIME(rows[i].ns), rows[i].text);
}

Test(human, shares) {
        static const struct {
                double share;
                const char *text;
        } rows[] = {
                { 0, "0 %" },       { 0.0001, "<0.1 %" }, { 0.023, "2.3 %" },
                { 0.01, "1 %" },    { 0.97, "97 %" },     { 1, "100 %" },
                { 12.5, "1250 %" }, { NAN, "unknown" },   { INFINITY, "unknown" },
        };

        for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
                cr_assert_str_eq(HUMAN_SHARE(rows[i].share), rows[i].text);
}
