/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/parse.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c) {
        return c >= '0' && c <= '9';
}

/* Reads the digits at *s (at least one) and moves *s behind them. */
static int take_digits(const char **s, uint64_t *ret) {
        const char *p = *s;
        uint64_t value = 0;

        if (!is_digit(*p))
                return -EINVAL;
        for (; is_digit(*p); p++)
                if (__builtin_mul_overflow(value, (uint64_t)10, &value) ||
                    __builtin_add_overflow(value, (uint64_t)(*p - '0'), &value))
                        return -ERANGE;
        *s = p;
        *ret = value;
        return 0;
}

int parse_u64(const char *s, uint64_t max, uint64_t *ret) {
        uint64_t value;
        int r = take_digits(&s, &value);

        if (r < 0)
                return r;
        if (*s)
                return -EINVAL;
        if (value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret) {
        bool negative = *s == '-';
        uint64_t magnitude;
        int64_t value;
        int r = parse_u64(s + negative, (uint64_t)INT64_MAX + negative, &magnitude);

        if (r < 0)
                return r;
        value = negative ? (int64_t)(0 - magnitude) : (int64_t)magnitude;
        if (value < min || value > max)
                return -ERANGE;
        *ret = value;
        return 0;
}

/* strtod() also takes "nan", "inf", "0x1p3" and leading blanks, and its decimal point depends on
 * the locale; the daemon never sets one, so the point is ".". */
static bool is_decimal(const char *s) {
        bool digits = false;

        s += *s == '-' || *s == '+';
        for (; is_digit(*s); s++)
                digits = true;
        if (*s == '.')
                for (s++; is_digit(*s); s++)
                        digits = true;
        if (!digits)
                return false;
        if (*s == 'e' || *s == 'E') {
                s++;
                s += *s == '-' || *s == '+';
                if (!is_digit(*s))
                        return false;
                while (is_digit(*s))
                        s++;
        }
        return !*s;
}

int parse_double(const char *s, double *ret) {
        double value;

        if (!is_decimal(s))
                return -EINVAL;
        value = strtod(s, NULL);
        if (!isfinite(value))
                return -ERANGE;
        *ret = value;
        return 0;
}

int parse_size(const char *s, uint64_t *ret_bytes) {
        static const char units[] = "BKMGT";
        const char *unit;
        uint64_t value;
        int r = take_digits(&s, &value);

        if (r < 0)
                return r;
        if (!*s) {
                if (value != 0)
                        return -EINVAL;
                *ret_bytes = 0;
                return 0;
        }
        unit = strchr(units, *s++);
        if (!unit)
                return -EINVAL;
        if (unit != units && *s) {
                s += *s == 'i' && s[1] == 'B';
                if (*s++ != 'B')
                        return -EINVAL;
        }
        if (*s)
                return -EINVAL;
        if (__builtin_mul_overflow(value, (uint64_t)1 << (10 * (unit - units)), &value))
                return -ERANGE;
        *ret_bytes = value;
        return 0;
}

/* Reads "<digits><unit>" at *s and moves *s behind it. */
static int take_duration(const char **s, uint64_t *ret_ns) {
        static const struct {
                const char *name;
                uint64_t ns;
        } units[] = {
                { "ns", 1ull },
                { "us", 1000ull },
                { "ms", 1000000ull },
                { "s", 1000000000ull },
                { "min", 60 * 1000000000ull },
                { "h", 3600 * 1000000000ull },
                { "d", 24 * 3600 * 1000000000ull },
        };
        uint64_t value;
        size_t length = 0;
        int r = take_digits(s, &value);

        if (r < 0)
                return r;
        while ((*s)[length] >= 'a' && (*s)[length] <= 'z')
                length++;
        for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
                if (strlen(units[i].name) != length || memcmp(units[i].name, *s, length) != 0)
                        continue;
                if (__builtin_mul_overflow(value, units[i].ns, ret_ns))
                        return -ERANGE;
                *s += length;
                return 0;
        }
        return -EINVAL;
}

int parse_duration(const char *s, uint64_t *ret_ns) {
        uint64_t sum = 0, term;
        int r;

        if (strcmp(s, "0") == 0) {
                *ret_ns = 0;
                return 0;
        }
        do {
                r = take_duration(&s, &term);
                if (r < 0)
                        return r;
                if (__builtin_add_overflow(sum, term, &sum))
                        return -ERANGE;
                if (*s == ' ') {
                        while (*s == ' ')
                                s++;
                        if (!*s)
                                return -EINVAL;
                }
        } while (*s);
        *ret_ns = sum;
        return 0;
}

int parse_list(const char *s, unsigned max, ParseRange take, void *userdata) {
        uint64_t first, last;
        int r;

        if (!*s || strcmp(s, "\n") == 0)
                return 0;
        for (;;) {
                r = take_digits(&s, &first);
                if (r < 0)
                        return r;
                last = first;
                if (*s == '-') {
                        s++;
                        r = take_digits(&s, &last);
                        if (r < 0)
                                return r;
                }
                if (last < first)
                        return -EINVAL;
                if (last > max)
                        return -ERANGE;
                r = take((unsigned)first, (unsigned)last, userdata);
                if (r < 0)
                        return r;
                if (*s != ',')
                        break;
                s++;
        }
        return !*s || strcmp(s, "\n") == 0 ? 0 : -EINVAL;
}

static int set_bits(unsigned first, unsigned last, void *userdata) {
        uint64_t *words = userdata;

        for (unsigned i = first; i <= last; i++)
                words[i / 64] |= (uint64_t)1 << (i % 64);
        return 0;
}

int parse_list_bits(const char *s, uint64_t *words, unsigned n_bits) {
        if (n_bits == 0)
                return -EINVAL;
        memset(words, 0, ((size_t)n_bits + 63) / 64 * sizeof(*words));
        return parse_list(s, n_bits - 1, set_bits, words);
}
