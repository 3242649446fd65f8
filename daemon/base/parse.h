/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Strict parsers: the whole text must be what is asked for, nothing is skipped, no locale is
 * consulted. All return 0, -EINVAL (no such thing) or -ERANGE (too large or too small), and write
 * the result only on success. */

/* Decimal digits only, at most max. */
int parse_u64(const char *s, uint64_t max, uint64_t *ret);

/* Decimal digits with an optional leading minus. */
int parse_i64(const char *s, int64_t min, int64_t max, int64_t *ret);

/* Decimal number with optional sign, fraction and exponent ("-1.5e3"). Not a number, infinity and
 * hexadecimal are refused. */
int parse_double(const char *s, double *ret);

/* "64M", "64MiB", "4096B", "0": an integer with a unit B, K, M, G, T (powers of 1024, optionally
 * followed by B or iB). Only 0 stands without a unit. */
int parse_size(const char *s, uint64_t *ret_bytes);

/* "10s", "20ms", "1min 30s", "0": integers with units ns, us, ms, s, min, h, d, added up; spaces
 * may stand between the terms. Only 0 stands without a unit. */
int parse_duration(const char *s, uint64_t *ret_ns);

/* Takes one range of a list, first <= last; a negative return ends the parse with that value. */
typedef int (*ParseRange)(unsigned first, unsigned last, void *userdata);

/* Lists of CPUs and nodes as the kernel writes them: "0-3,8,10-11", in any order; "" is the empty
 * list. One newline at the end is accepted. Numbers above max give -ERANGE. */
int parse_list(const char *s, unsigned max, ParseRange take, void *userdata);

/* The same into a bitmap: bit i of words[i / 64] is set for each member, all others cleared. The
 * array holds n_bits bits, (n_bits + 63) / 64 words. On error its content is undefined. */
int parse_list_bits(const char *s, uint64_t *words, unsigned n_bits);

static inline bool bits_has(const uint64_t *words, unsigned bit) {
        return (words[bit / 64] >> (bit % 64)) & 1;
}
