/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fuzz.h"

#include <math.h>
#include <string.h>

#include "base/escape.h"
#include "base/format.h"
#include "base/glob.h"
#include "base/parse.h"

static void check_escape(const uint8_t *data, size_t size) {
        char small[32], *large = malloc(ESCAPE_BYTES(size));
        size_t n = escape_bytes(large, ESCAPE_BYTES(size), data, size);
        size_t m = escape_bytes(small, sizeof(small), data, size);

        FUZZ_CHECK(strlen(large) == n && n >= size - (size_t)0 && n < ESCAPE_BYTES(size));
        FUZZ_CHECK(strlen(small) == m && m < sizeof(small) && memcmp(small, large, m) == 0);
        for (size_t i = 0; i < n; i++)
                FUZZ_CHECK((unsigned char)large[i] >= 0x20 && large[i] != 0x7f);
        free(large);
}

/* What parses is printed so that it parses to the same. */
static void check_numbers(const char *text) {
        char buffer[FORMAT_BYTES];
        uint64_t value, again;
        double d, d_again;

        if (parse_size(text, &value) == 0)
                FUZZ_CHECK(parse_size(format_size(buffer, value), &again) == 0 && again == value);
        if (parse_duration(text, &value) == 0)
                FUZZ_CHECK(parse_duration(format_duration(buffer, value), &again) == 0 &&
                           again == value);
        if (parse_double(text, &d) == 0)
                FUZZ_CHECK(isfinite(d) && parse_double(format_double(buffer, d), &d_again) == 0 &&
                           d_again == d);
        if (parse_u64(text, 1000, &value) == 0)
                FUZZ_CHECK(value <= 1000);
}

static int count_bits(unsigned first, unsigned last, void *userdata) {
        FUZZ_CHECK(first <= last && last <= 200);
        (void)userdata;
        return 0;
}

static void run(const uint8_t *data, size_t size) {
        char *text = fuzz_string(data, size), *half;
        uint64_t words[4] = { 0, 0, 0, 0x5555 };

        check_escape(data, size);
        check_numbers(text);
        parse_list(text, 200, count_bits, NULL);
        parse_list_bits(text, words, 192);
        FUZZ_CHECK(words[3] == 0x5555);
        /* first half a pattern, second half a text */
        half = fuzz_string(data + size / 2, size - size / 2);
        text[strlen(text) / 2] = 0;
        glob_match(text, half);
        glob_match(half, text);
        FUZZ_CHECK(glob_match("*", text));
        free(half);
        free(text);
}

static const char *const seeds[] = {
        "64M",
        "1min 30s",
        "-1.5e3",
        "0-3,8,10-11\n",
        "[a-z]*?xa*b[!c]yyb",
        "gr\xc3\xbc\xc3\x9f \xe2\x82\xac",
        NULL,
};

static const char *const tokens[] = {
        "K",
        "MiB",
        "ns",
        "us",
        "ms",
        "min",
        "h",
        "d",
        " ",
        "-",
        ",",
        "*",
        "[",
        "]",
        "!",
        "?",
        ".",
        "e",
        "\xf0\x9f\x98\x80",
        "\xed\xa0\x80",
        "\x1b",
        "\\",
        NULL,
};

const FuzzTarget fuzz_parse = { "parse", run, seeds, tokens };
