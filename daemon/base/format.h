/* SPDX-License-Identifier: GPL-2.0-or-later */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* Text forms that the parsers of base/parse.h read back to exactly the same value. Each fills
 * buffer (of FORMAT_BYTES) and returns it. */
#define FORMAT_BYTES 32

/* "64M", "1536K", "4095B", "0": the largest unit without a fraction. */
const char *format_size(char buffer[static FORMAT_BYTES], uint64_t bytes);

/* "10s", "1500ms", "5min", "0": the largest unit (d, h, min, s, ms, us, ns) without a fraction. */
const char *format_duration(char buffer[static FORMAT_BYTES], uint64_t ns);

/* "30.0", "0.1", "1.0e+300": the shortest decimal form, always with a point. The value must be
 * finite. */
const char *format_double(char buffer[static FORMAT_BYTES], double value);
