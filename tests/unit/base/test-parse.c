/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <criterion/criterion.h>
#include <errno.h>
#include <string.h>

#define N(array) (sizeof(array) / sizeof(array[0]))

typedef struct Row {
        const char *text;
        int result;
        uint64_t value;
} Row;

/* Runs a table; the marker shows that nothing is written on failure. */
static void run_rows(const Row *rows, size_t n, int (*parse)(const char *, uint64_t *)) {
        const uint64_t marker = 0x5555aaaa5555aaaaull;

        for (size_t i = 0; i < n; i++) {
                uint64_t value = marker;
                int r = parse(rows[i].text, &value);

                cr_expect_eq(r, rows[i].result, "\"%s\": result %d, expected %d", rows[i].text, r,
                             rows[i].result);
                cr_expect_eq(value, r < 0 ? marker : rows[i].value, "\"%s\": value %llu",
                             rows[i].text, (unsigned long long)value);
        }
}

static int parse_any_u64(const char *s, uint64_t *ret) {
        return parse_u64(s, UINT64_MAX, ret);
}

Test(parse, u64) {
        static const Row rows[] = {
                { "0", 0, 0 },
                { "007", 0, 7 },
                { "18446744073709551615", 0, UINT64_MAX },
                { "18446744073709551616", -ERANGE, 0 },
                { "99999999999999999999999", -ERANGE, 0 },
                { "", -EINVAL, 0 },
                { "-1", -EINVAL, 0 },
                { "+1", -EINVAL, 0 },
                { " 1", -EINVAL, 0 },
                { "1 ", -EINVAL, 0 },
                { "1\n", -EINVAL, 0 },
                { "0x10", -EINVAL, 0 },
                { "1e3", -EINVAL, 0 },
        };
        uint64_t value = 1;

        run_rows(rows, N(rows), parse_any_u64);
        cr_assert_eq(parse_u64("101", 100, &value), -ERANGE);
        cr_assert_eq(parse_u64("100", 100, &value), 0);
        cr_assert_eq(value, 100);
}

Test(parse, i64) {
        int64_t value = 1;

        cr_assert_eq(parse_i64("-9223372036854775808", INT64_MIN, INT64_MAX, &value), 0);
        cr_assert_eq(value, INT64_MIN);
        cr_assert_eq(parse_i64("9223372036854775807", INT64_MIN, INT64_MAX, &value), 0);
        cr_assert_eq(value, INT64_MAX);
        cr_assert_eq(parse_i64("9223372036854775808", INT64_MIN, INT64_MAX, &value), -ERANGE);
        cr_assert_eq(parse_i64("-9223372036854775809", INT64_MIN, INT64_MAX, &value), -ERANGE);
        cr_assert_eq(parse_i64("--1", INT64_MIN, INT64_MAX, &value), -EINVAL);
        cr_assert_eq(parse_i64("-", INT64_MIN, INT64_MAX, &value), -EINVAL);
        cr_assert_eq(parse_i64("-1", 0, 10, &value), -ERANGE);
        cr_assert_eq(value, INT64_MAX, "failures write nothing");
}

