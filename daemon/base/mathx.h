/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <math.h>
#include <stdint.h>

/* Arithmetic without surprises: saturates instead of wrapping, never divides by zero, never yields
 * NaN or infinity from finite input. */

static inline uint64_t add_sat(uint64_t a, uint64_t b) {
        uint64_t r;

        return __builtin_add_overflow(a, b, &r) ? UINT64_MAX : r;
}

static inline uint64_t sub_sat(uint64_t a, uint64_t b) {
        return a > b ? a - b : 0;
}

static inline uint64_t mul_sat(uint64_t a, uint64_t b) {
        uint64_t r;

        return __builtin_mul_overflow(a, b, &r) ? UINT64_MAX : r;
}

/* a / b, or `otherwise` when b is 0. */
static inline uint64_t div_or(uint64_t a, uint64_t b, uint64_t otherwise) {
        return b ? a / b : otherwise;
}

/* a * b / c with a 128-bit product, saturating; 0 when c is 0. */
static inline uint64_t mul_div(uint64_t a, uint64_t b, uint64_t c) {
        unsigned __int128 r;

        if (c == 0)
                return 0;
        r = (unsigned __int128)a * b / c;
        return r > UINT64_MAX ? UINT64_MAX : (uint64_t)r;
}

/* a / b, or `otherwise` when the quotient is no finite number. */
static inline double ratio_or(double a, double b, double otherwise) {
        double r;

        if (b == 0)
                return otherwise;
        r = a / b;
        return isfinite(r) ? r : otherwise;
}

static inline uint64_t clamp_u64(uint64_t value, uint64_t low, uint64_t high) {
        return value < low ? low : value > high ? high : value;
}

/* NaN becomes low. */
static inline double clamp_double(double value, double low, double high) {
        return value > high ? high : value >= low ? value : low;
}

/* Nearest uint64_t: negative and NaN become 0, too large UINT64_MAX. */
static inline uint64_t double_to_u64(double value) {
        if (!(value > 0))
                return 0;
        if (value >= 18446744073709551616.0)
                return UINT64_MAX;
        return (uint64_t)value;
}