Test(parse, decimal) {
        static const struct {
                const char *text;
                int result;
                double value;
        } rows[] = {
                { "0", 0, 0 },         { "-1.5e3", 0, -1500 }, { ".5", 0, 0.5 },
                { "5.", 0, 5 },        { "+2", 0, 2 },         { "1e999", -ERANGE, 0 },
                { "nan", -EINVAL, 0 }, { "inf", -EINVAL, 0 },  { "-infinity", -EINVAL, 0 },
                { "0x1", -EINVAL, 0 }, { ".", -EINVAL, 0 },    { "1e", -EINVAL, 0 },
                { "", -EINVAL, 0 },    { " 1", -EINVAL, 0 },   { "1 ", -EINVAL, 0 },
                { "1,5", -EINVAL, 0 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                double value = 42;

                cr_expect_eq(parse_double(rows[i].text, &value), rows[i].result, "\"%s\"",
                             rows[i].text);
                cr_expect_eq(value, rows[i].result < 0 ? 42 : rows[i].value, "\"%s\"",
                             rows[i].text);
        }
}

Test(parse, size) {
        static const Row rows[] = {
                { "0", 0, 0 },
                { "0M", 0, 0 },
                { "4096B", 0, 4096 },
                { "64M", 0, 64ull << 20 },
                { "64MB", 0, 64ull << 20 },
                { "64MiB", 0, 64ull << 20 },
                { "1K", 0, 1024 },
                { "3G", 0, 3ull << 30 },
                { "2T", 0, 2ull << 40 },
                { "16777215T", 0, 16777215ull << 40 },
                { "16777216T", -ERANGE, 0 },
                { "18446744073709551616B", -ERANGE, 0 },
                { "64", -EINVAL, 0 },
                { "64m", -EINVAL, 0 },
                { "64Mi", -EINVAL, 0 },
                { "64MBB", -EINVAL, 0 },
                { "64BB", -EINVAL, 0 },
                { "64BiB", -EINVAL, 0 },
                { "64 M", -EINVAL, 0 },
                { "M", -EINVAL, 0 },
                { "-1M", -EINVAL, 0 },
                { "1.5G", -EINVAL, 0 },
                { "", -EINVAL, 0 },
        };

        run_rows(rows, N(rows), parse_size);
}

Test(parse, duration) {
        static const Row rows[] = {
                { "0", 0, 0 },
                { "0s", 0, 0 },
                { "1ns", 0, 1 },
                { "500us", 0, 500000 },
                { "20ms", 0, 20000000 },
                { "10s", 0, 10000000000 },
                { "5min", 0, 300000000000 },
                { "1h", 0, 3600000000000 },
                { "1d", 0, 86400000000000 },
                { "1min 30s", 0, 90000000000 },
                { "1min30s", 0, 90000000000 },
                { "10", -EINVAL, 0 },
                { "10 s", -EINVAL, 0 },
                { "10s ", -EINVAL, 0 },
                { " 10s", -EINVAL, 0 },
                { "10m", -EINVAL, 0 },
                { "10sec", -EINVAL, 0 },
                { "1.5s", -EINVAL, 0 },
                { "-1s", -EINVAL, 0 },
                { "s", -EINVAL, 0 },
                { "", -EINVAL, 0 },
                { "99999999999999d", -ERANGE, 0 },
                { "18446744073709551615ns 1ns", -ERANGE, 0 },
        };

        run_rows(rows, N(rows), parse_duration);
}

Test(parse, list) {
        static const struct {
                const char *text;
                int result;
                uint64_t bits;
        } rows[] = {
                { "", 0, 0 },
                { "\n", 0, 0 },
                { "0", 0, 1 },
                { "0-3,8,10-11\n", 0, 0xd0f },
                { "8,0-3", 0, 0x10f },
                { "63", 0, 1ull << 63 },
                { "0-63", 0, UINT64_MAX },
                { "64", -ERANGE, 0 },
                { "0-4294967296", -ERANGE, 0 },
                { "99999999999999999999", -ERANGE, 0 },
                { "3-0", -EINVAL, 0 },
                { "0,", -EINVAL, 0 },
                { ",0", -EINVAL, 0 },
                { "0--1", -EINVAL, 0 },
                { "0-", -EINVAL, 0 },
                { "0 1", -EINVAL, 0 },
                { "0\n\n", -EINVAL, 0 },
                { "a", -EINVAL, 0 },
        };

        for (size_t i = 0; i < N(rows); i++) {
                uint64_t bits = 7;
                int r = parse_list_bits(rows[i].text, &bits, 64);

                cr_expect_eq(r, rows[i].result, "\"%s\": %d", rows[i].text, r);
                if (r == 0)
                        cr_expect_eq(bits, rows[i].bits, "\"%s\": %llx", rows[i].text,
                                     (unsigned long long)bits);
        }
}

static int refuse_second(unsigned first, unsigned last, void *userdata) {
        unsigned *calls = userdata;

        return ++*calls == 2 ? -E2BIG : 0;
}

Test(parse, list_stops_when_told) {
        unsigned calls = 0;

        cr_assert_eq(parse_list("0,1,2", 9, refuse_second, &calls), -E2BIG);
        cr_assert_eq(calls, 2);
}

Test(parse, list_over_words) {
        uint64_t words[3];

        cr_assert_eq(parse_list_bits("60-70,128", words, 129), 0);
        cr_assert(bits_has(words, 60) && bits_has(words, 64) && bits_has(words, 70));
        cr_assert(!bits_has(words, 59) && !bits_has(words, 71));
        cr_assert(bits_has(words, 128));
        cr_assert_eq(parse_list_bits("129", words, 129), -ERANGE);
}
